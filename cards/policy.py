"""The policy: what applies to each response, and why a case is decided as it is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from bot.policy.models import Because, Facts, Policy, Reminders, Rule, Ruling, Strict, Verdict, clock_of, spelled
from bot.responses.terms import Why
from bot.roles import Role
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Container, TextBlock
from cards.text import Safe, clean, count, escape, join, plain, say, sentence, when, word

MOST_RULES = 12
MOST_SHOWN = 24
LONGEST_NAMES = 800
NAMED = 6
MACHINES = frozenset({"device", "managed"})
UNSAID = ("i_accept_the_risk", "zone")


@dataclass(frozen=True, kw_only=True)
class Decided:
    """How a response is decided where no rule holds; `changed` by the policy, or as it declares."""

    name: str
    group: str
    ruling: Ruling
    changed: bool = False


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """A case that was tried: who would ask for what on what, when (in `zone`), and what was ruled.

    `me`: it is the person who looks that would ask. `each`: for several devices, their names with what holds for each.
    `machines`: so many does Defender list for the one device; `facts` are those of the one that decides.
    """

    response: str
    target: str
    kind: str
    requester: Role
    me: bool
    at: datetime
    zone: str
    facts: Facts
    verdicts: Sequence[Verdict]
    ruling: Ruling
    each: Sequence[tuple[str, Ruling]] = ()
    machines: int = 1


def reasons(look: Look, why: Iterable[Why]) -> Safe:
    """The parts of a policy that made a ruling what it is."""
    return join((_because_of(look, one) for one in why), "; ")


def _because_of(look: Look, why: Why) -> Safe:
    return say(look, why.key, **dict(why.values))


def policy_card(look: Look, policy: Policy, decided: Sequence[Decided], *, four_eyes: bool) -> Shown:
    """Show how each response is decided, what the policy changed of it, and its rules."""
    source = say(look, "policy.source", source=policy.source) if policy.source else say(look, "policy.none")
    body = [
        parts.heading(say(look, "policy.title"), source),
        None if four_eyes else parts.note(say(look, "policy.four-eyes-off")),
        *[_group(look, group, list(of)) for group, of in groupby(decided, key=lambda one: one.group)],
        _rules(look, policy),
        _accounts(look, policy.file.priority_accounts),
        _reminders(look, policy.file.reminders),
        parts.note(say(look, "policy.try")),
        parts.as_of(look),
    ]
    return parts.shown([part for part in body if part is not None], plain(look, "policy.summary"))


def _group(look: Look, group: str, of: Sequence[Decided]) -> Container:
    """The responses of a group, those that are decided in one way on one line."""
    ways: dict[tuple[str, bool, tuple[str, ...]], list[Decided]] = {}
    for one in of:
        places = one.ruling.places if one.changed else ()
        ways.setdefault((str(_decided(look, one.ruling)), one.changed, places), []).append(one)
    return parts.section(say(look, f"policy.group.{group}"), *[_way(look, same) for same in ways.values()])


def _way(look: Look, same: Sequence[Decided]) -> TextBlock:
    first = same[0]
    names = escape(", ".join(one.name for one in same), LONGEST_NAMES)
    decided = _decided(look, first.ruling)
    if not first.changed:
        return parts.line(say(look, "policy.line", names=names, decided=decided))
    why = reasons(look, first.ruling.why)
    return parts.line(say(look, "policy.changed", names=names, decided=decided, why=why), "Accent")


def decided_by(look: Look, one: Decided) -> Safe:
    """Who decides on a response, and what of the policy made it so."""
    said = Safe(sentence(_decided(look, one.ruling)))
    return say(look, "policy.by", decided=said, why=reasons(look, one.ruling.why)) if one.changed else said


def _decided(look: Look, ruling: Ruling) -> Safe:
    """How it is decided, in words that go on after the names."""
    decided = _outcome(look, ruling)
    if ruling.asks <= Role.OPERATOR or ruling.forbidden:
        return decided
    return say(look, "policy.asks", decided=decided, role=word(look, "role", ruling.asks.word))


def _outcome(look: Look, ruling: Ruling) -> Safe:
    if ruling.forbidden:
        return say(look, "policy.decided.forbidden", why=escape(ruling.forbidden, 300))
    if ruling.at_once:
        return say(look, "policy.decided.at-once")
    if ruling.veto_minutes is not None:
        return say(look, "policy.decided.by-itself", minutes=_long(look, timedelta(minutes=ruling.veto_minutes)))
    key = "policy.decided.own" if ruling.requester_may else "policy.decided.approvals"
    return _counted(look, key, ruling)


def _counted(look: Look, key: str, ruling: Ruling) -> Safe:
    n = ruling.approvals
    form = f"{key}.one" if n == 1 else f"{key}.other"
    return say(look, form, n=n, minutes=_long(look, ruling.time_to_live))


def _long(look: Look, time: timedelta) -> str:
    """So many minutes, hours or days, whichever is whole."""
    minutes = int(time.total_seconds() // 60)
    for unit, size in (("days", 1440), ("hours", 60)):
        if minutes >= 2 * size and minutes % size == 0:
            return count(look, f"policy.{unit}", minutes // size)
    return count(look, "policy.minutes", minutes)


def _rules(look: Look, policy: Policy) -> Container | None:
    numbered = list(enumerate(policy.file.rule, 1))
    if not numbered:
        return None
    zone = policy.file.zone or "UTC"
    lines = parts.rows(look, numbered, lambda one: parts.line(_rule(look, *one, zone)), limit=MOST_RULES)
    return parts.section(say(look, "policy.rules"), *lines)


def _rule(look: Look, number: int, rule: Rule, zone: str) -> Safe:
    clock = clock_of(look.now, rule.when.zone or zone)
    then = join(_said(look, "policy.then", _given(rule.then)))
    when = _given(rule.when)
    if not when:
        return say(look, "policy.rule-always", number=number, name=rule.name, then=then)
    timed = {"hours": spelled(rule.when.hours, clock)} if rule.when.hours else {}
    asked = join(_said(look, "policy.when", when | timed))
    return say(look, "policy.rule", number=number, name=rule.name, when=asked, then=then)


def _given(table: Strict) -> dict[str, object]:
    """What the file says there, but for what goes without saying."""
    every = {name: getattr(table, name) for name in type(table).model_fields if name not in UNSAID}
    return {name: value for name, value in every.items() if value is not None}


def _said(look: Look, group: str, given: Mapping[str, object]) -> list[Safe]:
    """Each name with its value, in words."""
    return [say(look, f"{group}.{name}", words=_value(look, value)) for name, value in given.items()]


def _value(look: Look, value: object) -> Safe:
    if isinstance(value, bool):
        return say(look, "policy.yes" if value else "policy.no")
    words = value if isinstance(value, tuple) else (value,)
    return escape(", ".join(map(str, words)), 300)


def _accounts(look: Look, accounts: Sequence[str]) -> TextBlock | None:
    if not accounts:
        return None
    return parts.note(say(look, "policy.accounts", names=parts.names(look, accounts, "policytest.none", 5)))


def _reminders(look: Look, times: Reminders) -> TextBlock:
    waiting, standing = (_long(look, timedelta(minutes=n)) for n in (times.waiting_minutes, times.standing_minutes))
    return parts.note(say(look, "policy.reminders", waiting=waiting, standing=standing))


def policy_test_card(look: Look, case: CaseView) -> Shown:
    """Explain how a case would be decided. It asks for nothing."""
    names = {"response": case.response, "target": case.target}
    why = say(look, "policytest.because", why=reasons(look, case.ruling.why))
    body = [
        parts.heading(
            say(look, "policytest.title", **names),
            _verdict(look, case),
            why if case.ruling.why else say(look, "policytest.declared"),
            tone="attention" if case.ruling.forbidden else "emphasis",
        ),
        parts.section(say(look, "policytest.case"), parts.facts(_case(look, case))),
        _each(look, case.each)
        if case.each
        else parts.section(say(look, "policytest.rules"), *_verdicts(look, case.verdicts)),
        parts.note(say(look, "policytest.note")),
    ]
    again = f"policy test {case.response} {clean(case.target)}"
    tries = [button.run(plain(look, "part.refresh"), again)] if case.kind == "device" and not case.each else []
    return parts.shown(body, plain(look, "policytest.summary", **names), tries)


def _verdict(look: Look, case: CaseView) -> Safe:
    """The result in one plain sentence."""
    ruling = case.ruling
    if ruling.forbidden:
        return say(look, "policytest.forbidden", why=escape(ruling.forbidden, 300))
    if case.requester < ruling.asks:
        held, needed = word(look, "role", case.requester.word), word(look, "role", ruling.asks.word)
        return say(look, "policytest.not-you", role=needed, held=held)
    if ruling.at_once:
        return say(look, "policytest.at-once")
    if ruling.veto_minutes is not None:
        minutes = _long(look, timedelta(minutes=ruling.veto_minutes))
        return say(look, "policytest.by-itself", minutes=minutes, n=ruling.approvals)
    other = "policytest.other-you" if case.me else "policytest.other"
    approvals = _counted(look, "policytest.own" if ruling.requester_may else other, ruling)
    return say(look, "policytest.plain", approvals=approvals)


def _case(look: Look, case: CaseView) -> list[tuple[Safe, Safe | None]]:
    facts = case.facts
    if case.each:
        return [*_asked(look, case), (say(look, "policytest.devices"), escape(str(len(case.each))))]
    device: Mapping[str, Safe] = {
        "tags": parts.names(look, None if facts.tags is None else sorted(facts.tags), "policytest.none", 8),
        "value": _read(look, "value", facts.value),
        "risk": _read(look, "risk", facts.risk),
        "severity": _read(look, "severity", "" if facts.severity == "none" else facts.severity, facts.severity),
        "people": parts.names(look, facts.people, "policytest.none", 5),
    }
    listed = say(look, "policytest.machines", n=case.machines) if case.machines > 1 else None
    return [
        *_asked(look, case),
        *(
            (say(look, f"policytest.{name}"), value)
            for name, value in device.items()
            if case.kind in MACHINES or (name == "people" and (facts.people or case.kind == "mail"))
        ),
        (say(look, "policytest.in-defender"), listed),
    ]


def _asked(look: Look, case: CaseView) -> list[tuple[Safe, Safe | None]]:
    """As whom and when it would be asked."""
    return [
        (say(look, "policytest.asked-as"), word(look, "role", case.requester.word)),
        (say(look, "policytest.at"), escape(when(replace(look, zone=case.zone), case.at))),
    ]


def _each(look: Look, each: Sequence[tuple[str, Ruling]]) -> Container:
    """What holds for each of several devices; those for which the same holds stand on one line."""
    same: dict[tuple[Safe, Safe], list[str]] = {}
    for name, ruling in each:
        same.setdefault((_outcome(look, ruling), reasons(look, ruling.why)), []).append(name)
    lines = []
    for (outcome, why), names in same.items():
        values = {"names": parts.names(look, names, "policytest.none", NAMED), "decided": sentence(outcome)}
        key = "policytest.each-why" if why else "policytest.each-device"
        lines.append(parts.line(say(look, key, **values, **({"why": why} if why else {}))))
    note = parts.note(say(look, "policytest.strictest"))
    return parts.section(say(look, "policytest.each"), *lines[:MOST_SHOWN], note)


def _read(look: Look, group: str, value: str, whole: str | None = None) -> Safe:
    if value:
        return word(look, group, value)
    return say(look, "policytest.none") if whole == "none" else say(look, "word.unread")


def _verdicts(look: Look, verdicts: Sequence[Verdict]) -> list[TextBlock]:
    if not verdicts:
        return [parts.line(say(look, "policytest.no-rules"))]
    first = next((one.number for one in verdicts if one.holds), 0)
    made: list[TextBlock] = parts.rows(look, verdicts, lambda one: _line(look, one, first), limit=MOST_SHOWN)
    return made


def _line(look: Look, verdict: Verdict, first: int) -> TextBlock:
    """One rule: whether it matches, and what was compared for that."""
    late = first and verdict.number > first
    key = "fails" if verdict.holds is False else "holds-late" if late else "holds" if verdict.holds else "unread"
    because = list(dict.fromkeys(_compared(look, one) for one in verdict.because))
    because = because or [say(look, "policytest.nothing-asked")]
    text = say(look, f"policytest.{key}", number=verdict.number, name=verdict.name, because=join(because, ". "))
    return parts.line(text, None if late or verdict.holds is False else "Accent")


def _compared(look: Look, because: Because) -> Safe:
    if because.condition == "device":
        return say(look, "policytest.no-device")
    wanted = say(look, f"policy.when.{because.condition}", words=escape(because.wanted, 200))
    actual = say(look, "word.unread") if because.actual is None else escape(because.actual or "", 200)
    shown = actual or say(look, "policytest.none")
    return say(look, "policytest.compared", wanted=wanted, actual=shown)
