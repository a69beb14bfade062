"""One incident: the card that is posted and kept up to date, the reply that asks to look again, and the details."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.graph.models import Evidence, GraphAlert, Incident
from bot.incidents import Asset, IncidentRecord, rank
from bot.turn import Look, Shown
from cards import button, parts
from cards.device import Offer, propose_button
from cards.elements import Action, InputText
from cards.text import Safe, clean, count, escape, join, plain, plain_word, say, sentence, when, word

ASSETS = 6
ALERTS = 8
DEVICE_BUTTONS = 3
USER_OFFERS = ("block-signin", "revoke-sessions")
_UPN = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")


@dataclass(frozen=True, kw_only=True)
class IncidentDetails:
    """An incident with its alerts, which carry the evidence; None: they could not be read.

    `blockable` are the ids and names of things in the evidence that can be blocked.
    """

    incident: Incident
    alerts: tuple[GraphAlert, ...] | None
    unread: tuple[str, ...] = ()
    blockable: tuple[tuple[str, str], ...] = ()


def incident_card(look: Look, record: IncidentRecord, post_key: str = "card") -> Shown:
    """Show an incident; for a reply (`severity:high`, `reopened:...`) only what needs eyes again."""
    if post_key != "card":
        return _reply(look, record, post_key.partition(":")[0])
    body = [
        parts.heading(
            _title(look, record.title),
            _line(look, record),
            _again(look, record),
            tone=_tone(record.severity, record.status),
        ),
        parts.line(say(look, "incident.merged", id=record.merged_into)) if record.merged_into else None,
        _pending(look, record.pending_approvals),
        _facts(look, record),
        *_alert_titles(look, record),
        _assets(look, record),
        parts.as_of(look),
    ]
    return parts.shown(body, _summary(look, record), _buttons(look, record))


def incident_details_card(look: Look, details: IncidentDetails) -> Shown:
    """Show an incident with its alerts, evidence and assets; devices can be opened."""
    incident = details.incident
    record = IncidentRecord(
        id=incident.id,
        customer="",
        title=incident.display_name or "",
        severity=incident.severity or "",
        status=incident.status or "",
        created=incident.created_date_time or incident.last_update_date_time,
        updated=incident.last_update_date_time,
        url=incident.incident_web_url or "",
        assigned_to=incident.assigned_to or "",
        classification=incident.classification or "",
        merged_into=incident.survivor,
        alerts=-1 if details.alerts is None else len(details.alerts),
    )
    evidence = [item for alert in details.alerts or () for item in alert.evidence]
    about = incident.summary or incident.description or ""
    body = [
        parts.heading(_title(look, record.title), _line(look, record), tone=_tone(record.severity, record.status)),
        parts.unread(look, details.unread),
        parts.line(say(look, "incident.merged", id=record.merged_into)) if record.merged_into else None,
        _pending(look, len(_things(e for e in evidence if e.waits_for_approval))),
        _facts(look, record),
        parts.section(say(look, "incident.description"), parts.line(escape(about, 400))) if about else None,
        _alerts(look, details.alerts),
        _evidence(look, details.alerts, evidence),
        *([] if _over(record.status) else _block_buttons(look, details.blockable)),
        parts.as_of(look),
    ]
    return parts.shown(body, _summary(look, record), _buttons(look, record, details=False))


def assets_of(evidence: Iterable[Evidence]) -> tuple[Asset, ...]:
    """What evidence is about, each thing once: devices first, then users, then the rest."""
    order = {"device": 0, "user": 1, "mailbox": 2}
    return tuple(sorted(_things(evidence), key=lambda asset: order.get(asset.kind, len(order))))


def _things(evidence: Iterable[Evidence]) -> list[Asset]:
    found: dict[tuple[str, str], Asset] = {}
    for item in evidence:
        asset = Asset(
            kind=item.kind,
            name=_name(item),
            id=(item.mde_device_id or "") if item.is_device else "",
            verdict=item.verdict or "",
            remediation=item.remediation_status or "",
        )
        known = found.get((asset.kind, asset.name))
        if known is None or (item.waits_for_approval and known.remediation != asset.remediation):
            found[asset.kind, asset.name] = asset
    return list(found.values())


def _name(item: Evidence) -> str:
    """What a thing is called; the kind alone where the service gives it no name."""
    file = item.file.file_name if item.file else None
    own = item.device_name or file or item.user_name or item.primary_address
    rest = own or item.url or item.ip_address or item.subject or item.display_name or item.process_command_line
    return rest or "\\".join(filter(None, (item.registry_hive, item.registry_key)))


def asset_text(look: Look, asset: Asset) -> Safe:
    """A thing with its kind, and the verdict and remediation where they say something."""
    groups = (("verdict", asset.verdict), ("remediation", asset.remediation))
    states = [plain_word(look, group, value) for group, value in groups if value and value.casefold() != "unknown"]
    kind = parts.evidence_kind(look, asset.kind)
    name = asset.name or plain(look, "word.unnamed")
    if states:
        return say(look, "incident.asset-state", kind=kind, name=name, state=", ".join(states))
    return say(look, "incident.asset", kind=kind, name=name)


def _reply(look: Look, record: IncidentRecord, why: str) -> Shown:
    title = record.title or plain(look, "incident.untitled")
    severity = parts.severity(look, record.severity)
    if why == "severity":
        heading = say(look, "incident.raised", severity=severity)
        summary = plain(look, "incident.raised.summary", id=record.id, severity=severity, title=title)
    elif why == "reopened":
        heading = say(look, "incident.reopened")
        summary = plain(look, "incident.reopened.summary", id=record.id, title=title)
    else:
        heading = say(look, "incident.changed")
        summary = plain(look, "incident.changed.summary", id=record.id, title=title)
    tone = _tone(record.severity, record.status)
    body = [parts.heading(heading, escape(title), _line(look, record), tone=tone), parts.as_of(look)]
    return parts.shown(body, summary, _buttons(look, record, devices=False))


def _title(look: Look, title: str) -> Safe:
    return escape(title, 200) if title else say(look, "incident.untitled")


def _line(look: Look, record: IncidentRecord) -> Safe:
    severity = sentence(parts.severity(look, record.severity))
    return say(look, "incident.line", severity=severity, status=word(look, "incidentstatus", record.status))


def _again(look: Look, record: IncidentRecord) -> Safe | None:
    """Why it must be looked at again."""
    if record.again_at is None or record.again not in ("severity", "reopened"):
        return None
    if record.again == "severity":
        return say(look, "incident.again.severity", at=record.again_at)
    return say(look, "incident.again.reopened", at=record.again_at)


def _tone(severity: str, status: str) -> Any:
    return None if _over(status) else parts.severity_tone(severity)


def _over(status: str) -> bool:
    return status.casefold() in ("resolved", "redirected")


def _summary(look: Look, record: IncidentRecord) -> str:
    return plain(
        look,
        "incident.summary",
        severity=sentence(parts.severity(look, record.severity)),
        id=record.id,
        title=record.title or plain(look, "incident.untitled"),
        status=plain_word(look, "incidentstatus", record.status),
    )


def _pending(look: Look, waiting: int) -> Any:
    return parts.line(escape(count(look, "incident.pending", waiting), 400), "Attention") if waiting else None


def _facts(look: Look, record: IncidentRecord) -> Any:
    assigned = escape(record.assigned_to) if record.assigned_to else say(look, "incident.unassigned")
    alerts = escape(str(record.alerts)) if record.alerts >= 0 else say(look, "word.unread")
    classified = record.classification and record.classification.casefold() != "unknown"
    return parts.facts(
        [
            (say(look, "incident.id"), escape(record.id)),
            (say(look, "incident.alerts"), alerts),
            (
                say(look, "incident.sources"),
                join(escape(s, 60) for s in record.sources[:3]) if record.sources else None,
            ),
            (say(look, "incident.assigned"), assigned),
            (
                say(look, "incident.verdict"),
                word(look, "classification", record.classification) if classified else None,
            ),
            (say(look, "incident.created"), parts.moment(look, record.created)),
            (say(look, "incident.updated"), parts.moment(look, record.updated)),
        ]
    )


def _alert_titles(look: Look, record: IncidentRecord) -> list[Any]:
    titles = [title for title in record.alert_titles if title != record.title]
    if not titles:
        return []
    made = parts.rows(look, titles, lambda title: parts.line(escape(title)), 3)
    return [parts.section(say(look, "incident.alerts-list"), *made)]


def _assets(look: Look, record: IncidentRecord) -> Any:
    assets = record.assets
    title = say(look, "incident.assets")
    if not assets:
        return parts.section(title, parts.line(say(look, "incident.no-assets")))
    return parts.section(
        title,
        *parts.rows(look, assets, lambda asset: parts.line(asset_text(look, asset)), ASSETS),
        _device_buttons(look, assets),
        None if _over(record.status) else _user_buttons(look, assets),
    )


def _user_buttons(look: Look, assets: Sequence[Asset]) -> Any:
    """What is most pressing for an account that is taken over, for the only user; of several none is singled out."""
    users = [asset.name for asset in assets if asset.kind.casefold() == "user" and _UPN.fullmatch(asset.name)]
    if len(users) != 1:
        return None
    return parts.buttons(*[propose_button(look, Offer(response=response), users[0]) for response in USER_OFFERS])


def _block_buttons(look: Look, things: Sequence[tuple[str, str]]) -> list[Any]:
    """To ask for a block of a file, URL or address; it is decided on the request's own card. One to a line."""
    reason = InputText("reason", plain(look, "input.reason"), error=plain(look, "input.reason.error"))
    confirm = plain(look, "input.ask")
    made = [
        button.button(title, "propose", f"block:{value}", inputs=[reason], confirm=confirm)
        for value, title in ((value, plain(look, "incident.block", name=clean(name, 28))) for value, name in things)
    ]
    return [parts.buttons(one) for one in made]


def _device_buttons(look: Look, assets: Sequence[Asset]) -> Any:
    devices = [asset for asset in assets if asset.kind.casefold() == "device"]
    return parts.buttons(*[parts.device_run(look, asset.id, asset.name) for asset in devices[:DEVICE_BUTTONS]])


def _alerts(look: Look, alerts: tuple[GraphAlert, ...] | None) -> Any:
    title = say(look, "incident.alerts-list")
    if alerts is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    if not alerts:
        return parts.section(title, parts.line(say(look, "incident.alerts.none")))
    ordered = sorted(alerts, key=lambda alert: rank(alert.level), reverse=True)
    return parts.section(title, *parts.rows(look, ordered, lambda alert: _alert(look, alert), ALERTS))


def _alert(look: Look, alert: GraphAlert) -> Any:
    severity = sentence(parts.severity(look, alert.level))
    status = plain_word(look, "incidentstatus", alert.status)
    at = f", {when(look, alert.created_date_time)}" if alert.created_date_time else ""
    title = alert.title or alert.id
    text = say(look, "incident.alert-state", severity=severity, title=title, status=status + at)
    return parts.line(text, parts.level_color(alert.level) if alert.is_open else "Default")


def _evidence(look: Look, alerts: tuple[GraphAlert, ...] | None, evidence: Sequence[Evidence]) -> Any:
    title = say(look, "incident.evidence")
    if alerts is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    assets = assets_of(evidence)
    if not assets:
        return parts.section(title, parts.line(say(look, "incident.evidence.none")))
    return parts.section(
        title,
        *parts.rows(look, assets, lambda asset: parts.line(asset_text(look, asset)), 12),
        _device_buttons(look, assets),
        _user_buttons(look, assets),
    )


def _buttons(look: Look, record: IncidentRecord, *, details: bool = True, devices: bool = True) -> list[Action | None]:
    pending = parts.link(plain(look, "incident.pending-page"), parts.portal(parts.PENDING_PAGE, record.customer))
    line = f"incident {record.id}"
    return [
        parts.run(plain(look, "incident.details" if details else "part.refresh"), line, record.id),
        parts.link(plain(look, "part.portal"), record.url),
        pending if devices and record.pending_approvals else None,
    ]
