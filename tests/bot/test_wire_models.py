import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.defender.models import DefenderAlert, Investigation, LogonUser, Machine, MachineAction, Score
from bot.graph.models import Evidence, GraphAlert, Incident, SecureScore
from bot.wire import WireModel

SAMPLES = Path(__file__).parent / "samples"
MODELS: dict[str, type[WireModel]] = {
    "defender/machine-get": Machine,
    "defender/machines-list": Machine,
    "defender/machines-list-filter-riskscore": Machine,
    "defender/machines-list-filter-startswith": Machine,
    "defender/alert-machine": Machine,
    "defender/machine-logonusers-list": LogonUser,
    "defender/alert-user": LogonUser,
    "defender/alert-get": DefenderAlert,
    "defender/alerts-list": DefenderAlert,
    "defender/alerts-list-expand-evidence": DefenderAlert,
    "defender/machineaction-entity": MachineAction,
    "defender/machineaction-get": MachineAction,
    "defender/machineactions-list": MachineAction,
    "defender/machineactions-list-filter-machineid": MachineAction,
    "defender/machineactions-list-filter-requestor": MachineAction,
    "defender/machineaction-live-response-created": MachineAction,
    "defender/machineaction-unrestrict-created-historic": MachineAction,
    "defender/investigation-entity": Investigation,
    "defender/investigations-list": Investigation,
    "defender/exposure-score": Score,
    "defender/exposure-score-by-machine-groups": Score,
    "defender/configuration-score": Score,
    "graph/incidents-list": Incident,
    "graph/incidents-list-expand-alerts": Incident,
    "graph/incident-update": Incident,
    "graph/alerts_v2-list": GraphAlert,
    "graph/alert_v2-update": GraphAlert,
    "graph/securescores-list": SecureScore,
}


def objects(name: str) -> list[dict[str, Any]]:
    body = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return body.get("value", [body])


def equal(sent: Any, kept: Any) -> bool:
    """The same, where two spellings of one moment count as the same."""
    if isinstance(sent, dict):
        return isinstance(kept, dict) and sent.keys() == kept.keys() and all(equal(sent[k], kept[k]) for k in sent)
    if isinstance(sent, list):
        return isinstance(kept, list) and len(sent) == len(kept) and all(map(equal, sent, kept))
    if sent == kept and type(sent) is type(kept):
        return True
    if isinstance(sent, (int, float)) and isinstance(kept, (int, float)):
        return not isinstance(sent, bool) and not isinstance(kept, bool) and sent == kept
    try:
        return datetime.fromisoformat(sent) == datetime.fromisoformat(kept)
    except (TypeError, ValueError):
        return False


@pytest.mark.parametrize("name", MODELS)
def test_a_sample_loses_nothing_on_the_way_through_its_model(name: str):
    """Each documented sample parses and comes out with every field and value it had."""
    for sent in objects(name):
        kept = MODELS[name].model_validate(sent).wire()
        assert equal(sent, kept), f"{sent}\n{kept}"


@pytest.mark.parametrize("name", MODELS)
def test_only_unforeseen_fields_stay_untyped(name: str):
    """What a sample holds is read by a typed field, but for OData's notes and the names the pages themselves disown."""
    for sent in objects(name):
        extra = set(MODELS[name].model_validate(sent).model_extra or {})
        assert extra <= {"@odata.context", "tags", "rbacGroupName"}


def test_a_model_is_read_only():
    """Nobody can change what a service said."""
    with pytest.raises(ValidationError):
        Machine(id="a").version = "2"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2018-08-02T14:55:03.7791856Z", datetime(2018, 8, 2, 14, 55, 3, 779185, UTC)),
        ("2019-12-18T08:02:54Z", datetime(2019, 12, 18, 8, 2, 54, 0, UTC)),
        ("2020-08-18T12:51:51", datetime(2020, 8, 18, 12, 51, 51, 0, UTC)),
        ("2020-01-06T14:11:34.5+02:00", datetime(2020, 1, 6, 12, 11, 34, 500000, UTC)),
    ],
)
def test_moments_of_all_spellings_are_read_as_utc(text: str, moment: datetime):
    """Seven digits of fraction, none, no zone and a foreign zone all give the right moment in UTC."""
    seen = Machine.model_validate({"id": "a", "lastSeen": text}).last_seen
    assert seen == moment
    assert seen is not None
    assert seen.tzinfo is UTC


def test_an_action_reads_both_names_of_its_last_update():
    """`lastUpdateTimeUtc` and `lastUpdateDateTimeUtc` both fill `updated`; `externalID` and `externalId` are one."""
    one = MachineAction.model_validate({"id": "a", "lastUpdateTimeUtc": "2020-01-01T00:00:00Z", "externalID": "x"})
    two = MachineAction.model_validate({"id": "a", "lastUpdateDateTimeUtc": "2020-01-01T00:00:00Z", "externalId": "x"})
    assert one.updated == two.updated == datetime(2020, 1, 1, tzinfo=UTC)
    assert one.external_id == two.external_id == "x"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("1E5BC9D7E413ddd7902c2932e418702b84d0cc07", "1e5bc9d7e413ddd7902c2932e418702b84d0cc07"),
        ("1e5bc9d7e413ddd7902c2932e418702b84d0cc07/isolate", None),
        ("1e5bc9d7e413ddd7902c2932e418702b84d0cc0", None),
        ("1e5bc9d7e413ddd7902c2932e418702b84d0cc07\n", None),
        ("..", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_a_device_is_named_by_40_hex_digits_or_not_at_all(sent: object, read: str | None):
    """What Graph's evidence calls a device and is no id reads as absent, so that it gets into no path or filter."""
    item = Evidence.model_validate({"mdeDeviceId": sent, "deviceDnsName": "a.example"})
    assert (item.mde_device_id, item.device_dns_name) == (read, "a.example")


@pytest.mark.parametrize("value", [140, "140"])
def test_a_group_id_keeps_its_type(value: object):
    """`rbacGroupId` may be a number or a string and comes out as it went in."""
    assert Machine.model_validate({"id": "a", "rbacGroupId": value}).wire()["rbacGroupId"] == value


@pytest.mark.parametrize("spelling", ["onboarded", "Onboarded", "ONBOARDED"])
def test_enum_values_are_compared_without_regard_to_case(spelling: str):
    """The pages spell one value in several ways."""
    assert Machine.model_validate({"id": "a", "onboardingStatus": spelling}).is_onboarded
    assert not Machine.model_validate({"id": "a", "onboardingStatus": "CanBeOnboarded"}).is_onboarded


def test_enum_values_nobody_knows_are_kept_as_text():
    """A value added next year passes through and can be shown."""
    machine = Machine.model_validate({"id": "a", "riskScore": "Catastrophic"})
    assert machine.risk_score == "Catastrophic"
    assert machine.risk == "catastrophic"


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "TimeOut", "Timeout", "Cancelled"])
def test_an_action_ends_with_four_statuses(status: str):
    """The documented final statuses are final."""
    action = MachineAction.model_validate({"id": "a", "status": status})
    assert action.is_final
    assert not action.is_active


@pytest.mark.parametrize("status", ["Pending", "InProgress", "SomethingNew", None])
def test_an_action_of_any_other_status_may_still_act(status: str | None):
    """An unknown status counts as active, so that no second action is sent beside it."""
    assert MachineAction.model_validate({"id": "a", "status": status}).is_active


def test_null_lists_read_as_empty():
    """The services send null where they mean an empty list."""
    assert Machine.model_validate({"id": "a", "machineTags": None, "ipAddresses": None}).machine_tags == ()


def test_an_odd_value_hides_only_itself():
    """A field of an unforeseen shape reads as absent; the device and its other fields are still there."""
    machine = Machine.model_validate(
        {"id": "a", "lastSeen": "soon", "osBuild": {"major": 1}, "machineTags": "x", "computerDnsName": "pc1"}
    )
    assert (machine.id, machine.name, machine.last_seen, machine.os_build, machine.machine_tags) == (
        "a",
        "pc1",
        None,
        None,
        (),
    )


@pytest.mark.parametrize("odd", [{}, {"id": None}, {"id": {"a": 1}}, [], None, "text"])
def test_an_object_without_an_id_is_unreadable(odd: object):
    """Without an id there is nothing that could be shown or acted on."""
    with pytest.raises(ValidationError):
        Machine.model_validate(odd)


def test_a_machine_without_a_name_is_called_by_its_id():
    """There is always something to call a device."""
    assert Machine(id="1e5b").name == "1e5b"


def test_evidence_tells_device_file_process_and_the_unknown_apart():
    """The sample's evidence is typed by `@odata.type`; an unknown kind keeps its own fields."""
    device, file, process, registry = GraphAlert.model_validate(objects("graph/alerts_v2-list")[0]).evidence
    assert (device.kind, device.is_device, device.device_name) == ("device", True, "tempDns")
    assert (file.kind, file.file and file.file.file_name, file.is_device) == ("file", "MsSense.exe", False)
    assert (process.kind, process.file and process.file.file_name, process.user_name) == (
        "process",
        "MsSense.exe",
        "System",
    )
    assert (registry.kind, registry.registry_hive) == ("registrykey", "HKEY_LOCAL_MACHINE")
    unknown = Evidence.model_validate({"@odata.type": "#microsoft.graph.security.newEvidence", "newField": 1})
    assert (unknown.kind, (unknown.model_extra or {})["newField"]) == ("new", 1)


def test_what_waits_for_approval_is_seen_on_alert_and_evidence():
    """`pendingApproval` on the investigation or on one thing makes the alert wait."""
    waiting = Evidence.model_validate({"remediationStatus": "pendingApproval"})
    assert waiting.waits_for_approval
    assert GraphAlert(id="a", evidence=(waiting,)).waits_for_approval
    assert GraphAlert(id="a", investigation_state="PendingApproval").waits_for_approval
    assert not GraphAlert(id="a").waits_for_approval


def test_an_incident_that_was_merged_names_its_survivor():
    """A redirected incident is closed and points to the one that lives on; text or number makes no difference."""
    merged = Incident.model_validate(
        {"id": "1", "lastUpdateDateTime": "2024-01-01T00:00:00Z", "status": "Redirected", "redirectIncidentId": 7}
    )
    assert (merged.is_open, merged.survivor) == (False, "7")


def test_a_remark_has_an_author_by_either_name():
    """The page's example says `createdBy`, the schema `createdByDisplayName`."""
    (remark,) = Incident.model_validate(objects("graph/incidents-list")[0]).comments
    assert remark.author == "DavidS@contoso.onmicrosoft.com"
    assert remark.created is not None


def test_secure_score_as_a_share():
    """The percentage is current over maximum, and unknown where there is no maximum."""
    score = SecureScore.model_validate(objects("graph/securescores-list")[0])
    assert round(score.percent or 0) == 56
    assert SecureScore(id="a", current_score=3, max_score=0).percent is None
