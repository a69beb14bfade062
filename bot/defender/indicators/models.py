"""What the indicator calls of Defender speak of (defender-api 14): custom allow and block entries. A leaf: no I/O."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from bot.wire import Instant, NullIsEmpty, WireModel, folded

IndicatorType = Literal["FileSha1", "FileSha256", "FileMd5", "CertificateThumbprint", "IpAddress", "DomainName", "Url"]
IndicatorAction = Literal["Allowed", "Audit", "Block", "BlockAndRemediate", "Warn"]
"""What may be sent. Data also holds `Alert` and `AlertAndBlock` from before 2022."""
Severity = Literal["Informational", "Low", "Medium", "High"]
MOST_AT_ONCE = 500
"""How many indicators one import or batch delete may hold."""
MOST_ACTIVE = 15_000
"""How many active indicators a tenant may have."""


class Indicator(WireModel):
    """An entry that allows, audits, warns of or blocks a file, certificate, address, domain or URL.

    (api:ti-indicator). No device groups (`rbac_group_names`, `rbac_group_ids`): it holds for all devices.
    """

    id: str
    indicator_value: str | None = None
    indicator_type: str | None = None
    action: str | None = None
    application: str | None = None
    source: str | None = None
    source_type: str | None = None
    created_by: str | None = None
    created_by_source: str | None = None
    created_by_display_name: str | None = None
    last_updated_by: str | None = None
    creation_time_date_time_utc: Instant | None = None
    expiration_time: Instant | None = None
    last_update_time: Instant | None = None
    severity: str | None = None
    title: str | None = None
    description: str | None = None
    recommended_actions: str | None = None
    rbac_group_names: Annotated[tuple[str, ...], NullIsEmpty] = ()
    rbac_group_ids: Annotated[tuple[str | int, ...], NullIsEmpty] = ()
    generate_alert: bool | str | None = None

    @property
    def does(self) -> str:
        """The folded action: allowed, audit, block, blockandremediate, warn, and of old: alert, alertandblock."""
        return folded(self.action)

    @property
    def maker(self) -> str:
        """Who made it, as far as the service names them; an application's id where it has no name."""
        named = self.created_by_display_name or self.created_by_source or self.source or self.created_by
        return named or ""

    @property
    def everywhere(self) -> bool:
        """Whether it holds for all devices."""
        return not self.rbac_group_names and not self.rbac_group_ids


class Imported(WireModel):
    """What became of one entry of an import (api:import-ti-indicators)."""

    id: str | None = None
    indicator: str | None = None
    is_failed: bool | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An indicator to be made, or to take the place of the one of the same type and value."""

    type: IndicatorType
    value: str
    action: IndicatorAction
    title: str
    description: str
    severity: Severity
    expires: datetime | None = None

    def wire(self) -> dict[str, Any]:
        """The body that the page documents: for all devices; an `Audit` must raise alerts."""
        body: dict[str, Any] = {
            "indicatorValue": self.value,
            "indicatorType": self.type,
            "action": self.action,
            "title": self.title,
            "description": self.description,
            "severity": self.severity,
            "rbacGroupNames": [],
        }
        if self.expires:
            body["expirationTime"] = self.expires.isoformat(timespec="seconds").replace("+00:00", "Z")
        if self.action == "Audit":
            body["generateAlert"] = True
        return body
