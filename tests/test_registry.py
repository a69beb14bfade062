import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

import handlers
from bot.command import Command
from bot.defender import http as defender
from bot.errors import PersonError
from bot.graph import http as graph
from bot.line import Commands
from bot.permissions import operations_of
from bot.responses.declared import Response
from bot.roles import Role
from bot.teams.turns import CONSENT
from cards.text import ENGLISH as TEXTS
from tests.cards import walk

ROOT = Path(__file__).resolve().parents[1]
FEATURES = handlers.features(30)
COMMANDS = {command.name: command for command in FEATURES.commands}
RESPONSES = {response.name: response for response in FEATURES.responses}
BUTTONS = {button.verb: button for button in FEATURES.buttons}
OPERATIONS = (*defender.OPERATIONS, *graph.OPERATIONS)
MOST_IN_MENU = 12
# Who may what, written down a second time (design section 3): a role that slips in a declaration must not pass.
MAY_TYPE = {
    Role.NONE: {"whoami", "help"},
    Role.READER: {"incidents", "incident", "score", "devices", "device", "actions", "request", "digest", "status"},
    Role.OPERATOR: {"scan", "isolate", "release"},
    Role.ADMIN: {"subscribe", "unsubscribe", "audit"},
}
MAY_TYPE[Role.READER] |= {"library", "policy", "list"}
MAY_TYPE[Role.OPERATOR] |= {"block", "warn", "monitor", "allow", "unblock", "block-list", "unblock-list"}
MAY_TYPE[Role.OPERATOR] |= {
    *("block-signin", "unblock-signin", "revoke-sessions", "reset-password", "confirm-compromised", "dismiss-risk"),
    *("remediate-mail", "submit-mail", "submit-url", "submit-file"),
}
MAY_TYPE[Role.OPERATOR] |= {
    *("run-script", "get-file", "put-file", "library-upload", "library-delete", "output", "preview"),
    *("quarantine-file", "restore-file", "remove-registry-key", "restore-registry-key", "kill-process"),
    *("stop-service", "start-service", "disable-driver", "enable-driver", "remove-task", "restore-task"),
}
MAY_TYPE[Role.OPERATOR] |= {
    *("respond", "package", "contain", "restrict", "unrestrict", "collect", "investigate", "quarantine"),
    *("tag", "untag", "value", "offboard"),
}
MAY_TYPE[Role.OPERATOR] |= {"sync", "intune-scan", "update-signatures", "restart", "lock", "retire", "wipe"}
MAY_TYPE[Role.APPROVER] = {"cancel"}
MAY_PRESS = {
    Role.NONE: {"run"},  # the typed line's own role is checked
    Role.READER: {"upload", "decline-upload"},  # and only who was offered the file
    Role.OPERATOR: {"propose", "withdraw", "again", "undo"},
    Role.APPROVER: {"approve", "reject", "resend", "giveup", "cancel"},
    Role.ADMIN: {"subscribe"},
}
SHARED_CALL = "`GET /api/files/{sha1}/machines` and `/alerts`"
UNNAMED = {
    "api/security-incident-get": "`GET /security/incidents/{id}`",
    "api/security-alert-get": "`GET /security/alerts_v2/{id}`",
    "api/subscribedsku-list": "`GET /subscribedSkus`",
    "api:get-file-related-machines": SHARED_CALL,
    "api:get-file-related-alerts": SHARED_CALL,
}
"""Pages of calls that the reference describes without naming their page, and what it says of them."""
BRACES = re.compile(r"([\w-]+-)\{([\w,-]+)\}")
INDEXED = re.compile(r"(?:defender-endpoint/api/|api-reference/(?:v1\.0|beta)/api/)([\w-]+)\.md")
each_command = pytest.mark.parametrize("command", FEATURES.commands, ids=lambda command: command.name)
each_response = pytest.mark.parametrize("response", FEATURES.responses, ids=lambda response: response.name)
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.service}-{one.name}")


@pytest.fixture(scope="module")
def reference():
    """The reference pages' text by service, from SHARED_DIR or beside the checkout."""
    folder = Path(os.environ.get("SHARED_DIR") or ROOT.parent / "shared") / "reference"
    if not folder.is_dir():
        assert os.environ.get("CI") != "true", "CI must have the reference pages: set SHARED_DIR"
        pytest.skip("the reference pages are not here; set SHARED_DIR to the folder that holds reference/")
    return {name: text_of(folder, name) for name in ("defender", "graph")}


def text_of(folder: Path, name: str) -> str:
    """A reference page and the index of its samples, with each page that they name written out."""
    page = (folder / f"{name}-api.md").read_text(encoding="utf-8")
    index = (folder / "samples" / name / "INDEX.md").read_text(encoding="utf-8")
    grouped = [head + tail for head, tails in BRACES.findall(page) for tail in tails.split(",")]
    return "\n".join([page, index, *grouped, *(f"api:{found} {found}" for found in INDEXED.findall(index))])


def names(text: str, word: str) -> bool:
    """Whether the text has the word whole: `api:get-machine` does not stand in `api:get-machines`."""
    if re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-]|\.\w)", text):
        return True
    family = word.rpartition("-")[0]
    return bool(family) and f"api/{family}-*" in text


def test_nothing_is_registered_twice():
    """Names and aliases of commands, verbs, responses, kinds of views and names of watchers are each unique."""
    for found in (
        [name for command in FEATURES.commands for name in (command.name, *command.aliases)],
        [button.verb for button in FEATURES.buttons],
        [response.name for response in FEATURES.responses],
        [view.kind for view in FEATURES.views],
        [watcher.name for watcher in FEATURES.watchers],
    ):
        assert [name for name, times in Counter(found).items() if times > 1] == []


def test_roles_are_those_of_the_design():
    """Each command and each button asks for the role that is written down here."""
    assert {name: command.role for name, command in COMMANDS.items()} == _by_name(MAY_TYPE)
    assert {verb: button.role for verb, button in BUTTONS.items()} == _by_name(MAY_PRESS)


def _by_name(table: dict[Role, set[str]]) -> dict[str, Role]:
    return {name: role for role, names in table.items() for name in names}


@each_command
def test_a_command_is_typed_as_it_is_called(command: Command):
    """The usage begins with /name, and name and aliases are in the form to which a typed line is brought."""
    assert command.usage.split()[0] == f"/{command.name}"
    for name in (command.name, *command.aliases):
        assert name == name.casefold().strip().removeprefix("/")
        assert " " not in name


@each_command
def test_a_command_has_a_summary(command: Command):
    """The catalogue has its summary: it goes on after the name, so it begins small and ends without a full stop."""
    summary = TEXTS[f"help.{command.name}.summary"]
    assert summary[0].islower()
    assert not summary.endswith((".", "!", "?"))


@each_command
def test_a_commands_examples_work(command: Command):
    """Each example reaches this command and is understood by its own parser."""
    assert command.examples
    for example in command.examples:
        found, words = Commands(FEATURES.commands).find(example)
        assert found is command
        command.parse(words)


@each_command
def test_an_alias_reaches_its_command(command: Command):
    """Every alias, with the slash and in capitals too, leads to this command."""
    for alias in command.aliases:
        for line in (alias, f"/{alias}", alias.upper()):
            assert Commands(FEATURES.commands).find(line)[0] is command


@each_command
@pytest.mark.parametrize("words", ["", "\x00", "?" * 200, "-- -1 #", "page 0", "from from from"])
def test_a_parser_refuses_with_an_answer(command: Command, words):
    """What a parser does not take, it refuses as the person's mistake, in a text that the catalogue has."""
    refused = refusal(command, words)
    assert refused is None or (refused.key in TEXTS and refused.values.get("usage", command.usage) == command.usage)


def refusal(command: Command, words: str) -> PersonError | None:
    """How the command refuses the words; whatever else is raised is a fault of the parser."""
    try:
        command.parse(words)
    except PersonError as error:
        return error
    return None


def test_what_changes_something_needs_a_role():
    """Only help, who-am-I and the re-run of a typed line are open to everyone; responses are for operators at least."""
    assert {command.name for command in FEATURES.commands if command.role is Role.NONE} == {"help", "whoami"}
    assert {button.verb for button in FEATURES.buttons if button.role is Role.NONE} == {"run"}
    for response in FEATURES.responses:
        assert response.asks >= Role.OPERATOR
        assert COMMANDS[response.name].role is response.asks


def test_the_menu_has_room():
    """Teams takes at most 12 commands in its menu."""
    assert 1 <= sum(command.menu for command in FEATURES.commands) <= MOST_IN_MENU


def card_buttons():
    """Every (file, data) of a button on a card that was looked at."""
    for path in sorted((ROOT / "tests/cards/golden").glob("*.json")):
        for action in walk.actions(json.loads(path.read_text(encoding="utf-8"))["card"]):
            if "data" in action:
                yield path.stem, action["data"]


def test_every_button_on_a_card_is_answered():
    """Each verb that a card sends has a handler."""
    unanswered = {(card, data["verb"]) for card, data in card_buttons() if data["verb"] not in BUTTONS}
    assert unanswered == set()


def test_every_button_handler_has_a_button():
    """Each registered verb stands on some card, or on Teams' own for a file; one that no card sends is dead."""
    assert set(BUTTONS) <= {data["verb"] for _, data in card_buttons()} | set(CONSENT.values())


def test_a_card_runs_only_lines_that_are_commands():
    """The line of a "run" button is a registered command, and its parser takes it."""
    lines = {data["id"] for _, data in card_buttons() if data["verb"] == "run"}
    assert lines
    for line in lines:
        command, words = Commands(FEATURES.commands).find(line)
        command.parse(words)


def test_a_card_proposes_only_declared_responses():
    """The id of a "propose" button begins with the name of a declared response."""
    proposed = {data["id"].partition(":")[0] for _, data in card_buttons() if data["verb"] == "propose"}
    assert proposed
    assert proposed <= set(RESPONSES)


@each_response
def test_a_response_is_undone_by_one_of_its_family(response: Response):
    """The inverse exists and shares its family, so that one is under way; the same action goes back by parameters."""
    if response.inverse:
        other = RESPONSES[response.inverse]
        assert other.family == response.family
        assert response.back or not other.how.types & response.how.types


@each_response
def test_a_family_knows_all_its_actions(response: Response):
    """All responses of a family name the same machine-action types, which cover their own."""
    family = [other for other in FEATURES.responses if other.family == response.family]
    assert {other.how.family_types for other in family} == {response.how.family_types}
    assert frozenset().union(*(other.how.types for other in family)) <= response.how.family_types


@each_response
def test_a_risky_response_needs_a_second_person(response: Response):
    """What is not harmless needs an approval and a reason; both are declared, not decided on the way."""
    assert response.risk in {"low", "medium", "high"}
    if response.risk != "low":
        assert response.approvals >= 1
        assert response.needs_reason


@each_response
def test_a_response_can_be_read(response: Response):
    """The catalogue has its name, title, button, effect and undoing, and a label of its own for each of its choices.

    An iPhone looks up what was chosen by its label.
    """
    for part in ("name", "title", "button", "effect", "undo"):
        assert f"response.{response.name}.{part}" in TEXTS
    for parameter in response.parameters:
        assert f"parameter.{parameter.name.lower()}" in TEXTS
        values = set(parameter.choices.values()) - {""}
        labels = [TEXTS[f"choice.{parameter.name.lower()}.{value.lower()}"] for value in values]
        assert len({*labels, TEXTS["input.instead.none"]}) == len(values) + 1


@each_response
def test_a_response_calls_what_it_says(response: Response):
    """Each method that it declares is a call of a client, and one of them at least changes something."""
    operations = operations_of(response.calls)
    assert operations
    assert any(not operation.reads for operation in operations)


@each_operation
def test_a_call_follows_a_documented_page(operation, reference):
    """The reference names the page, the path and every permission of the call."""
    text = reference[operation.service]
    if operation.page in UNNAMED:
        assert UNNAMED[operation.page] in text
    else:
        assert names(text, operation.page.removeprefix("beta:").removeprefix("api/"))
    assert all(names(text, permission) for permission in operation.permissions)
    for part in operation.path.split("/"):
        assert part.startswith("{") or part in text


@each_response
def test_a_response_follows_a_documented_page(response: Response, reference):
    """The reference names the types of action that it shows up as; its page and permission are its call's."""
    text = reference["defender"]
    assert all(f"`{kind}`" in text for kind in response.how.family_types)


def test_the_search_in_the_reference_takes_whole_words(reference):
    """A page or permission that is only the beginning of a documented one is not taken for it."""
    assert names(reference["defender"], "api:get-machines")
    assert not names(reference["defender"], "api:get-mach")
    assert not names(reference["defender"], "Machine.Read.Al")
    assert not names(reference["defender"], "Machine.Read.Everything")
