"""The part of OData's `$filter` that the reference pages document: parsed to a tree, then asked about one item.

    or      := and ('or' and)*
    and     := unary ('and' unary)*
    unary   := 'not' unary | '(' or ')' | function | lambda | compare
    compare := field ('eq'|'ne'|'gt'|'ge'|'lt'|'le') literal | field 'in' '(' literal, ... ')'

Which fields may be filtered is data of the endpoint (`Fields`); any other raises `ODataError`, the 400 of the service.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.simulator import moments

Test = Callable[[Any], bool]
MAX_LENGTH = 8000
MAX_DEPTH = 40
_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<word>[^\s'(),:]+(?::[^\s'(),]+)*)|(?P<mark>[(),:]))", re.DOTALL
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: bool(left == right),
    "ne": lambda left, right: bool(left != right),
    "gt": lambda left, right: bool(left > right),
    "ge": lambda left, right: bool(left >= right),
    "lt": lambda left, right: bool(left < right),
    "le": lambda left, right: bool(left <= right),
}
_TEXTS = frozenset({"text", "name"})
_ORDERED = frozenset({"gt", "ge", "lt", "le"})
_FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}


class ODataError(ValueError):
    """The filter cannot be read, or names what may not be filtered."""


@dataclass(frozen=True)
class Field:
    """A field that may be filtered: how to read it from an item and what it holds.

    `kind` is one of text, name (text compared without regard to case, as the directory does), number, time, flag, enum.
    `members` are an enum's values in the schema's spelling.
    """

    read: Callable[[Any], Any]
    kind: str = "text"
    members: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Fields:
    """What an endpoint lets one filter. `collections` are what `any` may look into: name to (items, fields)."""

    known: Mapping[str, Field]
    collections: Mapping[str, tuple[Callable[[Any], list[Any]], "Fields"]]
    any_case: bool = False

    def find(self, name: str) -> Field:
        """The field of that name. Raises ODataError where it may not be filtered."""
        if self.any_case:
            name = next((known for known in self.known if known.casefold() == name.casefold()), name)
        if name not in self.known:
            raise ODataError(f"Invalid filter clause: the property '{name[:80]}' cannot be used in $filter.")
        return self.known[name]


def compile_filter(text: str, fields: Fields) -> Test:
    """A test made from `$filter`. Raises ODataError."""
    if len(text) > MAX_LENGTH:
        raise ODataError("Invalid filter clause: too long.")
    parser = _Parser(list(_split(text)), fields)
    test = parser.either(0)
    parser.end()
    return test


def _split(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ODataError(f"Syntax error at position {at} in the filter.")
        yield str(match.lastgroup), str(match[str(match.lastgroup)])
        at = match.end()


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]], fields: Fields) -> None:
        self.tokens = tokens
        self.at = 0
        self.fields = fields

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        where = self.at + ahead
        return self.tokens[where] if where < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.at += 1
        return token

    def expect(self, mark: str) -> None:
        if self.take() != ("mark", mark):
            raise ODataError(f"Syntax error: '{mark}' expected in the filter.")

    def end(self) -> None:
        if self.peek()[0] != "end":
            raise ODataError(f"Syntax error: '{self.peek()[1][:80]}' not expected in the filter.")

    def either(self, depth: int) -> Test:
        if depth > MAX_DEPTH:
            raise ODataError("Invalid filter clause: nested too deep.")
        parts = [self.both(depth)]
        while self.peek() == ("word", "or"):
            self.take()
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def both(self, depth: int) -> Test:
        parts = [self.unary(depth)]
        while self.peek() == ("word", "and"):
            self.take()
            parts.append(self.unary(depth))
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def unary(self, depth: int) -> Test:
        if self.peek() == ("word", "not"):
            self.take()
            if depth > MAX_DEPTH:
                raise ODataError("Invalid filter clause: nested too deep.")
            inner = self.unary(depth + 1)
            return lambda item: not inner(item)
        if self.peek() == ("mark", "("):
            self.take()
            inner = self.either(depth + 1)
            self.expect(")")
            return inner
        kind, name = self.take()
        if kind != "word":
            raise ODataError(f"Syntax error: a property expected, not '{name[:80]}'.")
        if self.peek() == ("mark", "("):
            return self.call(name, depth)
        return self.compare(name)

    def call(self, name: str, depth: int) -> Test:
        self.take()
        collection, slash, function = name.rpartition("/")
        if slash and function == "any":
            return self.any_of(collection, depth)
        if name not in _FUNCTIONS:
            raise ODataError(f"Unknown function '{name[:80]}' in the filter.")
        field = self.fields.find(self.word())
        if field.kind not in _TEXTS:
            raise ODataError(f"Function '{name}' takes a string property.")
        self.expect(",")
        wanted = self.literal(Field(field.read, field.kind))
        self.expect(")")
        test = _FUNCTIONS[name]
        return lambda item: isinstance(found := _comparable(field, field.read(item)), str) and test(found, str(wanted))

    def any_of(self, collection: str, depth: int) -> Test:
        if collection not in self.fields.collections:
            raise ODataError(f"Invalid filter clause: '{collection[:80]}' cannot be used with any.")
        items, inner = self.fields.collections[collection]
        variable, colon, rest = self.word().partition(":")
        if colon:
            self.at -= 1
            self.tokens[self.at] = ("word", rest)
        else:
            self.expect(":")
        outer, self.fields = self.fields, _renamed(inner, variable)
        test = self.either(depth + 1)
        self.fields = outer
        self.expect(")")
        return lambda item: any(test(part) for part in items(item))

    def word(self) -> str:
        kind, text = self.take()
        if kind != "word":
            raise ODataError(f"Syntax error: a property expected, not '{text[:80]}'.")
        return text

    def compare(self, name: str) -> Test:
        field = self.fields.find(name)
        operator = self.word()
        if operator == "in":
            return self.among(field)
        if operator not in _COMPARE:
            raise ODataError(f"Unknown operator '{operator[:80]}' in the filter.")
        wanted = self.literal(field)
        return _comparison(field, operator, wanted)

    def among(self, field: Field) -> Test:
        self.expect("(")
        tests = [_comparison(field, "eq", self.literal(field))]
        while self.peek() == ("mark", ","):
            self.take()
            tests.append(_comparison(field, "eq", self.literal(field)))
        self.expect(")")
        return lambda item: any(test(item) for test in tests)

    def literal(self, field: Field) -> Any:
        kind, text = self.take()
        if kind not in {"string", "word"}:
            raise ODataError("Syntax error: a value expected in the filter.")
        if (kind, text) == ("word", "null"):
            return None
        try:
            return _READERS[field.kind](kind, text, field)
        except (ValueError, OverflowError) as bad:
            raise ODataError(f"Incompatible value {text[:80]} in the filter.") from bad


def _comparison(field: Field, operator: str, wanted: Any) -> Test:
    compare = _COMPARE[operator]

    def test(item: Any) -> bool:
        found = _comparable(field, field.read(item))
        if operator in _ORDERED and (found is None or wanted is None):
            return False
        return compare(found, wanted)

    return test


def _comparable(field: Field, value: Any) -> Any:
    if isinstance(value, datetime):
        return moments.ticks(value)
    return value.casefold() if field.kind in {"enum", "name"} and isinstance(value, str) else value


def _renamed(fields: Fields, variable: str) -> Fields:
    known = {f"{variable}/{name}" if name else variable: field for name, field in fields.known.items()}
    return Fields(known, {}, fields.any_case)


def _text(kind: str, text: str, _field: Field) -> str:
    if kind != "string":
        raise ValueError(text)
    return text[1:-1].replace("''", "'")


def _name(kind: str, text: str, field: Field) -> str:
    return _text(kind, text, field).casefold()


def _enum(kind: str, text: str, field: Field) -> str:
    value = _text(kind, text, field)
    if value.casefold() not in {member.casefold() for member in field.members}:
        raise ValueError(text)
    return value.casefold()


def _number(kind: str, text: str, _field: Field) -> float:
    if kind != "word" or not re.fullmatch(r"-?\d{1,18}(\.\d{1,18})?", text, re.ASCII):
        raise ValueError(text)
    return float(text)


def _flag(kind: str, text: str, _field: Field) -> bool:
    if kind != "word" or text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


def _time(kind: str, text: str, _field: Field) -> moments.Ticks:
    if kind != "word":
        raise ValueError(text)
    return moments.read(text)


_READERS: Mapping[str, Callable[[str, str, Field], Any]] = {
    "text": _text,
    "name": _name,
    "enum": _enum,
    "number": _number,
    "flag": _flag,
    "time": _time,
}
