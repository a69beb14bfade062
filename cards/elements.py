"""The pieces a card is made of: thin subclasses over the `adaptivecards` package, which lacks half and checks nothing.

What they add: a constructor that refuses unknown keywords (the package drops them silently) and leaves out what is
None; actions and inputs; text that must be `Safe`; a `Card` whose `to_dict` is the only way out. The package ships no
types, hence the one `type: ignore` for each class taken from it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self, TypeAlias

from adaptivecards import baseobject as base
from adaptivecards import containers as package
from adaptivecards import elements as leaves
from adaptivecards.adaptivecard import AdaptiveCard

from bot.turn import input_id
from cards.text import Safe

LARGEST = 60 * 1024
"""Bytes a card may have in UTF-16; Teams refuses a message of about 100 KB."""

Tone: TypeAlias = Literal["default", "emphasis", "good", "attention", "warning", "accent"]
Colour: TypeAlias = Literal["Default", "Accent", "Good", "Warning", "Attention"]
Size: TypeAlias = Literal["Small", "Default", "Medium", "Large"]
Spacing: TypeAlias = Literal["None", "Small", "Default", "Medium", "Large"]
Style: TypeAlias = Literal["default", "positive", "destructive"]


_JSON = frozenset({str, int, float, bool})


class CardTooLarge(ValueError):  # noqa: N818 - reads as what happened
    """A card is larger than Teams takes: show fewer rows."""


class Strict:
    """Refuses keywords that the element does not have (TypeError); None means: leave it out."""

    _has: ClassVar[frozenset[str]]

    def __init_subclass__(cls) -> None:
        members = (member for kind in cls.__mro__ for member in vars(kind).items())
        cls._has = frozenset(name for name, value in members if isinstance(value, base.PropertyType))

    def __init__(self, **given: Any) -> None:
        if unknown := sorted(given.keys() - self._has):
            raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")
        super().__init__(**{name: value for name, value in given.items() if value is not None})


class Element(Strict, base.Element):  # type: ignore[misc]  # untyped package
    """What stands in a body or a list of actions, and has a `type`."""

    fallback = base.PropertyType(type=base.BareObject)


class TextBlock(Strict, leaves.TextBlock):  # type: ignore[misc]  # untyped package
    """A line or paragraph of Markdown; it always wraps."""

    text = base.PropertyType(type=Safe)
    subtle = base.PropertyType(type=bool, key_name="isSubtle")
    style = base.PropertyType(type=str)
    font = base.PropertyType(type=str, key_name="fontType")

    def __init__(
        self,
        text: Safe,
        *,
        size: Size | None = None,
        bold: bool = False,
        color: Colour | None = None,
        subtle: bool | None = None,
        heading: bool = False,
        mono: bool = False,
        spacing: Spacing | None = None,
        separator: bool | None = None,
    ) -> None:
        super().__init__(
            text=text,
            font="Monospace" if mono else None,
            wrap=True,
            size=size,
            weight="Bolder" if bold else None,
            color=color,
            subtle=subtle,
            style="heading" if heading else None,
            spacing=spacing,
            separator=separator,
        )


class Fact(Strict, package.Fact):  # type: ignore[misc]  # untyped package
    """A name and its value, both Markdown."""

    title = base.PropertyType(type=Safe)
    value = base.PropertyType(type=Safe)

    def __init__(self, title: Safe, value: Safe) -> None:
        super().__init__(title=title, value=value)


class FactSet(Strict, package.FactSet):  # type: ignore[misc]  # untyped package
    """Names and values below each other."""

    def __init__(self, facts: Sequence[Fact], *, spacing: Spacing | None = None) -> None:
        super().__init__(facts=list(facts), spacing=spacing)


class Container(Strict, package.Container):  # type: ignore[misc]  # untyped package
    """Elements that belong together; tapping it runs `select`."""

    select = base.PropertyType(type=Element, key_name="selectAction")

    def __init__(
        self,
        items: Iterable[Any],
        *,
        style: Tone | None = None,
        separator: bool | None = None,
        spacing: Spacing | None = None,
        select: Element | None = None,
    ) -> None:
        super().__init__(items=_kept(items), style=style, separator=separator, spacing=spacing, select=select)


class LineChart(Element):
    """Lines over days. An extra: where a client cannot draw it, iOS for one, nothing stands in its place.

    Not every client shows the title, so it stands above the chart as text, too. `data` are
    `{legend, color, values: [{x: YYYY-MM-DD, y: number}]}` (teams-platform 4.8).
    """

    element_type = "Chart.Line"
    title = base.PropertyType(type=str)
    data = base.PropertyType(type=list)
    lowest = base.PropertyType(type=int, key_name="yMin")
    highest = base.PropertyType(type=int, key_name="yMax")
    fallback = base.PropertyType(type=str)

    def __init__(self, title: str, data: Sequence[Mapping[str, Any]], lowest: int, highest: int) -> None:
        super().__init__(title=title, data=list(data), lowest=lowest, highest=highest, fallback="drop")


class CodeBlock(Element):
    """Lines of code or output as they are: no Markdown is read in them. Made by `cards.snippet` alone, which cuts them.

    Clients that do not know it show the `plain` elements instead.
    """

    element_type = "CodeBlock"
    snippet = base.PropertyType(type=str, key_name="codeSnippet")
    language = base.PropertyType(type=str)

    def __init__(self, snippet: str, plain: Iterable[Any]) -> None:
        super().__init__(snippet=snippet, language="PlainText", fallback=Container(plain))


class ActionSet(Strict, package.ActionSet):  # type: ignore[misc]  # untyped package
    """Buttons in the middle of a card."""

    def __init__(self, actions: Iterable["Element | None"], *, spacing: Spacing | None = None) -> None:
        super().__init__(actions=_kept(actions), spacing=spacing)


class InputText(Element):
    """A field to type into."""

    element_type = "Input.Text"
    label = base.PropertyType(type=str)
    required = base.PropertyType(type=bool, key_name="isRequired")
    error = base.PropertyType(type=str, key_name="errorMessage")
    longest = base.PropertyType(type=int, key_name="maxLength")
    multiline = base.PropertyType(type=bool, key_name="isMultiline")

    def __init__(
        self, input_id: str, label: str, *, error: str, longest: int = 500, lines: bool = True, required: bool = True
    ) -> None:
        super().__init__(
            id=input_id,
            label=label,
            required=required or None,
            error=error if required else None,
            longest=longest,
            multiline=lines or None,
        )


class InputChoiceSet(Element):
    """A list to choose one from; the first choice is chosen beforehand. `choices` are (title, value)."""

    element_type = "Input.ChoiceSet"
    label = base.PropertyType(type=str)
    choices = base.PropertyType(type=list)
    value = base.PropertyType(type=str)
    style = base.PropertyType(type=str)
    placeholder = base.PropertyType(type=str)

    def __init__(self, input_id: str, label: str, choices: Sequence[tuple[str, str]]) -> None:
        listed = [{"title": title, "value": value} for title, value in choices]
        title, value = choices[0]
        shown = None if value else title  # clients show an empty value as nothing chosen yet
        super().__init__(id=input_id, label=label, choices=listed, value=value, style="compact", placeholder=shown)


class Action(Element):
    """A button."""

    title = base.PropertyType(type=str)
    style = base.PropertyType(type=str)
    data = base.PropertyType(type=dict)
    mode = base.PropertyType(type=str)
    tooltip = base.PropertyType(type=str)
    inputs = base.PropertyType(type=str, key_name="associatedInputs")

    def secondary(self) -> Self:
        """Move the button to the overflow menu where the client has one: not among the first that a thumb meets."""
        self.mode = "secondary"
        if isinstance(self.fallback, Action):
            self.fallback.secondary()
        return self


class Submit(Action):
    """A button whose data comes as a message; for clients that know no Action.Execute."""

    element_type = "Action.Submit"


class Execute(Action):
    """A button that is answered with a card; older clients get the same data sent with `Submit`."""

    element_type = "Action.Execute"
    verb = base.PropertyType(type=str)

    def __init__(
        self,
        title: str,
        verb: str,
        data: Mapping[str, Any],
        *,
        style: Style = "default",
        inputs: bool = False,
        tooltip: str | None = None,
    ) -> None:
        same: dict[str, Any] = {
            "title": title,
            "data": dict(data),
            "style": None if style == "default" else style,
            "tooltip": tooltip,
            "inputs": "auto" if inputs else "none",
        }
        super().__init__(verb=verb, fallback=Submit(**same), **same)


class OpenUrl(Action):
    """A link; made by `link` and `download` of `cards.parts` alone, which check where it leads."""

    element_type = "Action.OpenUrl"
    url = base.PropertyType(type=str)


class ShowCard(Action):
    """A button that unfolds inputs with a button of their own."""

    element_type = "Action.ShowCard"
    card = base.PropertyType(type=base.BareObject)


class Panel(AdaptiveCard):  # type: ignore[misc]  # untyped package
    """The part of a card that a `ShowCard` unfolds."""

    def __init__(self, body: Iterable[Any], actions: Iterable[Action | None] = ()) -> None:
        super().__init__()
        self.set_data("version", "1.5")
        self.body = _kept(body)
        if buttons := _kept(actions):
            self.actions = buttons


class Card(Panel):
    """A whole card: version 1.5, full width in Teams. `to_dict` is the only way out.

    `instead` is what a client shows that takes no card of this version: Microsoft's page names 1.2 for phones.
    """

    def __init__(
        self, body: Iterable[Any], actions: Iterable[Action | None] = (), *, instead: Safe | None = None
    ) -> None:
        super().__init__(body, actions)
        self.set_data("msteams", {"width": "Full"})
        if instead:
            self.set_data("fallbackText", instead)

    def to_dict(self) -> dict[str, Any]:
        """The card as plain dicts and lists without None. Raises CardTooLarge."""
        card: dict[str, Any] = _plain(self)
        _tell_inputs_apart(card, Counter())
        if (size := measure(card)) > LARGEST:
            raise CardTooLarge(f"{size} bytes of {LARGEST}")
        return card


def measure(card: Mapping[str, Any]) -> int:
    """How many bytes Teams counts: compact JSON in UTF-16."""
    return len(json.dumps(card, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le"))


def _tell_inputs_apart(node: Any, seen: Counter[str]) -> None:
    """Give each input an id of its own, panels included: phones show nothing of a card that has the same id twice.

    Their parser refuses it (`ParseContext` of microsoft/AdaptiveCards; msteams-docs#7868), the desktop's takes it.
    """
    if isinstance(node, list):
        for inner in node:
            _tell_inputs_apart(inner, seen)
    elif isinstance(node, dict):
        if str(node.get("type")).startswith("Input."):
            seen[node["id"]] += 1
            node["id"] = input_id(node["id"], seen[node["id"]])
        for name, inner in node.items():
            if name != "data":
                _tell_inputs_apart(inner, seen)


def _kept(parts: Iterable[Any]) -> list[Any]:
    return [part for part in parts if part is not None]


def _plain(value: Any) -> Any:
    """The same as what JSON knows, without None; by far the most values are plain already."""
    kind = type(value)
    if kind in _JSON:
        return value
    if kind is Safe:
        return str(value)
    if isinstance(value, base.BareObject):
        value = value.render()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value if inner is not None]
    raise TypeError(f"a card holds no {kind.__name__}")
