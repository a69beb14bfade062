"""The stock SDK as its echo sample writes it: `CloudAdapter`, `process`, `send_activity`. It answers with a card.

Its outgoing token is given to it for nothing (a constant from the app's own credentials class), which flatters it: with
the sample's own credentials it asks the token endpoint twice in each turn (baselines, section 2).
Its argument is a JSON object: `port`, `app_id`, `token`, `openid` (the address of the OpenID metadata).
"""

import json
import sys
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from botbuilder.core import ActivityHandler, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter, ConfigurationBotFrameworkAuthentication
from botbuilder.schema import Activity, Attachment
from botframework.connector.auth import AppCredentials, PasswordServiceClientCredentialFactory

from tests.bench.card import CARD_ACTIVITY


class GivenToken(AppCredentials):  # type: ignore[misc]  # the SDK ships no types
    """Credentials that have their token already."""

    def __init__(self, app_id: str, token: str) -> None:
        super().__init__(app_id=app_id)
        self._token = token

    def get_access_token(self, *_: Any, **_more: Any) -> str:
        return self._token


class GivenTokens(PasswordServiceClientCredentialFactory):  # type: ignore[misc]  # the SDK ships no types
    """Hands out those credentials, whatever for."""

    def __init__(self, app_id: str, token: str) -> None:
        super().__init__(app_id, "unused")
        self._credentials = GivenToken(app_id, token)

    async def create_credentials(self, *_: Any, **_more: Any) -> AppCredentials:
        return self._credentials


class Echo(ActivityHandler):  # type: ignore[misc]  # the SDK ships no types
    """The sample's bot, with a card where the sample has a text."""

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        card = CARD_ACTIVITY["attachments"][0]
        attachment = Attachment(content_type=card["contentType"], content=card["content"])
        await turn_context.send_activity(Activity(type="message", attachments=[attachment]))


def application(given: dict[str, Any]) -> web.Application:
    """The server, as the sample sets it up."""
    configuration = SimpleNamespace(
        APP_ID=given["app_id"],
        TO_CHANNEL_FROM_BOT_LOGIN_URL="https://login.microsoftonline.com/botframework.com",
        TO_CHANNEL_FROM_BOT_OAUTH_SCOPE="https://api.botframework.com/.default",
        TO_BOT_FROM_CHANNEL_TOKEN_ISSUER="https://api.botframework.com",
        OAUTH_URL="https://token.botframework.com",
        TO_BOT_FROM_CHANNEL_OPENID_METADATA_URL=given["openid"],
        TO_BOT_FROM_EMULATOR_OPENID_METADATA_URL=given["openid"],
    )
    tokens = GivenTokens(given["app_id"], given["token"])
    adapter = CloudAdapter(ConfigurationBotFrameworkAuthentication(configuration, credentials_factory=tokens))
    bot = Echo()

    async def messages(request: web.Request) -> web.Response:
        answer: web.Response | None = await adapter.process(request, bot)
        return answer or web.Response(status=201)

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    return app


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    web.run_app(application(settings), host="127.0.0.1", port=settings["port"], access_log=None, print=None)
