"""What the policy rules for a case. Pure: the same policy and the same case always give the same ruling.

Where a rule asks for something that could not be read, both is possible: the stricter of the two is what holds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import reduce
from zoneinfo import ZoneInfo

from bot.policy.models import (
    DAYS,
    ROLES,
    Because,
    Case,
    Defaults,
    Effects,
    Policy,
    PolicyFile,
    Rule,
    Ruling,
    Then,
    Verdict,
    When,
    clock_of,
    spelled,
)
from bot.responses.declared import Response
from bot.responses.terms import Why

OF_DEVICES = ("tags", "device_values", "risk_scores", "severities")
DEVICE_KINDS = frozenset({"device", "devices"})
MACHINES = DEVICE_KINDS | {"managed"}
"""Kinds of targets that are a machine, of which those conditions ask; Intune's is the same one as Defender's."""
NOBODYS = frozenset({"file", "indicator", "library", "action"})
"""Kinds of targets that are nobody's account or device."""
CAUTION = 2
"""A response that declares so many approvals keeps them where the policy does not name it."""
UNREAD = "what it asks for could not be read"
"""Stands beside the rule that forbids for want of knowing, so that who is refused knows why."""
LEAST_VETO = 5
"""Minutes that people have at least to object to what is of high risk."""


def rule(policy: Policy, case: Case) -> Ruling:
    """What holds for that case."""
    return explained(policy, case)[1]


def rule_all(policy: Policy, cases: Sequence[Case]) -> Ruling:
    """What holds for a request for several devices: the strictest of what holds for each. ValueError: no case."""
    if not cases:
        raise ValueError("no case to rule")
    return reduce(stricter, [rule(policy, case) for case in cases])


def hardest(policy: Policy, cases: Sequence[Case]) -> tuple[Case, list[Verdict], Ruling]:
    """The case for which the strictest holds, its verdicts, and what holds for all together. ValueError: no case."""
    ruling = rule_all(policy, cases)
    case = max(cases, key=lambda one: _strictness(rule(policy, one)))
    return case, explained(policy, case)[0], ruling


def explained(policy: Policy, case: Case) -> tuple[list[Verdict], Ruling]:
    """The same with each rule's verdict, in the order of the file; rules after the one that decided are judged too."""
    below = without_rules(policy.file, case.response, four_eyes=case.four_eyes)
    verdicts: list[Verdict] = []
    possible: list[Ruling] = []
    decided = False
    for number, one in enumerate(policy.file.rule, 1):
        verdict = _judged(policy, number, one, case)
        verdicts.append(verdict)
        if decided or verdict.holds is False:
            continue
        ruling = with_rule(below, number, one, case.response)
        unread = verdict.holds is None and bool(one.then.forbidden)
        possible.append(replace(ruling, places=(*ruling.places, UNREAD)) if unread else ruling)
        decided = verdict.holds is True
    if not decided:
        possible.append(below)
    return verdicts, _steered(policy.file, case, _sound(reduce(stricter, possible)))


def _steered(file: PolicyFile, case: Case, ruling: Ruling) -> Ruling:
    """Who changes what a rule looks at chooses the rule for what is asked next: somebody else must agree to that."""
    if not ruling.at_once or not _looked_at(file, case):
        return ruling
    approvals, why = max(1, case.response.approvals), Why(key="policy.why.steers")
    places = (*ruling.places, "what rules look at")
    return replace(ruling, approvals=approvals, preapproved=False, places=places, why=(*ruling.why, why))


def _looked_at(file: PolicyFile, case: Case) -> bool:
    """Whether a rule asks for what the response changes: for a tag that is named (not known: any), for the value."""
    steers = case.response.steers
    asked = [words for one in file.rule if steers and (words := getattr(one.when, steers))]
    if steers != "tags" or case.typed is None:
        return bool(asked)
    typed = {_folded(word) for word in case.typed}
    return any(_folded(word) in typed for words in asked for word in words)


def without_rules(file: PolicyFile, response: Response, *, four_eyes: bool = True) -> Ruling:
    """What holds where no rule does: the declaration, `[defaults]`, `[response.NAME]`."""
    declared = Ruling(
        asks=response.asks,
        approvals=response.approvals,
        requester_may=not four_eyes,
        time_to_live=response.time_to_live,
        send_within=response.send_within,
    )
    why = Why(key="policy.why.defaults")
    general = layered(declared, file.defaults, response, place="defaults", why=why, named=False)
    own = file.response.get(response.name)
    if own is None:
        return general
    why = Why(key="policy.why.response", values={"response": response.name})
    return layered(general, own, response, place=f"response.{response.name}", why=why, named=True)


def with_rule(below: Ruling, number: int, one: Rule, response: Response) -> Ruling:
    """What holds where that rule is the first to match. `number` counts from 1."""
    why = Why(key="policy.why.rule", values={"number": str(number), "name": one.name})
    named = response.name in (one.when.responses or ())
    return layered(below, one.then, response, named=named, place=f"rule {number}: {one.name}", why=why)


def concerns(when: When, response: Response) -> bool:
    """Whether a rule with those conditions can match the response at all."""
    target = "device" if response.target in DEVICE_KINDS else response.target
    asked = (
        (when.responses, response.name),
        (when.groups, response.group),
        (when.risks, response.risk),
        (when.targets, target),
    )
    of_device = any(getattr(when, name) is not None for name in OF_DEVICES)
    return all(words is None or word in words for words, word in asked) and (not of_device or target in MACHINES)


def layered(below: Ruling, says: Defaults, response: Response, *, place: str, why: Why, named: bool) -> Ruling:
    """A layer over those below. `named`: it names the response, so that it may lessen a double approval."""
    asks = below.asks if says.asks is None else max(ROLES[says.asks], response.asks)
    ruled = replace(
        below,
        asks=asks,
        requester_may=below.requester_may if says.requester_may is None else says.requester_may,
        time_to_live=_minutes(says.decide_within_minutes, below.time_to_live),
        send_within=_minutes(says.send_within_minutes, below.send_within),
    )
    if decides(says):
        ruled = _floored(_decided(ruled, says), response, named=named, accepted=accepts(says))
    return below if ruled == below else replace(ruled, places=(*below.places, place), why=(*below.why, why))


def decides(says: Defaults) -> bool:
    """Whether the layer says how the decision is made; it then replaces all that those below said of that."""
    if says.approvals is not None:
        return True
    return isinstance(says, Effects) and bool(says.veto_minutes or says.forbidden or _preapproves(says))


def _preapproves(says: Defaults) -> bool:
    return isinstance(says, Then) and bool(says.preapproved)


def accepts(says: Defaults) -> bool:
    """Whether the layer says that nobody needs to look."""
    return isinstance(says, Effects) and says.i_accept_the_risk


def _decided(below: Ruling, says: Defaults) -> Ruling:
    approvals = below.approvals if says.approvals is None else says.approvals
    plain = replace(below, approvals=approvals, veto_minutes=None, preapproved=_preapproves(says), forbidden="")
    if not isinstance(says, Effects):
        return plain
    if says.veto_minutes:
        return replace(plain, veto_minutes=says.veto_minutes, approvals=max(1, approvals), preapproved=False)
    return replace(plain, forbidden=says.forbidden or "")


def _floored(ruled: Ruling, response: Response, *, named: bool, accepted: bool) -> Ruling:
    """What no policy goes below; the check at the start refuses the files that would try."""
    if response.approvals >= CAUTION and not named:
        kept = max(ruled.approvals, response.approvals)
        ruled = replace(ruled, approvals=kept, veto_minutes=None, preapproved=False)
    if response.risk != "high" or accepted:
        return ruled
    if ruled.at_once:
        return replace(ruled, approvals=max(1, response.approvals), preapproved=False)
    if ruled.veto_minutes is not None:
        return replace(ruled, veto_minutes=max(LEAST_VETO, ruled.veto_minutes))
    return ruled


def _minutes(said: int | None, otherwise: timedelta) -> timedelta:
    return otherwise if said is None else timedelta(minutes=said)


def stricter(one: Ruling, other: Ruling) -> Ruling:
    """What is right whichever of the two should hold: nothing that either refuses, nothing sooner than in either."""
    first, second = sorted((one, other), key=_strictness, reverse=True)
    if one == other or first.forbidden:
        return first
    both = replace(
        first,
        asks=max(one.asks, other.asks),
        approvals=max(one.approvals, other.approvals),
        requester_may=one.requester_may and other.requester_may,
        time_to_live=min(one.time_to_live, other.time_to_live),
        send_within=min(one.send_within, other.send_within),
        why=(*first.why, *(why for why in second.why if why not in first.why)),
    )
    return _sound(both)


def _sound(ruling: Ruling) -> Ruling:
    """A time to object that does not end before the request expires is none: people decide then."""
    veto = ruling.veto_minutes
    late = veto is not None and timedelta(minutes=veto) >= ruling.time_to_live
    return replace(ruling, veto_minutes=None) if late else ruling


def _strictness(ruling: Ruling) -> tuple[int, int]:
    """How much stands between asking and sending: nothing, a time to object, approvals, a ban."""
    if ruling.forbidden:
        return 3, 0
    if ruling.at_once:
        return 0, 0
    if ruling.veto_minutes is not None:
        return 1, ruling.veto_minutes
    return 2, ruling.approvals


def _judged(policy: Policy, number: int, one: Rule, case: Case) -> Verdict:
    """All conditions against the case: one that does not hold decides, else one that could not be read."""
    found = [_compared(policy, one.when, case, name) for name in CONDITIONS if getattr(one.when, name) is not None]
    against = tuple(because for holds, because in found if holds is False)
    unread = tuple(because for holds, because in found if holds is None)
    holds = False if against else None if unread else True
    because = against or unread or tuple(because for _, because in found)
    return Verdict(number=number, name=one.name, holds=holds, because=because)


def _compared(policy: Policy, when: When, case: Case, name: str) -> tuple[bool | None, Because]:
    """One condition: whether it holds (None: could not be read), and what was compared."""
    wanted = getattr(when, name)
    if name in OF_DEVICES and case.kind not in MACHINES:
        return False, Because(condition="device", wanted=_text(wanted), actual="")
    if name in ("hours", "days"):
        return _in_time(policy, when, case.now, name)
    actual = CONDITIONS[name](policy, case)
    said = Because(condition=name, wanted=_text(wanted), actual=None if actual is None else _text(sorted(actual)))
    if actual is None:
        return None, said
    return bool({_folded(one) for one in _listed(wanted)} & {_folded(one) for one in actual}), said


def _in_time(policy: Policy, when: When, now: datetime, name: str) -> tuple[bool, Because]:
    """Hours and days in their zone. Of hours over midnight, the day is the one on which they began."""
    zone = when.zone or policy.file.zone or "UTC"
    local = now.astimezone(ZoneInfo(zone))
    begin, end = _span(when.hours) if when.hours else (time.min, time.min)
    at = local.time().replace(second=0, microsecond=0)
    within = begin <= at < end if begin < end else at >= begin or at < end
    began = local - timedelta(days=1) if begin > end and at < end else local
    day = DAYS[began.weekday()]
    clock = clock_of(now, zone)
    said = f"{DAYS[local.weekday()]} {local:%H:%M} {clock}"
    if name == "hours":
        return within, Because(condition=name, wanted=spelled(when.hours or "", clock), actual=said)
    return day in (when.days or ()), Because(condition=name, wanted=_text(when.days), actual=said)


def _span(hours: str) -> tuple[time, time]:
    begin, _, end = hours.partition("-")
    return time.fromisoformat(begin), time.fromisoformat(end)


def _priority(policy: Policy, case: Case) -> Iterable[str] | None:
    if case.kind in NOBODYS:
        return ("no",)
    if case.facts.people is None:
        return None
    return ("yes",) if any(policy.is_priority(one) for one in case.facts.people) else ("no",)


def _known(value: str) -> Iterable[str] | None:
    return (value,) if value else None


# The conditions but hours and days: what of the case each compares; None where that could not be read.
CONDITIONS: Mapping[str, Callable[[Policy, Case], Iterable[str] | None]] = {
    "responses": lambda _policy, case: (case.response.name,),
    "groups": lambda _policy, case: (case.response.group,),
    "risks": lambda _policy, case: (case.response.risk,),
    "targets": lambda _policy, case: ("device" if case.kind in DEVICE_KINDS else case.kind,),
    "requesters": lambda _policy, case: (case.requester.word,),
    "hours": lambda _policy, _case: (),
    "days": lambda _policy, _case: (),
    "tags": lambda _policy, case: case.facts.tags,
    "device_values": lambda _policy, case: _known(case.facts.value),
    "risk_scores": lambda _policy, case: _known(case.facts.risk),
    "severities": lambda _policy, case: _known(case.facts.severity),
    "priority_account": _priority,
}


def _listed(wanted: object) -> Iterable[str]:
    if isinstance(wanted, bool):
        return ("yes" if wanted else "no",)
    return wanted if isinstance(wanted, tuple) else ()


def _text(wanted: object) -> str:
    listed = _listed(wanted) if isinstance(wanted, bool | tuple) else wanted
    return ", ".join(map(str, listed)) if isinstance(listed, Iterable) else ""


def _folded(word: str) -> str:
    return " ".join(word.casefold().split())
