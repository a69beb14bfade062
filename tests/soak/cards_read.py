"""Reading the bot's cards as a person does: by their words. Knows nothing of the bot's code."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_STANDS = {
    r"Waits for a decision until": "proposed",
    r"Runs by itself at": "proposed",
    r"Approved\. Not sent yet\.": "approved",
    r"Approved by the policy\. Not sent yet\.": "approved",
    r"Needs no approval\. Not sent yet\.": "approved",
    r"Being sent to ": "sending",
    r"Accepted by ": "sent",
    r"(Approved for all devices|Needs no approval), not confirmed on all": "sent",
    r"(Defender was asked to cancel it|Defender investigates)\.": "sent",
    r"Microsoft looks at it,": "sent",
    r"Unknown whether .+? accepted it\.": "unknown",
    r"Failed\. .+ reports:": "failed",
    r"Failed\. .+ did not carry it out\.": "refused",
    r"(It could not be cancelled any more|Microsoft did not look at it)\.": "failed",
    r"(Not in force\.|None is blocked:)": "failed",
    r"Cancelled\. .+ reports:": "cancelled",
    r"Rejected\. Nothing was sent\.": "rejected",
    r"Expired: not decided in time\. Nothing was sent\.": "expired",
    r"Expired: it could not be sent in time\.": "unsent",
    r"Withdrawn\. Nothing was sent\.": "withdrawn",
    r"Nothing was sent, because": "refused",
    r"Not sent\.": "refused",
    r"Given up\.": "given up",
    r"Confirmed on every device\.": "done on all",
    r"Confirmed on some devices, not on all\.": "done on some",
    r"Confirmed on no device; on some it is unknown\.": "confirmed on none",
    r"Done on no device\.": "done on none",
    r"The investigation is over, in part\.": "done in part",
    r"Only some are known to be blocked:": "done in part",
    r".+ does not tell how it ended\.": "handed over",
    r"(Defender took the order\.|Intune took it:)": "handed over",
    r".+ reports: .+\. Whether the device did it is unknown\.": "timed out",
    r"(Sign-in is blocked|The user can sign in again|The sessions are ended),": "succeeded",
    r"The package is there\.|Defender holds (the indicator|all of them):|Microsoft has looked at it\.": "succeeded",
    r"(There is no indicator for it any more|None of them is there any more)\.": "succeeded",
    r"The password is reset to one that nobody knows,": "succeeded",
    r".+ reports: ": "succeeded",
}
STANDS = {re.compile(words): stand for words, stand in _STANDS.items()}
"""What a request's card says of it, tried in this order at the beginning of its first lines."""
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
_COUNT = re.compile(r"(\d+) (?:incidents?|waits? for approval)")
_IN_THE_CENTER = ("Waits for approval", "No longer waits.", "No longer listed.", "Not in the list any more")


@dataclass(frozen=True)
class Seen:
    """What a card says.

    `kind` is request, pending (an item of the Action center), center summary (many of them), incident, summary,
    output, working, pointer or other; `id` the request's or incident's. `stand` is a request's state by `STANDS`.
    `data` holds each button's data by its verb, `asks` the inputs of the form that it stands in, `runs` the commands
    that its buttons run, `code` the blocks that are shown as they are.
    """

    kind: str
    id: str
    stand: str
    lines: tuple[str, ...]
    facts: Mapping[str, str]
    data: Mapping[str, Mapping[str, Any]]
    runs: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    asks: Mapping[str, frozenset[str]] = field(default_factory=dict)

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
        """How many incidents or items a summary stands for."""
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
    stand = next((state for line in lines[1:3] for words, state in STANDS.items() if words.match(line)), "")
    kind, id_ = "other", ""
    if title.startswith("Output of a script on"):
        kind, id_ = "output", facts.get("Request", "")
    elif "Request" in facts:
        kind, id_ = "request", facts["Request"]
    elif any(line.startswith(_IN_THE_CENTER) for line in lines[1:3]):
        kind = "pending"
    elif "Incident" in facts:
        kind, id_ = "incident", facts["Incident"]
    elif title.startswith(("Many incidents at once", "Open incidents when")):
        kind = "summary"
    elif title.startswith(("What waits in the Action center", "Many began to wait in the Action")):
        kind = "center summary"
    elif title.startswith("Working on it"):
        kind = "working"
    elif title.startswith("A newer card of this is further down"):
        kind = "pointer"
    runs = tuple(str(node.get("data", {}).get("id", "")) for node in nodes if node.get("verb") == "run")
    code = tuple(str(node["codeSnippet"]) for node in nodes if node.get("type") == "CodeBlock")
    return Seen(kind, id_, stand, lines, facts, data, runs, code, dict(_forms(nodes)))


def _forms(nodes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, frozenset[str]]]:
    """The verbs of the buttons that send inputs, each with the inputs' names."""
    for form in nodes:
        if form.get("type") == "AdaptiveCard" and "body" in form:
            fields = [one for one in form["body"] if str(one.get("type", "")).startswith("Input.")]
            names = frozenset(str(one["id"]).partition(".")[0] for one in fields)
            yield from ((str(one["verb"]), names) for one in form.get("actions", ()) if "verb" in one)


def rows_of(activity: Mapping[str, Any]) -> set[str]:
    """The incidents that a summary's rows open."""
    nodes = [node for one in activity.get("attachments", ()) for node in _nodes(one.get("content"))]
    opened = [str(node.get("data", {}).get("id", "")) for node in nodes if node.get("type") == "Action.Execute"]
    return {line.removeprefix("incident ") for line in opened if line.startswith("incident ")}


def taken(verb: str, name: str, answer: Mapping[str, Any] | None) -> bool:
    """Whether the answer to a press says that this person's decision was taken."""
    return bool(answer) and verb in TAKEN and TAKEN[verb].format(name=name) in read(answer).text


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
