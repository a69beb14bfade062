"""What waits or runs (requests, machine actions, the portal's Action center), and what is over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.center import CenterItem
from bot.defender.models import MachineAction
from bot.responses.models import Request, State
from bot.turn import Look, Shown
from cards import button, parts
from cards.center import center_title, days_left
from cards.device import action_name
from cards.elements import Container, TextBlock
from cards.request import STATES, request_title
from cards.text import NAME, Safe, clean, count, plain, plain_word, say, word

T = TypeVar("T")
WAITING = 6
"""Things of the Action center on one card, those whose time ends first."""


@dataclass(frozen=True, kw_only=True)
class ActionsView:
    """What waits or runs. None: could not be read. `cancel` is whether the person may cancel machine actions.

    `center` is what waits in the Action center, the earliest deadline first; `center_unread` are the sources of it that
    could not be read, `center_cut` whether there are more open alerts than were.
    """

    requests: tuple[Request, ...] | None
    queued: tuple[MachineAction, ...] | None
    center: tuple[CenterItem, ...] = ()
    center_unread: tuple[str, ...] = ()
    center_cut: bool = False
    cancel: bool = True
    tenant: str = ""
    lacking: tuple[str, ...] = ()


def actions_card(look: Look, view: ActionsView) -> Shown:
    """Show what waits or runs; machine actions that are not over can be cancelled."""
    sources = {"requests": view.requests, "actions": view.queued}
    ours = {attempt.action for request in view.requests or () for attempt in request.attempts} - {""}
    unread = [name for name, source in sources.items() if source is None]
    body = [
        parts.heading(say(look, "actions.title")),
        parts.unread(look, [*unread, *view.center_unread], view.lacking),
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
            lambda action: _queued(look, action, cancel=view.cancel, ours=action.id in ours),
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
    return _row(above, asked, *_until(look, request), below=parts.buttons(show))


def _until(look: Look, request: Request) -> list[Safe]:
    """Until when people can decide, and what is then."""
    if request.state is not State.PROPOSED:
        return []
    key = "actions.request-runs" if request.terms.runs_at else "actions.request-until"
    return [say(look, key, at=parts.moment(look, request.terms.runs_at or request.expires))]


def _queued(look: Look, action: MachineAction, *, cancel: bool, ours: bool) -> Container:
    """A machine action that is not over. `ours`: it stands among the requests as well, so that nobody counts two."""
    name, device = action_name(look, action), _device(look, action)
    status = plain_word(look, "status", action.status)
    who, at = clean(action.requestor or plain(look, "word.unknown"), NAME), parts.moment(look, action.created)
    tooltip = plain(look, "actions.cancel-this", action=name, device=device)
    stop = button.button(plain(look, "actions.cancel"), "cancel", action.id, style="destructive", tooltip=tooltip)
    started = say(look, "actions.queued-ours", at=at) if ours else say(look, "actions.queued-by", who=who, at=at)
    return _row(
        say(look, "actions.queued-row", action=name, device=device, status=status),
        started,
        below=parts.buttons(stop) if cancel else None,
    )


def _device(look: Look, action: MachineAction) -> str:
    return clean(action.computer_dns_name or action.machine_id or plain(look, "word.unknown"), NAME)


def _center(look: Look, view: ActionsView) -> Container:
    """What waits in the portal's Action center: shown, never decided here."""
    none = None if view.center or view.center_unread else parts.line(say(look, "actions.center.none"))
    return parts.section(
        say(look, "actions.center"),
        none,
        *parts.rows(look, view.center, lambda item: _waits(look, item), WAITING),
        parts.line(say(look, "word.unread"), "Attention") if view.center_unread else None,
        parts.note(say(look, "actions.center.cut")) if view.center_cut else None,
        parts.note(say(look, "actions.center-note")),
    )


def _waits(look: Look, item: CenterItem) -> Container:
    """What waits, where, since when, and how much of its time is left; a tap opens its incident."""
    name, device = center_title(look, item.kind, item.name), parts.short(item.device_name)
    alone = say(look, "actions.center-row", name=name)
    title = say(look, "actions.center-on", name=name, device=device) if device else alone
    key = "actions.center-since-ours" if item.ours else "actions.center-since"
    since = say(look, key, at=parts.moment(look, item.since), left=days_left(look, item))
    incident = next((alert.incident for alert in item.alerts if alert.incident), "")
    lines = [TextBlock(title), TextBlock(since, spacing="None", subtle=True, size="Small")]
    return Container(lines, spacing="Small", select=parts.incident_run(look, incident) if incident else None)
