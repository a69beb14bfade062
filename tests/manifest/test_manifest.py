import json
import os
import re
import tomllib
import zlib
from dataclasses import replace
from pathlib import Path
from struct import unpack
from zipfile import ZipFile

import pytest
from jsonschema import Draft4Validator

import handlers
from cards.text import ENGLISH as TEXTS
from manifest import build as building
from manifest import icons
from manifest.build import Developer, ManifestError, build, command_lists, from_environment, main

ROOT = Path(__file__).resolve().parents[2]
BOT = "1B4E28BA-2fa1-4d2e-883f-0016d3cca427"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WHITE, CLEAR, OPAQUE = (255, 255, 255), 0, 255
versions = pytest.mark.parametrize("version", building.SCHEMAS)


@pytest.fixture
def schema():
    """The stored schema of Teams manifests, from SHARED_DIR or beside the checkout."""
    folder = Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared") / "reference" / "schemas"
    path = folder / "teams-manifest-1.29.schema.json"
    if not path.is_file():
        assert os.environ.get("CI") != "true", "CI must have the schema of Teams manifests: set SHARED_DIR"
        pytest.skip(
            "the schema of Teams manifests is not here; set SHARED_DIR to the folder that holds reference/schemas"
        )
    return Draft4Validator(json.loads(path.read_text(encoding="utf-8")))


def made(tmp_path, **given):
    """The manifest of a package built with that."""
    with ZipFile(build(bot_id=BOT, out=tmp_path / "app.zip", **given)) as package:
        return json.loads(package.read("manifest.json"))


def strings(value):
    """Every text in the manifest."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for inner in value for text in strings(inner)]
    return [value] if isinstance(value, str) else []


def test_the_manifest_follows_the_schema(schema, tmp_path):
    """The newest manifest has nothing that Microsoft's schema refuses."""
    assert [error.message for error in schema.iter_errors(made(tmp_path))] == []


def test_the_schema_refuses_what_is_wrong(schema, tmp_path):
    """The check can fail: an unknown property, a scope in the wrong case and a long name are each refused."""
    good = made(tmp_path)
    assert list(schema.iter_errors(good | {"packageName": "x"}))
    assert list(schema.iter_errors(good | {"name": {"short": "x" * 31, "full": "x"}}))
    assert list(schema.iter_errors(good | {"bots": [good["bots"][0] | {"scopes": ["groupchat"]}]}))


@versions
def test_the_version_of_the_schema_is_named_twice(tmp_path, version):
    """`$schema` and `manifestVersion` name the same version, and nothing else differs between the versions."""
    manifest = made(tmp_path, version=version)
    assert manifest.pop("manifestVersion") == version
    assert manifest.pop("$schema").split("/")[-2] == f"v{version}"
    newest = made(tmp_path)
    assert manifest == {name: newest[name] for name in newest if name not in ("manifestVersion", "$schema")}


@versions
def test_nothing_is_promised_that_the_bot_does_not_do(tmp_path, version):
    """No targeted messages, no slash triggers, no prompts: Teams would offer them and the bot fail them."""
    text = json.dumps(made(tmp_path, version=version))
    for name in ("supportsTargetedMessages", "triggers", "prompt", "webApplicationInfo", "authorization"):
        assert f'"{name}"' not in text


def test_files_are_handed_over(tmp_path):
    """The bot offers files in personal chats, which Teams allows only where the manifest says so (section 7.4)."""
    assert made(tmp_path)["bots"][0]["supportsFiles"] is True


def test_shared_channels_are_supported(tmp_path):
    """The app may be added to private and shared channels; the bot checks each person's own tenant."""
    assert made(tmp_path)["supportsChannelFeatures"] == "tier1"


def test_every_place_is_filled(tmp_path):
    """No {{place}} of the template is left, and none of its values is empty."""
    manifest = made(tmp_path)
    assert not [text for text in strings(manifest) if "{{" in text or "}}" in text or not text.strip()]


def test_ids_are_guids_of_two_kinds(tmp_path):
    """The bot's id is the app registration's, the app's id another GUID, the same in each build; one's own is taken."""
    first, second = made(tmp_path), made(tmp_path)
    assert first["bots"][0]["botId"] == BOT.lower()
    assert GUID.fullmatch(first["id"])
    assert first["id"] not in (BOT.lower(), "")
    assert first["id"] == second["id"]
    own = "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"
    assert made(tmp_path, app_id=own)["id"] == own


def test_the_version_is_the_projects(tmp_path):
    """The app's version is that of pyproject.toml, in the form x.y.z without leading zeros."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = made(tmp_path)["version"]
    assert version == project["version"]
    assert re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version)


def test_commands_are_those_registered_for_the_menu(tmp_path):
    """Each scope has one list, of exactly the commands with menu=True, with the slash, in the registry's order."""
    (bot,) = made(tmp_path)["bots"]
    assert [entry["scopes"] for entry in bot["commandLists"]] == [["team"], ["personal"], ["groupChat"]]
    assert bot["scopes"] == ["team", "personal", "groupChat"]
    wanted = [f"/{command.name}" for command in handlers.COMMANDS if command.menu]
    for entry in bot["commandLists"]:
        assert [command["title"] for command in entry["commands"]] == wanted


def test_a_menu_entry_says_what_it_does_and_how(tmp_path):
    """A description is the summary as a sentence, then the form where there is more than the name."""
    (bot,) = made(tmp_path)["bots"]
    described = {entry["title"]: entry["description"] for entry in bot["commandLists"][0]["commands"]}
    for command in handlers.COMMANDS:
        if command.menu:
            text = described[f"/{command.name}"]
            assert text[1:].startswith(TEXTS[f"help.{command.name}.summary"][1:])
            assert text[0].isupper()
            assert text.endswith((f": {command.usage}", "."))
            assert len(text) <= 4000
            assert len(command.name) < 128
    assert described["/isolate"].endswith(": /isolate DEVICE [full|selective] REASON")
    assert described["/whoami"].endswith("may do.")


def test_a_thirteenth_command_is_refused():
    """Teams takes twelve; which one gives way is for a person to say."""
    (command, *_) = [command for command in handlers.COMMANDS if command.menu]
    assert len(command_lists([command] * 12)[0]["commands"]) == 12
    with pytest.raises(ManifestError, match="13 commands"):
        command_lists([command] * 13)


def test_texts_are_as_long_as_teams_takes(tmp_path):
    """Names and descriptions keep to the lengths of the reference, whatever the schema's copy says."""
    manifest = made(tmp_path)
    assert len(manifest["name"]["short"]) <= 30
    assert len(manifest["name"]["full"]) <= 100
    assert len(manifest["description"]["short"]) <= 80
    assert len(manifest["description"]["full"]) <= 4000
    assert len(manifest["developer"]["name"]) <= 32


def test_the_package_has_its_files_at_the_root(tmp_path):
    """The zip holds the manifest and the icons it names, in no folder."""
    with ZipFile(build(bot_id=BOT, out=tmp_path / "new" / "app.zip")) as package:
        icon_names = json.loads(package.read("manifest.json"))["icons"]
        assert set(package.namelist()) == {"manifest.json", *icon_names.values()}
        assert package.read("color.png") == (ROOT / "manifest/color.png").read_bytes()
        assert package.testzip() is None


def test_the_same_input_gives_the_same_bytes(tmp_path):
    """Two builds do not differ by a byte, so that a new package means a change; another id is one."""
    first = build(bot_id=BOT, out=tmp_path / "a.zip").read_bytes()
    assert build(bot_id=BOT, out=tmp_path / "b.zip").read_bytes() == first
    assert build(bot_id=BOT.replace("1", "2"), out=tmp_path / "c.zip").read_bytes() != first


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "APP_ID is missing"),
        ({"APP_ID": "  "}, "APP_ID is missing"),
        ({"APP_ID": "watchkeeper"}, "APP_ID must look like"),
        ({"APP_ID": BOT + "0"}, "APP_ID must look like"),
        ({"APP_ID": BOT, "TEAMS_APP_ID": "x"}, "TEAMS_APP_ID must look like"),
        ({"APP_ID": BOT, "VERSION": "1.0"}, "VERSION must be 1.29 or 1.25"),
        ({"APP_ID": BOT, "DEVELOPER_NAME": "x" * 33}, "DEVELOPER_NAME is too long"),
        ({"APP_ID": BOT, "DEVELOPER_URL": "http://me.example"}, "DEVELOPER_URL must be"),
        ({"APP_ID": BOT, "PRIVACY_URL": "me.example"}, "PRIVACY_URL must be"),
        ({"APP_ID": BOT, "TERMS_URL": "https:///x"}, "TERMS_URL must be"),
    ],
)
def test_a_bad_setting_is_one_clear_line(tmp_path, environ, words):
    """What is missing or malformed is named in one line, and no package is written."""
    with pytest.raises(ManifestError, match=words) as caught:
        from_environment(environ, tmp_path / "app.zip")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_environment_reaches_the_manifest(tmp_path):
    """Each variable ends where it belongs."""
    own = Developer(name="Contoso", website="https://a.example", privacy="https://b.example", terms="https://c.example")
    path = from_environment(
        {
            "APP_ID": BOT,
            "TEAMS_APP_ID": "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d",
            "VERSION": "1.25",
            "DEVELOPER_NAME": own.name,
            "DEVELOPER_URL": own.website,
            "PRIVACY_URL": own.privacy,
            "TERMS_URL": own.terms,
        },
        tmp_path / "app.zip",
    )
    same = made(tmp_path, version="1.25", app_id="2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d", developer=own)
    with ZipFile(path) as package:
        assert json.loads(package.read("manifest.json")) == same
    assert same["developer"] == {
        "name": "Contoso",
        "websiteUrl": "https://a.example",
        "privacyUrl": "https://b.example",
        "termsOfUseUrl": "https://c.example",
    }
    assert made(tmp_path, developer=replace(own, name="Fabrikam"))["developer"]["name"] == "Fabrikam"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    """Where a file stands in the way of the folder, the message says so instead of a traceback."""
    (tmp_path / "dist").write_text("a file")
    with pytest.raises(ManifestError, match="cannot be written"):
        build(bot_id=BOT, out=tmp_path / "dist" / "app.zip")


def test_the_command_says_where_the_package_is(tmp_path, capsys):
    """`python -m manifest.build` ends with 0 and the path, or with 1 and one line on standard error."""
    out = tmp_path / "app.zip"
    assert main({"APP_ID": BOT}, out) == 0
    assert str(out) in capsys.readouterr().out
    assert main({}, out) == 1
    assert capsys.readouterr().err.count("\n") == 1


def pixels(path: Path) -> list[list[tuple[int, int, int, int]]]:
    """The rows of a PNG as our writer makes them: 8 bits of red, green, blue and alpha, no filter."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, position = {}, 8
    while position < len(data):
        (length,) = unpack(">I", data[position : position + 4])
        body = data[position + 4 : position + 8 + length]
        assert unpack(">I", data[position + 8 + length : position + 12 + length]) == (zlib.crc32(body),)
        chunks[body[:4]] = body[4:]
        position += 12 + length
    width, height, depth, kind, *_ = unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, kind) == (8, 6)
    raw = zlib.decompress(chunks[b"IDAT"])
    rows = [raw[y * (4 * width + 1) : (y + 1) * (4 * width + 1)] for y in range(height)]
    assert len(raw) == height * (4 * width + 1)
    assert {row[0] for row in rows} == {0}
    return [[tuple(row[1 + 4 * x : 5 + 4 * x]) for x in range(width)] for row in rows]


@pytest.mark.parametrize(("name", "draw"), [("color.png", icons.color), ("outline.png", icons.outline)])
def test_the_icons_are_those_that_the_script_draws(name, draw):
    """The stored pictures are what `python -m manifest.icons` draws."""
    assert pixels(ROOT / "manifest" / name) == draw()


def test_the_color_icon_keeps_its_symbol_in_the_middle():
    """192x192, nowhere transparent, one colour around the central 96x96, and something to see inside."""
    rows = pixels(ROOT / "manifest/color.png")
    assert {len(rows), *map(len, rows)} == {192}
    assert {pixel[3] for row in rows for pixel in row} == {OPAQUE}
    around = {rows[y][x] for y in range(192) for x in range(192) if not (48 <= x < 144 and 48 <= y < 144)}
    assert around == {icons.NIGHT}
    assert {icons.PAPER, icons.LAMP} <= {pixel for row in rows for pixel in row}


def test_the_outline_icon_is_white_on_nothing():
    """32x32, every pixel white, the corners and the greater part transparent, some parts fully there."""
    rows = pixels(ROOT / "manifest/outline.png")
    assert {len(rows), *map(len, rows)} == {32}
    assert {pixel[:3] for row in rows for pixel in row} == {WHITE}
    alpha = [pixel[3] for row in rows for pixel in row]
    assert [rows[y][x][3] for x in (0, 31) for y in (0, 31)] == [CLEAR] * 4
    assert alpha.count(CLEAR) > len(alpha) / 2
    assert OPAQUE in alpha
