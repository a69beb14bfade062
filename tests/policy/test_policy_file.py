"""Reading the file: what is taken, and the exact words about each thing that is wrong."""

import os

import pytest

from bot.policy.load import EXAMPLE, LARGEST, PolicyError, load_policy, parsed
from bot.policy.models import NO_POLICY
from tests.policy.made import RESPONSES

RULE = '[[rule]]\nname = "r"\n'


def refused(text: str) -> list[str]:
    """What is said about a text that is not taken."""
    with pytest.raises(PolicyError) as error:
        parsed(text, RESPONSES)
    return list(error.value.lines)


ZONE = 'needs a time zone: write zone = "Europe/Berlin" at the top, or when.zone here.'
INSTEAD = "use veto_minutes, or add i_accept_the_risk = true."
CONDITION = "needs a condition that looks at the case, such as when.tags or when.hours; for always say approvals = 0."
NOTHING = "accepts nothing: nothing of high risk runs unseen here. Leave it out."
SHORT = "leaves less than 5 minutes to object to cut, which is high risk"
LATE = "cut would expire after 20 minutes, before the 30 minutes to object end."
HIGH = "without anybody looking, which is high risk"
BAD = {
    "no TOML": ("approvals = ", "It is no TOML: Invalid value (at end of document)."),
    "a table twice": (
        "[defaults]\n[defaults]",
        "It is no TOML: Cannot declare ('defaults',) twice (at line 2, column 10).",
    ),
    "unknown at the top": ("zones = 'UTC'", "line 1, zones: is not known here: did you mean zone?"),
    "unknown far from all": ("colour = 1", "line 1, colour: is not known here."),
    "unknown in defaults": ("[defaults]\nforbidden = 'x'", "line 2, defaults.forbidden: is not known here."),
    "accepting in defaults": (
        "[defaults]\ni_accept_the_risk = true",
        "line 2, defaults.i_accept_the_risk: is not known here.",
    ),
    "unknown in a response": (
        "[response.cut]\naprovals = 1",
        "line 2, response.cut.aprovals: is not known here: did you mean approvals?",
    ),
    "pre-approval of a response": (
        "[response.look]\npreapproved = true",
        "line 2, response.look.preapproved: is not known here.",
    ),
    "unknown in a rule": (RULE + "tags = ['x']\nthen.approvals = 1", "line 3, rule 1 (r), tags: is not known here."),
    "unknown in when": (
        RULE + "when.tag = ['x']\nthen.approvals = 1",
        "line 3, rule 1 (r), when.tag: is not known here: did you mean tags?",
    ),
    "unknown in then": (
        RULE + "then.approval = 1",
        "line 3, rule 1 (r), then.approval: is not known here: did you mean approvals?",
    ),
    "an effect among the conditions": (
        RULE + "when.approvals = 2\nthen.asks = 'admin'",
        "line 3, rule 1 (r), when.approvals: is not known here.",
    ),
    "no zone": ("zone = 'Mars'", "line 1, zone: is no time zone: name one such as Europe/Berlin."),
    "text for a number": ("[defaults]\napprovals = '1'", "line 2, defaults.approvals: must be a whole number."),
    "half an approver": ("[defaults]\napprovals = 1.5", "line 2, defaults.approvals: must be a whole number."),
    "yes for a number": ("[defaults]\napprovals = true", "line 2, defaults.approvals: must be a whole number."),
    "too many": ("[response.cut]\napprovals = 6", "line 2, response.cut.approvals: must be from 0 to 5."),
    "fewer than none": ("[response.cut]\napprovals = -1", "line 2, response.cut.approvals: must be from 0 to 5."),
    "no time": (
        "[defaults]\ndecide_within_minutes = 0",
        "line 2, defaults.decide_within_minutes: must be from 1 to 10080.",
    ),
    "more than a week": (
        "[response.cut]\ndecide_within_minutes = 10081",
        "line 2, response.cut.decide_within_minutes: must be from 1 to 10080.",
    ),
    "to be sent for ever": (
        "[response.cut]\nsend_within_minutes = 99999",
        "line 2, response.cut.send_within_minutes: must be from 1 to 10080.",
    ),
    "a veto of two days": (
        "[response.cut]\nveto_minutes = 2880",
        "line 2, response.cut.veto_minutes: must be from 1 to 1440.",
    ),
    "a number for yes": ("[defaults]\nrequester_may = 1", "line 2, defaults.requester_may: must be true or false."),
    "readers asking": (
        "[defaults]\nasks = 'reader'",
        'line 2, defaults.asks: must be "operator", "approver" or "admin".',
    ),
    "an empty ban": ("[response.cut]\nforbidden = ''", "line 2, response.cut.forbidden: is empty."),
    "a long ban": (
        f"[response.cut]\nforbidden = '{'x' * 301}'",
        "line 2, response.cut.forbidden: has more than 300 characters.",
    ),
    "a word for a list": (
        RULE + "when.tags = 'x'\nthen.approvals = 1",
        'line 3, rule 1 (r), when.tags: must be a list such as ["one", "two"].',
    ),
    "a list without words": (
        RULE + "when.tags = []\nthen.approvals = 1",
        "line 3, rule 1 (r), when.tags: is empty: leave it out instead.",
    ),
    "a number in a list": (
        RULE + "when.tags = ['x', 3]\nthen.approvals = 1",
        "line 3, rule 1 (r), when.tags: must be text in quotes.",
    ),
    "an unknown word": (
        RULE + "when.risks = ['low', 'huge']\nthen.approvals = 1",
        'line 3, rule 1 (r), when.risks: must be "low", "medium" or "high".',
    ),
    "hours in words": (
        RULE + "when.hours = 'at night'\nthen.approvals = 1",
        'line 3, rule 1 (r), when.hours: must be two times such as "18:00-08:00".',
    ),
    "hours of no length": (
        RULE + "when.hours = '08:00-08:00'\nwhen.zone = 'UTC'\nthen.approvals = 1",
        'line 3, rule 1 (r), when.hours: must be two times such as "18:00-08:00".',
    ),
    "a 25th hour": (
        RULE + "when.hours = '08:00-24:00'\nwhen.zone = 'UTC'\nthen.approvals = 1",
        'line 3, rule 1 (r), when.hours: must be two times such as "18:00-08:00".',
    ),
    "pre-approval refused": (RULE + "then.preapproved = false", "line 3, rule 1 (r), then.preapproved: must be true."),
    "a rule without a name": ("[[rule]]\nthen.approvals = 1", "line 1, rule 1, name: is missing."),
    "a rule that is no table": ("rule = ['x']", "line 1, rule 1: must be a table with names and values."),
    "one rule without brackets": (
        "[rule]\nname = 'x'",
        "line 1, rule: must be written with double brackets: [[rule]].",
    ),
    "a response that is no table": ("response.cut = 3", "line 1, response.cut: must be a table with names and values."),
    "no such response": (
        "[response.cutt]\napprovals = 1",
        "line 1, response.cutt: there is no response cutt: did you mean cut?",
    ),
    "no such response in a rule": (
        RULE + "when.responses = ['cut', 'zzz']\nthen.approvals = 2",
        "line 3, rule 1 (r), when.responses: there is no response zzz.",
    ),
    "no response fits": (
        RULE + "when.responses = ['cut']\nwhen.groups = ['mail']\nthen.approvals = 2",
        "line 3, rule 1 (r), when: no response fits these conditions, so that the rule never holds.",
    ),
    "tags of a file": (
        RULE + "when.targets = ['file']\nwhen.tags = ['x']\nthen.approvals = 2",
        "line 3, rule 1 (r), when: no response fits these conditions, so that the rule never holds.",
    ),
    "hours nowhere": (
        RULE + "when.hours = '08:00-09:00'\nthen.approvals = 2",
        f"line 3, rule 1 (r), when.hours: {ZONE}",
    ),
    "days nowhere": (
        RULE + "when.days = ['mon']\nthen.approvals = 2",
        f"line 3, rule 1 (r), when.days: {ZONE}",
    ),
    "a reminder at once": (
        "[reminders]\nstanding_minutes = 60\nwaiting_minutes = 9",
        "line 3, reminders.waiting_minutes: must be from 10 to 10080.",
    ),
    "a reminder too late": (
        "[reminders]\nstanding_minutes = 10081",
        "line 2, reminders.standing_minutes: must be from 60 to 10080.",
    ),
    "a reminder in words": (
        "[reminders]\nwaiting_minutes = '2h'",
        "line 2, reminders.waiting_minutes: must be a whole number.",
    ),
    "a reminder of another name": (
        "[reminders]\nwaiting_minute = 20",
        "line 2, reminders.waiting_minute: is not known here: did you mean waiting_minutes?",
    ),
    "a rule that does nothing": (RULE + "then = {}", "line 3, rule 1 (r), then: does nothing: say what holds then."),
    "forbidden and more": (
        "[response.cut]\nforbidden = 'no'\napprovals = 1",
        "line 2, response.cut.forbidden: stands alone: what is forbidden needs no other word.",
    ),
    "two ways at once": (
        RULE + "when.tags = ['x']\nwhen.risks = ['low']\nthen.preapproved = true\nthen.approvals = 2",
        "line 5, rule 1 (r), then.preapproved: does not go with approvals or veto_minutes: keep one of them.",
    ),
    "nothing to veto": (
        "[response.look]\napprovals = 0\nveto_minutes = 10",
        "line 2, response.look.approvals: is 0, which runs at once: there would be nothing to veto. Leave it out.",
    ),
    "pre-approval of everything": (
        RULE + "when.responses = ['look', 'join']\nthen.preapproved = true",
        f"line 4, rule 1 (r), then.preapproved: {CONDITION}",
    ),
    "high risk unseen by default": (
        "[defaults]\napprovals = 0",
        f"line 2, defaults.approvals: would run cut {HIGH}. Say it in [response.NAME] for those that you mean.",
    ),
    "high risk unseen by name": (
        "[response.erase]\napprovals = 0",
        f"line 2, response.erase.approvals: would run erase {HIGH}: {INSTEAD}",
    ),
    "high risk unseen by rule": (
        RULE + "when.tags = ['x']\nthen.preapproved = true",
        f"line 4, rule 1 (r), then.preapproved: would run cut {HIGH}: {INSTEAD}",
    ),
    "hardly time to object": (
        "[response.cut]\nveto_minutes = 4",
        f"line 2, response.cut.veto_minutes: {SHORT}: give more time, or add i_accept_the_risk = true.",
    ),
    "a risk that is none": (
        "[response.cut]\napprovals = 1\ni_accept_the_risk = true",
        "line 3, response.cut.i_accept_the_risk: accepts nothing: nothing of high risk runs unseen here. Leave it out.",
    ),
    "a risk that is none by rule": (
        RULE + "when.risks = ['low']\nthen.approvals = 0\nthen.i_accept_the_risk = true",
        f"line 5, rule 1 (r), then.i_accept_the_risk: {NOTHING}",
    ),
    "asking made easier": (
        "[response.stop]\nasks = 'operator'",
        "line 2, response.stop.asks: cannot be lower than approver, which stop needs.",
    ),
    "a veto after the end": (
        "[response.cut]\nveto_minutes = 60",
        "line 2, response.cut.veto_minutes: cut would expire after 60 minutes, before the 60 minutes to object end.",
    ),
    "an end before the veto": (
        "[response.cut]\nveto_minutes = 30\n" + RULE + "when.tags = ['x']\nthen.decide_within_minutes = 20",
        f"line 6, rule 1 (r), then.decide_within_minutes: {LATE}",
    ),
    "a name twice": (
        RULE + "when.tags = ['x']\nthen.approvals = 2\n" + RULE + "then.approvals = 3",
        "line 6, rule 2 (r), name: is the name of another rule already: cards and the audit tell rules apart by it.",
    ),
    "a rule behind one for everything": (
        RULE + "then.approvals = 2\n[[rule]]\nname = 's'\nthen.approvals = 3",
        "line 4, rule 2 (s): never comes into force: rule 1 before it holds for everything.",
    ),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_with_its_place(text, words):
    """One thing is wrong with each text, and one sentence says what and where."""
    assert refused(text) == [words]


def test_everything_that_is_wrong_is_said_at_once():
    """Form first, then meaning; each list is in the order of the file."""
    assert refused("zone = 3\n[defaults]\napprovals = 9\n[response.cut]\nasks = 'all'\n" + RULE + "then.x = 1\n") == [
        "line 1, zone: must be text in quotes.",
        "line 3, defaults.approvals: must be from 0 to 5.",
        'line 5, response.cut.asks: must be "operator", "approver" or "admin".',
        "line 8, rule 1 (r), then.x: is not known here.",
    ]
    assert refused(
        "[response.nope]\n[response.cut]\napprovals = 0\n" + RULE + "when.days = ['sat']\nthen.approvals = 3"
    ) == [
        "line 1, response.nope: there is no response nope.",
        f"line 3, response.cut.approvals: would run cut {HIGH}: {INSTEAD}",
        f"line 6, rule 1 (r), when.days: {ZONE}",
    ]


@pytest.mark.parametrize(
    "rule",
    [
        '[[rule]]\nname = "r"\n[rule.when]\ntags = ["x"]\n[rule.then]\napprovals = 9',
        '[[rule]]\nname = "r"\nwhen = { tags = ["x"] }\nthen = { approvals = 9 }',
        'rule = [{ name = "r", when.tags = ["x"], then.approvals = 9 }]',
        '# [[rule]]\n"rule" = [{name = "r", then = {approvals = 9}}]',
    ],
)
def test_toml_may_be_written_in_each_of_its_ways(rule):
    """Tables, inline tables and dotted keys mean the same; the place is named also where the line cannot be told."""
    (words,) = refused(rule)
    assert words.endswith("rule 1 (r), then.approvals: must be from 0 to 5.")
    assert parsed(rule.replace("9", "3"), RESPONSES).rule[0].then.approvals == 3


def test_a_value_is_never_repeated():
    """What stands in the file may be a secret that slipped in: the messages name places and what is allowed only."""
    assert "hunter2" not in "".join(refused("priority_accounts = [3]\nzone = 'hunter2'\n[defaults]\nasks = 'hunter2'"))


def test_no_file_is_no_policy():
    """Without POLICY_FILE the declarations hold."""
    assert load_policy("", RESPONSES) is NO_POLICY


def test_a_file_is_read_whole(tmp_path):
    """What stands in the file is in force, and its name is kept for /policy and doctor."""
    path = tmp_path / "policy.toml"
    path.write_text("[response.cut]\napprovals = 2\n", encoding="utf-8")
    policy = load_policy(str(path), RESPONSES)
    assert policy.file.response["cut"].approvals == 2
    assert policy.source == "policy.toml"


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    """Missing, not to be opened, no text, or far too large: each is said, and none is taken for an empty policy."""
    text, large, binary = tmp_path / "none.toml", tmp_path / "large.toml", tmp_path / "binary.toml"
    large.write_bytes(b"#" * (LARGEST + 1))
    binary.write_bytes(b"zone = '\xff\xfe'")
    said = {}
    for path in (text, tmp_path, large, binary):
        with pytest.raises(PolicyError) as error:
            load_policy(str(path), RESPONSES)
        said[path] = error.value.lines
        assert str(path) in str(error.value)
    assert said[text] == (f"The file cannot be read ({os.strerror(2)}). POLICY_FILE names it.",)
    assert "cannot be read" in said[tmp_path][0]
    assert said[large] == ("The file is larger than 256 KB.",)
    assert said[binary] == ("The file is not UTF-8 text.",)


def test_the_example_names_everything_that_a_policy_knows():
    """Each name that the file may hold stands in the example, commented where it is not used."""
    from bot.policy.models import PolicyFile, Reminders, Then, When  # noqa: PLC0415 - the names are data of this test alone

    text = EXAMPLE.read_text(encoding="utf-8")
    names = {*PolicyFile.model_fields, *Reminders.model_fields, *When.model_fields, *Then.model_fields}
    assert [name for name in sorted(names) if name not in text] == []
