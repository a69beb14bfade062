"""What Graph's directory and Identity Protection speak of. A leaf: no I/O."""

from typing import Any

from pydantic import Field

from bot.wire import Instant, WireModel, folded

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
ROLES: dict[str, str] = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f": "Security Operator",
    "5d6b6bb7-de71-4623-b4af-96380a352509": "Security Reader",
    "f2ef992c-3afb-46b9-b7cf-a126ee74c451": "Global Reader",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
    "69091246-20e8-4a56-aa4d-066075b2a7a8": "Teams Administrator",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator",
    "fdd7a751-b60b-444a-984c-02652fe8fa1c": "Groups Administrator",
    "b0f54661-2d74-4c50-afa3-1ec803f12efe": "Billing Administrator",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "4a5d8f65-41da-4de4-8968-e035b65339cf": "Reports Reader",
    "3a2c62db-5318-420d-8d74-23affee5d9d5": "Intune Administrator",
}
"""The built-in roles that graph-api 4.3 names, by template id; in an assignment that is the `roleDefinitionId`."""


class DirectoryUser(WireModel):
    """A user (`microsoft.graph.user`, api/user-get) with the properties that `$select` asked for.

    `sign_in_sessions_valid_from_date_time`: sessions and refresh tokens from before that moment are refused.
    """

    id: str
    display_name: str | None = None
    user_principal_name: str | None = None
    mail: str | None = None
    account_enabled: bool | None = None
    user_type: str | None = None
    job_title: str | None = None
    department: str | None = None
    on_premises_sync_enabled: bool | None = None
    created_date_time: Instant | None = None
    sign_in_sessions_valid_from_date_time: Instant | None = None

    @property
    def name(self) -> str:
        """The sign-in name, else the display name, else the id."""
        return self.user_principal_name or self.display_name or self.id


class RoleAssignment(WireModel):
    """Who holds a directory role (`unifiedRoleAssignment`); `principal` is there with `$expand=principal`."""

    id: str
    role_definition_id: str | None = None
    principal_id: str | None = None
    directory_scope_id: str | None = None
    principal: dict[str, Any] | None = Field(default=None)

    @property
    def role(self) -> str:
        """The role's name where it is one of those we know; else its id."""
        return ROLES.get((self.role_definition_id or "").casefold(), self.role_definition_id or "")

    @property
    def principal_name(self) -> str:
        """What the holder is called; empty where the service does not say."""
        found = self.principal or {}
        return str(found.get("userPrincipalName") or found.get("displayName") or "")

    @property
    def is_group(self) -> bool:
        """Whether a group holds it, so that its members do."""
        return folded(str((self.principal or {}).get("@odata.type", ""))).endswith(".group")


class RiskyUser(WireModel):
    """How risky Identity Protection finds a user (`riskyUser`, api/riskyuser-get); its id is the user's."""

    id: str
    user_principal_name: str | None = None
    user_display_name: str | None = None
    is_deleted: bool | None = None
    is_processing: bool | None = None
    risk_level: str | None = None
    risk_state: str | None = None
    risk_detail: str | None = None
    risk_last_updated_date_time: Instant | None = None

    @property
    def state(self) -> str:
        """Folded: none, confirmedsafe, remediated, dismissed, atrisk, confirmedcompromised."""
        return folded(self.risk_state)
