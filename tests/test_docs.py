import re
import tomllib
from pathlib import Path

import pytest

import handlers
from bot.permissions import grants
from bot.policy.models import Defaults, Effects, PolicyFile, Rule, Then, When
from bot.settings import Settings
from bot.settings_checks import PROOFS, REQUIRED
from manifest import tables

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
each_page = pytest.mark.parametrize("page", PAGES)

NO_VARIABLE = {"development", "anonymous"}
ELSEWHERE = {
    *("TEAMS_APP_ID", "DEVELOPER_NAME", "DEVELOPER_URL", "PRIVACY_URL", "TERMS_URL"),  # manifest/build.py
    "SECRETS_DIR",  # bot/settings.py
    *("REDIS_PASSWORD", "BOT_HOST"),  # compose.yaml
    "OTEL_EXPORTER_OTLP_ENDPOINT",  # OpenTelemetry's own
    # the tests:
    *("SHARED_DIR", "UPDATE_GOLDEN", "HYPOTHESIS_PROFILE", "WATCHKEEPER_SLOW", "SOAK_DIR", "REQUIRE_AUDIT"),
}
OF_THE_SYSTEM = {"CI", "PATH", "OTEL_SERVICE_NAME"}
"""Variables that are read and belong to others: the host of the tests, the shell, OpenTelemetry."""
GROUPED = re.compile(r"all of (\w+)((?: but)?(?: (?:and )?/[a-z-]+)*)")
READ = re.compile(r"""environ(?:\.get\(|\[)["']([A-Z_]+)["']""")
ROUTES = {"api", "healthz", "readyz"}
"""What begins with a slash on the pages and is no command."""


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """The cells of the README's table with that head, without their backticks."""
    table = README[README.index(head) :].split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in table if row[:1] == "|"]


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


def test_the_permission_table_names_everything_that_needs_each():
    """Written out again, "all of `group` but ..." and the commands beside it are exactly who needs the permission."""
    groups: dict[str, set[str]] = {}
    for response in handlers.RESPONSES:
        groups.setdefault(response.group, set()).add(f"/{response.name}")
    table = {(row[0], row[1].split(" ")[0]): row[2] for row in rows("| API | Application permission |")}
    wanted = grants(handlers.features(1.0))
    assert len(table) == len(wanted)
    for grant in wanted:
        cell = table[grant.api, grant.name]
        named = {one.strip() for one in GROUPED.sub("", cell).split(",") if one.strip()}
        for group, left_out in GROUPED.findall(cell):
            named |= groups[group] - set(re.findall(r"/[a-z-]+", left_out))
        assert named == set(grant.users), grant.name


def test_permissions_say_whether_they_may_be_left_out():
    """Those that only responses need are marked so, and the one that is optional."""
    marked = {(row[0], *row[1].split(" ")) for row in rows("| API | Application permission |")}
    for grant in grants(handlers.features(1.0)):
        mark = "(optional)" if grant.optional else "(responses)" if grant.for_responses else ""
        assert ((grant.api, grant.name, mark) if mark else (grant.api, grant.name)) in marked, grant.name


def test_the_table_of_contents_is_whole():
    """Each chapter but the licence stands in it once, and leads where a heading is."""
    heads = re.findall(r"^## (.*)", README, re.MULTILINE)
    led_to = re.findall(r"\]\(#([\w-]+)\)", README[: README.index("## ")])
    anchors = [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads if head != "Licence"]
    assert sorted(led_to) == sorted(anchors)


def test_every_target_of_make_is_described():
    """Each target that people call stands in the README."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)
    assert set(phony.split()) - {"venv", "installed", "installed-dev"} <= set(re.findall(r"`make ([a-z-]+)", README))


def test_every_variable_that_is_read_is_described():
    """What the bot, the manifest, the tests and the soak read from the environment by name stands on a page."""
    sources = [path for folder in ("bot", "manifest", "tests") for path in (ROOT / folder).rglob("*.py")]
    found = {name for path in sources for name in READ.findall(path.read_text(encoding="utf-8"))}
    described = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", README + text_of("CONTRIBUTING.md")))
    assert {"SEED", "POLICY_FILE"} <= found
    assert sorted(found - described - OF_THE_SYSTEM) == []


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


def test_all_that_a_policy_can_say_is_shown():
    """Each name that a policy file may hold stands in the example, which the README prints."""
    example = README[README.index("<!-- policy -->") : README.index("<!-- /policy -->")]
    known = {name for model in (PolicyFile, Defaults, Effects, Rule, When, Then) for name in model.model_fields}
    assert {"zone", "veto_minutes", "risk_scores"} <= known
    assert sorted(name for name in known if not re.search(rf"\b{name}\b", example)) == []


def test_the_newest_release_is_the_projects():
    """The changelog's newest release has the version of pyproject.toml; each has a date."""
    text = text_of("CHANGELOG.md")
    assert text.index("## [Unreleased]") < text.index("## [0")
    heads = re.findall(r"^## \[(\d.*)", text, re.MULTILINE)
    assert heads[0].startswith(f"{PROJECT['version']}] - ")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", head) for head in heads)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)", text, re.MULTILINE)) <= kinds
