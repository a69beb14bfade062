"""An activity as it came in, read strictly: what the rest of the seam uses has the right type or the body is refused.

Reference: teams-platform 2.10 and 6.1. The SDK's model hides the tenant, so ours reads the JSON itself. A leaf.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]
Filled = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", alias_generator=to_camel)


class Account(_Part):
    """A person or the bot; `id` is the Teams id."""

    id: Filled
    name: Text = ""
    aad_object_id: Text = ""
    tenant_id: Text = ""
    user_role: Text = ""


class Named(_Part):
    """Something with an id, such as a team or an added member."""

    id: Text = ""
    name: Text = ""


class Place(_Part):
    """The conversation; in a channel `id` carries the thread."""

    id: Filled
    conversation_type: Text = ""
    tenant_id: Text = ""
    name: Text = ""


class ChannelData(_Part):
    """What Teams adds."""

    tenant: Named | None = None
    team: Named | None = None
    channel: Named | None = None


class Inbound(_Part):
    """The activity. Empty text stands for a missing or null field."""

    type: Filled
    id: Text = ""
    channel_id: Filled
    service_url: Filled
    sender: Account = Field(alias="from")
    recipient: Account
    conversation: Place
    channel_data: ChannelData | None = None
    name: Text = ""
    text: Text = ""
    value: dict[str, Any] | None = None
    action: Text = ""
    reply_to_id: Text = ""
    locale: Text = ""
    local_timezone: Text = ""
    entities: list[dict[str, Any]] | None = None
    attachments: list[dict[str, Any]] | None = None
    members_added: list[Named] | None = None
    members_removed: list[Named] | None = None

    @property
    def tenants(self) -> tuple[str, ...]:
        """Every tenant id that the activity names, the one to go by first, in lower case."""
        data = self.channel_data
        named = (data.tenant.id if data and data.tenant else "", self.conversation.tenant_id)
        return tuple(tenant.lower() for tenant in named if tenant)
