"""Reading the bot's cards as a person does: by their words. Knows nothing of the bot's code."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

STANDS = {
    "Waits for a decision until": "proposed",
    "Approved. Not sent yet.": "approved",
    "Needs no approval. Not sent yet.": "approved",
    "Being sent to Defender.": "sending",
    "Accepted by Defender.": "sent",
    "Unknown whether Defender accepted it.": "unknown",
    "Defender reports: Succeeded.": "succeeded",
    "Failed. Defender reports:": "failed",
    "Failed. Defender did not carry it out.": "refused",
    "Defender reports: Timed out.": "timed out",
    "Cancelled. Defender reports:": "cancelled",
    "Rejected. Nothing was sent.": "rejected",
    "Expired: not decided in time. Nothing was sent.": "expired",
    "Expired: it could not be sent in time.": "unsent",
    "Withdrawn. Nothing was sent.": "withdrawn",
    "Given up.": "given up",
}
OVER = frozenset(STANDS.values()) - {"proposed", "approved", "sending", "sent", "unknown"}
TAKEN = {
    "approve": "{name} approved.",
    "reject": "{name} rejected.",
    "withdraw": "{name} withdrew the request.",
    "resend": "{name} had it sent again.",
    "giveup": "{name} gave up.",
}
_LINE = re.compile(r"(\w+) severity, (.+)")
_MERGED = re.compile(r"Merged into incident (\S+)\.")
_COUNT = re.compile(r"(\d+) incidents?")


@dataclass(frozen=True)
class Seen:
    """What a card says.

    `kind` is request, incident, summary, working, pointer or other; `id` the request's or incident's. `stand` is a
    request's state by `STANDS`. `data` holds each button's data by its verb.
    """

    kind: str
    id: str
    stand: str
    lines: tuple[str, ...]
    facts: Mapping[str, str]
    data: Mapping[str, Mapping[str, Any]]

    @property
    def title(self) -> str:
        return self.lines[0] if self.lines else ""

    @property
    def text(self) -> str:
        return "\n".join((*self.lines, *(f"{name}: {value}" for name, value in self.facts.items())))

    @property
    def incident(self) -> tuple[str, str, str]:
        """Severity, status and the surviving incident, as an incident's card says them."""
        found = next((m for line in self.lines if (m := _LINE.fullmatch(line))), None)
        merged = next((m[1] for line in self.lines if (m := _MERGED.search(line))), "")
        return (found[1].casefold(), found[2], merged) if found else ("", "", merged)

    @property
    def total(self) -> int:
        """How many incidents a summary stands for."""
        found = next((m for line in self.lines if (m := _COUNT.fullmatch(line))), None)
        return int(found[1]) if found else 0


def read(activity: Mapping[str, Any]) -> Seen:
    """An activity of the bot, or its answer to a press."""
    cards = [one.get("content") for one in activity.get("attachments", ())]
    card = cards[0] if cards else activity.get("value")
    nodes = list(_nodes(card))
    lines = tuple(_words(node["text"]) for node in nodes if node.get("type") == "TextBlock")
    facts = {_words(f["title"]): _words(f["value"]) for node in nodes for f in node.get("facts", ())}
    data = {str(node.get("verb")): node.get("data", {}) for node in nodes if node.get("type") == "Action.Execute"}
    title = lines[0] if lines else ""
    stand = next((state for line in lines[1:3] for words, state in STANDS.items() if line.startswith(words)), "")
    kind, id_ = "other", ""
    if "Request" in facts:
        kind, id_ = "request", facts["Request"]
    elif "Incident" in facts:
        kind, id_ = "incident", facts["Incident"]
    elif title.startswith(("Many incidents at once", "Open incidents when")):
        kind = "summary"
    elif title.startswith("Working on it"):
        kind = "working"
    elif title.startswith("A newer card of this is further down"):
        kind = "pointer"
    return Seen(kind, id_, stand, lines, facts, data)


def rows_of(activity: Mapping[str, Any]) -> set[str]:
    """The incidents that a summary's rows open."""
    nodes = [node for one in activity.get("attachments", ()) for node in _nodes(one.get("content"))]
    opened = [str(node.get("data", {}).get("id", "")) for node in nodes if node.get("type") == "Action.Execute"]
    return {line.removeprefix("incident ") for line in opened if line.startswith("incident ")}


def taken(verb: str, name: str, answer: Mapping[str, Any] | None) -> bool:
    """Whether the answer to a press says that this person's decision was taken."""
    return bool(answer) and TAKEN[verb].format(name=name) in read(answer).text


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, dict):
        yield node
        for name, value in node.items():
            if name != "data":
                yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def _words(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", str(text)).replace("**", "")
