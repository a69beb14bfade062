"""Reading the policy file: every problem at once, each with its place. A bad file is never half in force."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.policy.check import complaints
from bot.policy.models import BOUNDS, NO_POLICY, Defaults, Effects, Policy, PolicyFile, Reminders, Rule, Then, When
from bot.responses.declared import Response

EXAMPLE = Path(__file__).with_name("example.toml")
LARGEST = 256 * 1024
Loc = tuple[str | int, ...]


class PolicyError(Exception):
    """The policy cannot be used. `lines` are sentences, each with its place in the file."""

    def __init__(self, source: str, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        super().__init__(f"The policy in {source} cannot be used:\n  " + "\n  ".join(self.lines))


def load_policy(path: str, responses: Mapping[str, Response]) -> Policy:
    """The policy of that file; without a name, what the responses declare. Raises PolicyError."""
    if not path:
        return NO_POLICY
    try:
        raw = Path(path).read_bytes()
    except OSError as failure:
        raise PolicyError(path, [f"The file cannot be read ({failure.strerror}). POLICY_FILE names it."]) from None
    if len(raw) > LARGEST:
        raise PolicyError(path, [f"The file is larger than {LARGEST // 1024} KB."])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise PolicyError(path, ["The file is not UTF-8 text."]) from None
    return Policy(file=parsed(text, responses, path), source=Path(path).name, mark=sha256(raw).hexdigest()[:16])


def parsed(text: str, responses: Mapping[str, Response], source: str = "the policy") -> PolicyFile:
    """The policy of that text. Raises PolicyError with all that is wrong, in the order of the file."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number without end, and brackets in brackets in brackets
        raise PolicyError(source, [f"It is no TOML: {_sentence(str(error))}"]) from None
    lines = _Lines(text)
    try:
        file = PolicyFile.model_validate(data)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
        found = [(_stripped(error["loc"]), _reason(error)) for error in errors]
        raise PolicyError(source, _told(found, lines, data)) from None
    if wrong := list(complaints(file, responses)):
        raise PolicyError(source, _told(wrong, lines, data))
    return file


def _told(found: Sequence[tuple[Loc, str]], lines: "_Lines", data: Mapping[str, Any]) -> list[str]:
    """Each problem with its line and place, in the order of the file."""
    placed = sorted((lines.of(loc), _place(loc, data), words) for loc, words in dict.fromkeys(found))
    return [f"{f'line {number}, ' if number else ''}{place}: {words}" for number, place, words in placed]


def _stripped(loc: Loc) -> Loc:
    """The place without what pydantic adds for an item of an array, which the words name."""
    return loc[:-1] if loc and isinstance(loc[-1], int) and len(loc) > 2 else loc  # noqa: PLR2004 - ("rule", 0) stays


def _place(loc: Loc, data: Mapping[str, Any]) -> str:
    """`rule 3 (servers at night), when.hours`, `response.isolate.approvals`, `zone`."""
    if len(loc) > 1 and loc[0] == "rule" and isinstance(loc[1], int):
        rules = data.get("rule")
        one = rules[loc[1]] if isinstance(rules, list) else None
        name = one.get("name") if isinstance(one, Mapping) else None
        head = f"rule {loc[1] + 1}" + (f" ({name})" if isinstance(name, str) else "")
        rest = ".".join(map(str, loc[2:]))
        return f"{head}, {rest}" if rest else head
    return ".".join(map(str, loc))


def _reason(error: Any) -> str:
    """What is wrong, in a sentence that goes on after the place."""
    kind, about = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(error["loc"])
    if kind == "value_error":
        return f"{about['error']}."
    if kind in ("greater_than_equal", "less_than_equal"):
        low, high = BOUNDS[error["loc"][-1]]
        return f"must be from {low} to {high}."
    if kind == "tuple_type" and error["loc"] == ("rule",):
        return "must be written with double brackets: [[rule]]."
    if kind == "literal_error":
        return f"must be {about['expected'].replace('True', 'true').replace(chr(39), chr(34))}."
    words = WORDS.get(kind)
    return words.format(**about) if words else _sentence(str(error["msg"]))


WORDS: Mapping[str, str] = {
    "missing": "is missing.",
    "string_type": "must be text in quotes.",
    "int_type": "must be a whole number.",
    "int_from_float": "must be a whole number.",
    "bool_type": "must be true or false.",
    "tuple_type": 'must be a list such as ["one", "two"].',
    "model_type": "must be a table with names and values.",
    "model_attributes_type": "must be a table with names and values.",
    "mapping_type": "must be a table with names and values.",
    "dict_type": "must be a table with names and values.",
    "too_short": "is empty: leave it out instead.",
    "string_too_short": "is empty.",
    "string_too_long": "has more than {max_length} characters.",
}


def _unknown(loc: Loc) -> str:
    tables: Mapping[str | int, type[BaseModel]] = {"when": When, "then": Then}
    outer: Mapping[str | int, type[BaseModel]] = {
        "rule": Rule,
        "response": Effects,
        "defaults": Defaults,
        "reminders": Reminders,
    }
    model = tables.get(loc[-2]) or outer.get(loc[0], PolicyFile) if len(loc) > 1 else PolicyFile
    near = get_close_matches(str(loc[-1]), list(model.model_fields), n=1, cutoff=0.75)
    return "is not known here" + (f": did you mean {near[0]}?" if near else ".")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


class _Lines:
    """Where each part of the file stands: a second, simple look at the text, for the messages alone."""

    _HEAD = re.compile(r"^\s*\[\[?\s*([\w.\"'-]+)\s*\]\]?")
    _KEY = re.compile(r"^\s*([\w.\"'-]+)\s*=")

    def __init__(self, text: str) -> None:
        self._at: dict[Loc, int] = {}
        rules = -1
        head: Loc = ()
        for number, line in enumerate(text.splitlines(), 1):
            if found := self._HEAD.match(line):
                rules += line.strip().startswith("[[rule]]")
                head = self._path(found[1], rules)
                self._at.setdefault(head, number)
            elif found := self._KEY.match(line):
                path = (*head, *self._parts(found[1]))
                for length in range(len(head) + 1, len(path) + 1):
                    self._at.setdefault(path[:length], number)

    def of(self, loc: Loc) -> int:
        """The line of that place, or of what it stands in; 0 where it cannot be told."""
        return next((self._at[loc[:n]] for n in range(len(loc), 0, -1) if loc[:n] in self._at), 0)

    def _path(self, dotted: str, rules: int) -> Loc:
        first, *rest = self._parts(dotted)
        return (first, rules, *rest) if first == "rule" and rules >= 0 else (first, *rest)

    @staticmethod
    def _parts(dotted: str) -> Iterator[str]:
        return (part.strip("\"'") for part in dotted.split("."))
