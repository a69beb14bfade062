"""Which fields each Defender list may be filtered by: the union that reference/defender-api.md gives per endpoint."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from bot.simulator.defender_forms import first_capital
from bot.simulator.odata import Field, Fields


def _text(name: str) -> Field:
    return Field(attrgetter(name))


def _time(name: str) -> Field:
    return Field(attrgetter(name), "time")


def _word(name: str) -> Field:
    """A word of Graph's enums in this API's spelling."""
    read = attrgetter(name)
    return Field(lambda item: first_capital(read(item)))


def _whole(name: str) -> Field:
    read: Callable[[Any], Any] = attrgetter(name)
    return Field(lambda item: float(found) if (found := read(item)) else None, "number")


MACHINES = Fields(
    {
        "id": _text("id"),
        "computerDnsName": _text("name"),
        "version": _text("version"),
        "deviceValue": _text("value"),
        "aadDeviceId": _text("entra_id"),
        "lastSeen": _time("last_seen"),
        "exposureLevel": _text("exposure"),
        "onboardingStatus": _text("onboarding"),
        "lastIpAddress": _text("ip"),
        "healthStatus": _text("health"),
        "osPlatform": _text("os"),
        "riskScore": _text("risk"),
        "rbacGroupId": Field(attrgetter("group_id"), "number"),
    },
    {"machineTags": (attrgetter("tags"), Fields({"": Field(lambda tag: tag)}, {}))},
    any_case=True,
)
ACTIONS = Fields(
    {
        "id": _text("id"),
        "status": _text("status"),
        "machineId": _text("machine_id"),
        "type": _text("type"),
        "requestor": _text("requestor"),
        "creationDateTimeUtc": _time("created"),
    },
    {},
    any_case=True,
)
INVESTIGATIONS = Fields(
    {
        "startTime": _time("started"),
        "id": _text("id"),
        "state": _text("state"),
        "machineId": _text("machine_id"),
        "triggeringAlertId": _text("alert_id"),
    },
    {},
    any_case=True,
)
ALERTS = Fields(
    {
        "alertCreationTime": _time("created"),
        "lastUpdateTime": _time("updated"),
        "incidentId": _whole("incident_id"),
        "investigationId": _whole("investigation_id"),
        "id": _text("id"),
        "assignedTo": _text("assigned_to"),
        "detectionSource": Field(
            lambda one: "WindowsDefenderAv" if one.detection == "antivirus" else "WindowsDefenderAtp"
        ),
        "lastEventTime": _time("last_activity"),
        "status": _word("status"),
        "severity": _word("severity"),
        "category": _text("category"),
    },
    {},
    any_case=True,
)
