"""What waits in the Action center, made out from alerts and investigations (graph-api 1.1, defender-api 1.4).

One item is one thing: the entity itself, for what lives on a device together with that device. The same file in five
alerts of an investigation is one decision in the portal, so it is one item; Graph does not say to which investigation
an alert belongs, and incidents are merged, so neither may be part of an item's name. Two investigations that wait for
the same thing on the same device share an item, which is over only when it waits in none of their alerts.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from bot.center import PENDING, CenterAlert, CenterFact, Shape
from bot.defender.models import Investigation
from bot.graph.models import Evidence, FileDetails, GraphAlert
from bot.wire import folded
from cards.incident import assets_of

MOST_ALERTS = 20
LONGEST_FACT = 300
ON_A_DEVICE = frozenset({"file", "process", "registrykey", "registryvalue"})
PASSING = frozenset(
    {
        "created_date_time",
        "verdict",
        "remediation_status",
        "remediation_status_details",
        "roles",
        "detailed_roles",
        "tags",
    }
)
"""Fields that say how evidence stands, not what it is."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one look saw waiting; see `bot.center.CenterItem` for the fields. `began` is the service's own time."""

    key: str
    shape: Shape = "entity"
    kind: str = ""
    name: str = ""
    facts: tuple[CenterFact, ...] = ()
    device: str = ""
    device_name: str = ""
    user: str = ""
    verdict: str = ""
    alerts: tuple[CenterAlert, ...] = ()
    investigation: str = ""
    began: datetime | None = None
    covered: bool = False


def key_of(*parts: str) -> str:
    """A short name for what is told apart by these parts."""
    return sha256("\n".join(parts).encode()).hexdigest()[:20]


def entity_key(item: Evidence, alert: GraphAlert) -> str:
    """The name of the item that a thing in an alert is, or would be."""
    identity = _identity(item)
    if not identity:  # a kind that is not known here: it is told apart by all that it is, within its alert
        what = item.model_dump(mode="json", exclude=set(PASSING))
        return key_of("entity", item.kind, alert.id, json.dumps(what, sort_keys=True, default=str))
    return key_of("entity", item.kind, identity.casefold(), _home(item, alert) if item.kind in ON_A_DEVICE else "")


def _identity(item: Evidence) -> str:
    made = _IDENTITIES.get(item.kind)
    return made(item) if made else ""


def _file(item: Evidence) -> str:
    file = item.file
    return (file.sha256 or file.sha1 or _path(file)) if file else ""


def _path(file: FileDetails) -> str:
    return "\\".join(filter(None, (file.file_path, file.file_name)))


def _process(item: Evidence) -> str:
    """Ids of processes are used again, so the time of its start and its image belong to it."""
    if item.process_id is None and not item.process_command_line:
        return ""
    started = item.process_creation_date_time.isoformat() if item.process_creation_date_time else ""
    number = "" if item.process_id is None else str(item.process_id)
    return "|".join((number, started, _file(item), item.process_command_line or ""))


def _registry(item: Evidence) -> str:
    return "|".join(filter(None, (item.registry_hive, item.registry_key, item.registry_value_name)))


def _account(item: Evidence) -> str:
    account = item.user_account
    known = (account.azure_ad_user_id or account.user_principal_name or account.user_sid) if account else ""
    return item.primary_address or known or item.user_name


def _mail(item: Evidence) -> str:
    return f"{item.network_message_id}/{item.recipient_email_address or ''}" if item.network_message_id else ""


def _cluster(item: Evidence) -> str:
    return "|".join(filter(None, (item.cluster_by, item.cluster_by_value, item.query)))


_IDENTITIES: Mapping[str, Callable[[Evidence], str]] = {
    "device": lambda item: item.mde_device_id or item.azure_ad_device_id or item.device_name,
    "user": _account,
    "mailbox": _account,
    "file": _file,
    "process": _process,
    "registrykey": _registry,
    "registryvalue": _registry,
    "ip": lambda item: item.ip_address or "",
    "url": lambda item: item.url or "",
    "analyzedmessage": _mail,
    "mailcluster": _cluster,
}


def _home(item: Evidence, alert: GraphAlert) -> str:
    """The id of the device on which the thing was found; of an alert at one device, that one."""
    if item.mde_device_id:
        return item.mde_device_id
    devices = {one.mde_device_id for one in alert.evidence if one.is_device and one.mde_device_id}
    return next(iter(devices)) if len(devices) == 1 else ""


def entities(alerts: Iterable[GraphAlert]) -> dict[str, Seen]:
    """The things that wait in these alerts, each once, by its key."""
    found: dict[str, Seen] = {}
    for alert in alerts:
        for item in alert.evidence:
            if item.waits_for_approval:
                one = _seen(item, alert)
                found[one.key] = _joined(found[one.key], one) if one.key in found else one
    return found


def _seen(item: Evidence, alert: GraphAlert) -> Seen:
    home = _home(item, alert)
    machine = next((one for one in alert.evidence if one.is_device and one.mde_device_id == home), None)
    person = next((one.user_name for one in (item, *alert.evidence) if one.user_name), "")
    return Seen(
        key=entity_key(item, alert),
        kind=item.kind,
        name=assets_of([item])[0].name,
        facts=facts_of(item),
        device=home,
        device_name=item.device_name or (machine.device_name if machine else ""),
        user=person,
        verdict=folded(item.verdict),
        alerts=(of_alert(alert),),
        began=item.created_date_time or alert.created_date_time,
    )


def _joined(one: Seen, other: Seen) -> Seen:
    """The same thing in one alert more; it has waited since the earlier time."""
    times = [at for at in (one.began, other.began) if at]
    known = {alert.id for alert in one.alerts}
    alerts = (*one.alerts, *(alert for alert in other.alerts if alert.id not in known))
    return Seen(**{**vars(one), "alerts": alerts[:MOST_ALERTS], "began": min(times, default=None)})


def of_alert(alert: GraphAlert, word: str = PENDING) -> CenterAlert:
    """What is kept of an alert."""
    incident = str(alert.incident_id or "")
    return CenterAlert(id=alert.id, title=alert.title or "", severity=alert.level, incident=incident, word=word)


def word_in(alert: GraphAlert, key: str) -> str:
    """How the thing stands in an alert, folded; empty where the alert does not name it (any more)."""
    words = [folded(item.remediation_status) for item in alert.evidence if entity_key(item, alert) == key]
    return PENDING if PENDING in words else next(iter(words), "")


def facts_of(item: Evidence) -> tuple[CenterFact, ...]:
    """What a person may want to know of the thing before they decide."""
    file = item.file_details
    image = item.image_file
    pairs = {
        "path": _path(file) if file else "",
        "publisher": (file.signer or file.file_publisher or "") if file else "",
        "sha256": (file.sha256 or "") if file else "",
        "sha1": (file.sha1 or "") if file else "",
        "command": item.process_command_line or "",
        "pid": "" if item.process_id is None else str(item.process_id),
        "image": _path(image) if image else "",
        "image-sha256": (image.sha256 or image.sha1 or "") if image else "",
        "registry": "\\".join(filter(None, (item.registry_hive, item.registry_key))),
        "registry-value": item.registry_value_name or "",
        "recipient": item.recipient_email_address or "",
        "message": item.network_message_id or "",
        "cluster": item.cluster_by_value or "",
        "mails": "" if item.email_count is None else str(item.email_count),
        "account": item.user_account.user_principal_name or "" if item.user_account and item.kind == "user" else "",
    }
    return tuple(CenterFact(key=key, value=value[:LONGEST_FACT]) for key, value in pairs.items() if value)


def processes(
    alerts: Sequence[GraphAlert], investigations: Sequence[Investigation] | None, named: Iterable[Seen]
) -> dict[str, Seen]:
    """The investigations that wait, and alerts whose investigation waits and is not among them, by their keys.

    Those whose things are known (`named`) are covered by them. An alert at the device of an investigation that waits
    is taken for a part of it. Without Defender's list nothing is said of alerts at devices.
    """
    waiting = [one for one in investigations or () if one.waits_for_approval]
    by_id = {alert.id: alert for alert in alerts}
    named = list(named)
    inside = {alert.id for one in named for alert in one.alerts}
    at_device = {one.device for one in named if one.device}
    found = {}
    for one in waiting:
        alert = by_id.get(one.triggering_alert_id or "")
        covered = (one.triggering_alert_id in inside) or bool(one.machine_id and one.machine_id in at_device)
        seen = _investigation(one, alert, covered=covered)
        found[seen.key] = seen
    machines = {one.machine_id for one in waiting if one.machine_id}
    triggers = {one.triggering_alert_id for one in waiting}
    for alert in alerts:
        if folded(alert.investigation_state) != PENDING or alert.id in triggers:
            continue
        homes = {item.mde_device_id for item in alert.evidence if item.is_device and item.mde_device_id}
        if homes & machines or (homes and investigations is None):
            continue
        seen = _of_alert(alert, covered=alert.id in inside)
        found[seen.key] = seen
    return found


def _investigation(one: Investigation, alert: GraphAlert | None, *, covered: bool) -> Seen:
    known = of_alert(alert) if alert else CenterAlert(id=one.triggering_alert_id or "")
    return Seen(
        key=investigation_key(one.id),
        shape="investigation",
        kind="investigation",
        name=one.id,
        device=one.machine_id or "",
        device_name=one.computer_dns_name or "",
        user=_person(alert) if alert else "",
        alerts=(known,) if known.id else (),
        investigation=one.id,
        began=one.start_time,
        covered=covered,
    )


def investigation_key(number: str) -> str:
    """The name of an investigation's item."""
    return key_of("investigation", number)


def _of_alert(alert: GraphAlert, *, covered: bool) -> Seen:
    machine = next((one for one in alert.evidence if one.is_device), None)
    return Seen(
        key=key_of("alert", alert.id),
        shape="alert",
        kind="investigation",
        device=(machine.mde_device_id or "") if machine else "",
        device_name=machine.device_name if machine else "",
        user=_person(alert),
        alerts=(of_alert(alert),),
        began=alert.created_date_time,
        covered=covered,
    )


def _person(alert: GraphAlert) -> str:
    return next((item.user_name for item in alert.evidence if item.user_name), "")


def with_investigations(named: Mapping[str, Seen], investigations: Sequence[Investigation] | None) -> dict[str, Seen]:
    """The same things with the investigation that waits for them, where one is known by its alert or device."""
    by_alert = {one.triggering_alert_id: one.id for one in investigations or () if one.triggering_alert_id}
    by_device = {one.machine_id: one.id for one in investigations or () if one.machine_id}
    found = {}
    for key, one in named.items():
        number = next((by_alert[alert.id] for alert in one.alerts if alert.id in by_alert), "")
        number = number or by_device.get(one.device, "")
        found[key] = Seen(**{**vars(one), "investigation": number})
    return found
