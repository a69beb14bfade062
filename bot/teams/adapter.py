"""The SDK's adapter, with everything that it would do over the network taken over by our connector.

Reference: teams-platform 2.5 (remedy 4) and 2.6. `process_activity` runs a turn; `process`, with its broken invoke
answers, is never called.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import Activity, ChannelAccount, ConversationAccount, ConversationReference, ResourceResponse
from botframework.connector.auth import (
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
)

from bot.teams.connector import Connector
from bot.teams.inbound import Account, Inbound

AUDIENCE = "https://api.botframework.com"
_OWN_CARE = frozenset({"invokeResponse", "trace", "delay"})  # kinds that are not sent

Logic = Callable[[TurnContext], Awaitable[None]]


class TeamsAdapter(CloudAdapter):  # type: ignore[misc]  # the SDK ships no types
    """Runs turns through the SDK's pipeline and sends what they say through the shared connector."""

    def __init__(self, connector: Connector) -> None:
        super().__init__(_OurAuthentication())
        self._connector = connector

    async def run(self, activity: Activity, claims: Mapping[str, Any], logic: Logic) -> InvokeResponse | None:
        """Run one admitted activity. Returns the invoke's answer (status 501 where nothing answered), else None."""
        result = AuthenticateRequestResult()
        result.audience = AUDIENCE
        result.claims_identity = ClaimsIdentity(dict(claims), is_authenticated=True)
        result.connector_factory = _OurConnectorFactory()
        return await self.process_activity(result, activity, logic)

    async def send_activities(self, context: TurnContext, activities: list[Activity]) -> list[ResourceResponse]:
        """Send in order; an invoke's answer is kept for the HTTP answer. Raises the connector's errors."""
        return [ResourceResponse(id=await self._send(context, activity)) for activity in activities]

    async def update_activity(self, context: TurnContext, activity: Activity) -> ResourceResponse:
        """Replace a message of the bot's."""
        where = activity.conversation.id
        await self._connector.replace(_service_url(context, activity), where, activity.id, raw(activity))
        return ResourceResponse(id=activity.id)

    async def delete_activity(self, context: TurnContext, reference: ConversationReference) -> None:
        """Delete a message of the bot's."""
        url = _service_url(context, reference)
        await self._connector.remove(url, reference.conversation.id, reference.activity_id)

    async def _send(self, context: TurnContext, activity: Activity) -> str:
        activity.id = None
        if activity.type not in _OWN_CARE:
            url = _service_url(context, activity)
            return await self._connector.send(url, activity.conversation.id, raw(activity))
        if activity.type == "invokeResponse":
            context.turn_state[self._INVOKE_RESPONSE_KEY] = activity
        elif activity.type == "delay":
            await asyncio.sleep((activity.value or 1000) / 1000)
        return ""


def activity_of(inbound: Inbound) -> Activity:
    """The SDK's activity, with the parts that the SDK needs to run a turn and to answer it.

    Its own parser takes 0.2 ms for fields that nobody reads, and raises many kinds of errors for them.
    """
    place = inbound.conversation
    return Activity(
        type=inbound.type,
        id=inbound.id,
        channel_id=inbound.channel_id,
        service_url=inbound.service_url,
        from_property=_account(inbound.sender),
        recipient=_account(inbound.recipient),
        conversation=ConversationAccount(id=place.id, conversation_type=place.conversation_type, name=place.name),
        name=inbound.name,
        text=inbound.text,
        locale=inbound.locale,
        value=inbound.value,
        reply_to_id=inbound.reply_to_id,
    )


def _account(account: Account) -> ChannelAccount:
    return ChannelAccount(id=account.id, name=account.name, aad_object_id=account.aad_object_id)


def raw(activity: Activity) -> dict[str, Any]:
    """The activity as JSON, its attachments untouched: the SDK's serialiser would spoil cards and is slow with them."""
    bare = copy.copy(activity)
    bare.attachments = None
    body: dict[str, Any] = bare.serialize()
    if activity.attachments:
        body["attachments"] = [_attachment(attachment) for attachment in activity.attachments]
    return body


def _attachment(attachment: Any) -> dict[str, Any]:
    fields = {
        "contentType": attachment.content_type,
        "contentUrl": attachment.content_url,
        "content": attachment.content,
        "name": attachment.name,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _service_url(context: TurnContext, target: Activity | ConversationReference) -> str:
    return str(target.service_url or context.activity.service_url)


class _OurConnectorFactory(ConnectorFactory):  # type: ignore[misc]  # the SDK ships no types
    """Stands in for the SDK's client: the adapter above never uses it, but the SDK wants a true value."""

    async def create(self, *_: Any) -> object:
        return self


class _OurAuthentication(BotFrameworkAuthentication):  # type: ignore[misc]  # the SDK ships no types
    """Refuses every way into the SDK's own authentication; tokens are judged before the SDK is reached."""

    async def authenticate_request(self, *_: Any) -> AuthenticateRequestResult:
        raise PermissionError("requests are authenticated by bot.teams.inbound_token")

    async def authenticate_streaming_request(self, *_: Any) -> AuthenticateRequestResult:
        raise PermissionError("streaming is not served")

    def create_connector_factory(self, *_: Any) -> ConnectorFactory:
        return _OurConnectorFactory()

    async def create_user_token_client(self, *_: Any) -> None:
        return None
