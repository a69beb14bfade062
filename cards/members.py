"""The devices of a request for several: one line each, how it stands there, and a way to its own card."""

from bot.responses.models import Member, Request, State
from bot.turn import Look
from cards import button, parts
from cards.elements import Container, TextBlock
from cards.text import NAME, Safe, clean, count, escape, plain, say, word
from cards.trouble import trouble

ROWS = 12
WORST_FIRST = (State.UNKNOWN, State.FAILED, State.TIMED_OUT, State.GIVEN_UP, State.EXPIRED, State.REJECTED)
"""What needs eyes stands above what is well."""


def members_section(look: Look, request: Request) -> Container | None:
    """Count the devices by how they stand, then name them, those that need eyes first."""
    if not request.members:
        return None
    ordered = sorted(request.members, key=_urgency)
    made = parts.rows(look, ordered, lambda member: _row(look, request, member), ROWS)
    return parts.section(escape(count(look, "request.devices", len(ordered))), parts.line(_tally(look, request)), *made)


def _tally(look: Look, request: Request) -> Safe:
    """How many devices stand how, worst first."""
    if request.state in (State.PROPOSED, State.APPROVED):
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


def _urgency(member: Member) -> tuple[int, str]:
    order = WORST_FIRST.index(member.state) if member.state in WORST_FIRST else len(WORST_FIRST)
    return (order + (member.state is State.SUCCEEDED), member.target.name.casefold())


def _row(look: Look, request: Request, member: Member) -> Container:
    name = clean(member.target.name, NAME)
    if request.state in (State.PROPOSED, State.APPROVED, State.REJECTED, State.EXPIRED, State.WITHDRAWN):
        about = say(
            look,
            "request.device-about",
            risk=word(look, "risk", member.risk),
            value=word(look, "value", member.value),
            at=parts.moment(look, member.last_seen),
        )
        small = TextBlock(about, spacing="None", subtle=True, size="Small")
        return Container([TextBlock(escape(name)), small], spacing="Small")
    waits = member.state is State.SENT and member.status.casefold() == "pending"
    state = say(look, "request.device-pending") if waits else word(look, "state", member.state.value.replace(" ", ""))
    lines = [TextBlock(say(look, "request.device-row", device=name, state=state))]
    if member.trouble and member.state is not State.SUCCEEDED:
        why = trouble(look, member.trouble, member.trouble_values)
        lines.append(TextBlock(why, spacing="None", subtle=True, size="Small"))
    if member.state in WORST_FIRST:
        tooltip = plain(look, "actions.show-this", id=member.request)
        show = button.run(plain(look, "actions.show"), f"request {member.request}", tooltip=tooltip)
        return Container([*lines, parts.buttons(show)], spacing="Small")
    return Container(lines, spacing="Small")
