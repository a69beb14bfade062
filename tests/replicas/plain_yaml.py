"""Reads the part of YAML that compose.yaml is written in: block mappings and lists, texts, one anchor and its merge.

Whatever else is met is an error: so the file stays simple enough to be read by eye. No YAML library is a dependency.
"""

from typing import Any


class Reader:
    """Lines as (indentation, text), without comments and empty ones; those of a block text are kept whole."""

    def __init__(self, text: str) -> None:
        self.lines = [(len(line) - len(line.lstrip()), line.strip()) for line in text.splitlines()]
        self.at = 0
        self.anchors: dict[str, Any] = {}

    def read(self) -> Any:
        """All of it. Raises ValueError for what is not read."""
        value = self._block(0)
        if self._next() is not None:
            raise ValueError(f"line {self.at + 1} is indented oddly: {self.lines[self.at]}")
        return value

    def _next(self) -> tuple[int, str] | None:
        while self.at < len(self.lines) and (not self.lines[self.at][1] or self.lines[self.at][1].startswith("#")):
            self.at += 1
        return self.lines[self.at] if self.at < len(self.lines) else None

    def _block(self, least: int) -> Any:
        found = self._next()
        if found is None or found[0] < least:
            return None
        return self._list(found[0]) if found[1].startswith("- ") else self._mapping(found[0])

    def _list(self, indent: int) -> list[Any]:
        values = []
        while (found := self._next()) and found[0] == indent and found[1].startswith("- "):
            rest = found[1].removeprefix("- ")
            if ": " in rest and not rest.startswith(('"', "'", "$")):
                self.lines[self.at] = (indent + 2, rest)
                values.append(self._mapping(indent + 2))
            else:
                self.at += 1
                values.append(scalar(rest))
        return values

    def _mapping(self, indent: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while (found := self._next()) and found[0] == indent and not found[1].startswith("- "):
            name, colon, rest = found[1].partition(":")
            if not colon or name in values:
                raise ValueError(f"line {self.at + 1} is no entry of its own: {found[1]}")
            self.at += 1
            value = self._value(rest.strip(), indent)
            values |= value if name == "<<" else {name.strip('"'): value}
        return values

    def _value(self, text: str, indent: int) -> Any:
        if text == "|":
            return self._text(indent)
        if text.startswith("&"):
            self.anchors[text[1:]] = self._block(indent + 1)
            return self.anchors[text[1:]]
        if text.startswith("*"):
            return self.anchors[text[1:]]
        return scalar(text) if text else self._block(indent + 1)

    def _text(self, indent: int) -> str:
        taken = []
        while self.at < len(self.lines) and (self.lines[self.at][0] > indent or not self.lines[self.at][1]):
            taken.append(self.lines[self.at])
            self.at += 1
        first = taken[0][0]
        return "".join(" " * max(0, spaces - first) + text + "\n" for spaces, text in taken)


def scalar(text: str) -> Any:
    """A text, or a list in brackets of quoted ones."""
    if text.startswith("["):
        return [scalar(part) for part in _parts(text[1:-1])]
    if text[0] in "\"'" and text[-1] == text[0]:
        return text[1:-1]
    if text[0] in "{&*!|>%@`" or " #" in text:
        raise ValueError(f"not read: {text}")
    return text


def _parts(text: str) -> list[str]:
    """What stands between commas that are outside of quotes."""
    parts, quote = [""], ""
    for sign in text:
        if sign in "\"'" and quote in ("", sign):
            quote = "" if quote else sign
        if sign == "," and not quote:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]
