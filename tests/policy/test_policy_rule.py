"""What is ruled for single cases, written out as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.policy.load import parsed
from bot.policy.models import Defaults, Effects, Facts, Policy, PolicyFile, Then
from bot.policy.rule import accepts, decides, explained, hardest, rule, rule_all, stricter
from bot.roles import Role
from tests.policy.made import (
    BLOCK,
    CUT,
    ERASE,
    FREEZE,
    JOIN,
    LOOK,
    NOON,
    RESPONSES,
    SERVER,
    STOP,
    UNREAD,
    case,
    declared,
    policy,
)

WORKSTATION = replace(SERVER, tags=frozenset({"desk"}), value="normal", people=("bob",))


def said(text: str, of=None) -> str:
    """A ruling in a word or two, as the tables below spell it."""
    ruling = rule(policy(text), of or case())
    if ruling.forbidden:
        return "forbidden"
    if ruling.at_once:
        return "at once"
    if ruling.veto_minutes is not None:
        return f"veto {ruling.veto_minutes}"
    return f"{ruling.approvals} approvals"


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_without_a_policy_a_response_is_decided_as_it_declares(response):
    """No file, and an empty one, rule what the declaration says, and name no part of a policy."""
    for empty in (Policy(), policy("")):
        ruling = rule(empty, case(response))
        assert (ruling.asks, ruling.approvals) == (response.asks, response.approvals)
        assert (ruling.time_to_live, ruling.send_within) == (response.time_to_live, response.send_within)
        assert (ruling.requester_may, ruling.veto_minutes, ruling.preapproved, ruling.forbidden) == (
            False,
            None,
            False,
            "",
        )
        assert (ruling.place, ruling.why) == ("", ())


def test_without_four_eyes_the_requester_may_unless_the_policy_says_otherwise():
    """The setting is what holds where no layer speaks of it; a layer that does has the last word, both ways."""
    alone = case(four_eyes=False)
    assert rule(policy(""), alone).requester_may
    assert not rule(policy("[response.cut]\nrequester_may = false"), alone).requester_may
    assert not rule(policy("[defaults]\nrequester_may = false"), alone).requester_may
    assert rule(policy("[response.cut]\nrequester_may = true"), case()).requester_may
    assert not rule(policy("[response.join]\nrequester_may = true"), case()).requester_may


def test_a_later_layer_replaces_what_those_before_it_said():
    """Defaults, then the response, then the rule; what a layer leaves out stays."""
    text = """
        [defaults]
        approvals = 3
        decide_within_minutes = 30
        send_within_minutes = 20
        [response.cut]
        approvals = 2
        send_within_minutes = 10
        [[rule]]
        name = "servers"
        when.tags = ["server"]
        then.asks = "approver"
        then.send_within_minutes = 5
    """
    ruling = rule(policy(text), case())
    assert (ruling.approvals, ruling.asks) == (2, Role.APPROVER)
    assert (ruling.time_to_live, ruling.send_within) == (timedelta(minutes=30), timedelta(minutes=5))
    assert ruling.place == "defaults; response.cut; rule 1: servers"
    assert [why.key for why in ruling.why] == ["policy.why.defaults", "policy.why.response", "policy.why.rule"]
    other = rule(policy(text), case(JOIN, facts=WORKSTATION))
    assert (other.approvals, other.send_within, other.place) == (3, timedelta(minutes=20), "defaults")


def test_a_layer_that_changes_nothing_is_not_named():
    """Who reads why a case is decided so is not sent to a line that says what would hold anyway."""
    ruling = rule(policy("[defaults]\napprovals = 1\n[response.cut]\ndecide_within_minutes = 60"), case())
    assert ruling.place == ""


WAYS = {
    "approvals": ("then.approvals = 2", "2 approvals"),
    "veto": ("then.veto_minutes = 7", "veto 7"),
    "preapproved": ("then.preapproved = true\nthen.i_accept_the_risk = true", "at once"),
    "no approvals": ("then.approvals = 0\nthen.i_accept_the_risk = true", "at once"),
    "forbidden": ('then.forbidden = "No."', "forbidden"),
}
BELOW = {
    "nothing": "",
    "approvals": "approvals = 3",
    "veto": "veto_minutes = 30",
    "none": "approvals = 0\ni_accept_the_risk = true",
    "forbidden": 'forbidden = "Never."',
}


@pytest.mark.parametrize("below", BELOW.values(), ids=BELOW)
@pytest.mark.parametrize(("way", "expected"), WAYS.values(), ids=WAYS)
def test_how_it_is_decided_is_one_question(way, expected, below):
    """Whoever says one of approvals, veto, pre-approval and forbidden replaces the others of the layers below."""
    head = f"[response.cut]\n{below}\n" if below else ""
    assert said(f'{head}[[rule]]\nname = "r"\nwhen.tags = ["server"]\n{way}') == expected


def test_the_first_rule_that_matches_decides():
    """Rules are read from the top; those after the first match are not looked at, not even for what it leaves out."""
    text = """
        [[rule]]
        name = "desks"
        when.tags = ["desk"]
        then.approvals = 5
        [[rule]]
        name = "servers"
        when.tags = ["server"]
        then.approvals = 4
        [[rule]]
        name = "high"
        when.risks = ["high"]
        then.approvals = 3
        then.send_within_minutes = 1
    """
    verdicts, ruling = explained(policy(text), case())
    assert [verdict.holds for verdict in verdicts] == [False, True, True]
    assert (ruling.approvals, ruling.send_within, ruling.place) == (4, timedelta(minutes=60), "rule 2: servers")


CONDITIONS = [
    ('when.responses = ["cut"]', {}, True),
    ('when.responses = ["join", "look"]', {}, False),
    ('when.groups = ["device"]', {}, True),
    ('when.groups = ["file", "user"]', {}, False),
    ('when.risks = ["high"]', {}, True),
    ('when.risks = ["low", "medium"]', {}, False),
    ('when.targets = ["device"]', {}, True),
    ('when.targets = ["device"]', {"kind": "devices"}, True),
    ('when.targets = ["file"]', {}, False),
    ('when.tags = ["server"]', {}, True),
    ('when.tags = ["SERVER "]', {}, True),
    ('when.tags = ["desk", "berlin"]', {}, True),
    ('when.tags = ["serv"]', {}, False),
    ('when.tags = ["server"]', {"facts": replace(SERVER, tags=frozenset())}, False),
    ('when.device_values = ["high"]', {}, True),
    ('when.device_values = ["low", "normal"]', {}, False),
    ('when.risk_scores = ["medium"]', {}, True),
    ('when.risk_scores = ["high"]', {}, False),
    ('when.severities = ["high"]', {}, True),
    ('when.severities = ["low"]', {}, False),
    ('when.severities = ["high"]', {"facts": replace(SERVER, severity="none")}, False),
    ("when.priority_account = true", {}, True),
    ("when.priority_account = false", {}, False),
    ("when.priority_account = true", {"facts": replace(SERVER, people=("bob",))}, False),
    ("when.priority_account = false", {"facts": replace(SERVER, people=())}, True),
    ('when.requesters = ["operator"]', {}, True),
    ('when.requesters = ["approver", "admin"]', {}, False),
    ('when.requesters = ["approver", "admin"]', {"requester": Role.ADMIN}, True),
    ('when.hours = "11:00-12:01"\nwhen.zone = "UTC"', {}, True),
    ('when.hours = "12:00-13:00"\nwhen.zone = "UTC"', {}, True),
    ('when.hours = "11:00-12:00"\nwhen.zone = "UTC"', {}, False),
    ('when.hours = "13:00-14:00"', {}, True),  # noon of London is one o'clock in Berlin
    ('when.days = ["mon"]', {}, True),
    ('when.days = ["tue", "sun"]', {}, False),
    ('when.days = ["tue"]\nwhen.zone = "Pacific/Kiritimati"', {}, True),
    ('when.tags = ["server"]\nwhen.risks = ["low"]', {}, False),
    ('when.tags = ["server"]\nwhen.risks = ["high"]\nwhen.days = ["mon"]', {}, True),
]


@pytest.mark.parametrize(
    ("condition", "of", "holds"), CONDITIONS, ids=[f"{n} {c}" for n, (c, *_) in enumerate(CONDITIONS)]
)
def test_a_condition_holds_for_the_cases_that_it_names(condition, of, holds):
    """Each condition, met and not met; of several all must hold, of the words of one any."""
    head = 'zone = "Europe/Berlin"\npriority_accounts = ["CEO@contoso.com"]\n'
    text = f'{head}[[rule]]\nname = "r"\n{condition}\nthen.send_within_minutes = 1'
    verdicts, ruling = explained(policy(text), case(**of))
    assert [verdict.holds for verdict in verdicts] == [holds]
    assert (ruling.send_within == timedelta(minutes=1)) is holds
    assert verdicts[0].because


NIGHT = (
    'zone = "Europe/Berlin"\n[[rule]]\nname = "n"\nwhen.hours = "18:00-08:00"\nwhen.days = ["fri"]\nthen.approvals = 2'
)


@pytest.mark.parametrize(
    ("day", "hour", "minute", "expected"),
    [
        (27, 16, 59, "1 approvals"),
        (27, 17, 0, "2 approvals"),  # 18:00 in Berlin
        (27, 23, 30, "2 approvals"),  # Saturday there, still Friday's night
        (28, 6, 59, "2 approvals"),
        (28, 7, 0, "1 approvals"),
        (28, 17, 0, "1 approvals"),  # Saturday's night
        (27, 3, 0, "1 approvals"),  # Thursday's night
    ],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_begin(day, hour, minute, expected):
    """Friday from 18:00 to 08:00 ends on Saturday morning, in the zone that the file names."""
    assert said(NIGHT, case(now=datetime(2026, 11, day, hour, minute, tzinfo=UTC))) == expected


@pytest.mark.parametrize(("month", "hour", "holds"), [(1, 8, True), (1, 7, False), (7, 7, True), (7, 6, False)])
def test_hours_follow_the_clocks_of_the_zone(month, hour, holds):
    """Nine o'clock in Berlin is 8:00 UTC in winter and 7:00 UTC in summer."""
    text = 'zone = "Europe/Berlin"\n[[rule]]\nname = "n"\nwhen.hours = "09:00-10:00"\nthen.approvals = 2'
    assert (said(text, case(now=datetime(2026, month, 15, hour, 0, tzinfo=UTC))) == "2 approvals") is holds


UNKNOWN = [
    ('when.tags = ["server"]', "tags"),
    ('when.device_values = ["high"]', "device_values"),
    ('when.risk_scores = ["high"]', "risk_scores"),
    ('when.severities = ["high"]', "severities"),
    ("when.priority_account = true", "priority_account"),
]


@pytest.mark.parametrize(("condition", "name"), UNKNOWN, ids=[name for _, name in UNKNOWN])
@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("then.approvals = 2", "2 approvals"),
        ('then.forbidden = "No."', "forbidden"),
        ("then.veto_minutes = 7", "1 approvals"),
        ("then.preapproved = true\nthen.i_accept_the_risk = true", "1 approvals"),
    ],
)
def test_where_a_fact_could_not_be_read_the_stricter_holds(condition, name, then, expected):
    """A rule that would tighten counts, one that would loosen does not; the verdict says that it could not be told."""
    text = f'[[rule]]\nname = "r"\n{condition}\n{then}'
    verdicts, _ = explained(policy(text), case(facts=UNREAD))
    assert [(v.holds, [b.condition for b in v.because]) for v in verdicts] == [(None, [name])]
    assert said(text, case(facts=UNREAD)) == expected


def test_a_rule_that_may_match_does_not_hide_those_after_it():
    """Of an unreadable one and the next that surely holds, the stricter holds, with its place."""
    text = """
        [[rule]]
        name = "lab"
        when.tags = ["lab"]
        then.preapproved = true
        then.i_accept_the_risk = true
        [[rule]]
        name = "all"
        when.risks = ["high"]
        then.approvals = 3
        [[rule]]
        name = "never reached"
        when.groups = ["device"]
        then.forbidden = "No."
    """
    ruling = rule(policy(text), case(facts=UNREAD))
    assert (ruling.approvals, ruling.forbidden) == (3, "")
    assert "rule 2: all" in ruling.place


@pytest.mark.parametrize("response", [BLOCK, FREEZE], ids=lambda one: one.name)
def test_what_is_no_device_has_no_tags(response):
    """A condition on a device's facts never holds for another target, instead of being unknown for ever."""
    text = '[[rule]]\nname = "r"\nwhen.tags = ["server"]\nthen.forbidden = "No."'
    verdicts, ruling = explained(policy(text), case(response))
    assert (verdicts[0].holds, verdicts[0].because[0].condition) == (False, "device")
    assert not ruling.forbidden


ASKED_OF_MACHINES = {
    "tags": ('["server"]', replace(SERVER, tags=frozenset({"desk"}))),
    "device_values": ('["high"]', replace(SERVER, value="low")),
    "risk_scores": ('["medium"]', replace(SERVER, risk="low")),
    "severities": ('["high"]', replace(SERVER, severity="none")),
}


@pytest.mark.parametrize(("name", "words", "other"), [(n, *of) for n, of in ASKED_OF_MACHINES.items()])
def test_a_rule_about_a_machine_holds_for_it_in_intune_too(name, words, other):
    """The same facts forbid the same, whichever service the machine is reached through; unread ones do as well."""
    text = f'[[rule]]\nname = "r"\nwhen.{name} = {words}\nthen.forbidden = "No."'
    for response in (CUT, ERASE):
        found = [said(text, case(response, facts=facts)) for facts in (SERVER, UNREAD, other)]
        assert found[:2] == ["forbidden", "forbidden"]
        assert found[2] != "forbidden"
    assert said(text.replace("when.", 'when.targets = ["device"]\nwhen.', 1), case(ERASE, facts=SERVER)) != "forbidden"
    assert said(text.replace("when.", 'when.targets = ["managed"]\nwhen.', 1), case(ERASE, facts=SERVER)) == "forbidden"


def test_of_several_machines_of_one_device_the_hardest_is_told():
    """Who tries a case sees the machine that decides, with its verdicts, and what holds for all of them."""
    text = """
        [[rule]]
        name = "lab"
        when.tags = ["lab"]
        then.approvals = 3
        [[rule]]
        name = "desks"
        when.tags = ["desk"]
        then.asks = "admin"
    """
    lab = replace(SERVER, tags=frozenset({"lab"}))
    of, verdicts, ruling = hardest(policy(text), [case(ERASE, facts=facts) for facts in (WORKSTATION, lab, SERVER)])
    assert of.facts == lab
    assert [verdict.holds for verdict in verdicts] == [True, False]
    assert (ruling.approvals, ruling.asks) == (3, Role.ADMIN)


def test_a_user_is_a_priority_account_by_the_principal_name():
    """The user that it is done to counts as the users of a device do; another domain's namesake does not."""
    text = 'priority_accounts = ["ceo@contoso.com"]\n[[rule]]\nname = "r"\n'
    text += "when.priority_account = true\nthen.approvals = 2"
    assert said(text, case(FREEZE, facts=Facts(people=("CEO@contoso.com",)))) == "2 approvals"
    assert said(text, case(FREEZE, facts=Facts(people=("ceo@fabrikam.com",)))) == "1 approvals"
    assert said(text, case(CUT, facts=replace(SERVER, people=("CONTOSO\\ceo",)))) == "2 approvals"


def test_two_declared_approvers_stay_unless_the_response_is_named():
    """Defaults and rules by group, risk or hour may add approvers to it, never take any away or let it run unseen."""
    for loose in (
        "[defaults]\napprovals = 1",
        '[[rule]]\nname = "r"\nwhen.groups = ["intune"]\nthen.approvals = 1',
        '[[rule]]\nname = "r"\nwhen.risks = ["high"]\nthen.veto_minutes = 10',
        '[[rule]]\nname = "r"\nwhen.requesters = ["operator"]\nthen.preapproved = true\nthen.i_accept_the_risk = true',
    ):
        assert said(loose, case(ERASE)) == "2 approvals"
    assert said("[defaults]\napprovals = 3", case(ERASE)) == "3 approvals"
    assert said("[response.erase]\napprovals = 1", case(ERASE)) == "1 approvals"
    assert said('[[rule]]\nname = "r"\nwhen.responses = ["erase"]\nthen.approvals = 1', case(ERASE)) == "1 approvals"
    assert said("[response.erase]\nveto_minutes = 30", case(ERASE)) == "veto 30"


def test_high_risk_never_runs_unseen_even_where_the_check_at_the_start_was_passed_by():
    """The ruling itself keeps an approval, or five minutes to object, where nobody accepted the risk in words."""
    for loose, expected in (("approvals = 0", (1, None)), ("veto_minutes = 1", (1, 5))):
        unchecked = Policy(file=PolicyFile.model_validate({"response": {"cut": _toml(loose)}}))
        ruling = rule(unchecked, case())
        assert (ruling.approvals, ruling.veto_minutes, ruling.at_once) == (*expected, False)
    accepted = Policy(
        file=PolicyFile.model_validate({"response": {"cut": {"approvals": 0, "i_accept_the_risk": True}}})
    )
    assert rule(accepted, case()).at_once


def _toml(line: str) -> dict[str, int]:
    name, _, value = line.partition(" = ")
    return {name: int(value)}


def test_who_may_ask_is_never_lowered():
    """A response that approvers ask for stays theirs, whatever the defaults say; it can be raised."""
    assert rule(policy('[defaults]\nasks = "operator"'), case(STOP)).asks is Role.APPROVER
    assert rule(policy('[defaults]\nasks = "admin"'), case(STOP)).asks is Role.ADMIN
    assert rule(policy('[response.cut]\nasks = "approver"'), case(CUT)).asks is Role.APPROVER


def test_several_devices_are_ruled_by_the_strictest_of_them():
    """One device that must not be touched forbids the request; each limit is the tightest that any device has."""
    text = """
        [[rule]]
        name = "lab"
        when.tags = ["lab"]
        then.preapproved = true
        then.i_accept_the_risk = true
        [[rule]]
        name = "servers"
        when.tags = ["server"]
        then.approvals = 2
        then.decide_within_minutes = 20
        [[rule]]
        name = "dc"
        when.tags = ["dc"]
        then.forbidden = "By hand."
    """
    lab, dc = replace(SERVER, tags=frozenset({"lab"})), replace(SERVER, tags=frozenset({"dc"}))
    cases = [case(kind="devices", facts=facts) for facts in (lab, WORKSTATION, SERVER)]
    ruling = rule_all(policy(text), cases)
    assert (ruling.approvals, ruling.at_once, ruling.time_to_live) == (2, False, timedelta(minutes=20))
    assert rule_all(policy(text), cases[:1]).at_once
    assert rule_all(policy(text), [*cases, case(facts=dc)]).forbidden == "By hand."
    with pytest.raises(ValueError, match="no case"):
        rule_all(policy(text), [])


def test_a_time_to_object_that_outlives_the_request_is_none():
    """Of two that are both possible, one may shorten the time to decide below the other's veto: then people decide."""
    veto = rule(policy("[response.cut]\nveto_minutes = 45"), case())
    short = rule(policy("[response.cut]\ndecide_within_minutes = 30\nveto_minutes = 10"), case())
    assert (stricter(veto, short).veto_minutes, stricter(veto, short).approvals) == (None, 1)


def test_the_same_case_is_always_ruled_the_same():
    """The ruling looks at nothing but the policy and the case."""
    assert rule(policy(NIGHT), case(now=NOON)) == rule(policy(NIGHT), case(now=NOON))
    assert said("[response.look]\napprovals = 2", case(LOOK)) == "2 approvals"
    assert said("", case(CUT)) == "1 approvals"


TAGGED = '[[rule]]\nname = "lab"\nwhen.tags = ["Lab  machine"]\nthen.approvals = 2\n'
VALUED = '[[rule]]\nname = "high"\nwhen.device_values = ["high"]\nthen.approvals = 2\n'


@pytest.mark.parametrize(
    ("declares", "steers", "text", "typed", "approvals"),
    [
        (0, "tags", TAGGED, ("lab Machine",), 1),
        (1, "tags", TAGGED + "[response.mark]\napprovals = 0", ("lab machine",), 1),
        (2, "tags", TAGGED + "[response.mark]\napprovals = 0", ("x", "lab machine"), 2),
        (0, "tags", TAGGED, None, 1),
        (0, "tags", TAGGED, (), 0),
        (0, "tags", TAGGED, ("another",), 0),
        (0, "tags", VALUED, None, 0),
        (0, "device_values", VALUED, ("low",), 1),
        (0, "device_values", TAGGED, ("lab machine",), 0),
        (0, "", TAGGED + VALUED, ("lab machine",), 0),
        (0, "tags", "", None, 0),
    ],
)
def test_who_changes_what_rules_look_at_does_not_do_it_alone(declares, steers, text, typed, approvals):
    """Somebody else must agree, as many as the response declares; where no rule asks for it, all stays as it is."""
    mark = declared("mark", risk="low", approvals=declares, steers=steers)
    known = Policy(file=parsed(text, RESPONSES | {"mark": mark}))
    ruling = rule(known, case(mark, facts=WORKSTATION, typed=typed))
    assert (ruling.approvals, "what rules look at" in ruling.places) == (approvals, approvals > 0)
    assert ("policy.why.steers" in [why.key for why in ruling.why]) is (approvals > 0)
    assert not ruling.preapproved


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        (Defaults(), False),
        (Defaults(asks="admin"), False),
        (Defaults(approvals=0), True),
        (Effects(), False),
        (Effects(requester_may=True, i_accept_the_risk=True), False),
        (Effects(veto_minutes=5), True),
        (Effects(forbidden="No."), True),
        (Then(), False),
        (Then(preapproved=True), True),
    ],
)
def test_which_layers_say_how_it_is_decided(says, expected):
    """One that names approvals, a time to object, a ban or a pre-approval; of another, those below go on to hold."""
    assert decides(says) is expected
    assert accepts(says) is bool(getattr(says, "i_accept_the_risk", False))


@pytest.mark.parametrize(
    ("condition", "of", "wanted", "actual"),
    [
        ('tags = ["server", "x"]', case(), "server, x", "Berlin, Server"),
        ('tags = ["server"]', case(facts=Facts(tags=frozenset())), "server", ""),
        ('tags = ["server"]', case(facts=UNREAD), "server", None),
        ('tags = ["server"]', case(BLOCK), "server", ""),
        ('device_values = ["low", "high"]', case(), "low, high", "high"),
        ("priority_account = true", case(), "yes", "no"),
        ("priority_account = false", case(), "no", "no"),
        ("priority_account = false", case(facts=UNREAD), "no", None),
        ('days = ["mon", "tue"]', case(), "mon, tue", "mon 13:00 CET"),
        ('hours = "18:00-08:00"', case(), "18:00 CET to 08:00 CET", "mon 13:00 CET"),
    ],
)
def test_what_was_compared_is_said(condition, of, wanted, actual):
    """What the rule asks for and what is there, each in words; None where that could not be read."""
    text = f'zone = "Europe/Berlin"\n[[rule]]\nname = "r"\nwhen.{condition}\nthen.approvals = 3'
    (verdict,), _ = explained(policy(text), of)
    assert [(one.wanted, one.actual) for one in verdict.because] == [(wanted, actual)]


def test_each_day_of_the_week_has_its_word():
    """A rule for a day holds on that one alone; noon is a Monday's."""
    for ahead, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun")):
        text = f'zone = "UTC"\n[[rule]]\nname = "r"\nwhen.days = ["{day}"]\nthen.approvals = 3'
        held = [n for n in range(7) if said(text, case(now=NOON + timedelta(days=n))) == "3 approvals"]
        assert held == [ahead]


def test_of_two_times_to_object_the_longer_holds():
    """Whichever comes first."""
    short, long = (rule(policy(f"[response.join]\nveto_minutes = {n}"), case(JOIN)) for n in (10, 20))
    assert [stricter(*pair).veto_minutes for pair in ((short, long), (long, short))] == [20, 20]
