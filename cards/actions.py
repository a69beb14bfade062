"""What waits or runs (requests, machine actions, the portal's Action center), and what is over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from bot.defender.models import Investigation, MachineAction
from bot.responses.models import Request
from bot.turn import Look, Shown
from cards import button, parts
from cards.device import action_name
from cards.elements import Container, TextBlock
from cards.request import STATES, request_title
from cards.text import NAME, Safe, clean, count, plain, plain_word, say, word

T = TypeVar("T")
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class PendingEvidence:
    """A thing whose remediation waits for approval in the Action center. `kind` is the folded evidence kind."""

    kind: str
    name: str
    device: str = ""
    incident: str = ""


@dataclass(frozen=True, kw_only=True)
class ActionsView:
    """What waits or runs. None: could not be read. `cancel` is whether the person may cancel machine actions."""

    requests: tuple[Request, ...] | None
    queued: tuple[MachineAction, ...] | None
    investigations: tuple[Investigation, ...] | None
    evidence: tuple[PendingEvidence, ...] | None
    cancel: bool = True
    tenant: str = ""
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HistoryView:
    """What is over: our requests, and machine actions that others started. None: could not be read."""

    requests: tuple[Request, ...] | None
    outside: tuple[MachineAction, ...] | None
    tenant: str = ""
    lacking: tuple[str, ...] = ()


def actions_card(look: Look, view: ActionsView) -> Shown:
    """Show what waits or runs; machine actions that are not over can be cancelled."""
    sources = {
        "requests": view.requests,
        "actions": view.queued,
        "investigations": view.investigations,
        "evidence": view.evidence,
    }
    body = [
        parts.heading(say(look, "actions.title")),
        parts.unread(look, [name for name, source in sources.items() if source is None], view.lacking),
        _section(
            look,
            say(look, "actions.requests"),
            view.requests,
            lambda request: _request(look, request),
            say(look, "actions.requests.none"),
        ),
        _section(
            look,
            say(look, "actions.queued"),
            view.queued,
            lambda action: _queued(look, action, cancel=view.cancel),
            say(look, "actions.queued.none"),
        ),
        _center(look, view),
        parts.as_of(look),
    ]
    actions = [
        parts.link(plain(look, "actions.center-page"), parts.portal(parts.PENDING_PAGE, view.tenant)),
        button.run(plain(look, "actions.history"), "actions history"),
    ]
    requests = _number(look, "actions.summary.requests", view.requests)
    queued = _number(look, "actions.summary.queued", view.queued)
    return parts.shown(body, plain(look, "actions.summary", requests=requests, queued=queued), actions)


def history_card(look: Look, view: HistoryView) -> Shown:
    """Show what is over, newest first; what was started outside the bot is marked."""
    ours = [(request.ended or request.created, _past_request(look, request)) for request in view.requests or ()]
    others = [(a.updated or a.created or LONG_AGO, _past_action(look, a)) for a in view.outside or ()]
    entries = sorted([*ours, *others], key=lambda entry: entry[0], reverse=True)
    sources = {"requests": view.requests, "actions": view.outside}
    missing = [name for name, source in sources.items() if source is None]
    empty = not entries and not missing
    body = [
        parts.heading(say(look, "history.title")),
        parts.unread(look, missing, view.lacking),
        parts.line(say(look, "history.none")) if empty else None,
        *parts.rows(look, entries, lambda entry: entry[1], 15),
        parts.as_of(look),
    ]
    page = parts.link(plain(look, "history.portal"), parts.portal(parts.HISTORY_PAGE, view.tenant))
    return parts.shown(body, count(look, "history.summary", len(entries)), [page])


def _section(
    look: Look, title: Safe, items: Sequence[T] | None, render: Callable[[T], Container], none: Safe
) -> Container:
    if items is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    if not items:
        return parts.section(title, parts.line(none))
    return parts.section(title, *parts.rows(look, items, render))


def _number(look: Look, key: str, items: Sequence[Any] | None) -> str:
    return plain(look, f"{key}.unread") if items is None else count(look, key, len(items))


def _row(*lines: Safe, below: Any = None) -> Container:
    first, *rest = lines
    small = [TextBlock(text, spacing="None", subtle=True, size="Small") for text in rest]
    return Container([TextBlock(first), *small, below], spacing="Small")


def _request(look: Look, request: Request) -> Container:
    state = word(look, "state", STATES[request.state])
    above = say(look, "actions.request", title=request_title(look, request), state=state)
    who = clean(request.requester.name, NAME)
    tooltip = plain(look, "actions.show-this", id=request.id)
    show = button.run(plain(look, "actions.show"), f"request {request.id}", tooltip=tooltip)
    asked = say(look, "actions.request-by", who=who, at=parts.moment(look, request.created))
    return _row(above, asked, below=parts.buttons(show))


def _queued(look: Look, action: MachineAction, *, cancel: bool) -> Container:
    name, device = action_name(look, action), _device(look, action)
    status = plain_word(look, "status", action.status)
    who = clean(action.requestor or plain(look, "word.unknown"), NAME)
    tooltip = plain(look, "actions.cancel-this", action=name, device=device)
    stop = button.button(plain(look, "actions.cancel"), "cancel", action.id, style="destructive", tooltip=tooltip)
    return _row(
        say(look, "actions.queued-row", action=name, device=device, status=status),
        say(look, "actions.queued-by", who=who, at=parts.moment(look, action.created)),
        below=parts.buttons(stop) if cancel else None,
    )


def _device(look: Look, action: MachineAction | Investigation) -> str:
    return clean(action.computer_dns_name or action.machine_id or plain(look, "word.unknown"), NAME)


def _center(look: Look, view: ActionsView) -> Container:
    """What waits in the portal's Action center: shown, never decided here."""
    rows: list[Safe] = [_investigation(look, item) for item in view.investigations or ()]
    rows += [_evidence(look, item) for item in view.evidence or ()]
    unread = view.investigations is None or view.evidence is None
    made = parts.rows(look, rows, parts.line)
    return parts.section(
        say(look, "actions.center"),
        *made,
        parts.line(say(look, "word.unread"), "Attention") if unread else None,
        parts.line(say(look, "actions.center.none")) if not rows and not unread else None,
        parts.note(say(look, "actions.center-note")),
    )


def _investigation(look: Look, item: Investigation) -> Safe:
    at = parts.moment(look, item.start_time)
    return say(look, "actions.investigation", id=item.id, device=_device(look, item), at=at)


def _evidence(look: Look, item: PendingEvidence) -> Safe:
    kind = parts.evidence_kind(look, item.kind)
    if item.device and item.incident:
        return say(look, "actions.evidence-both", kind=kind, name=item.name, device=item.device, incident=item.incident)
    if item.device:
        return say(look, "actions.evidence-device", kind=kind, name=item.name, device=item.device)
    if item.incident:
        return say(look, "actions.evidence-incident", kind=kind, name=item.name, incident=item.incident)
    return say(look, "actions.evidence", kind=kind, name=item.name)


def _past_request(look: Look, request: Request) -> Container:
    state = word(look, "state", STATES[request.state])
    return _row(
        say(look, "history.request", title=request_title(look, request), state=state),
        say(look, "history.request-by", who=clean(request.requester.name, NAME), at=parts.moment(look, request.ended)),
    )


def _past_action(look: Look, action: MachineAction) -> Container:
    status = plain_word(look, "status", action.status)
    who = clean(action.requestor or plain(look, "word.unknown"), NAME)
    at = parts.moment(look, action.updated or action.created)
    return _row(
        say(look, "history.outside", action=action_name(look, action), device=_device(look, action), status=status),
        say(look, "history.outside-by", who=who, at=at),
    )
