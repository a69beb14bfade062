"""A request: the card on which an approver decides, and later the same card telling the story to its end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from bot.responses.declared import Parameter
from bot.responses.models import DEVICE, Evidence, Request, State
from bot.turn import Look, Shown
from cards import button, parts
from cards.called_out import called_out
from cards.decision import afterwards, decisions, would_agree
from cards.elements import Action, Container, Panel, ShowCard, TextBlock, Tone
from cards.error import ENTRA
from cards.evidence import cut_off, evidence_section, warnings
from cards.listed import list_section
from cards.lookalike import mixed_names
from cards.members import members_section
from cards.outcome import LIVE, outcome_section, output_button
from cards.policy import reasons
from cards.portal_page import portal_link
from cards.story import SERVICES, service_of, story_section
from cards.text import NAME, PARAGRAPH, WHOLE, Safe, clean, count, escape, known, plain, plain_word, say, told, word
from cards.trouble import trouble

AGAIN = frozenset(
    {
        "trouble.device_renamed",
        "trouble.device_anew",
        "trouble.renamed",
        "trouble.other_user",
        "trouble.user_renamed",
        "trouble.role_too_low",
        "trouble.permission",
        "trouble.needs_approval",
        "trouble.indicator_changed",
    }
)
"""What changed about a device, or was lacking, before anything was sent, after which the same can be asked for anew."""
UNSEEN = frozenset({"Sha256"})
"""Parameters that stand among what was read of the target."""
DECIDED_ON = frozenset({State.PROPOSED, State.UNKNOWN})
"""A person has to decide about these."""
UNDONE = frozenset({State.REJECTED, State.EXPIRED, State.WITHDRAWN})
"""Nothing was done in these, so that there is nothing to undo."""
NAMED = 2
"""So many of several devices are named in a title; the card lists them all."""
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
    State.PARTLY: "warning",
}


def request_card(look: Look, request: Request, choices: Sequence[Parameter] = ()) -> Shown:
    """Show what an approver needs for a decision, and what became of it. It claims nothing unconfirmed.

    `choices` are those of its parameters of which an approver may want another.
    """
    title = request_title(look, request)
    open_question = request.state is State.PROPOSED
    heading = say(look, "request.decide", title=title) if open_question else escape(title)
    evidence, unfolds = _evidence(look, request)
    story = story_section(look, request, least=2 if open_question else 1)  # that it was asked for stands above
    body = [
        parts.heading(heading, *_stand(look, request), tone=TONES.get(request.state, "emphasis")),
        *called_out(look, request),
        *warnings(look, request),
        mixed_names(look, request),
        *_middle(look, request, evidence, story),
        parts.as_of(look),
    ]
    summary = plain(look, "request.summary", title=title, state=plain_word(look, "state", STATES[request.state]))
    return parts.shown(body, summary, [*_buttons(look, request, choices), *unfolds])


def _evidence(look: Look, request: Request) -> tuple[Container | TextBlock | None, list[Action]]:
    """What was read of the target: on the card to decide, later behind a button, for on a phone it fills a screen."""
    read = evidence_section(look, request)
    if request.state in DECIDED_ON or not isinstance(read, Container):
        return read, []
    return None, [ShowCard(title=plain(look, "request.known"), card=Panel([read]))]


def _middle(look: Look, request: Request, evidence: Any, story: Any) -> tuple[Any, ...]:
    """To decide, the device comes before the terms; later the story comes before the device."""
    asked, terms = _asked(look, request), _terms(look, request)
    members = members_section(look, request) or list_section(look, request)
    if request.state is State.PROPOSED:
        return *parts.labelled(look, asked), members, evidence, parts.facts(terms), story
    return *parts.labelled(look, [*asked, *terms]), outcome_section(look, request), members, story, evidence


def request_title(look: Look, request: Request) -> str:
    """What is to be done to which target, as plain text; a choice among different things is named in it."""
    name = request.target.name
    key = _special(request, "title")
    if request.members:
        devices = count(look, "request.devices", len(request.members))
        name = plain(look, "request.several", devices=devices, said=_meant(look, name))
    return plain(look, key, device=clean(name, NAME)) if key else response_title(look, request.response, name)


def _meant(look: Look, said: str) -> str:
    """How several devices were named: by a word for them, or the first of their names."""
    names = [parts.short(name.strip()) for name in said.split(",")]
    if len(names) == 1:
        return clean(said, NAME)
    more = len(names) - NAMED
    return ", ".join([*names[:NAMED], *([count(look, "part.more", more)] if more > 0 else [])])


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
        # what stood in the way of others that are over is no longer true
        lines.append(trouble(look, request.trouble, request.trouble_values))
    if request.state is State.APPROVED and request.send_by:
        lines.append(say(look, "request.retry-by", at=request.send_by))
    if request.state is State.SENT and request.status.casefold() == "pending":
        lines.append(_waits(look, request.evidence))
        if request.family == LIVE:
            lines.append(say(look, "request.session-waits"))
        if request.target.kind not in SERVICES:
            lines.append(say(look, "request.cancel-waiting"))
    if not request.four_eyes and request.approvals_needed:
        lines.append(say(look, "request.four-eyes-off"))
    return [*lines, *would_agree(look, request)]


def _state_line(look: Look, request: Request) -> Safe:
    values = {
        "at": parts.moment(look, _goes_on(request)),
        "status": word(look, "status", request.status),
        "id": request.id,
        "service": service_of(look, request),
    }
    key = f"stand.{_stand_key(look, request)}"
    own = f"response.{request.response}.{key}"
    return told(look, own if known(own) else key, values, "trouble.other")


def _goes_on(request: Request) -> datetime:
    """When one that waits goes on: when it runs by itself, else when it expires."""
    return request.terms.runs_at or request.expires


def _stand_key(look: Look, request: Request) -> str:
    """The text that says where it stands: the first of the special cases, else the state's own."""
    state = request.state
    several = bool(request.members)
    changed = any(step.key == "story.changed" for step in request.story)
    unsent = request.send_by is not None or len(request.approvals) >= request.approvals_needed
    special = {
        "by-itself": state is State.PROPOSED and request.terms.runs_at is not None,
        "preapproved": state is State.APPROVED and request.terms.preapproved,
        "forbidden": state is State.FAILED and request.trouble == "trouble.policy_forbids",
        "unattended": state is State.APPROVED and not request.approvals_needed,
        "unknown-stays": state is State.UNKNOWN and _search_over(look, request),
        "spread-unasked": state is State.SENT and several and not request.approvals_needed,
        "spread": state is State.SENT and several,
        "none-done": state is State.FAILED and several,
        "none-confirmed": state is State.TIMED_OUT and several,
        "all-done": state is State.SUCCEEDED and several,
        "changed": state is State.FAILED and not request.status and changed,
        "refused": state is State.FAILED and not request.status,
        "expired-unsent": state is State.EXPIRED and unsent,
    }
    return next((key for key, applies in special.items() if applies), STATES[state])


def _search_over(look: Look, request: Request) -> bool:
    """Whether the five minutes of looking are over, so that a person may decide to send again."""
    since = request.unknown_since
    return request.trouble == "trouble.not_found" or (since is not None and look.now - since >= SEARCH)


def _waits(look: Look, evidence: Evidence | None) -> Safe:
    if evidence is None or evidence.last_seen is None:
        return say(look, "request.device-waits-unknown")
    return say(look, "request.device-waits", at=parts.moment(look, evidence.last_seen))


def _asked(look: Look, request: Request) -> list[Pair]:
    """Who asked for what, and why."""
    how = [
        (word(look, "parameter", name), _given(look, name, value))
        for name, value in request.parameters.items()
        if value and name not in UNSEEN
    ]
    reason = escape(request.reason, PARAGRAPH) if request.reason else say(look, "request.no-reason")
    asked = say(look, "request.asked-at", who=request.requester.name, at=parts.moment(look, request.created))
    return [(say(look, "request.asked"), asked), (say(look, "request.reason"), reason), *_named(look, request), *how]


def _named(look: Look, request: Request) -> list[Pair]:
    """The target's whole name where the title cuts it off: nobody approves what they cannot read."""
    whole = cut_off(request)
    return [(say(look, "request.named"), escape(whole, WHOLE))] if whole else []


def _given(look: Look, name: str, value: str) -> Safe:
    """A choice in words, or what was typed, whole: an approver must see all of it."""
    group = f"choice.{name.casefold()}"
    chosen = known(f"{group}.{value.casefold().replace(' ', '')}")
    return word(look, group, value) if chosen else escape(value, WHOLE)


def _terms(look: Look, request: Request) -> list[Pair]:
    """What it does, what undoes it, and by which ids it is found again."""
    return [
        (say(look, "request.effect"), None if request.final else _effect(look, request)),
        (say(look, "request.undo"), None if request.state in UNDONE else _described(look, request, "undo")),
        (say(look, "request.policy"), reasons(look, request.terms.why) if request.terms.why else None),
        (say(look, "request.id"), escape(request.id)),
        *_service_facts(look, request),
    ]


def _effect(look: Look, request: Request) -> Safe:
    key = _special(request, "effect")
    return say(look, key) if key else _described(look, request, "effect")


def _special(request: Request, what: str) -> str:
    """The key of the text that is for one of the values that were asked for; empty where none has one."""
    keys = [f"response.{request.response}.{what}.{value.casefold()}" for value in request.parameters.values()]
    return next((key for key in keys if known(key)), "")


def _described(look: Look, request: Request, what: str) -> Safe:
    key = f"response.{request.response}.{what}"
    return say(look, key) if known(key) else say(look, f"response.other.{what}")


def _service_facts(look: Look, request: Request) -> list[Pair]:
    """What the service itself calls the action, and when it was last looked at."""
    attempt = request.attempt
    label = "request.action-elsewhere" if request.target.kind in SERVICES else "request.action"
    checked = parts.moment(look, request.checked) if request.checked and not request.final else None
    return [
        (say(look, label), escape(attempt.action) if attempt and attempt.action else None),
        (say(look, "request.checked"), checked),
    ]


def _buttons(look: Look, request: Request, choices: Sequence[Parameter]) -> list[Action]:
    """What the state allows, then the device, or the portal's page of another target."""
    device = parts.run(plain(look, "request.open-device"), f"device {request.target.id}", request.target.id)
    first = [*_allowed(look, request, choices), output_button(look, request)]
    return parts.bar(first, device if request.target.kind == DEVICE else portal_link(look, request))


def _allowed(look: Look, request: Request, choices: Sequence[Parameter]) -> list[Action]:
    if request.state is State.PROPOSED:
        return decisions(look, request, choices)
    if request.state is State.UNKNOWN:
        resend = button.button(plain(look, "request.resend"), "resend", request.id, request.content)
        giveup = button.button(plain(look, "request.giveup"), "giveup", request.id, request.content)
        return [resend, giveup] if _search_over(look, request) else [giveup]
    if request.state is State.FAILED and request.trouble in AGAIN:
        again = button.button(plain(look, "request.again"), "again", request.id, request.content)
        grant = parts.link(plain(look, "error.permission-page"), ENTRA)
        return [again, grant] if grant and request.trouble == "trouble.permission" else [again]
    return afterwards(look, request)
