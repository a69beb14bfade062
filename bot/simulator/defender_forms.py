"""Devices, actions, investigations and alerts in the words of the Defender API, with the variety of section 23.

Every key is documented ([D]) or observed ([O]) in reference/defender-api.md; a test holds them against the samples.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zlib import crc32

from bot.simulator import moments
from bot.simulator.incidents import Alert
from bot.simulator.world import Action, Customer, Device, Investigation, LogonUser

_HISTORIC_KEYS = (
    "id",
    "type",
    "requestor",
    "requestorComment",
    "status",
    "machineId",
    "creationDateTimeUtc",
    "lastUpdateTimeUtc",
    "relatedFileInfo",
)
HOSTS = ("https://api.security.microsoft.com", "https://api.securitycenter.microsoft.com")
_DETERMINATIONS: Mapping[str, str | None] = {"unknown": None, "compromisedAccount": "CompromisedUser"}
_EVIDENCE_KEYS = (
    "entityType",
    "evidenceCreationTime",
    "sha1",
    "sha256",
    "fileName",
    "filePath",
    "processId",
    "processCommandLine",
    "processCreationTime",
    "parentProcessId",
    "parentProcessCreationTime",
    "parentProcessFileName",
    "parentProcessFilePath",
    "ipAddress",
    "url",
    "registryKey",
    "registryHive",
    "registryValueType",
    "registryValue",
    "accountName",
    "domainName",
    "userSid",
    "aadUserId",
    "userPrincipalName",
    "detectionStatus",
)


def coin(key: str, salt: str) -> bool:
    """Heads or tails, the same each time for the same key."""
    return bool(crc32(f"{salt}:{key}".encode()) & 1)


def _time(moment: datetime | None) -> str | None:
    return moments.show(moment) if moment else None


def context(kind: str, key: str = "", *, single: bool = False) -> str:
    """`@odata.context` of a list or of one entity; the pages print two hosts."""
    return f"{HOSTS[coin(key, kind)]}/api/$metadata#{kind}{'/$entity' if single else ''}"


def machine(device: Device, *, vary: bool = True) -> dict[str, Any]:
    """`api:machine`. There is no field that says whether it is isolated."""
    form: dict[str, Any] = {
        "id": device.id,
        "computerDnsName": device.name,
        "firstSeen": _time(device.first_seen),
        "lastSeen": _time(device.last_seen),
        "osPlatform": device.os,
        "version": device.version,
        "osProcessor": "x64",
        "osArchitecture": "64-bit",
        "lastIpAddress": device.ip,
        "lastExternalIpAddress": device.external_ip,
        "osBuild": device.build,
        "healthStatus": device.health,
        "onboardingStatus": device.onboarding,
        "deviceValue": device.value,
        "rbacGroupId": device.group_id,
        "rbacGroupName": device.group_name,
        "riskScore": device.risk,
        "exposureLevel": device.exposure,
        "isAadJoined": device.entra_id is not None,
        "aadDeviceId": device.entra_id,
        "machineTags": list(device.tags),
        "ipAddresses": [{"ipAddress": device.ip, "macAddress": device.mac, "operationalStatus": "Up"}],
    }
    return _varied_machine(form, device.id) if vary else form


def _varied_machine(form: dict[str, Any], key: str) -> dict[str, Any]:
    if coin(key, "group"):
        form["rbacGroupId"] = str(form["rbacGroupId"])
    if coin(key, "onboarded") and form["onboardingStatus"] == "onboarded":
        form["onboardingStatus"] = "Onboarded"
    if coin(key, "observed"):
        form |= {"managedBy": "Intune", "managedByStatus": "Success", "defenderAvStatus": "Updated"}
        form["ipAddresses"] = [{**address, "type": "Ethernet"} for address in form["ipAddresses"]]
    if coin(key, "absent"):
        optional = ("aadDeviceId", "rbacGroupName", "osBuild", "deviceValue")
        form = {name: value for name, value in form.items() if value is not None or name not in optional}
    return form


def logon_user(user: LogonUser) -> dict[str, Any]:
    """`api:get-machine-log-on-users`."""
    form: dict[str, Any] = {
        "id": f"{user.domain}\\{user.account}",
        "accountName": user.account,
        "accountDomain": user.domain,
        "firstSeen": _time(user.first_seen),
        "lastSeen": _time(user.last_seen),
        "logonTypes": user.logon_types,
        "isDomainAdmin": user.domain_admin,
        "isOnlyNetworkUser": user.network_only,
    }
    return form | {"accountSid": user.sid} if user.sid else form


def machine_action(action: Action, *, in_list: bool, vary: bool = True) -> dict[str, Any]:
    """`api:machineaction`. Lists print `lastUpdateTimeUtc`, real data and single reads `lastUpdateDateTimeUtc`."""
    updated = "lastUpdateTimeUtc" if in_list and (not vary or coin(action.id, "updated")) else "lastUpdateDateTimeUtc"
    file = {"fileIdentifier": action.file_sha1, "fileIdentifierType": "Sha1"} if action.file_sha1 else None
    form: dict[str, Any] = {
        "id": action.id,
        "type": action.type,
        "title": None,
        "scope": action.scope,
        "requestor": action.requestor,
        "requestorComment": action.comment,
        "requestSource": action.source,
        "status": action.status,
        "machineId": action.machine_id,
        "computerDnsName": action.computer_name,
        "creationDateTimeUtc": _time(action.created),
        updated: _time(action.updated),
        "cancellationRequestor": action.cancelled_by,
        "cancellationComment": action.cancel_comment,
        "cancellationDateTimeUtc": _time(action.cancelled),
        "errorHResult": 0,
        "relatedFileInfo": file,
    }
    if action.session:
        form["commands"] = action.session.forms()
    if not vary or coin(action.id, "observed"):
        form |= {"externalId": None, "troubleshootInfo": None}
    return form


def created_action(action: Action) -> dict[str, Any]:
    """The sparse answer of a POST that was last printed in 2019: InProgress, no scope, no computer name."""
    form = machine_action(action, in_list=True, vary=False)
    return {name: form[name] for name in _HISTORIC_KEYS} | {"status": "InProgress"}


def investigation(one: Investigation) -> dict[str, Any]:
    """`api:investigation`: no actions, no evidence, nothing to approve."""
    return {
        "id": one.id,
        "startTime": _time(one.started),
        "endTime": _time(one.ended),
        "state": one.state,
        "cancelledBy": one.cancelled_by,
        "statusDetails": one.details,
        "machineId": one.machine_id,
        "computerDnsName": one.computer_name,
        "triggeringAlertId": one.alert_id,
    }


def first_capital(word: str) -> str:
    """`inProgress` as this API writes it: `InProgress`."""
    return word[:1].upper() + word[1:]


def alert(one: Alert, customer: Customer, *, expand: bool = True) -> dict[str, Any]:
    """`api:alerts`: an alert of Defender for Endpoint in this API's own words."""
    device = customer.devices.get(one.machine_id or "")
    user = next((item["userAccount"] for item in one.evidence if _kind(item) == "User"), None)
    determination = _DETERMINATIONS.get(one.determination, first_capital(one.determination))
    return {
        "id": one.id,
        "incidentId": int(one.incident_id),
        "investigationId": int(one.investigation_id) if one.investigation_id else None,
        "assignedTo": one.assigned_to,
        "severity": first_capital(one.severity),
        "status": first_capital(one.status),
        "classification": None if one.classification == "unknown" else first_capital(one.classification),
        "determination": determination,
        "investigationState": first_capital(one.investigation_state),
        "detectionSource": "WindowsDefenderAv" if one.detection == "antivirus" else "WindowsDefenderAtp",
        "detectorId": one.detector,
        "category": one.category,
        "threatFamilyName": one.threat_family,
        "title": one.title,
        "description": one.description,
        "alertCreationTime": _time(one.created),
        "firstEventTime": _time(one.first_activity),
        "lastEventTime": _time(one.last_activity),
        "lastUpdateTime": _time(one.updated),
        "resolvedTime": _time(one.resolved),
        "machineId": one.machine_id,
        "computerDnsName": device.name if device else None,
        "rbacGroupName": device.group_name if device else None,
        "aadTenantId": customer.id,
        "threatName": one.threat,
        "mitreTechniques": list(one.techniques),
        "relatedUser": {"userName": user["accountName"], "domainName": user["domainName"]} if user else None,
        "comments": [
            {"comment": said.text, "createdBy": said.by, "createdTime": _time(said.at)} for said in one.comments
        ],
        "evidence": [form for item in one.evidence if (form := _evidence(item))] if expand else [],
    }


def _kind(item: Mapping[str, Any]) -> str:
    name = str(item["@odata.type"]).rpartition(".")[2].removesuffix("Evidence")
    return first_capital(name)


def _evidence(item: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = _kind(item)
    reader = _EVIDENCE.get(kind)
    if reader is None:
        return None
    blank: dict[str, Any] = dict.fromkeys(_EVIDENCE_KEYS)
    detection = item.get("detectionStatus")
    common = {
        "entityType": kind,
        "evidenceCreationTime": item["createdDateTime"],
        "detectionStatus": first_capital(detection) if detection else None,
    }
    return blank | common | reader(item)


def _file(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: details.get(name) for name in ("sha1", "sha256", "fileName", "filePath")}


def _user(item: Mapping[str, Any]) -> dict[str, Any]:
    account = item["userAccount"]
    return {
        "accountName": account["accountName"],
        "domainName": account["domainName"],
        "userSid": account["userSid"],
        "aadUserId": account["azureAdUserId"],
        "userPrincipalName": account["userPrincipalName"],
    }


def _process(item: Mapping[str, Any]) -> dict[str, Any]:
    parent = item["parentProcessImageFile"] or {}
    return _file(item["imageFile"]) | {
        "processId": item["processId"],
        "processCommandLine": item["processCommandLine"],
        "processCreationTime": item["processCreationDateTime"],
        "parentProcessId": item["parentProcessId"],
        "parentProcessCreationTime": item["parentProcessCreationDateTime"],
        "parentProcessFileName": parent.get("fileName"),
        "parentProcessFilePath": parent.get("filePath"),
    }


_EVIDENCE: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "User": _user,
    "Process": _process,
    "File": lambda item: _file(item["fileDetails"]),
    "Ip": lambda item: {"ipAddress": item["ipAddress"]},
    "Url": lambda item: {"url": item["url"]},
}
