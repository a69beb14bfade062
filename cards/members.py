"""The devices of a request for several: one line each, how it stands there, and a way to its own card."""

from collections.abc import Sequence

from bot.responses.models import LOST, Member, Request, State
from bot.turn import Look
from cards import button, parts
from cards.called_out import gravity
from cards.elements import Container, TextBlock
from cards.text import NAME, Safe, clean, count, escape, join, plain, say, word
from cards.trouble import trouble

ROWS = 12
ROWS_BEFORE = 8
"""What needs eyes is called out above them; who decides shall not have to scroll through the rest."""
NAMED_USERS, LONGEST_USER = 3, 24
LONGEST_OTHER = 40
WORST_FIRST = (
    State.UNKNOWN,
    State.FAILED,
    State.TIMED_OUT,
    State.GIVEN_UP,
    State.EXPIRED,
    State.REJECTED,
    State.PROPOSED,
)
"""What needs eyes stands above what is well."""

BEFORE = (State.PROPOSED, State.APPROVED)
CAME_TO_NOTHING = (State.REJECTED, State.EXPIRED, State.WITHDRAWN)
"""Nothing was done on any of the devices, so there is nothing to say of each."""


def members_section(look: Look, request: Request) -> Container | None:
    """Count the devices by how they stand, then name them, those that need eyes first."""
    if not request.members:
        return None
    ordered = sorted(request.members, key=_urgency)
    made = parts.rows(look, ordered, lambda member: _row(look, request, member), _rows(request))
    tally = None if request.state in CAME_TO_NOTHING else parts.line(_tally(look, request))
    return parts.section(escape(count(look, "request.devices", len(ordered))), tally, *made, _others(request, ordered))


def _others(request: Request, ordered: Sequence[Member]) -> TextBlock | None:
    """The names of those that have no row, while it is decided: nobody approves what they were not shown."""
    shown = _rows(request)
    if request.state not in BEFORE or len(ordered) <= shown:
        return None
    return parts.note(join(escape(member.target.name, LONGEST_OTHER) for member in ordered[shown:]))


def _rows(request: Request) -> int:
    return ROWS_BEFORE if request.state in BEFORE else ROWS


def _tally(look: Look, request: Request) -> Safe:
    """How many devices stand how, worst first."""
    if request.state in BEFORE:
        return say(look, "request.devices.one-decision")
    states = dict.fromkeys(member.state for member in sorted(request.members, key=_urgency))
    numbers = [
        say(
            look,
            "request.devices.count",
            n=sum(member.state is state for member in request.members),
            state=word(look, "state", state.value.replace(" ", "")),
        )
        for state in states
    ]
    return Safe("; ".join(numbers))


def _urgency(member: Member) -> tuple[int, int, str]:
    order = WORST_FIRST.index(member.state) if member.state in WORST_FIRST else len(WORST_FIRST)
    before = gravity(member) if member.state is State.PROPOSED else 0
    return (order + (member.state is State.SUCCEEDED), before, member.target.name.casefold())


def _users(look: Look, member: Member) -> Safe:
    """Who uses the device; not read is not nobody."""
    read = None if member.users is None else [clean(user, LONGEST_USER) for user in member.users]
    return say(look, "request.device-users", users=parts.names(look, read, "request.users.none", NAMED_USERS))


def _row(look: Look, request: Request, member: Member) -> Container:
    name = clean(member.target.name, NAME)
    if request.state in BEFORE + CAME_TO_NOTHING:
        about = say(
            look,
            "request.device-about",
            risk=word(look, "risk", member.risk),
            value=word(look, "value", member.value),
            at=parts.moment(look, member.last_seen),
        )
        small = [TextBlock(line, spacing="None", subtle=True, size="Small") for line in (about, _users(look, member))]
        opens = parts.device_run(look, member.target.id, member.target.name)
        return Container([TextBlock(escape(name)), *small], spacing="Small", select=opens)
    waits = member.state is State.SENT and member.status.casefold() == "pending"
    state = say(look, "request.device-pending") if waits else word(look, "state", member.state.value.replace(" ", ""))
    lines = [TextBlock(say(look, "request.device-row", device=name, state=state))]
    if member.trouble and member.state is not State.SUCCEEDED:
        why = trouble(look, member.trouble, member.trouble_values)
        lines.append(TextBlock(why, spacing="None", subtle=True, size="Small"))
    if member.trouble == LOST:  # there is no card of its own to show
        device = parts.run(plain(look, "request.open-device"), f"device {member.target.id}", member.target.id)
        return Container([*lines, parts.buttons(device)], spacing="Small")
    if member.state in WORST_FIRST:
        tooltip = plain(look, "actions.show-this", id=member.request)
        show = button.run(plain(look, "actions.show"), f"request {member.request}", tooltip=tooltip)
        return Container([*lines, parts.buttons(show)], spacing="Small")
    return Container(lines, spacing="Small")
