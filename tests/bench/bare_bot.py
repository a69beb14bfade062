"""The practical limit: aiohttp alone, the same token check, one POST in and one POST out. No state, no rules.

Its argument is a JSON object: `port`, `app_id`, `token` for the Connector, `keys` (the address of the key list).
"""

import json
import sys
from typing import Any

import aiohttp
import jwt
from aiohttp import web

from tests.bench.card import CARD_ACTIVITY

ISSUER = "https://api.botframework.com"


def application(given: dict[str, Any]) -> web.Application:
    """The server. `token` is shown to the Connector; `keys` is the address of the key list."""
    keys: dict[str, jwt.PyJWK] = {}
    session: list[aiohttp.ClientSession] = []

    async def opened(_app: web.Application) -> Any:
        async with aiohttp.ClientSession() as client:
            async with client.get(given["keys"]) as listed:
                entries = (await listed.json())["keys"]
            keys.update((entry["kid"], jwt.PyJWK.from_dict(entry, algorithm="RS256")) for entry in entries)
            session.append(client)
            yield

    async def messages(request: web.Request) -> web.Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        key = keys[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key, algorithms=["RS256"], audience=given["app_id"], issuer=ISSUER)
        activity = json.loads(await request.read())
        conversation = activity["conversation"]["id"]
        url = f"{activity['serviceUrl']}/v3/conversations/{conversation}/activities"
        headers = {"Authorization": f"Bearer {given['token']}"}
        async with session[0].post(url, json=CARD_ACTIVITY, headers=headers) as answer:
            await answer.read()
        return web.Response(status=202)

    app = web.Application()
    app.cleanup_ctx.append(opened)
    app.router.add_post("/api/messages", messages)
    return app


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    web.run_app(application(settings), host="127.0.0.1", port=settings["port"], access_log=None, print=None)
