"""Records as released versions wrote them are read for good: a file for each kind, and each state of a request."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import handlers
from bot.history import Day
from bot.posts import Shownable
from bot.responses.models import Request, State
from bot.subscriptions import Subscription
from bot.turn import Look

FOLDER = Path(__file__).parent / "fixtures"
FILES = sorted(FOLDER.glob("v*/*.json"))
VIEWS = {view.kind: view for view in handlers.VIEWS}
MODELS = {kind: view.model for kind, view in VIEWS.items()} | {"subscription": Subscription, "day": Day}
LOOK = Look(now=datetime(2026, 11, 24, tzinfo=UTC))


def kind_of(path: Path) -> str:
    return path.stem.partition("-")[0]


def kept(again: Any, stored: Any) -> Any:
    """What is written now of what was stored then; fields that were added since are left out."""
    if isinstance(stored, dict) and isinstance(again, dict):
        return {name: kept(again.get(name), value) for name, value in stored.items()}
    if isinstance(stored, list) and isinstance(again, list) and len(again) == len(stored):
        return [kept(new, old) for new, old in zip(again, stored, strict=True)]
    return again


def test_every_kind_and_state_has_a_file():
    """No kind of record that is shown, and no state of a request, is without a stored example."""
    assert {kind_of(path) for path in FILES} >= set(MODELS)
    states = {json.loads(path.read_text())["state"] for path in FILES if kind_of(path) == "request"}
    assert states == {state.value for state in State}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_stored_record_is_read_as_it_was_written(path):
    """Nothing that was stored is lost or changed by reading it, and it can still be shown."""
    stored = json.loads(path.read_text())
    record = MODELS[kind_of(path)].model_validate(stored)
    assert kept(record.model_dump(mode="json"), stored) == stored
    if isinstance(record, Shownable) and record.posts:
        shown = VIEWS[kind_of(path)].render(record, record.posts[0], LOOK)
        assert shown.card["body"]
        assert shown.summary


@pytest.mark.parametrize("path", [path for path in FILES if kind_of(path) == "request"], ids=lambda path: path.stem)
def test_a_stored_request_is_taken_on(path):
    """One that is not over wants to be woken, and one that is over does not."""
    request = Request.model_validate(json.loads(path.read_text()))
    assert (request.step_due() is None) == request.final
    assert (request.keep is None) == (not request.final)


def test_unknown_fields_of_a_newer_version_do_no_harm():
    """A record of the next version, with a field more, is read by this one."""
    stored = json.loads((FOLDER / "v1" / "request-sent.json").read_text()) | {"v": 2, "added": {"later": 1}}
    assert Request.model_validate(stored).state is State.SENT
