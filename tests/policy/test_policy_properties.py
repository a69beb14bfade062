"""What holds for every policy and every case, tried on many that hypothesis makes up."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bot.policy.check import complaints
from bot.policy.models import Facts, Policy, PolicyFile, Ruling
from bot.policy.rule import explained, rule, rule_all, stricter
from bot.roles import Role
from tests.policy.made import NOON, RESPONSES, case

WORDS = ["server", "desk", "lab"]
TAGS = st.lists(st.sampled_from(WORDS), unique=True, min_size=1).map(tuple)
DEFAULTS = {
    "asks": st.sampled_from(["operator", "approver", "admin"]),
    "approvals": st.integers(0, 5),
    "requester_may": st.booleans(),
    "decide_within_minutes": st.sampled_from([1, 10, 60, 600]),
    "send_within_minutes": st.sampled_from([1, 30, 600]),
}
EFFECTS = {
    **DEFAULTS,
    "veto_minutes": st.sampled_from([1, 4, 5, 30, 90]),
    "forbidden": st.just("No."),
    "i_accept_the_risk": st.booleans(),
}
WHEN = {
    "responses": st.lists(st.sampled_from(sorted(RESPONSES)), unique=True, min_size=1),
    "groups": st.lists(st.sampled_from(["device", "file", "intune", "user"]), unique=True, min_size=1),
    "risks": st.lists(st.sampled_from(["low", "medium", "high"]), unique=True, min_size=1),
    "tags": TAGS.map(list),
    "severities": st.lists(st.sampled_from(["low", "high"]), unique=True, min_size=1),
    "priority_account": st.booleans(),
    "requesters": st.lists(st.sampled_from(["operator", "approver", "admin"]), unique=True, min_size=1),
    "hours": st.sampled_from(["08:00-13:00", "18:00-08:00"]),
    "days": st.lists(st.sampled_from(["mon", "sun"]), unique=True, min_size=1),
}
THEN = {**EFFECTS, "preapproved": st.just(True)}


def some(of):
    return st.fixed_dictionaries({}, optional=of)


RULES = st.lists(st.fixed_dictionaries({"when": some(WHEN), "then": some(THEN)}), max_size=5)
FACTS = st.builds(
    Facts,
    tags=TAGS.map(frozenset) | st.just(frozenset()),
    value=st.sampled_from(["low", "normal", "high"]),
    risk=st.sampled_from(["none", "high"]),
    severity=st.sampled_from(["none", "low", "high"]),
    people=st.sampled_from([(), ("ceo",), ("bob",)]),
)
HIGH = sorted(name for name, one in RESPONSES.items() if one.risk == "high")
DEVICES = sorted(name for name, one in RESPONSES.items() if one.target == "device")


def cases(*names):
    """Anybody asks for one of them, at any hour of a week."""
    return st.builds(
        lambda name, who, hours, facts, four: case(
            RESPONSES[name], requester=who, now=NOON + timedelta(hours=hours), facts=facts, four_eyes=four
        ),
        st.sampled_from(names or sorted(RESPONSES)),
        st.sampled_from([Role.OPERATOR, Role.APPROVER, Role.ADMIN]),
        st.integers(0, 7 * 24),
        FACTS,
        st.booleans(),
    )


CASES = cases()


def filed(defaults, responses, rules):
    """The file, whether or not the check at the start would take it."""
    rules = [{"name": f"r{number}", **one} for number, one in enumerate(rules)]
    data = {"zone": "Europe/Berlin", "priority_accounts": ["ceo@contoso.com"], "defaults": defaults}
    return PolicyFile.model_validate({**data, "response": responses, "rule": rules})


FILES = st.builds(
    filed, some(DEFAULTS), st.dictionaries(st.sampled_from(sorted(RESPONSES)), some(EFFECTS), max_size=3), RULES
)


def bare(ruling: Ruling) -> Ruling:
    """Without the names of what decided, which follow the numbers of the rules."""
    return replace(ruling, places=(), why=())


def strength(ruling: Ruling) -> tuple[int, int]:
    """How much stands before the sending, said once more than in the code."""
    if ruling.forbidden:
        return (9, 0)
    if ruling.preapproved and ruling.veto_minutes is None:
        return (0, 0)
    if ruling.veto_minutes is not None:
        return (1, ruling.veto_minutes)
    return (2, ruling.approvals) if ruling.approvals else (0, 0)


def at_least(strict: Ruling, loose: Ruling) -> bool:
    """Whether nothing is easier or later under the first than under the second."""
    if strict.forbidden:
        return True
    return (
        strength(strict) >= strength(loose)
        and strict.asks >= loose.asks
        and strict.time_to_live <= loose.time_to_live
        and strict.send_within <= loose.send_within
        and not (strict.requester_may and not loose.requester_may)
    )


@settings(max_examples=100, deadline=None)
@given(FILES, CASES, st.data())
def test_rules_that_do_not_match_change_nothing(file, of, data):
    """Moving or dropping those that do not match leaves the ruling as it is: no looser one comes of it."""
    verdicts, ruling = explained(Policy(file=file), of)
    silent = [file.rule[v.number - 1] for v in verdicts if v.holds is False]
    kept = [file.rule[v.number - 1] for v in verdicts if v.holds is not False]
    for one in data.draw(st.permutations(silent)) if silent else []:
        kept.insert(data.draw(st.integers(0, len(kept))), one)
    moved = file.model_copy(update={"rule": tuple(kept)})
    dropped = file.model_copy(update={"rule": tuple(one for one in kept if one not in silent)})
    assert bare(rule(Policy(file=moved), of)) == bare(ruling)
    assert bare(rule(Policy(file=dropped), of)) == bare(ruling)


@settings(max_examples=100, deadline=None)
@given(FILES, CASES)
def test_rules_behind_the_first_match_change_nothing(file, of):
    """What stands after the rule that decided may be anything."""
    verdicts, ruling = explained(Policy(file=file), of)
    first = next((v.number for v in verdicts if v.holds), None)
    assume(first is not None)
    assert rule(Policy(file=file.model_copy(update={"rule": file.rule[:first]})), of) == ruling


@settings(max_examples=100, deadline=None)
@given(FILES, cases(*HIGH))
@example(filed({}, {"cut": {"veto_minutes": 1, "approvals": 0}}, []), case())
def test_high_risk_is_never_unseen_without_the_word(file, of):
    """Whatever the file says, and checked or not: an approval, or five minutes to object, unless a layer accepts."""
    ruling = rule(Policy(file=file), of)
    layers = [file.response.get(of.response.name), *(one.then for one in file.rule)]
    accepted = any(one and one.i_accept_the_risk for one in layers)
    if not accepted and not ruling.forbidden:
        assert not ruling.at_once
        assert ruling.approvals >= 1
        assert ruling.veto_minutes is None or ruling.veto_minutes >= 5
        assert not ruling.preapproved


@settings(max_examples=100, deadline=None)
@given(FILES, CASES)
def test_a_double_approval_is_kept_unless_named(file, of):
    """Two declared approvers stay two where no layer names the response, and it never runs by itself then."""
    unnamed = file.model_copy(
        update={
            "response": {name: one for name, one in file.response.items() if name != "erase"},
            "rule": tuple(one for one in file.rule if "erase" not in (one.when.responses or ())),
        }
    )
    ruling = rule(Policy(file=unnamed), replace(of, response=RESPONSES["erase"], kind="managed", facts=Facts()))
    assert ruling.forbidden or (ruling.approvals >= 2 and ruling.veto_minutes is None and not ruling.preapproved)


@settings(max_examples=300, deadline=None)
@given(FILES, CASES)
def test_what_could_not_be_read_never_loosens(file, of):
    """With nothing known of the target, the ruling is as strict as with whatever could have been known."""
    unread = rule(Policy(file=file), replace(of, facts=Facts()))
    known = rule(Policy(file=file), of)
    assert at_least(unread, known)


@settings(max_examples=100, deadline=None)
@given(FILES, st.lists(FACTS, min_size=1, max_size=5), cases(*DEVICES))
def test_several_devices_get_no_more_than_each_of_them(file, several, of):
    """A request for many is as strict as it would be for any one of them, in whatever order they stand."""
    every = [replace(of, kind="devices", facts=facts) for facts in several]
    whole = rule_all(Policy(file=file), every)
    assert all(at_least(whole, rule(Policy(file=file), one)) for one in every)
    assert strength(rule_all(Policy(file=file), every[::-1])) == strength(whole)


@settings(max_examples=100, deadline=None)
@given(FILES, CASES, CASES)
def test_the_stricter_of_two_is_the_same_both_ways(file, one, other):
    """`stricter` asks for no order, and with itself a ruling stays itself."""
    first, second = rule(Policy(file=file), one), rule(Policy(file=file), other)
    assert bare(stricter(first, first)) == bare(first)
    both, again = stricter(first, second), stricter(second, first)
    if not both.forbidden:
        assert bare(both) == bare(again)
        assert at_least(both, first)
        assert at_least(both, second)
    assert bool(both.forbidden) == bool(first.forbidden or second.forbidden) == bool(again.forbidden)


WAYS = [
    *({"approvals": n, **more} for n in range(4) for more in ({}, {"i_accept_the_risk": True})),
    *(
        {"veto_minutes": n, **more}
        for n in (1, 5, 30, 60)
        for more in ({}, {"i_accept_the_risk": True}, {"approvals": 2})
    ),
    *({"preapproved": True, **more} for more in ({}, {"i_accept_the_risk": True}, {"approvals": 1})),
    *({"forbidden": "No.", **more} for more in ({}, {"approvals": 1})),
    {"decide_within_minutes": 5},
]


def test_a_file_that_is_taken_means_what_it_says():
    """Where the check has no complaint, a matching rule's words are what is ruled: nothing is raised in silence."""
    taken = 0
    for name, response in RESPONSES.items():
        for below in ({}, {name: {"approvals": 3}}, {name: {"veto_minutes": 10}}):
            for then in WAYS:
                rules = [{"when": {"responses": [name], "requesters": ["operator"]}, "then": then}]
                file = filed({}, below, rules)
                if list(complaints(file, RESPONSES)):
                    continue
                taken += 1
                ruling = rule(Policy(file=file), case(response))
                assert ruling.forbidden == then.get("forbidden", "")
                assert ruling.preapproved == then.get("preapproved", False)
                if len(then.keys() - {"decide_within_minutes"}):
                    assert ruling.veto_minutes == then.get("veto_minutes")
                    assert "approvals" not in then or ruling.approvals == then["approvals"]
    assert taken > 200


def test_the_order_of_strength_is_the_one_people_expect():
    """At once, a time to object, a longer one, one approval, two, a ban."""
    ladder = [{"approvals": 0}, {"veto_minutes": 5}, {"veto_minutes": 30}, {"approvals": 1}, {"approvals": 2}]
    rulings = [
        rule(Policy(file=filed({}, {"look": says}, [])), case(RESPONSES["look"]))
        for says in (*ladder, {"forbidden": "No."})
    ]
    for loose, strict in pairwise(rulings):
        assert strength(strict) > strength(loose)
        assert bare(stricter(loose, strict)) == bare(strict)


@pytest.mark.parametrize("kind", ["device", "managed", "user", "mail", "submission"])
def test_who_uses_a_target_that_could_not_be_read_may_be_a_priority_account(kind):
    """A rule for what touches no priority account does not let through what nobody could look at."""
    file = filed({}, {}, [{"when": {"priority_account": False}, "then": {"preapproved": True}}])
    ruling = rule(Policy(file=file), replace(case(), kind=kind, facts=Facts()))
    assert not ruling.at_once
