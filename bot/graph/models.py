"""What Microsoft Graph's security API speaks of. A leaf: no I/O.

Values of enumerations are kept as sent (unknown ones too); the properties compare them without regard to case.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, FiniteFloat

from bot.wire import Instant, MachineId, NullIsEmpty, WireModel, folded

OPEN_INCIDENT_STATUSES = ("active", "inProgress", "awaitingAction")
"""`Incident.status` values of work that is not done (`redirected` lives on in another incident)."""
OPEN_ALERT_STATUSES = ("new", "inProgress")
_EVIDENCE_PREFIX = "#microsoft.graph.security."


class Remark(WireModel):
    """A comment on an incident or alert; the pages use two names for its author and for its time."""

    comment: str | None = None
    created_by_display_name: str | None = None
    created_by: str | None = None
    created_date_time: Instant | None = None
    created_time: Instant | None = None

    @property
    def author(self) -> str:
        """Who wrote it; empty where the service does not say."""
        return self.created_by_display_name or self.created_by or ""

    @property
    def created(self) -> datetime | None:
        """When it was written."""
        return self.created_date_time or self.created_time


class UserAccount(WireModel):
    """A user as evidence names them."""

    account_name: str | None = None
    domain_name: str | None = None
    user_sid: str | None = None
    azure_ad_user_id: str | None = None
    user_principal_name: str | None = None
    display_name: str | None = None

    @property
    def name(self) -> str:
        r"""The best name there is: sign-in name, display name, `domain\account`; empty where there is none."""
        account = "\\".join(part for part in (self.domain_name, self.account_name) if part)
        return self.user_principal_name or self.display_name or account


class FileDetails(WireModel):
    """A file as evidence names it. `file_size` is in bytes."""

    file_name: str | None = None
    file_path: str | None = None
    file_size: int | None = None
    sha1: str | None = None
    sha256: str | None = None
    sha256_ac: str | None = None
    md5: str | None = None
    file_publisher: str | None = None
    signer: str | None = None
    issuer: str | None = None


class Evidence(WireModel):
    """A thing an alert is about: device, user, file, process, mail ... Fields of all kinds stand side by side.

    `kind` says which it is; a kind that is not known here keeps all its fields (`model_extra`).
    """

    odata_type: str | None = Field(default=None, alias="@odata.type")
    created_date_time: Instant | None = None
    verdict: str | None = None
    remediation_status: str | None = None
    remediation_status_details: str | None = None
    roles: Annotated[tuple[str, ...], NullIsEmpty] = ()
    detailed_roles: Annotated[tuple[str, ...], NullIsEmpty] = ()
    tags: Annotated[tuple[str, ...], NullIsEmpty] = ()
    mde_device_id: MachineId | None = None
    azure_ad_device_id: str | None = None
    device_dns_name: str | None = None
    host_name: str | None = None
    os_platform: str | None = None
    health_status: str | None = None
    risk_score: str | None = None
    logged_on_users: Annotated[tuple[UserAccount, ...], NullIsEmpty] = ()
    user_account: UserAccount | None = None
    file_details: FileDetails | None = None
    image_file: FileDetails | None = None
    parent_process_image_file: FileDetails | None = None
    process_id: int | None = None
    process_command_line: str | None = None
    process_creation_date_time: Instant | None = None
    parent_process_creation_date_time: Instant | None = None
    first_seen_date_time: Instant | None = None
    detection_status: str | None = None
    ip_address: str | None = None
    url: str | None = None
    primary_address: str | None = None
    subject: str | None = None
    network_message_id: str | None = None
    recipient_email_address: str | None = None
    received_date_time: Instant | None = None
    display_name: str | None = None
    registry_hive: str | None = None
    registry_key: str | None = None
    registry_value: str | None = None
    registry_value_name: str | None = None
    cluster_by: str | None = None
    cluster_by_value: str | None = None
    query: str | None = None
    email_count: int | None = None

    @property
    def kind(self) -> str:
        """The folded type without its ends: device, user, file, analyzedmessage ...; empty if none was sent."""
        return folded((self.odata_type or "").removeprefix(_EVIDENCE_PREFIX)).removesuffix("evidence")

    @property
    def is_device(self) -> bool:
        """Whether this is a device itself, not something found on one."""
        return self.kind == "device"

    @property
    def device_name(self) -> str:
        """The device's name; empty where the service does not say."""
        return self.device_dns_name or self.host_name or ""

    @property
    def user_name(self) -> str:
        """The user's best name; empty where there is none."""
        return self.user_account.name if self.user_account else ""

    @property
    def file(self) -> FileDetails | None:
        """The file, or the image of the process."""
        return self.file_details or self.image_file

    @property
    def waits_for_approval(self) -> bool:
        """Whether its remediation waits for a person in the portal's Action center."""
        return folded(self.remediation_status) == "pendingapproval"


class GraphAlert(WireModel):
    """An alert of any Defender product (`microsoft.graph.security.alert`, api/security-list-alerts_v2)."""

    id: str
    odata_type: str | None = Field(default=None, alias="@odata.type")
    provider_alert_id: str | None = None
    incident_id: str | int | None = None
    title: str | None = None
    description: str | None = None
    recommended_actions: str | None = None
    status: str | None = None
    severity: str | None = None
    classification: str | None = None
    determination: str | None = None
    category: str | None = None
    categories: Annotated[tuple[str, ...], NullIsEmpty] = ()
    service_source: str | None = None
    detection_source: str | None = None
    product_name: str | None = None
    detector_id: str | None = None
    tenant_id: str | None = None
    investigation_state: str | None = None
    assigned_to: str | None = None
    alert_web_url: str | None = None
    incident_web_url: str | None = None
    actor_display_name: str | None = None
    threat_display_name: str | None = None
    threat_family_name: str | None = None
    mitre_techniques: Annotated[tuple[str, ...], NullIsEmpty] = ()
    system_tags: Annotated[tuple[str, ...], NullIsEmpty] = ()
    created_date_time: Instant | None = None
    last_update_date_time: Instant | None = None
    resolved_date_time: Instant | None = None
    first_activity_date_time: Instant | None = None
    last_activity_date_time: Instant | None = None
    comments: Annotated[tuple[Remark, ...], NullIsEmpty] = ()
    evidence: Annotated[tuple[Evidence, ...], NullIsEmpty] = ()

    @property
    def level(self) -> str:
        """Folded severity: unknown, informational, low, medium, high; empty where the service does not say."""
        return folded(self.severity)

    @property
    def is_open(self) -> bool:
        """Whether nobody has resolved it yet."""
        return folded(self.status) != "resolved"

    @property
    def waits_for_approval(self) -> bool:
        """Whether its investigation, or the remediation of a thing it names, waits for a person's approval."""
        pending = folded(self.investigation_state) == "pendingapproval"
        return pending or any(item.waits_for_approval for item in self.evidence)


class Incident(WireModel):
    """A group of alerts that belong together (`microsoft.graph.security.incident`, api/security-list-incidents).

    `alerts` is filled only by `Graph.incident`.
    """

    id: str
    last_update_date_time: Instant
    odata_type: str | None = Field(default=None, alias="@odata.type")
    created_date_time: Instant | None = None
    display_name: str | None = None
    description: str | None = None
    summary: str | None = None
    status: str | None = None
    severity: str | None = None
    classification: str | None = None
    determination: str | None = None
    assigned_to: str | None = None
    incident_web_url: str | None = None
    redirect_incident_id: str | int | None = None
    tenant_id: str | None = None
    last_modified_by: str | None = None
    resolving_comment: str | None = None
    priority_score: int | None = None
    custom_tags: Annotated[tuple[str, ...], NullIsEmpty] = ()
    system_tags: Annotated[tuple[str, ...], NullIsEmpty] = ()
    comments: Annotated[tuple[Remark, ...], NullIsEmpty] = ()
    alerts: Annotated[tuple[GraphAlert, ...], NullIsEmpty] = ()

    @property
    def level(self) -> str:
        """Folded severity: unknown, informational, low, medium, high; empty where the service does not say."""
        return folded(self.severity)

    @property
    def state(self) -> str:
        """Folded status: active, inprogress, awaitingaction, resolved, redirected; empty where none was sent."""
        return folded(self.status)

    @property
    def is_open(self) -> bool:
        """Whether somebody must still look at it; an unknown status counts as open."""
        return self.state not in {"resolved", "redirected"}

    @property
    def survivor(self) -> str:
        """The id of the incident this one was merged into; empty if it was not."""
        return str(self.redirect_incident_id or "")


class Comparison(WireModel):
    """The average score of others: `basis` is AllTenants, TotalSeats or IndustryTypes."""

    basis: str | None = None
    average_score: float | None = None


class ControlScore(WireModel):
    """What one recommended control earned."""

    control_name: str | None = None
    control_category: str | None = None
    description: str | None = None
    score: FiniteFloat | None = None


class SecureScore(WireModel):
    """Microsoft Secure Score of one day (api/security-list-securescores)."""

    id: str
    azure_tenant_id: str | None = None
    created_date_time: Instant | None = None
    current_score: FiniteFloat | None = None
    max_score: FiniteFloat | None = None
    active_user_count: int | None = None
    licensed_user_count: int | None = None
    enabled_services: Annotated[tuple[str, ...], NullIsEmpty] = ()
    average_comparative_scores: Annotated[tuple[Comparison, ...], NullIsEmpty] = ()
    control_scores: Annotated[tuple[ControlScore, ...], NullIsEmpty] = ()
    vendor_information: dict[str, Any] | None = None

    @property
    def percent(self) -> float | None:
        """The share of the maximum, 0 to 100; None where the service names no maximum."""
        if self.current_score is None or not self.max_score:
            return None
        return self.current_score / self.max_score * 100


class ServicePlan(WireModel):
    """One part of a subscription, such as MDE_SMB (Defender for Business)."""

    service_plan_id: str | None = None
    service_plan_name: str | None = None
    provisioning_status: str | None = None

    @property
    def works(self) -> bool:
        """Whether the tenant may use it now."""
        return folded(self.provisioning_status) == "success"


class SubscribedSku(WireModel):
    """Something that the tenant has bought (graph-api.md section 6.3)."""

    id: str
    sku_id: str | None = None
    sku_part_number: str | None = None
    capability_status: str | None = None
    service_plans: Annotated[tuple[ServicePlan, ...], NullIsEmpty] = ()
