"""What one of our scripts says it did: one JSON object somewhere in its output.

It comes from the device: one that an attack has taken over may print what it likes. It is shown as the device's word
and no more.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

LONGEST = 400
_Text = Annotated[str, StringConstraints(max_length=2000)]
_START = '{"script":'
_TRIES = 200


class Answer(BaseModel):
    """What a script prints: the state before and after, whether it was told to apply it, whether anything changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    script: _Text
    version: _Text
    applied: bool
    target: _Text
    before: Annotated[Mapping[_Text, _Text], Field(max_length=12)]
    after: Annotated[Mapping[_Text, _Text], Field(max_length=12)]
    changed: bool
    undo: _Text
    error: _Text


KEYS = tuple(Answer.model_fields)


def find_answer(output: str, script: str) -> Answer | None:
    """The last answer of that script in its output; None where there is none that can be read."""
    found = None
    for value in _objects(output):
        try:
            answer = Answer.model_validate(value)
        except ValidationError:
            continue
        found = answer if answer.script == script else found
    return found


def _objects(output: str) -> Iterator[Any]:
    """The JSON objects that begin as `ConvertTo-Json -Compress` lets an answer begin."""
    decoder = json.JSONDecoder(strict=False)
    at = output.find(_START)
    for _ in range(_TRIES):
        if at < 0:
            return
        try:
            value, end = decoder.raw_decode(output, at)
        except (ValueError, RecursionError):
            value, end = None, at + len(_START)
        if value is not None:
            yield value
        at = output.find(_START, end)


def words(state: Mapping[str, str]) -> str:
    """A state in one line, as the script names its parts; one without a value is left out."""
    return "; ".join(f"{name}: {value}" for name, value in state.items() if value)[:LONGEST]
