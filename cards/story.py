"""What happened to a request, line by line, each with its time and who did it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.responses.models import Decision, Request, Step
from bot.turn import Look
from cards import parts
from cards.elements import Container
from cards.text import Safe, count, escape, known, say, told, word

LINES = 12
SERVICES = {"user": "entra", "managed": "intune", "mail": "office", "submission": "office"}
"""What the service is called that a target of that kind belongs to; of all others it is Defender."""


def service_of(look: Look, request: Request) -> Safe:
    """The name of the service that carries the request out."""
    return word(look, "service", SERVICES.get(request.target.kind, "short"))


def story_section(look: Look, request: Request, least: int = 1) -> Container | None:
    """Tell the newest lines of the story; None where there are fewer than `least`.

    A decision that the story does not tell (a record from before there was one) is told from the decision itself.
    """
    service = service_of(look, request)
    reasons = {decision.at: decision.reason for decision in request.decisions}
    told_at = {step.at for step in request.story}
    lines = [(step.at, _step(look, step, reasons.get(step.at, ""), service)) for step in request.story]
    lines += [(d.at, _decision(look, d)) for d in request.decisions if d.at not in told_at]
    if len(lines) < least:
        return None
    ordered = [line for _, line in sorted(lines, key=lambda line: line[0])]
    earlier = count(look, "part.more", len(ordered) - LINES)
    return parts.section(
        say(look, "request.story"),
        parts.note(say(look, "request.earlier", more=earlier)) if len(ordered) > LINES else None,
        *[parts.line(line) for line in ordered[-LINES:]],
    )


def _step(look: Look, step: Step, reason: str, service: Safe) -> Safe:
    unnamed = step.key == "story.accepted" and not step.values.get("action")  # some services give no id
    key = "story.taken" if unnamed else step.key
    what = told(look, key, {"service": service, **_worded(look, step.values)}, "story.other")
    return _line(look, step.at, what, "" if "reason" in step.values else reason, comment=step.key == "story.approved")


def _decision(look: Look, decision: Decision) -> Safe:
    key = f"decision.{decision.what.replace(' ', '')}"
    who = decision.who.name
    what = say(look, key, who=who) if known(key) else say(look, "decision.other", who=who, what=decision.what)
    return _line(look, decision.at, what, decision.reason, comment=decision.what == "approved")


def _line(look: Look, at: datetime, what: Safe, reason: str, *, comment: bool) -> Safe:
    """One line; what somebody adds to an approval is a comment, to anything else the reason for it."""
    if reason:
        key = "request.step-comment" if comment else "request.step-reason"
        return say(look, key, at=at, what=what, reason=escape(reason, 200))
    return say(look, "request.step", at=at, what=what)


def _worded(look: Look, values: Mapping[str, str]) -> dict[str, Any]:
    """A step's values, with the service's status as people read it."""
    status = {"status": word(look, "status", values["status"])} if "status" in values else {}
    return {**values, **status}
