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
    """Every text that a client reads as Markdown: of TextBlocks, and names and values of facts."""
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


def verbs(card: Any) -> list[str]:
    """The verbs that can be pressed, in order, without fallbacks."""
    return [node["verb"] for node in actions(card) if node["type"] == "Action.Execute"]


def text_of(card: Any) -> str:
    """All Markdown of a card in one string, to look for words."""
    return "\n".join(markdown_texts(card))
