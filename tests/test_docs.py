import re
import tomllib
from pathlib import Path

import pytest

import handlers
from bot.settings import Settings
from bot.settings_checks import PROOFS, REQUIRED
from manifest import tables

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
each_page = pytest.mark.parametrize("page", PAGES)

NO_VARIABLE = {"development", "anonymous"}
ELSEWHERE = {
    *("TEAMS_APP_ID", "DEVELOPER_NAME", "DEVELOPER_URL", "PRIVACY_URL", "TERMS_URL"),  # manifest/build.py
    "SECRETS_DIR",  # bot/settings.py
    *("REDIS_PASSWORD", "BOT_HOST"),  # compose.yaml
    "OTEL_EXPORTER_OTLP_ENDPOINT",  # OpenTelemetry's own
    *("SHARED_DIR", "UPDATE_GOLDEN"),  # the tests
}
ROUTES = {"healthz", "readyz"}
"""What begins with a slash on the pages and is no command."""


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """The cells of the README's table with that head, without their backticks."""
    table = README[README.index(head) :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in table]


def test_the_generated_tables_are_fresh():
    """The tables of commands, responses and permissions are what the registry says (`python -m manifest.tables`)."""
    assert tables.renewed(README) == README
    for name in tables.tables():
        assert README.count(f"<!-- {name} -->") == 1


def test_a_stale_table_is_made_anew():
    """A row that was changed or lost comes back; text around the markers stays."""
    stale = README.replace("| shows Secure Score and exposure score |", "| shows something |")
    assert stale != README
    assert tables.renewed(stale) == README
    assert tables.renewed("a\n<!-- commands -->\n<!-- /commands -->\nb").splitlines()[2:4] == [
        "| Command | What it does | Role |",
        "| --- | --- | --- |",
    ]
    with pytest.raises(KeyError):
        tables.renewed("<!-- nonsense -->\n<!-- /nonsense -->")


def test_every_setting_is_described():
    """The table of settings has each variable once, with its true default and whether `serve` needs it."""
    described = {row[0]: row[1:] for row in rows("| Variable | Default |")}
    assert len(described) == len(rows("| Variable | Default |"))
    assert set(described) == {name.upper() for name in Settings.model_fields if name not in NO_VARIABLE}
    for name, (default, needed, meaning) in described.items():
        value = Settings.model_fields[name.lower()].default
        assert needed == ("yes" if name in REQUIRED else "one of three" if name in PROOFS else ""), name
        assert meaning, name
        if name != "ALLOWED_SERVICE_URLS":
            assert default == written(value), name


def written(value: object) -> str:
    """A default as one would write it into the environment."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value else ""


def test_every_dependency_has_its_reason():
    """The table of dependencies names exactly those of pyproject.toml."""
    named = [row[0] for row in rows("| Package | Why |")]
    wanted = [re.split(r"[\[=<>; ]", line)[0] for line in PROJECT["dependencies"]]
    assert sorted(named, key=str.casefold) == sorted(wanted, key=str.casefold)
    assert all(row[1] for row in rows("| Package | Why |"))


@each_page
def test_files_that_are_named_exist(page):
    """Each path in backticks, and each picture or link to a file, leads to something in the project."""
    text = text_of(page)
    paths = set(re.findall(r"`((?:bot|cards|handlers|manifest|tests|\.ci)/[\w./-]*)`", text))
    paths |= set(re.findall(r"`([\w.-]+\.(?:md|lock|yaml|toml)|Makefile|Dockerfile|LICENSE)`", text))
    paths |= set(re.findall(r"\]\((?!https?:)([^)#]+)\)", text))
    assert [path for path in sorted(paths - {"handlers/x.py", "cards/x.py"}) if not (ROOT / path).exists()] == []


@each_page
def test_targets_of_make_that_are_named_exist(page):
    """Each `make x` on the page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^|=1 )make ([a-z-]+)", text_of(page), re.MULTILINE))
    assert named <= targets


@each_page
def test_commands_that_are_named_exist(page):
    """Each `/command` on the page is registered."""
    known = {command.name for command in handlers.COMMANDS} | ROUTES
    assert set(re.findall(r"`/([a-z]+(?:-[a-z]+)*)\b", text_of(page))) <= known


@each_page
def test_variables_that_are_named_exist(page):
    """Each NAME_LIKE_THIS on the page is a setting, or one of the few variables that other parts read."""
    known = {name.upper() for name in Settings.model_fields} | ELSEWHERE
    assert set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text_of(page))) <= known


def test_the_two_commands_come_first():
    """`make run` and `make test` stand within the first screens of the README, before any setup."""
    assert README.index("make run") < README.index("make test") < README.index("## ", README.index("make test"))
    assert README[: README.index("make test")].count("\n") < 60


def test_the_newest_release_is_the_projects():
    """The changelog's newest release has the version of pyproject.toml; each has a date."""
    text = text_of("CHANGELOG.md")
    assert text.index("## [Unreleased]") < text.index("## [0")
    heads = re.findall(r"^## \[(\d.*)", text, re.MULTILINE)
    assert heads[0].startswith(f"{PROJECT['version']}] - ")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", head) for head in heads)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)", text, re.MULTILINE)) <= kinds
