"""What a well-formed policy must still not say: names that do not exist, and what no policy goes below."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from typing import TypeAlias

from bot.policy.models import ROLES, Defaults, Effects, PolicyFile, Rule, Ruling, Then, When
from bot.policy.rule import CAUTION, LEAST_VETO, concerns, with_rule, without_rules
from bot.responses.declared import Response

Loc: TypeAlias = tuple[str | int, ...]
Found: TypeAlias = tuple[Loc, str]
WHAT_FOR = frozenset({"responses", "groups", "risks", "targets", "zone"})
"""The conditions that only say what a rule is for; the others look at the case."""
LISTED = 3


def complaints(file: PolicyFile, responses: Mapping[str, Response]) -> Iterator[Found]:
    """Each thing that is wrong: where, and a sentence that goes on after the place."""
    lessened = [response for response in responses.values() if response.approvals < CAUTION]
    yield from _risky(("defaults",), file.defaults, lessened)
    for name, effects in file.response.items():
        yield from _own(file, ("response", name), name, effects, responses)
    for index, rule in enumerate(file.rule):
        yield from _rule(file, index, rule, responses)


def _own(file: PolicyFile, loc: Loc, name: str, effects: Effects, responses: Mapping[str, Response]) -> Iterator[Found]:
    if name not in responses:
        yield loc, _no_such(name, responses)
        return
    response = responses[name]
    yield from _combined(loc, effects)
    yield from _risky(loc, effects, [response])
    yield from _asked_lower(loc, effects, [response])
    yield from _late_veto(loc, effects, [(response, without_rules(file, response))])


def _rule(file: PolicyFile, index: int, rule: Rule, responses: Mapping[str, Response]) -> Iterator[Found]:
    loc: Loc = ("rule", index)
    unknown = [name for name in rule.when.responses or () if name not in responses]
    yield from (((*loc, "when", "responses"), _no_such(name, responses)) for name in unknown)
    meant = [response for response in responses.values() if concerns(rule.when, response)]
    if not meant and not unknown:
        yield (*loc, "when"), "no response fits these conditions, so that the rule never holds."
    yield from _standing(file, index, rule)
    yield from _combined((*loc, "then"), rule.then)
    named = [response for response in meant if response.name in (rule.when.responses or ())]
    careful = [response for response in meant if response in named or response.approvals < CAUTION]
    yield from _risky((*loc, "then"), rule.then, careful)
    yield from _asked_lower((*loc, "then"), rule.then, named)
    ruled = [(one, with_rule(without_rules(file, one), index + 1, rule, one)) for one in meant]
    yield from _late_veto((*loc, "then"), rule.then, ruled)


def _standing(file: PolicyFile, index: int, rule: Rule) -> Iterator[Found]:
    """What is wrong with a rule among the others, whatever it is for."""
    loc: Loc = ("rule", index)
    if any(rule.name == other.name for other in file.rule[:index]):
        yield (*loc, "name"), "is the name of another rule already: cards and the audit tell rules apart by it."
    blind = next((n for n, other in enumerate(file.rule[:index], 1) if other.when == When()), 0)
    if blind:
        yield loc, f"never comes into force: rule {blind} before it holds for everything."
    if rule.then == Then():
        yield (*loc, "then"), "does nothing: say what holds then."
    timed = [name for name in ("hours", "days") if getattr(rule.when, name) is not None]
    if timed and not (rule.when.zone or file.zone):
        yield (*loc, "when", timed[0]), 'needs a time zone: write zone = "Europe/Berlin" at the top, or when.zone here.'
    if rule.then.preapproved and not rule.when.model_fields_set - WHAT_FOR:
        yield (
            (*loc, "then", "preapproved"),
            "needs a condition that looks at the case, such as when.tags or when.hours; for always say approvals = 0.",
        )


def _combined(loc: Loc, says: Effects) -> Iterator[Found]:
    """One way of deciding in a layer."""
    preapproved = isinstance(says, Then) and bool(says.preapproved)
    if says.forbidden and says.model_fields_set - {"forbidden"}:
        yield (*loc, "forbidden"), "stands alone: what is forbidden needs no other word."
    elif preapproved and (says.approvals is not None or says.veto_minutes):
        yield (*loc, "preapproved"), "does not go with approvals or veto_minutes: keep one of them."
    elif says.veto_minutes and says.approvals == 0:
        yield (*loc, "approvals"), "is 0, which runs at once: there would be nothing to veto. Leave it out."


def _risky(loc: Loc, says: Defaults, meant: Sequence[Response]) -> Iterator[Found]:
    """Nothing of high risk runs unseen, unless the file says in so many words that this is meant."""
    accepted = isinstance(says, Effects) and says.i_accept_the_risk
    high = [response.name for response in meant if response.risk == "high"]
    preapproved = isinstance(says, Then) and bool(says.preapproved)
    veto = says.veto_minutes if isinstance(says, Effects) else None
    unseen = "preapproved" if preapproved else "approvals" if says.approvals == 0 and not veto else ""
    short = veto is not None and veto < LEAST_VETO
    if accepted and not (high and (unseen or short)):
        yield (*loc, "i_accept_the_risk"), "accepts nothing: nothing of high risk runs unseen here. Leave it out."
    if not high or accepted:
        return
    if unseen and isinstance(says, Effects):
        words = f"would run {_names(high)} without anybody looking, which is high risk"
        yield (*loc, unseen), f"{words}: use veto_minutes, or add i_accept_the_risk = true."
    elif unseen:
        words = f"would run {_names(high)} without anybody looking, which is high risk"
        yield (*loc, unseen), f"{words}. Say it in [response.NAME] for those that you mean."
    elif short:
        words = f"leaves less than {LEAST_VETO} minutes to object to {_names(high)}, which is high risk"
        yield (*loc, "veto_minutes"), f"{words}: give more time, or add i_accept_the_risk = true."


def _asked_lower(loc: Loc, says: Effects, named: Sequence[Response]) -> Iterator[Found]:
    for response in named:
        if says.asks and ROLES[says.asks] < response.asks:
            yield (*loc, "asks"), f"cannot be lower than {response.asks.word}, which {response.name} needs."


def _late_veto(loc: Loc, says: Effects, ruled: Sequence[tuple[Response, Ruling]]) -> Iterator[Found]:
    late = [(one, ruling) for one, ruling in ruled if ruling.veto_minutes and _outlives(ruling)]
    if late:
        said = "veto_minutes" if says.veto_minutes else "decide_within_minutes"
        minutes = int(late[0][1].time_to_live.total_seconds() // 60)
        names = _names([one.name for one, _ in late])
        words = (
            f"{names} would expire after {minutes} minutes, before the {late[0][1].veto_minutes} minutes to object end"
        )
        yield (*loc, said), f"{words}."


def _outlives(ruling: Ruling) -> bool:
    return timedelta(minutes=ruling.veto_minutes or 0) >= ruling.time_to_live


def _no_such(name: str, responses: Collection[str]) -> str:
    near = get_close_matches(name, list(responses), n=1)
    return f"there is no response {name}" + (f": did you mean {near[0]}?" if near else ".")


def _names(names: Sequence[str]) -> str:
    rest = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {rest} more" if rest > 0 else "")
