"""What waits in the Action center, made out of alerts and investigations: what is one thing, and what is kept of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.center import CenterAlert, CenterFact
from bot.defender.models import Investigation
from bot.graph.models import Evidence, GraphAlert
from handlers import center_items as items
from handlers.center_items import Seen

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PC, OTHER = "a" * 40, "b" * 40


def thing(kind: str, **more: Any) -> dict[str, Any]:
    """Evidence of that kind, that waits."""
    waits = {"remediationStatus": "pendingApproval", "verdict": "Malicious"}
    return {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", **waits, **more}


def device(key: str = PC, **more: Any) -> dict[str, Any]:
    """A device that is named, and does not wait itself."""
    return thing("device", mdeDeviceId=key, deviceDnsName="pc.contoso.com", remediationStatus="none") | more


def alert(*evidence: dict[str, Any], key: str = "al1", **more: Any) -> GraphAlert:
    """An alert about these."""
    known = {"title": "Bad", "severity": "high", "incidentId": "7", "createdDateTime": AT, **more}
    return GraphAlert.model_validate({"id": key, **known, "evidence": evidence})


def named(one: dict[str, Any], inside: GraphAlert | None = None) -> str:
    return items.entity_key(Evidence.model_validate(one), inside or alert())


FILE = thing("file", fileDetails={"sha256": "S2", "sha1": "S1", "filePath": "C:\\t", "fileName": "x.exe"})
PLAIN = thing("file", fileDetails={"filePath": "C:\\t", "fileName": "x.exe"})
PROCESS = thing("process", processId=7, processCreationDateTime=AT, processCommandLine="x -y", imageFile={"sha1": "S1"})
KEY = thing("registryKey", registryHive="HKLM", registryKey="Run")
VALUE = thing("registryValue", registryHive="HKLM", registryKey="Run", registryValueName="evil")
CLUSTER = thing("mailCluster", clusterBy="Subject", clusterByValue="Pay", query="q")


def account(**more: str) -> dict[str, Any]:
    return thing("user", userAccount={"accountName": "ann", "domainName": "CONTOSO", **more})


KNOWN = {"azureAdUserId": "u", "userPrincipalName": "ann@x", "userSid": "S-1"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (FILE, {**FILE, "verdict": "unknown", "roles": ["r"]}, True),
        (FILE, thing("file", fileDetails={"sha256": "s2", "sha1": "another"}), True),
        (FILE, thing("file", fileDetails={"sha256": "other", "sha1": "S1"}), False),
        (thing("file", fileDetails={"sha1": "S1"}), thing("file", fileDetails={"sha1": "s1", "fileName": "y"}), True),
        (PLAIN, thing("file", fileDetails={"filePath": "c:\\T", "fileName": "X.exe"}), True),
        (PLAIN, thing("file", fileDetails={"filePath": "C:\\u", "fileName": "x.exe"}), False),
        (PLAIN, thing("file", fileDetails={"filePath": "C:\\t", "fileName": "y.exe"}), False),
        (PROCESS, {**PROCESS, "processId": 8}, False),
        (PROCESS, {**PROCESS, "processCreationDateTime": AT + timedelta(hours=1)}, False),
        (PROCESS, {**PROCESS, "processCommandLine": "x -z"}, False),
        (PROCESS, {**PROCESS, "imageFile": {"sha1": "S3"}}, False),
        (PROCESS, {**PROCESS, "parentProcessCreationDateTime": AT}, True),
        (KEY, {**KEY, "registryHive": "HKCU"}, False),
        (KEY, {**KEY, "registryKey": "RunOnce"}, False),
        (VALUE, {**VALUE, "registryValueName": "other"}, False),
        (VALUE, {**VALUE, "registryValue": "its data"}, True),
        (CLUSTER, {**CLUSTER, "clusterBy": "Url"}, False),
        (CLUSTER, {**CLUSTER, "clusterByValue": "Buy"}, False),
        (CLUSTER, {**CLUSTER, "query": "z"}, False),
        (CLUSTER, {**CLUSTER, "emailCount": 3}, True),
        (thing("device", mdeDeviceId=PC, deviceDnsName="a"), thing("device", mdeDeviceId=PC, deviceDnsName="b"), True),
        (thing("device", azureAdDeviceId="a", hostName="a"), thing("device", azureAdDeviceId="a", hostName="b"), True),
        (thing("device", deviceDnsName="a"), thing("device", hostName="A"), True),
        (account(**KNOWN), account(azureAdUserId="u"), True),
        (account(userPrincipalName="ann@x"), account(userPrincipalName="ann@x", userSid="S-1"), True),
        (account(userSid="S-1"), account(userSid="s-1", displayName="Ann"), True),
        (account(), thing("user", userAccount={"displayName": "CONTOSO\\ann"}), True),
        (thing("mailbox", primaryAddress="a@x"), thing("mailbox", primaryAddress="A@x", displayName="d"), True),
        (thing("ip", ipAddress="1.2.3.4"), thing("ip", ipAddress="1.2.3.5"), False),
        (thing("url", url="http://a"), thing("url", url="http://b"), False),
        (thing("url", url="http://a", mdeDeviceId=PC), thing("url", url="http://a"), True),
        (FILE, {**FILE, "mdeDeviceId": OTHER}, False),
    ],
)
def test_what_is_one_thing(one: dict[str, Any], other: dict[str, Any], same):
    """What tells a thing from others decides, and what is known beside it does not."""
    assert (named(one) == named(other)) is same


@pytest.mark.parametrize(
    ("more", "same"), [({"recipientEmailAddress": "a@x"}, False), ({"subject": "s"}, True), ({"verdict": "x"}, True)]
)
def test_a_mail_is_one_in_one_mailbox(more: dict[str, str], same):
    """The message and who got it; without the message's id, all that is said of it within its alert."""
    mail = thing("analyzedMessage", networkMessageId="m")
    assert (named(mail) == named({**mail, **more})) is same
    bare = thing("analyzedMessage", subject="hello")
    assert named(bare) != named(bare, alert(key="al2"))
    stands = {"verdict": "x", "remediationStatus": "x", "remediationStatusDetails": "x", "createdDateTime": AT}
    assert named(bare) == named({**bare, **stands, "tags": ["t"], "roles": ["r"], "detailedRoles": ["d"]})
    assert named(bare) != named({**bare, "subject": "bye"})
    empty = thing("process")
    assert named(empty) != named(empty, alert(key="al2"))
    assert named(thing("process", processId=0)) == named(thing("process", processId=0), alert(key="al2"))
    assert named(thing("process", processCommandLine="x")) == named(thing("process", processCommandLine="X"))


def test_names_are_kept():
    """By them the records of released versions are found again."""
    assert items.investigation_key("42") == "57bfbfcfc2ed46fe30a2"
    assert named(FILE, alert(device())) == "ac352a0a8e5497ce8a85"


@pytest.mark.parametrize(
    ("there", "home"),
    [([device()], PC), ([device(), device(OTHER)], ""), ([], ""), ([thing("ip", mdeDeviceId=PC)], "")],
)
def test_where_a_thing_is(there: list[dict[str, Any]], home: str):
    """On the device that it names, else on the only one of its alert; only what lives on a device is told apart so."""
    (found,) = [one for one in items.entities([alert(FILE, *there)]).values() if one.kind == "file"]
    assert found.device == home
    (own,) = items.entities([alert({**FILE, "mdeDeviceId": OTHER}, device())]).values()
    assert (own.device, own.device_name) == (OTHER, "")


def test_what_is_kept_of_a_thing():
    """All of it, with what the alert says beside it."""
    ann = thing("user", userAccount={"userPrincipalName": "ann@x"}, remediationStatus="none")
    (found,) = items.entities([alert({**FILE, "createdDateTime": AT - timedelta(hours=1)}, device(), ann)]).values()
    facts = {"path": "C:\\t\\x.exe", "sha256": "S2", "sha1": "S1"}
    assert found == Seen(
        key=named(FILE, alert(device())),
        kind="file",
        name="x.exe",
        facts=tuple(CenterFact(key=key, value=value) for key, value in facts.items()),
        device=PC,
        device_name="pc.contoso.com",
        user="ann@x",
        verdict="malicious",
        alerts=(CenterAlert(id="al1", title="Bad", severity="high", incident="7", word="pendingapproval"),),
        began=AT - timedelta(hours=1),
    )
    bare = {"title": None, "incidentId": None, "severity": None}
    own = {**FILE, "hostName": "own", "userAccount": {"displayName": "Bo"}}
    (less,) = items.entities([alert(own, device(), ann, **bare)]).values()
    assert (less.device_name, less.user, less.began) == ("own", "Bo", AT)
    assert less.alerts == (CenterAlert(id="al1", severity=alert(**bare).level),)


def test_a_thing_in_several_alerts_is_one():
    """It has waited since the earliest time that is known, each alert is named once, and not more than so many."""
    late = [alert(FILE, key=f"al{n}", createdDateTime=AT + timedelta(hours=n)) for n in range(items.MOST_ALERTS + 5)]
    (found,) = items.entities([*late[3:], *late[:3], alert(FILE, FILE, key="al3", createdDateTime=None)]).values()
    assert (found.began, len(found.alerts), found.alerts[0].id) == (AT, items.MOST_ALERTS, "al3")
    assert len({one.id for one in found.alerts}) == items.MOST_ALERTS
    (unknown,) = items.entities(
        [alert(FILE, createdDateTime=None), alert(FILE, key="b", createdDateTime=None)]
    ).values()
    assert unknown.began is None


FACTS = {
    "file": (
        thing("file", fileDetails={"fileName": "x", "filePublisher": "P", "signer": "S", "sha256": "S" * 400}),
        {"path": "x", "publisher": "S", "sha256": "S" * items.LONGEST_FACT},
    ),
    "unsigned": (thing("file", fileDetails={"filePublisher": "P"}), {"publisher": "P"}),
    "process": (
        {**PROCESS, "processId": 0, "imageFile": {"sha1": "S1", "filePath": "C:", "fileName": "x.exe"}},
        {"command": "x -y", "pid": "0", "image": "C:\\x.exe", "image-sha256": "S1"},
    ),
    "image": (thing("process", imageFile={"sha1": "S1", "sha256": "S2"}), {"image-sha256": "S2"}),
    "registry": (VALUE, {"registry": "HKLM\\Run", "registry-value": "evil"}),
    "mail": (
        thing("analyzedMessage", networkMessageId="m", recipientEmailAddress="a@x"),
        {"recipient": "a@x", "message": "m"},
    ),
    "cluster": ({**CLUSTER, "emailCount": 0}, {"cluster": "Pay", "mails": "0"}),
    "user": (account(userPrincipalName="ann@x"), {"account": "ann@x"}),
    "no name": (account(), {}),
    "mailbox": (thing("mailbox", userAccount={"userPrincipalName": "ann@x"}), {}),
}


@pytest.mark.parametrize(("one", "facts"), FACTS.values(), ids=FACTS)
def test_what_a_person_may_want_to_know(one: dict[str, Any], facts: dict[str, str]):
    """What is said of the thing, each under its name and cut; what is not said has no line."""
    assert {fact.key: fact.value for fact in items.facts_of(Evidence.model_validate(one))} == facts


def test_how_a_thing_stands_in_an_alert():
    """Waiting wins over any other word; what the alert does not name has none."""
    key = named(FILE)
    gone, ours = {**FILE, "remediationStatus": "Remediated"}, {**FILE, "remediationStatus": "pendingApproval"}
    assert items.word_in(alert(gone, ours), key) == "pendingapproval"
    assert items.word_in(alert(gone, {**FILE, "remediationStatus": "notFound"}), key) == "remediated"
    assert items.word_in(alert(PLAIN), key) == ""


def inquiry(**more: Any) -> Investigation:
    """An investigation that waits."""
    known = {"id": "42", "state": "PendingApproval", "startTime": AT, "computerDnsName": "pc", **more}
    return Investigation.model_validate(known)


def held(**more: Any) -> Seen:
    return Seen(**{"key": "k", "alerts": (CenterAlert(id="al1"),), "device": PC, **more})


ANN = thing("user", userAccount={"userPrincipalName": "ann@x"}, remediationStatus="none")


def test_what_is_kept_of_an_investigation():
    """What Defender says of it, and of its alert where that is listed; an alert without a device has none."""
    known = alert(ANN, device())
    (found,) = items.processes([known], [inquiry(triggeringAlertId="al1", machineId=PC)], []).values()
    assert found == Seen(
        key=items.investigation_key("42"),
        shape="investigation",
        kind="investigation",
        name="42",
        device=PC,
        device_name="pc",
        user="ann@x",
        alerts=(items.of_alert(known),),
        investigation="42",
        began=AT,
    )
    (less,) = items.processes([], [inquiry(triggeringAlertId="al9", computerDnsName=None)], []).values()
    assert (less.device, less.device_name, less.user, less.alerts) == ("", "", "", (CenterAlert(id="al9"),))
    (least,) = items.processes([known], [inquiry()], []).values()
    assert (least.alerts, least.user) == ((), "")


@pytest.mark.parametrize(
    ("there", "investigations", "shown"),
    [
        ([device()], [], [(PC, "pc.contoso.com", "")]),
        ([device(mdeDeviceId="no id")], [], [("", "pc.contoso.com", "")]),
        ([thing("device", hostName="own")], [], [("", "own", "")]),
        ([ANN], [], [("", "", "ann@x")]),
        ([ANN], None, [("", "", "ann@x")]),
        ([device()], None, []),
        ([thing("device", hostName="own")], None, [("", "own", "")]),
        ([device()], [inquiry(machineId=PC)], []),
        ([device()], [inquiry(machineId=OTHER)], [(PC, "pc.contoso.com", "")]),
        ([device()], [inquiry(machineId=PC, state="Running")], [(PC, "pc.contoso.com", "")]),
        ([ANN], [inquiry(triggeringAlertId="al1")], []),
        ([ANN], [inquiry(triggeringAlertId="al2")], [("", "", "ann@x")]),
    ],
)
def test_an_alert_whose_investigation_waits(
    there: list[dict[str, Any]], investigations: Any, shown: list[tuple[str, str, str]]
):
    """It stands for an investigation that no list names: not where it is a part of one, or where nobody can tell."""
    one = alert(*there, investigationState="PendingApproval")
    found = [each for each in items.processes([one], investigations, []).values() if each.shape == "alert"]
    assert [(each.device, each.device_name, each.user) for each in found] == shown
    for each in found:
        assert each == Seen(
            key=items.key_of("alert", "al1"),
            shape="alert",
            kind="investigation",
            device=each.device,
            device_name=each.device_name,
            user=each.user,
            alerts=(items.of_alert(one),),
            began=AT,
        )
    assert not items.processes([one.model_copy(update={"investigation_state": "running"})], [], [])


@pytest.mark.parametrize(
    ("one", "named_already", "covered"),
    [
        ({"triggeringAlertId": "al1"}, [held()], True),
        ({"triggeringAlertId": "al2", "machineId": PC}, [held()], True),
        ({"triggeringAlertId": "al2", "machineId": OTHER}, [held()], False),
        ({"triggeringAlertId": "al2"}, [held(device="")], False),
        ({}, [held(device="")], False),
        ({"triggeringAlertId": "al1"}, [], False),
    ],
)
def test_what_its_things_already_tell(one: dict[str, Any], named_already: list[Seen], covered):
    """An investigation is covered by the things that wait in its alert or on its device."""
    (found,) = items.processes([], [inquiry(**one)], iter(named_already)).values()
    assert found.covered is covered
    waits = alert(ANN, key="al1", investigationState="PendingApproval")
    (shown,) = items.processes([waits], [], iter(named_already)).values()
    assert shown.covered is bool(named_already)


@pytest.mark.parametrize(
    ("investigations", "number"),
    [
        (None, ""),
        ([], ""),
        ([inquiry(triggeringAlertId="al1", machineId=OTHER)], "42"),
        ([inquiry(machineId=PC)], "42"),
        ([inquiry(machineId=PC, id="8"), inquiry(triggeringAlertId="al1")], "42"),
        ([inquiry(machineId=OTHER, triggeringAlertId="al2")], ""),
        ([inquiry()], ""),
    ],
)
def test_which_investigation_waits_for_a_thing(investigations: Any, number: str):
    """The one of its alert before the one of its device."""
    for one in (held(), held(alerts=(CenterAlert(id="al0"), CenterAlert(id="al1")))):
        found = items.with_investigations({"k": one}, investigations)
        assert found == {"k": Seen(**{**vars(one), "investigation": number})}
    assert items.with_investigations({"k": held(device="")}, [inquiry()])["k"].investigation == ""
