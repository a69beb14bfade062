"""What must not be overlooked among several devices before a decision: the gravest first, the rest counted."""

from collections.abc import Sequence

from bot.responses.models import Member, Request, State
from bot.turn import Look
from cards import parts
from cards.elements import TextBlock
from cards.text import Safe, count, escape, join, plain_word, say

PRIORITY = "user-priority"
RUNNING = "devices-running"
GRAVE = ("devices-gone", "devices-of-value", "devices-servers")
LESS_GRAVE = (
    "devices-network-isolated",
    "devices-network-being-isolated",
    "devices-network-being-released",
    "devices-network-not-isolated",
    "devices-network-unknown",
    RUNNING,
    "devices-silent",
    "devices-unseen",
)
GROUPS = (*GRAVE, *LESS_GRAVE)
NAMED = 5
"""So many devices are named in a line; all of them stand in the list below."""
OF_ONE = 2
"""So many accounts or actions are named of one device."""
LONGEST = 32


def called_out(look: Look, request: Request) -> list[TextBlock]:
    """Who of note uses which device, whose users were not read, and what else is odd, by kind."""
    if request.state is not State.PROPOSED or not request.members:
        return []
    groups = [(key, _group(look, key, request.members)) for key in GROUPS]
    return [
        *_people(look, request.members),
        *_unread(look, request.members),
        *(parts.line(text, "Attention" if key in GRAVE else "Warning") for key, text in groups if text),
    ]


def gravity(member: Member) -> int:
    """Its place among the devices before the decision: what is called out first stands first."""
    keys = {fact.key for fact in member.warnings}
    if PRIORITY in keys:
        return 0
    if member.users is None:
        return 1
    return 2 + next((place for place, key in enumerate(GROUPS) if key in keys), len(GROUPS))


def _people(look: Look, members: Sequence[Member]) -> list[TextBlock]:
    """A line for each of the first devices that a priority account uses, and one for the rest of them."""
    found = [(one, accounts) for one in members if (accounts := _values(one, PRIORITY))]
    lines = [_used_by(look, one, accounts) for one, accounts in found[:NAMED]]
    if rest := [_name(one) for one, _ in found[NAMED:]]:
        devices = count(look, "request.devices", len(rest))
        lines.append(say(look, "request.priority-more", devices=devices, names=_some(look, rest)))
    return [parts.line(text, "Attention") for text in lines]


def _used_by(look: Look, member: Member, accounts: Sequence[str]) -> Safe:
    key = "request.priority.one" if len(accounts) == 1 else "request.priority.other"
    who = _some(look, [escape(name, LONGEST) for name in accounts], OF_ONE)
    return say(look, key, device=_name(member), who=who)


def _unread(look: Look, members: Sequence[Member]) -> list[TextBlock]:
    """Of whom it is not known who uses them: never taken for nobody."""
    unread = [_name(one) for one in members if one.users is None]
    if not unread:
        return []
    devices = count(look, "request.devices", len(unread))
    return [parts.line(say(look, "request.users-unread", devices=devices, names=_some(look, unread)), "Attention")]


def _group(look: Look, key: str, members: Sequence[Member]) -> Safe | None:
    """One line for all the devices of which the same holds."""
    named = [_name_and(look, one, key) for one in members if any(fact.key == key for fact in one.warnings)]
    return say(look, f"evidence.{key}", value=_some(look, named)) if named else None


def _name_and(look: Look, member: Member, key: str) -> Safe:
    """The device's name, and what runs there where that is what it is named for."""
    if key != RUNNING:
        return _name(member)
    kinds = [escape(plain_word(look, "action", kind), LONGEST) for kind in _values(member, key)]
    return say(look, "request.running-there", device=_name(member), what=_some(look, kinds, OF_ONE))


def _values(member: Member, key: str) -> list[str]:
    return [fact.value for fact in member.warnings if fact.key == key]


def _name(member: Member) -> Safe:
    return escape(parts.short(member.target.name))


def _some(look: Look, items: Sequence[Safe], most: int = NAMED) -> Safe:
    """The first of them, and how many more."""
    more = len(items) - most
    return join([*items[:most], *([escape(count(look, "part.more", more))] if more > 0 else [])])
