"""A request: the card on which an approver decides, and later the same card telling the story to its end."""

from datetime import timedelta
from typing import Any, TypeAlias

from bot.responses.models import Evidence, Request, State
from bot.turn import Look, Shown
from cards import button, parts
from cards.device import Offer, propose_button
from cards.elements import Action, InputText, Tone
from cards.story import story_section
from cards.text import NAME, PARAGRAPH, Safe, clean, escape, known, plain, plain_word, say, told, word

SEARCH = timedelta(minutes=5)
"""How long the bot looks for an action whose sending got no answer, before a person is asked to decide."""
Pair: TypeAlias = tuple[Safe, Safe | None]
STATES = {state: state.value.replace(" ", "") for state in State}
TONES: dict[State, Tone] = {
    State.PROPOSED: "warning",
    State.UNKNOWN: "attention",
    State.SUCCEEDED: "good",
    State.FAILED: "attention",
    State.TIMED_OUT: "attention",
    State.GIVEN_UP: "attention",
}


def request_card(look: Look, request: Request) -> Shown:
    """Show what an approver needs for a decision, and what became of it. It claims nothing unconfirmed."""
    title = request_title(look, request)
    open_question = request.state is State.PROPOSED
    heading = say(look, "request.decide", title=title) if open_question else escape(title)
    evidence = _evidence(look, request)
    story = story_section(look, request, least=2 if open_question else 1)  # that it was asked for stands above
    body = [
        parts.heading(heading, *_stand(look, request), tone=TONES.get(request.state, "emphasis")),
        *_middle(look, request, evidence, story),
        parts.as_of(look),
    ]
    summary = plain(look, "request.summary", title=title, state=plain_word(look, "state", STATES[request.state]))
    return parts.shown(body, summary, _buttons(look, request))


def _middle(look: Look, request: Request, evidence: Any, story: Any) -> tuple[Any, ...]:
    """To decide, the device comes before the terms; later the story comes before the device."""
    asked, terms = _asked(look, request), _terms(look, request)
    if request.state is State.PROPOSED:
        return parts.facts(asked), evidence, parts.facts(terms), story
    return parts.facts([*asked, *terms]), story, evidence


def request_title(look: Look, request: Request) -> str:
    """What is to be done to which device, as plain text."""
    return response_title(look, request.response, request.target.name)


def response_title(look: Look, response: str, device: str) -> str:
    """The same of the response's and the device's names."""
    key = f"response.{response}.title"
    device = clean(device, NAME)
    if known(key):
        return plain(look, key, device=device)
    return plain(look, "response.other.title", response=clean(response, 40), device=device)


def _stand(look: Look, request: Request) -> list[Safe]:
    """Where it stands, in the lines right under the title."""
    lines = [_state_line(look, request)]
    if request.state is State.PROPOSED and request.approvals_needed > 1:
        given = len(request.approvals)
        lines.append(say(look, "request.approvals", given=given, needed=request.approvals_needed))
    if request.trouble and (not request.final or request.state is State.FAILED):
        lines.append(_trouble(look, request))  # what stood in the way of others that are over is no longer true
    if request.state is State.APPROVED and request.send_by:
        lines.append(say(look, "request.retry-by", at=request.send_by))
    if request.state is State.SENT and request.status.casefold() == "pending":
        lines.append(_waits(look, request.evidence))
    if not request.four_eyes and request.approvals_needed:
        lines.append(say(look, "request.four-eyes-off"))
    return lines


def _state_line(look: Look, request: Request) -> Safe:
    values = {"at": request.expires, "status": word(look, "status", request.status)}
    return told(look, f"stand.{_stand_key(look, request)}", values, "trouble.other")


def _stand_key(look: Look, request: Request) -> str:
    state = request.state
    if state is State.APPROVED and not request.approvals_needed:
        return "unattended"
    if state is State.UNKNOWN and _search_over(look, request):
        return "unknown-stays"
    if state is State.FAILED and not request.status:
        return "refused"
    if state is State.EXPIRED and len(request.approvals) >= request.approvals_needed:
        return "expired-unsent"
    return STATES[state]


def _search_over(look: Look, request: Request) -> bool:
    """Whether the five minutes of looking are over, so that a person may decide to send again."""
    since = request.unknown_since
    return request.trouble == "trouble.not_found" or (since is not None and look.now - since >= SEARCH)


def _trouble(look: Look, request: Request) -> Safe:
    values: dict[str, Any] = dict(request.trouble_values)
    if "service" in values:
        values["service"] = word(look, "service", values["service"])
    if request.trouble == "trouble.other_action":
        values["type"] = word(look, "action", values.get("type"))
    return told(look, request.trouble, values, "trouble.other")


def _waits(look: Look, evidence: Evidence | None) -> Safe:
    if evidence is None or evidence.last_seen is None:
        return say(look, "request.device-waits-unknown")
    return say(look, "request.device-waits", at=parts.moment(look, evidence.last_seen))


def _asked(look: Look, request: Request) -> list[Pair]:
    """Who asked for what, and why."""
    how = [
        (word(look, "parameter", name), word(look, f"choice.{name.casefold()}", value))
        for name, value in request.parameters.items()
    ]
    reason = escape(request.reason, PARAGRAPH) if request.reason else say(look, "request.no-reason")
    asked = say(look, "request.asked-at", who=request.requester.name, at=parts.moment(look, request.created))
    return [(say(look, "request.asked"), asked), (say(look, "request.reason"), reason), *how[:3]]


def _terms(look: Look, request: Request) -> list[Pair]:
    """What it does, what undoes it, and by which ids it is found again."""
    return [
        (say(look, "request.effect"), None if request.final else _effect(look, request)),
        (say(look, "request.undo"), _described(look, request, "undo")),
        (say(look, "request.id"), escape(request.id)),
        *_service_facts(look, request),
    ]


def _effect(look: Look, request: Request) -> Safe:
    special = [f"response.{request.response}.effect.{value.casefold()}" for value in request.parameters.values()]
    key = next((key for key in special if known(key)), "")
    return say(look, key) if key else _described(look, request, "effect")


def _described(look: Look, request: Request, what: str) -> Safe:
    key = f"response.{request.response}.{what}"
    return say(look, key) if known(key) else say(look, f"response.other.{what}")


def _service_facts(look: Look, request: Request) -> list[Pair]:
    """What the service itself calls the action, and when it was last looked at."""
    attempt = request.attempt
    checked = parts.moment(look, request.checked) if request.checked else None
    return [
        (say(look, "request.action"), escape(attempt.action) if attempt and attempt.action else None),
        (say(look, "request.checked"), checked),
    ]


def _evidence(look: Look, request: Request) -> Any:
    read = request.evidence
    if read is None:
        return parts.line(say(look, "request.no-evidence"), "Attention")
    listed = [
        (say(look, "request.users"), parts.names(look, read.users, "request.users.none", 5)),
        (say(look, "device.value"), word(look, "value", read.device_value)),
        (say(look, "device.risk"), word(look, "risk", read.risk)),
        (say(look, "request.open-alerts"), parts.names(look, read.open_alerts, "request.open-alerts.none")),
        (say(look, "device.last-contact"), parts.moment(look, read.last_seen)),
        (say(look, "device.health"), word(look, "health", read.health)),
        (say(look, "device.exposure"), word(look, "risk", read.exposure)),
        (say(look, "device.system"), escape(read.os) if read.os else say(look, "word.unknown")),
        (say(look, "request.isolation"), word(look, "isolation", read.isolation) if read.isolation else None),
        (say(look, "request.running"), parts.names(look, _running(look, read), "request.running.none")),
        (say(look, "request.last-time"), _last_time(look, read)),
    ]
    return parts.section(say(look, "request.device", at=read.read_at), parts.facts(listed))


def _running(look: Look, read: Evidence) -> list[str] | None:
    """The actions that run, which are kept as "Type (Status)" in the service's words."""
    if read.running is None:
        return None
    split = [text.removesuffix(")").partition(" (") for text in read.running]
    return [f"{plain_word(look, 'action', kind)}: {plain_word(look, 'status', status)}" for kind, _, status in split]


def _last_time(look: Look, read: Evidence) -> Safe:
    """How the same response ended before; not known to be none where the device's actions could not be read."""
    if not read.last_time:
        return say(look, "word.unread" if read.running is None else "request.last-time.none")
    what = plain_word(look, "status", read.last_time)
    return say(look, "request.last-time-at", what=what, at=read.last_time_at) if read.last_time_at else escape(what)


def _buttons(look: Look, request: Request) -> list[Action]:
    """What the state allows, then the device."""
    device = parts.run(plain(look, "request.open-device"), f"device {request.target.id}", request.target.id)
    return parts.bar(_allowed(look, request), device)


def _allowed(look: Look, request: Request) -> list[Action]:
    if request.state is State.PROPOSED:
        return _decisions(look, request)
    if request.state is State.UNKNOWN:
        resend = button.button(plain(look, "request.resend"), "resend", request.id, request.content)
        giveup = button.button(plain(look, "request.giveup"), "giveup", request.id, request.content)
        return [resend, giveup] if _search_over(look, request) else [giveup]
    if request.state is State.SUCCEEDED and request.inverse:
        return [propose_button(look, Offer(response=request.inverse), request.target.id)]
    return []


def _decisions(look: Look, request: Request) -> list[Action]:
    reason = InputText("reason", plain(look, "input.reason"), error=plain(look, "input.reason.error"))
    return [
        button.button(plain(look, "request.approve"), "approve", request.id, request.content, style="positive"),
        button.button(
            plain(look, "request.reject"),
            "reject",
            request.id,
            request.content,
            style="destructive",
            inputs=[reason],
            confirm=plain(look, "request.reject-send"),
        ),
        button.button(plain(look, "request.withdraw"), "withdraw", request.id, request.content),
    ]
