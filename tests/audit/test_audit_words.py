"""Each thing that an audit entry can tell of has words on the card."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from bot.audit.chain import Kind
from bot.audit.command_line import WORDS
from bot.responses.models import State
from cards.english import TEXTS

ROOT = Path(__file__).resolve().parents[2]
WRITERS = {"_act", "_write", "_note", "_entry", "put"}
"""What writes an entry with its `what` as one of the arguments."""


def told() -> Iterator[str]:
    """Each constant `what` in the sources: of an Entry itself, or handed to one of the writers."""
    for folder in ("bot", "handlers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if not ("Entry(" in text or "requests.put(" in text) or "simulator" in path.parts:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call):
                    yield from _told(node)


def _told(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = [keyword.value for keyword in call.keywords if keyword.arg == "what"] if name == "Entry" else []
    given += list(call.args) if name in WRITERS else []
    for node in [part for one in given for part in ((one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,))]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value


def test_every_entry_can_be_read():
    """The catalogue has words for each act, and for each end of a request on the device."""
    ends = (State.SUCCEEDED, State.FAILED, State.TIMED_OUT, State.CANCELLED, State.HANDED_OVER, State.PARTLY)
    acts = set(told()) | {state.value for state in ends}
    assert {"proposed", "approved", "sending", "sent", "subscribed", "audit exported", "audit trimmed"} <= acts
    assert sorted(act for act in acts if f"audited.{act.replace(' ', '')}" not in TEXTS) == []


def test_every_break_can_be_read():
    """Each kind of break has words, on the card and on the command line."""
    kinds = set(get_args(Kind))
    assert set(WORDS) == kinds
    assert {f"auditbreak.{kind.replace(' ', '')}" for kind in kinds} <= set(TEXTS)
