"""From what somebody typed to a command and its arguments: whatever it is, the worst that happens is a UsageError."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from bot.devices import first_word
from bot.errors import UsageError
from bot.line import LONGEST, Commands
from bot.teams.inbound import Inbound
from bot.teams.turns import own_mention_removed
from cards.text import ENGLISH as TEXTS

COMMANDS = Commands(handlers.COMMANDS)
NAMES = sorted({name for command in handlers.COMMANDS for name in (command.name, *command.aliases)})
WORDS = st.text(max_size=60)
TYPED = st.builds(
    "{}{}{}{}".format, st.sampled_from(["", "/", " / ", "//"]), st.sampled_from([*NAMES, "x", ""]), st.just(" "), WORDS
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def told(read: Callable[[], object]) -> str:
    """The text that a UsageError names; where all was understood, the one that says it is done."""
    try:
        read()
    except UsageError as error:
        return error.key
    return "reply.done"


@given(st.text(max_size=LONGEST + 20) | TYPED)
def test_any_line_is_a_command_or_a_usage_error(line):
    """A line is a command whose arguments can be read, or a UsageError with a text of the catalogue."""

    def read() -> None:
        command, words = COMMANDS.find(line)
        command.parse(words)

    assert told(read) in TEXTS


@given(st.sampled_from(handlers.COMMANDS), WORDS)
def test_any_arguments_are_read_or_a_usage_error(command, words):
    """The parser of each command raises nothing but UsageError, with the form that would work or what is known."""
    assert told(lambda: command.parse(" ".join(words.split()))) in TEXTS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["{}", "/{}", "/{} ", " {}", "{}\u00a0"])
def test_each_name_is_found_in_any_form(name, form):
    """Each name and alias is found with and without the slash, in any case."""
    for said in (name, name.upper(), name.title()):
        assert name in (COMMANDS.find(form.format(said))[0].name, *COMMANDS.find(form.format(said))[0].aliases)


@pytest.mark.parametrize("name", [command.name for command in handlers.COMMANDS if len(command.name) > 4])
def test_a_slip_is_answered_with_the_nearest(name):
    """One letter that is missing, doubled or swapped is answered with a name that exists."""
    slips = {name[:i] + name[i + 1 :] for i in range(len(name))} | {
        name[:i] + name[i:][:1] * 2 + name[i + 1 :] for i in range(len(name))
    }
    slips |= {name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in range(len(name) - 1)}
    for slip in slips - set(NAMES):
        with pytest.raises(UsageError) as raised:
            COMMANDS.find(slip)
        assert raised.value.key == "error.unknown_command_near", slip
        assert raised.value.values["near"] in NAMES


def test_no_name_stands_for_two_commands():
    """Names and aliases are unique."""
    listed = [name for command in handlers.COMMANDS for name in (command.name, *command.aliases)]
    assert len(listed) == len(set(listed))


@given(st.text(max_size=80))
def test_first_word_loses_nothing(words):
    """The first word and the rest hold all that was typed but the white space and the quotes around a name."""
    head, rest = first_word(words)
    kept = [c for c in words if not c.isspace() and c not in "\"'"]
    assert [c for c in head + rest if not c.isspace() and c not in "\"'"] == kept


@pytest.mark.parametrize(
    ("words", "head", "rest"),
    [
        ("LAPTOP-1 because", "LAPTOP-1", "because"),
        ('"My PC" because', "My PC", "because"),
        ("'My PC'  because of it", "My PC", "because of it"),
        ("O'Brien's-pc because", "O'Brien's-pc", "because"),
        ('"unclosed name', '"unclosed', "name"),
        ("", "", ""),
    ],
)
def test_first_word_takes_quotes(words, head, rest):
    """A name with blanks is given in quotes; an apostrophe inside a name is a part of it."""
    assert first_word(words) == (head, rest)


def inbound(text: Any, entities: Any) -> Inbound:
    return Inbound.model_validate(
        {
            "type": "message",
            "channelId": "msteams",
            "serviceUrl": "https://smba.trafficmanager.net/emea/",
            "from": {"id": "29:me"},
            "recipient": {"id": "28:bot", "name": "Watchkeeper"},
            "conversation": {"id": "19:x"},
            "text": text,
            "entities": entities,
        }
    )


MENTION = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["mention", "clientInfo", 1, None]),
        "text": st.text(max_size=20) | st.none() | st.integers(),
        "mentioned": st.fixed_dictionaries({"id": st.sampled_from(["28:bot", "29:me", None, 7])}) | JSON,
    },
)


@given(st.text(max_size=200), st.none() | st.lists(MENTION, max_size=4))
def test_mentions_of_any_form_are_taken_out_or_left(text, entities):
    """Whatever entities come along, the text becomes one line and nothing is raised."""
    said = own_mention_removed(inbound(text, entities))
    assert said == " ".join(said.split())


@given(st.text(alphabet=st.characters(exclude_characters="<>&", exclude_categories=["Cs", "Cc"]), max_size=60))
def test_own_mention_is_taken_out_once(words):
    """The bot's mention at the beginning is taken out and the words stay as they were typed."""
    tag = "<at>Watchkeeper</at>"
    entity = {"type": "mention", "text": tag, "mentioned": {"id": "28:bot"}}
    said = own_mention_removed(inbound(f"{tag} {words}", [entity]))
    assert said == " ".join(words.replace("\u00a0", " ").split())


@pytest.mark.parametrize("line", ["/Watchkeeper score", "watchkeeper /score", "/watchkeeper  SCORE"])
def test_the_bots_own_name_in_front_is_dropped(line):
    """A command may begin with the bot's name, as Teams' slash menu writes it."""
    command, words = Commands(handlers.COMMANDS).find(line)
    assert (command.name, words) == ("score", "")
