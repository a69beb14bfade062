"""What an approver is told of a request's target, as it was read when the request was made."""

from collections.abc import Sequence
from typing import TypeAlias

from bot.responses.models import DEVICE, Evidence, Fact, Request, State, Twin
from bot.turn import Look
from cards import parts
from cards.elements import Container, FactSet, TextBlock
from cards.text import NAME, PARAGRAPH, WHOLE, Safe, clean, escape, known, plain, plain_word, say, told, word

Pair: TypeAlias = tuple[Safe, Safe | None]
LONGEST_WORD = 26
MOST_TAGS = 8
MANAGED = "managed"
"""The kind of a target that is a device in Intune."""
REPEATED = frozenset({"library-file", "mail-recipient", "submission-what", "indicator-value"})
"""Facts that stand among what was asked for, too."""
OF_ALERT = frozenset({"alert-evidence"})


def evidence_section(look: Look, request: Request) -> Container | TextBlock | None:
    """Show what was read of the target; that nothing was read is said before a decision."""
    read = request.evidence
    if read is None:
        return None if request.batch else parts.line(say(look, "request.no-evidence"), "Attention")
    if request.members:
        return parts.note(say(look, "request.not-read")) if request.state is State.PROPOSED else None
    listed = _device(look, read) if request.target.kind == DEVICE else _last(look, read)
    told_above = {value.casefold() for value in (*request.parameters.values(), cut_off(request))}
    facts = [fact for fact in read.facts if fact.key not in REPEATED or fact.value.casefold() not in told_above]
    apart = [fact for fact in facts if _is_wide(fact)]
    pairs = [*_facts(look, [fact for fact in facts if fact not in (*apart, *_of_alert(read))]), *listed]
    lines = [say(look, "evidence.line", label=label, value=value) for label, value in _facts(look, apart)]
    if not lines and not any(value for _, value in pairs):
        return None
    title = say(look, f"request.{'device' if request.target.kind == DEVICE else 'target'}", at=read.read_at)
    return parts.section(title, *map(parts.line, lines), parts.facts(pairs), *_in_defender(look, request, read))


def _in_defender(look: Look, request: Request, read: Evidence) -> list[TextBlock | FactSet | None]:
    """What Defender knows of a device that is reached through Intune, as it is told of one that is not."""
    if request.target.kind != MANAGED or read.tags is None:
        return []
    listed = parts.facts([*_machine(look, read), *_network(look, read)])
    return [parts.line(say(look, "request.in-defender")), listed, *[_twin(look, twin) for twin in read.twins]]


def _twin(look: Look, twin: Twin) -> TextBlock:
    """One more machine of the same device: what people decide on may be that one."""
    said = say(
        look,
        "request.twin",
        name=twin.name,
        id=twin.id[:8],
        value=word(look, "value", twin.device_value),
        risk=word(look, "risk", twin.risk),
        severity=word(look, "severity", twin.severity),
        tags=parts.names(look, twin.tags, "policytest.none", MOST_TAGS),
    )
    return parts.line(said, "Attention")


def cut_off(request: Request) -> str:
    """The target's name where a title cannot hold it whole; empty where it can, and of several devices."""
    name = request.target.name
    return name if not request.members and clean(name, WHOLE) != clean(name, NAME) else ""


def warnings(look: Look, request: Request) -> list[TextBlock]:
    """What must not be overlooked before a decision, in words and colour."""
    read = request.evidence
    if read is None or request.state is not State.PROPOSED:
        return []
    said = [(f"evidence.{fact.key}", {"value": escape(fact.value)}) for fact in read.warnings]
    return [parts.line(told(look, key, values, "trouble.other"), "Attention") for key, values in said]


def _is_wide(fact: Fact) -> bool:
    """Whether it holds a word without a break that would push the others of a table out of a phone's card."""
    return any(len(word) > LONGEST_WORD for word in fact.value.split())


def _facts(look: Look, facts: Sequence[Fact]) -> list[tuple[Safe, Safe]]:
    return [(_label(look, fact), _value(look, fact)) for fact in facts]


def _label(look: Look, fact: Fact) -> Safe:
    key = f"evidence.{fact.key}"
    return say(look, key) if known(key) else escape(fact.key)


def _value(look: Look, fact: Fact) -> Safe:
    """A moment, one of the words that the catalogue has for this fact, or a text from outside."""
    if fact.at is not None:
        return parts.moment(look, fact.at)
    special = f"evidence.{fact.key}.{fact.value.casefold()}"
    if known(special):
        return say(look, special)
    return escape(fact.value, PARAGRAPH) if fact.value else say(look, "word.unknown")


def _device(look: Look, read: Evidence) -> list[Pair]:
    return [
        *_machine(look, read),
        (say(look, "device.system"), escape(read.os) if read.os else say(look, "word.unknown")),
        *_network(look, read),
        (say(look, "request.last-time"), _last_time(look, read)),
    ]


def _machine(look: Look, read: Evidence) -> list[Pair]:
    """What the policy may ask of a machine, and how it does."""
    return [
        (say(look, "request.users"), parts.names(look, read.users, "request.users.none", 5)),
        (say(look, "device.value"), word(look, "value", read.device_value)),
        (say(look, "device.tags"), parts.names(look, read.tags, "policytest.none", MOST_TAGS) if read.tags else None),
        (say(look, "device.risk"), word(look, "risk", read.risk)),
        (say(look, "request.open-alerts"), parts.names(look, read.open_alerts, "request.open-alerts.none")),
        (say(look, "request.severity"), _severity(look, read)),
        *_facts(look, _of_alert(read)),
        (say(look, "device.last-contact"), parts.moment(look, read.last_seen)),
        (say(look, "device.health"), word(look, "health", read.health)),
        (say(look, "device.exposure"), word(look, "risk", read.exposure)),
    ]


def _network(look: Look, read: Evidence) -> list[Pair]:
    return [
        (say(look, "request.isolation"), word(look, "isolation", read.isolation) if read.isolation else None),
        (say(look, "request.running"), parts.names(look, _running(look, read), "request.running.none")),
    ]


def _of_alert(read: Evidence) -> list[Fact]:
    """What is known of an open alert stands beside it, not on top."""
    return [fact for fact in read.facts if fact.key in OF_ALERT and not _is_wide(fact)]


def _severity(look: Look, read: Evidence) -> Safe | None:
    return word(look, "severity", read.severity) if read.severity not in ("", "none") else None


def _last(look: Look, read: Evidence) -> list[Pair]:
    return [(say(look, "request.last-time"), _last_time(look, read) if read.last_time else None)]


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
    state = f"state.{read.last_time.replace(' ', '')}"
    what = plain(look, state) if known(state) else plain_word(look, "status", read.last_time)
    return say(look, "request.last-time-at", what=what, at=read.last_time_at) if read.last_time_at else escape(what)
