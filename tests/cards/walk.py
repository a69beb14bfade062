"""Ways through a card's JSON for the tests."""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]
PLAIN = ("title", "tooltip", "label", "errorMessage")


def nodes(value: Any) -> Iterator[Node]:
    """Every JSON object in the card, outermost first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def markdown_texts(card: Any) -> Iterator[str]:
    """Every text that a client reads as Markdown: those of a card, and the one that stands for it."""
    yield from (node["fallbackText"] for node in nodes(card) if "fallbackText" in node)
    yield from shown_texts(card)


def shown_texts(card: Any) -> Iterator[str]:
    """Every Markdown that a card shows: of TextBlocks, and names and values of facts."""
    for node in nodes(card):
        if node.get("type") == "TextBlock":
            yield node["text"]
        for fact in node.get("facts", ()):
            yield fact["title"]
            yield fact["value"]


def plain_texts(card: Any) -> Iterator[str]:
    """Every text that is shown as it is: titles and tooltips of buttons, labels, choices."""
    for node in nodes(card):
        if str(node.get("type", "")).startswith(("Action.", "Input.")):
            yield from (node[name] for name in PLAIN if name in node)
            yield from (choice["title"] for choice in node.get("choices", ()))


def actions(card: Any) -> Iterator[Node]:
    """Every button, fallbacks and those inside unfolding parts included."""
    return (node for node in nodes(card) if str(node.get("type", "")).startswith("Action."))


def sent(card: Node, around: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The ids of the inputs that a press sends: one from the card itself, then one from each panel that unfolds."""
    own, panels = list(around), []

    def look(value: Any) -> None:
        if isinstance(value, list):
            for inner in value:
                look(inner)
        elif isinstance(value, dict):
            if str(value.get("type", "")).startswith("Input."):
                own.append(value["id"])
            for name, inner in value.items():
                if name == "card" and value.get("type") == "Action.ShowCard":
                    panels.append(inner)
                else:
                    look(inner)

    look(card)
    yield tuple(own)
    for panel in panels:
        yield from sent(panel, tuple(own))


def panels(card: Any) -> Iterator[Node]:
    """The parts that unfold."""
    return (node["card"] for node in nodes(card) if node.get("type") == "Action.ShowCard")


def depths(value: Any, depth: int = 0) -> Iterator[int]:
    """How deep each element, button and fallback lies, counted as the parser of the phones does (`PushElement`)."""
    if isinstance(value, list):
        for inner in value:
            yield from depths(inner, depth)
    elif isinstance(value, dict):
        here = depth + (value.get("type", "AdaptiveCard") != "AdaptiveCard")
        yield from [here] * (here - depth)
        for name, inner in value.items():
            if name == "fallback" and isinstance(inner, dict):
                yield here + 1
                yield from depths(inner, here + 1)
            elif name != "data":
                yield from depths(inner, here)


def verbs(card: Any) -> list[str]:
    """The verbs that can be pressed, in order, without fallbacks."""
    return [node["verb"] for node in actions(card) if node["type"] == "Action.Execute"]


def text_of(card: Any) -> str:
    """All Markdown that a card shows in one string, to look for words."""
    return "\n".join(shown_texts(card))
