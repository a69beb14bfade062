"""What a script printed: its answer is found in any noise, and nothing else is taken for one."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.library.answers import LONGEST, find_answer, words

ANSWER = {
    "script": "kill-process",
    "version": "1",
    "applied": True,
    "target": "x.exe",
    "before": {"running": "1"},
    "after": {"running": "0"},
    "changed": True,
    "undo": "",
    "error": "",
}


def said(**changes: object) -> str:
    return json.dumps(ANSWER | changes, separators=(",", ":"))


@given(st.text(max_size=200), st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_an_answer_is_found_in_noise(before: str, after: str):
    """Whatever stands around it, transcripts and zeros too."""
    found = find_answer(f"{before}\n{said()}\n{after}\0\0", "kill-process")
    assert found
    assert (found.target, found.changed) == ("x.exe", True)


def test_the_last_answer_counts():
    """A script that answers twice means what it says at last."""
    found = find_answer(said(changed=False) + "\n" + said(error="no"), "kill-process")
    assert found
    assert found.error == "no"


@pytest.mark.parametrize(
    "output",
    [
        "",
        "{}",
        "done",
        said(script="stop-service"),
        said(changed="yes"),
        said(changed=1),
        said(extra="x"),
        said(before={"a": 1}),
        said(before={str(n): "x" for n in range(50)}),
        said(target="x" * 5000),
        said()[:-5],
        '{"script":' * 500,
        "[" * 100_000,
        json.dumps({key: value for key, value in ANSWER.items() if key != "error"}),
    ],
)
def test_what_is_no_answer(output: str):
    """Another script's, of another shape, cut off, or huge: nothing is made of it, and nothing is raised."""
    assert find_answer(output, "kill-process") is None


def test_a_state_is_bounded():
    """However much a device says, a card gets one line of bounded length."""
    assert words({"exists": "yes", "size": "12"}) == "exists: yes; size: 12"
    assert words({"running": "0", "ids": ""}) == "running: 0"
    assert len(words({str(n): "x" * 2000 for n in range(12)})) == LONGEST
