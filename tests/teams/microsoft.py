"""Microsoft as the seam sees it: signing keys, tokens, activities and a Connector, all in memory."""

import asyncio
import copy
import functools
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

APP = "11111111-2222-3333-4444-555555555555"
TENANT = "aaaaaaaa-0000-0000-0000-000000000001"
STRANGERS = "bbbbbbbb-0000-0000-0000-000000000002"
SERVICE = "https://smba.trafficmanager.net/emea/"
BOT = f"28:{APP}"
PERSON = "29:1person"
OBJECT_ID = "cccccccc-0000-0000-0000-000000000003"
CHANNEL = "19:channel@thread.tacv2"


@functools.cache
def private_key(name: str = "first") -> RSAPrivateKey:
    """A key of that name, made once a run."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; a change to None takes a claim away."""
    now = int(time.time())
    good = {
        "iss": "https://api.botframework.com",
        "aud": APP,
        "nbf": now - 10,
        "exp": now + 3600,
        "serviceurl": SERVICE,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def token(*, key: str = "first", kid: str = "first", **changes: Any) -> str:
    """A token signed with RS256."""
    return jwt.encode(claims(**changes), private_key(key), algorithm="RS256", headers={"kid": kid})


def bearer(**changes: Any) -> dict[str, str]:
    """The Authorization header of a good token, or of one with changes."""
    return {"Authorization": f"Bearer {token(**changes)}"}


def activity(**changes: Any) -> dict[str, Any]:
    """A channel message as Teams sends it, with changes: `__` reaches inside, `sender` is `from`, None takes away."""
    body: dict[str, Any] = {
        "type": "message",
        "id": "1700000000001",
        "timestamp": "2026-11-23T10:00:00.000Z",
        "localTimestamp": "2026-11-23T11:00:00.000+01:00",
        "localTimezone": "Europe/Berlin",
        "serviceUrl": SERVICE,
        "channelId": "msteams",
        "from": {"id": PERSON, "name": "Megan Bowen", "aadObjectId": OBJECT_ID},
        "conversation": {
            "isGroup": True,
            "conversationType": "channel",
            "tenantId": TENANT,
            "id": f"{CHANNEL};messageid=1700000000000",
        },
        "recipient": {"id": BOT, "name": "Watchkeeper"},
        "entities": [
            {"mentioned": {"id": BOT, "name": "Watchkeeper"}, "text": "<at>Watchkeeper</at>", "type": "mention"},
            {"locale": "en-GB", "country": "GB", "platform": "Web", "timezone": "Europe/London", "type": "clientInfo"},
        ],
        "channelData": {
            "teamsChannelId": CHANNEL,
            "teamsTeamId": "19:general@thread.tacv2",
            "channel": {"id": CHANNEL},
            "team": {"id": "19:general@thread.tacv2"},
            "tenant": {"id": TENANT},
        },
        "text": "<at>Watchkeeper</at> /score\n",
        "textFormat": "plain",
        "locale": "en-GB",
    }
    for path, value in changes.items():
        *parents, name = ("from" if part == "sender" else part for part in path.split("__"))
        place = body
        for parent in parents:
            place = place[parent]
        if value is None:
            place.pop(name, None)
        else:
            place[name] = value
    return body


def click(data: Any = None, **changes: Any) -> dict[str, Any]:
    """A pressed Action.Execute button."""
    good = {"v": 1, "verb": "isolate.approve", "id": "r-1", "rev": 3}
    action = {"type": "Action.Execute", "verb": "isolate.approve", "data": good if data is None else data}
    invoke = {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "text": None,
        "replyToId": "1700000000000",
        "value": {"action": action, "trigger": "manual"},
    }
    return activity(**(invoke | changes))


class Microsoft:
    """Answers an httpx client as login.botframework.com and the Connector would.

    `answers` are taken one by one for Connector calls, each a response, an exception or a callable; then 201 with a new
    message id. `metadata` takes the place of the OpenID documents; `gate` holds them back until it is set, `asked` is
    set when one is asked for, `documents` counts the rounds.
    """

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.documents = 0
        self.answers: list[httpx.Response | Exception | Callable[[httpx.Request], Any]] = []
        self.metadata: httpx.Response | Exception | None = None
        self.keys: dict[str, list[str]] = {"first": ["msteams"], "unendorsed": ["slack"]}
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    def client(self, **more: Any) -> httpx.AsyncClient:
        """A client whose every request ends here."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer), **more)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What the Connector was sent."""
        return [json.loads(request.content) for request in self.requests]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "login.botframework.com":
            return await self._document(request.url.path)
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = await answer(request)
        return answer or httpx.Response(201, json={"id": f"m-{len(self.requests)}"})

    async def _document(self, path: str) -> httpx.Response:
        self.documents += path.endswith("configuration")
        self.asked.set()
        await self.gate.wait()
        if isinstance(self.metadata, Exception):
            raise self.metadata
        if self.metadata is not None:
            return copy.copy(self.metadata)
        if path.endswith("/openidconfiguration"):
            return httpx.Response(200, json={"jwks_uri": "https://login.botframework.com/v1/.well-known/keys"})
        return httpx.Response(200, json={"keys": [jwk(kid, names) for kid, names in self.keys.items()]})


def jwk(kid: str, endorsements: list[str]) -> dict[str, Any]:
    """The public half of the key of that name as the key document lists it."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private_key(kid).public_key(), as_dict=True)
    return public | {"kid": kid, "use": "sig", "endorsements": endorsements}
