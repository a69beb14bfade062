"""What the Defender for Endpoint / Defender for Business API speaks of. A leaf: no I/O.

Values of enumerations are kept as sent (unknown ones too); the properties compare them without regard to case.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, Field, FiniteFloat

from bot.wire import Instant, NullIsEmpty, WireModel, folded

FINAL_STATUSES = frozenset({"succeeded", "failed", "timeout", "cancelled"})
"""Folded `MachineAction.status` values after which nothing more happens (api:machineaction)."""


class IpAddress(WireModel):
    """An address of a device's network card."""

    ip_address: str | None = None
    mac_address: str | None = None
    operational_status: str | None = None


class Machine(WireModel):
    """A device (api:machine). `last_seen` is the last full report, about daily. There is no isolation field."""

    id: str
    computer_dns_name: str | None = None
    first_seen: Instant | None = None
    last_seen: Instant | None = None
    os_platform: str | None = None
    os_processor: str | None = None
    os_architecture: str | None = None
    os_build: int | str | None = None
    version: str | None = None
    onboarding_status: str | None = None
    health_status: str | None = None
    risk_score: str | None = None
    exposure_level: str | None = None
    device_value: str | None = None
    rbac_group_id: int | str | None = None
    rbac_group_name: str | None = None
    aad_device_id: str | None = None
    is_aad_joined: bool | None = None
    machine_tags: Annotated[tuple[str, ...], NullIsEmpty] = ()
    last_ip_address: str | None = None
    last_external_ip_address: str | None = None
    ip_addresses: Annotated[tuple[IpAddress, ...], NullIsEmpty] = ()
    defender_av_status: str | None = None
    managed_by: str | None = None

    @property
    def name(self) -> str:
        """What people call it: the DNS name, or the id where the service knows none."""
        return self.computer_dns_name or self.id

    @property
    def risk(self) -> str:
        """Folded: none, informational, low, medium, high; empty where the service does not say."""
        return folded(self.risk_score)

    @property
    def exposure(self) -> str:
        """Folded: none, low, medium, high; empty where the service does not say."""
        return folded(self.exposure_level)

    @property
    def value(self) -> str:
        """Folded: normal, low, high; empty where the service does not say."""
        return folded(self.device_value)

    @property
    def health(self) -> str:
        """Folded: active, inactive, impairedcommunication, nosensordata, nosensordataimpairedcommunication, unknown."""
        return folded(self.health_status)

    @property
    def is_onboarded(self) -> bool:
        """Whether the device reports to Defender (sent as `onboarded` and as `Onboarded`)."""
        return folded(self.onboarding_status) == "onboarded"


class FileIdentifier(WireModel):
    """The file an action is about."""

    file_identifier: str | None = None
    file_identifier_type: str | None = None


class MachineAction(WireModel):
    """Something a device was told to do (api:machineaction). Fields may be missing just after it was created."""

    id: str
    type: str | None = None
    status: str | None = None
    scope: str | None = None
    requestor: str | None = None
    requestor_comment: str | None = None
    request_source: str | None = None
    external_id: str | None = Field(
        default=None, validation_alias=AliasChoices("externalId", "externalID"), serialization_alias="externalId"
    )
    machine_id: str | None = None
    computer_dns_name: str | None = None
    creation_date_time_utc: Instant | None = None
    last_update_date_time_utc: Instant | None = None
    last_update_time_utc: Instant | None = None
    cancellation_requestor: str | None = None
    cancellation_comment: str | None = None
    cancellation_date_time_utc: Instant | None = None
    title: str | None = None
    related_file_info: FileIdentifier | None = None
    error_h_result: int | None = None
    commands: Annotated[tuple[dict[str, Any], ...], NullIsEmpty] = ()

    @property
    def kind(self) -> str:
        """The folded type: isolate, unisolate, runantivirusscan, ..."""
        return folded(self.type)

    @property
    def state(self) -> str:
        """The folded status: pending, inprogress, succeeded, failed, timeout, cancelled; empty if none was sent."""
        return folded(self.status)

    @property
    def is_final(self) -> bool:
        """Whether it is known that nothing more will happen."""
        return self.state in FINAL_STATUSES

    @property
    def is_active(self) -> bool:
        """Whether the device may still act on it; an unknown status counts, for doubling is worse than waiting."""
        return not self.is_final

    @property
    def created(self) -> datetime | None:
        """When the service took the action."""
        return self.creation_date_time_utc

    @property
    def updated(self) -> datetime | None:
        """When it last changed; the service uses two names for this field."""
        return self.last_update_date_time_utc or self.last_update_time_utc


class LogonUser(WireModel):
    r"""Somebody who logged on to a device (api:get-machine-log-on-users). `id` is `domain\name`."""

    id: str
    account_name: str | None = None
    account_domain: str | None = None
    account_sid: str | None = None
    first_seen: Instant | None = None
    last_seen: Instant | None = None
    logon_types: str | None = None
    is_domain_admin: bool | None = None
    is_only_network_user: bool | None = None
    most_prevalent_machine_id: str | None = None
    least_prevalent_machine_id: str | None = None
    log_on_machines_count: int | None = None


class Account(WireModel):
    """A user as an alert names them; the two fields that name the account differ by place."""

    user_name: str | None = None
    account_name: str | None = None
    domain_name: str | None = None


class AlertComment(WireModel):
    """A remark on an alert."""

    comment: str | None = None
    created_by: str | None = None
    created_time: Instant | None = None


class AlertEvidence(WireModel):
    """A file, process, user, address ... of an alert (api:alerts). The set of entity types is open."""

    entity_type: str | None = None
    evidence_creation_time: Instant | None = None
    sha1: str | None = None
    sha256: str | None = None
    file_name: str | None = None
    file_path: str | None = None
    process_id: int | None = None
    process_command_line: str | None = None
    process_creation_time: Instant | None = None
    parent_process_id: int | None = None
    parent_process_creation_time: Instant | None = None
    parent_process_file_name: str | None = None
    parent_process_file_path: str | None = None
    ip_address: str | None = None
    url: str | None = None
    account_name: str | None = None
    domain_name: str | None = None
    user_sid: str | None = None
    aad_user_id: str | None = None
    user_principal_name: str | None = None
    detection_status: str | None = None


class DefenderAlert(WireModel):
    """An alert of Defender for Endpoint alone (api:alerts); alerts of all products are Graph's."""

    id: str
    title: str | None = None
    description: str | None = None
    recommended_action: str | None = None
    severity: str | None = None
    status: str | None = None
    classification: str | None = None
    determination: str | None = None
    category: str | None = None
    detection_source: str | None = None
    detector_id: str | None = None
    threat_family_name: str | None = None
    threat_name: str | None = None
    mitre_techniques: Annotated[tuple[str, ...], NullIsEmpty] = ()
    incident_id: int | str | None = None
    investigation_id: int | str | None = None
    investigation_state: str | None = None
    assigned_to: str | None = None
    machine_id: str | None = None
    computer_dns_name: str | None = None
    rbac_group_name: str | None = None
    aad_tenant_id: str | None = None
    alert_creation_time: Instant | None = None
    first_event_time: Instant | None = None
    last_event_time: Instant | None = None
    last_update_time: Instant | None = None
    resolved_time: Instant | None = None
    related_user: Account | None = None
    logged_on_users: Annotated[tuple[Account, ...], NullIsEmpty] = ()
    comments: Annotated[tuple[AlertComment, ...], NullIsEmpty] = ()
    evidence: Annotated[tuple[AlertEvidence, ...], NullIsEmpty] = ()

    @property
    def level(self) -> str:
        """Folded severity: unspecified, informational, low, medium, high; empty where the service does not say."""
        return folded(self.severity)

    @property
    def is_open(self) -> bool:
        """Whether nobody has resolved it yet."""
        return folded(self.status) != "resolved"


class Investigation(WireModel):
    """An automated investigation (api:investigation). It names no action and cannot be decided through the API."""

    id: str
    start_time: Instant | None = None
    end_time: Instant | None = None
    state: str | None = None
    cancelled_by: str | None = None
    status_details: str | None = None
    machine_id: str | None = None
    computer_dns_name: str | None = None
    triggering_alert_id: str | None = None

    @property
    def waits_for_approval(self) -> bool:
        """Whether a person must decide in the portal's Action center."""
        return folded(self.state) == "pendingapproval"


class Score(WireModel):
    """A figure of one moment: exposure (0 to 100, lower is better) or device configuration (higher is better)."""

    score: FiniteFloat
    time: Instant | None = None
