"""Microsoft as the bots under load see it: signing keys, a token endpoint 40 ms away, Connector, Graph, Defender.

Cheap on purpose: canned answers with the fields of the reference pages. Every outgoing token is checked against what
the token endpoint handed out; what does not fit is an error that fails the run.
"""

import asyncio
import itertools
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from bot.clock import SystemClock
from bot.demo import GROUPS
from bot.simulator.tokens import Signer
from tests.bench.raw_http import Asked, Door, Reply

LOGIN_SECONDS = 0.04
CARD = b"application/vnd.microsoft.card.adaptive"
WORKING = b"Working on it"
_INCIDENT = re.compile(rb"Bench incident (\d+)")
_SINCE = re.compile(r"lastUpdateDateTime ge ([0-9T:.+-]+Z?)")
_SCORES = {
    "secureScores": {
        "value": [
            {
                "id": "0_2026-11-22",
                "createdDateTime": "2026-11-22T00:00:00Z",
                "currentScore": 412.5,
                "maxScore": 600.0,
                "enabledServices": ["HasExchange", "HasSharePoint"],
                "averageComparativeScores": [{"basis": "AllTenants", "averageScore": 390.0}],
            }
        ]
    },
    "exposureScore": {"time": "2026-11-22T08:00:00Z", "score": 33.5, "rbacGroupId": None},
    "configurationScore": {"time": "2026-11-22T08:00:00Z", "score": 521.5},
}


def object_id(person: str) -> str:
    """The Entra object id of a person `29:<number>`."""
    return f"00000000-0000-4000-8000-{int(person.rpartition(':')[2]):012d}"


class Cloud:
    """All fakes at one port. `replies` maps a conversation to who waits for its next card; `marker` must be in it.

    `counted` counts calls by kind, `errors` holds what must not happen, `tenant` is who the people belong to. `seen`
    holds when the first card of an incident (by id) came.
    """

    def __init__(self, tenant: str, login_seconds: float = LOGIN_SECONDS) -> None:
        self.signer = Signer(SystemClock())
        self.tenant = tenant
        self.url = ""
        self.marker = b""
        self.replies: dict[str, asyncio.Future[float]] = {}
        self.counted: Counter[str] = Counter()
        self.errors: list[str] = []
        self.incidents: dict[str, list[dict[str, Any]]] = {}
        self.seen: dict[str, float] = {}
        self.actions: dict[str, dict[str, Any]] = {}
        self._login_seconds = login_seconds
        self._tokens: dict[str, str] = {}
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Cloud"]:
        """Serve on a free port of this machine; `url` names it then."""
        server = await asyncio.get_running_loop().create_server(lambda: Door(self.answer), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    def issue(self, tenant: str, scope: str) -> str:
        """An outgoing token for that tenant and API."""
        token = f"bench-{next(self._numbers)}"
        self._tokens[token] = f"{tenant} {scope}"
        return token

    def answer(self, asked: Asked, reply: Reply) -> None:
        """Answer one request."""
        path = asked.path
        if path.startswith("/v3/"):
            self._connector(asked, reply)
        elif path.startswith(("/v1.0/", "/api/")):
            self._api(asked, reply)
        elif path.endswith("/oauth2/v2.0/token"):
            asyncio.get_running_loop().call_later(self._login_seconds, self._login, asked, reply)
        else:
            self._documents(path, reply)

    def _documents(self, path: str, reply: Reply) -> None:
        secure = self.url.replace("http://", "https://")  # MSAL insists on https, the bot goes back to http on loopback
        if path == "/v1/.well-known/openidconfiguration":
            issuer = "https://api.botframework.com"
            algorithms = ["RS256"]
            keys = f"{self.url}/v1/.well-known/keys"
            body = {"issuer": issuer, "jwks_uri": keys, "id_token_signing_alg_values_supported": algorithms}
            _json(reply, 200, body)
        elif path == "/v1/.well-known/keys":
            _json(reply, 200, {"keys": self.signer.published()})
        elif path.endswith("/v2.0/.well-known/openid-configuration"):
            base = f"{secure}/{path.split('/')[1]}"
            endpoints = {"token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": f"{base}/authorize"}
            _json(reply, 200, endpoints | {"issuer": f"{base}/v2.0"})
        else:
            self._odd(path, reply)

    def _login(self, asked: Asked, reply: Reply) -> None:
        form = parse_qs(asked.body.decode())
        self.counted["login"] += 1
        token = self.issue(asked.path.split("/")[1], form["scope"][0])
        _json(reply, 200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _holder(self, asked: Asked, scope: str) -> str:
        """The tenant of the token, or an empty text for a token that this API must not take."""
        tenant, _, issued = self._tokens.get(asked.bearer, "").partition(" ")
        return tenant if issued.startswith(scope) else ""

    def _connector(self, asked: Asked, reply: Reply) -> None:
        parts = asked.path.split("/")
        if not self._holder(asked, "https://api.botframework.com"):
            self._refuse(asked, reply)
        elif asked.method == "GET" and parts[4] == "members":
            self.counted["member"] += 1
            person = unquote(parts[5])
            member = {"id": person, "name": "Bench", "aadObjectId": object_id(person), "tenantId": self.tenant}
            _json(reply, 200, member | {"userRole": "user"})
        elif asked.method in ("POST", "PUT"):
            self._message(unquote(parts[3]).partition(";")[0], asked)
            _json(reply, 201 if asked.method == "POST" else 200, {"id": f"m{next(self._numbers)}"})
        else:
            self._odd(asked.path, reply)

    def _message(self, conversation: str, asked: Asked) -> None:
        """A message of the bot: who waits for it is told the moment."""
        now = time.perf_counter()
        self.counted[asked.method] += 1
        if CARD not in asked.body:
            self.errors.append(f"no card: {asked.body[:300]!r}")
        if conversation in self.replies and WORKING in asked.body:
            self.counted["working"] += 1  # the answer comes in its place
            return
        waiting = self.replies.pop(conversation, None)
        if waiting is None:
            if named := _INCIDENT.search(asked.body):
                self.seen.setdefault(named[1].decode(), now)
            return
        if self.marker not in asked.body:
            self.errors.append(f"another card: {asked.body[:600]!r}")
        waiting.set_result(now)

    def _api(self, asked: Asked, reply: Reply) -> None:
        graph = asked.path.startswith("/v1.0/")
        tenant = self._holder(asked, "https://graph" if graph else "https://api.securitycenter")
        self.counted["graph" if graph else "defender"] += 1
        path, _, query = asked.path.partition("?")
        if not tenant:
            self._refuse(asked, reply)
        elif asked.method == "POST":
            self._change(path, asked, reply)
        elif path.startswith("/v1.0/security/incidents"):
            _json(reply, 200, self._incidents(tenant, path.split("/")[4:], query))
        elif path.startswith("/api/machineactions/"):
            _json(reply, 200, self.actions[path.rpartition("/")[2]])
        elif path == "/api/machineactions":
            found = [action for action in self.actions.values() if action["machineId"] in unquote(query)]
            _json(reply, 200, {"value": found})
        else:
            _json(reply, 200, _SCORES.get(path.rpartition("/")[2], {"value": []}))

    def _change(self, path: str, asked: Asked, reply: Reply) -> None:
        if path.endswith("/checkMemberGroups"):
            _json(reply, 200, {"value": [GROUPS["ROLES_APPROVER"]]})
        elif path.startswith("/api/machines/") and path.endswith("/isolate"):
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            action = {
                "id": f"a{next(self._numbers)}",
                "type": "Isolate",
                "status": "Pending",
                "machineId": path.split("/")[3],
                "requestor": "Bench",
                "requestorComment": json.loads(asked.body)["Comment"],
                "creationDateTimeUtc": now,
                "lastUpdateDateTimeUtc": now,
            }
            self.actions[action["id"]] = action
            self.counted["isolate"] += 1
            _json(reply, 201, action)
        else:
            self._odd(path, reply)

    def _incidents(self, tenant: str, which: list[str], query: str) -> dict[str, Any]:
        held = self.incidents.get(tenant, [])
        if which:
            return next(incident for incident in held if incident["id"] == which[0])
        since = _SINCE.search(unquote(query.replace("+", " ")))
        begin = datetime.fromisoformat(since[1]) if since else datetime.min.replace(tzinfo=UTC)
        return {"value": [one for one in held if datetime.fromisoformat(one["lastUpdateDateTime"]) >= begin][:50]}

    def _refuse(self, asked: Asked, reply: Reply) -> None:
        self.errors.append(f"token refused: {asked.method} {asked.path}")
        reply(401, b"{}")

    def _odd(self, path: str, reply: Reply) -> None:
        self.errors.append(f"unknown call: {path}")
        reply(404, b"{}")


def _json(reply: Reply, status: int, body: Any) -> None:
    reply(status, json.dumps(body).encode())
