"""A member of a conversation as the Connector answers it. Reference: teams-platform 2.5 and 2.11."""

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from bot.teams.client import Member
from bot.teams.inbound import Text

_GUESTS = frozenset({"guest", "anonymous"})


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    object_id: Text = Field("", validation_alias=AliasChoices("aadObjectId", "objectId"))
    name: Text = ""
    tenant: Text = Field("", validation_alias="tenantId")
    role: Text = Field("", validation_alias="userRole")
    email: Text = ""
    principal: Text = Field("", validation_alias="userPrincipalName")


def member_of(content: bytes) -> Member:
    """Read `GET .../members/{id}`. Raises pydantic's ValidationError for what is no member."""
    entry = _Entry.model_validate_json(content)
    return Member(
        id=entry.object_id.lower(),
        name=entry.name,
        tenant=entry.tenant.lower(),
        guest=entry.role.lower() in _GUESTS,
        email=entry.email or entry.principal,
    )
