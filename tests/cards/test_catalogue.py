import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import handlers.responses
from cards.text import ENGLISH as TEXTS

ROOT = Path(__file__).resolve().parents[2]
SAYERS = {"say", "plain", "count"}
RAISED = {"PersonError", "UsageError", "NotAllowed", "NotFound", "Ambiguous", "Stale"}
GROUPED = {"word", "plain_word"}
NOT_VALUES = {"request_id", "message", "status"}
RESPONSES = handlers.responses.RESPONSES
"""Whose modules bring their own texts into the catalogue."""
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def trees() -> Iterator[tuple[str, ast.Module]]:
    """The syntax trees of all sources that may name a text."""
    for folder in ("bot", "cards", "handlers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.parent.name != "english":
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def name_of(call: ast.Call) -> str:
    """What is called, without the module in front."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def constants(node: ast.AST) -> Iterator[str]:
    """The texts an expression can be, where it is a constant or a choice between constants."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def calls() -> Iterator[tuple[str, ast.Call, str, str]]:
    """Each use of a constant key: where, the call, how it is used, the key."""
    for where, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = name_of(node)
            place = f"{where}:{node.lineno}"
            if called in SAYERS and len(node.args) > 1:
                yield from ((place, node, called, key) for key in constants(node.args[1]))
            elif called in RAISED and node.args:
                yield from ((place, node, "raise", key) for key in constants(node.args[0]))


USES = [use for use in calls() if "." in use[3]]
STRINGS = {
    node.value
    for _, tree in trees()
    for node in ast.walk(tree)
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
}


def keys_of(how: str, key: str) -> list[str]:
    """The catalogue's keys behind a used one: `count` has two."""
    return [f"{key}.one", f"{key}.other"] if how == "count" else [key]


def given(call: ast.Call, how: str) -> set[str] | None:
    """The values a call passes; None where they are passed as a mapping."""
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    return {"n"} if how == "count" else {keyword.arg or "" for keyword in call.keywords}


def test_there_are_uses():
    """The search through the syntax trees finds what it is meant to find."""
    assert len(USES) > 150
    assert {how for _, _, how, _ in USES} == {"say", "plain", "count", "raise"}


@pytest.mark.parametrize(("where", "call", "how", "key"), USES, ids=[f"{use[0]}-{use[3]}" for use in USES])
def test_used_text_exists_and_gets_its_values(where, call, how, key):
    """Each text that is said or raised stands in the catalogue, and each of its placeholders gets a value."""
    for full in keys_of(how, key):
        assert full in TEXTS, f"{where} says {full}, which is not in cards/english/"
        values = given(call, how)
        wanted = set(PLACEHOLDER.findall(TEXTS[full]))
        assert values is None or wanted <= values, f"{where}: {full} needs {sorted(wanted - values)}"
        if values is not None and how != "raise":
            assert values <= wanted, f"{where}: {full} does not show {sorted(values - wanted)}"


def test_a_module_says_only_what_is_its_own():
    """The texts that a response's module brings along are about that response or a thing it names itself."""
    for response in RESPONSES:
        assert f"response.{response.name}.title" in TEXTS


def prefixes() -> set[str]:
    """Beginnings of keys that are made at run time: of f-strings, of words of a service."""
    found = set()
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                found.add(str(node.values[0].value))
            if isinstance(node, ast.Call) and name_of(node) in GROUPED and len(node.args) > 1:
                found |= {f"{group}." for group in constants(node.args[1])}
    return {prefix for prefix in found if re.fullmatch(r"[a-z_-]+\.[a-z_.-]*", prefix)}


def is_used(key: str, made: tuple[str, ...]) -> bool:
    """Whether the sources name the key, or can make it."""
    stem = re.sub(r"\.(one|other)$", "", key)
    return key in STRINGS or (stem != key and stem in STRINGS) or key.startswith(made)


def test_no_text_is_left_over():
    """Each text of the catalogue is used somewhere."""
    made = tuple(sorted({*prefixes(), "verdict.", "remediation.", "actions.summary."}))
    assert " ".join(key for key in TEXTS if not is_used(key, made)) == ""


def test_no_key_stands_twice():
    """A key that stands twice would hide the first text."""
    sources = [*(ROOT / "cards" / "english").glob("*.py"), *(ROOT / "handlers" / "responses").glob("*.py")]
    trees = [ast.parse(source.read_text(encoding="utf-8")) for source in sources]
    dicts = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    keys = [key.value for table in dicts for key in table.keys if isinstance(key, ast.Constant)]
    keys = [key for key in keys if re.match(r"[a-z]+\.", str(key))]
    assert [key for key in keys if keys.count(key) > 1] == []


def is_well_formed(key: str, text: str) -> bool:
    """One line, bold that is closed, no other Markdown, and placeholders that touch nothing that would join them."""
    bare = text.replace("**", "")
    return (
        bool(re.fullmatch(r"[a-z]+(\.[A-Za-z0-9_-]+)+", key))
        and bool(text)
        and text == " ".join(text.split())
        and text.count("**") % 2 == 0
        and not re.search(r"[*`\[\]\\<]|^[#+>-]|^\d+[.)]\s", bare)
        and not re.search(r"\}[{(]|^\{\w+\}[.)] ", bare)
    )


def test_texts_are_well_formed():
    """Each text is one line, its bold is closed, it has no other Markdown, and two placeholders never touch."""
    assert [key for key, text in TEXTS.items() if not is_well_formed(key, text)] == []
    assert not is_well_formed("a.b", "**half")
    assert not is_well_formed("a.b", "{a}{b}")


def test_each_state_and_response_has_its_words():
    """Each state of a request has a word and a line, and each command of this release a summary."""
    from bot.responses.models import State  # noqa: PLC0415 - only this test needs it

    for state in State:
        word = state.value.replace(" ", "")
        assert f"state.{word}" in TEXTS
        assert f"stand.{word}" in TEXTS
    for command in ("help", "whoami", "devices", "device", "scan", "isolate", "release", "incidents", "incident"):
        assert f"help.{command}.summary" in TEXTS


def test_each_story_line_and_trouble_has_a_text():
    """Each line of a story and each trouble that the state machine names stands in the catalogue."""
    named = {string for string in STRINGS if re.fullmatch(r"(story|trouble)\.[a-z_]+", string)}
    told = set()
    for where, tree in trees():
        for node in ast.walk(tree):
            if where.startswith("bot/responses/") and isinstance(node, ast.Call) and name_of(node) == "retold":
                told |= {f"story.{key}" for key in constants(node.args[2])}
    assert len(told) > 8
    assert sorted((named | told) - set(TEXTS)) == []
