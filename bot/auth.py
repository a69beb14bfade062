"""Microsoft tokens: how the app proves itself, who holds its tokens, how they get onto a request."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import msal

from bot.addresses import is_loopback
from bot.clock import Clock, SystemClock
from bot.errors import ServiceError, Throttled, Unauthorised, Unavailable
from bot.http_errors import plain, retry_after

PUBLIC_LOGIN = "https://login.microsoftonline.com"
DEFENDER_SCOPE = "https://api.securitycenter.microsoft.com/.default"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"
CONNECTOR_SCOPE = "https://api.botframework.com/.default"
"""For Teams: asked for in the app's own tenant, whoever the customer is."""
_FEDERATION_AUDIENCE = "api://AzureADTokenExchange"
_RENEW_BEFORE = timedelta(minutes=5)
_TIMES = httpx.Timeout(10.0, connect=5.0)
_TENANT = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*")
_NO_TENANT = frozenset({"common", "organizations", "consumers"})
_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


@dataclass(frozen=True)
class Secret:
    """A client secret."""

    value: str = field(repr=False)

    def for_msal(self) -> Any:
        """What MSAL takes as `client_credential`."""
        return self.value


@dataclass(frozen=True)
class Certificate:
    """A private key as PEM. With its certificate in the same text no thumbprint (SHA-1, hexadecimal) is needed."""

    pem: str = field(repr=False)
    thumbprint: str = ""

    def for_msal(self) -> Any:
        """What MSAL takes as `client_credential`; raises `ValueError` where a part is missing."""
        blocks = [(found[1], found[0]) for found in _PEM_BLOCK.finditer(self.pem)]
        key = "".join(block for kind, block in blocks if kind.endswith("PRIVATE KEY"))
        certificates = "\n".join(block for kind, block in blocks if kind == "CERTIFICATE")
        if not key or not (certificates or self.thumbprint):
            raise ValueError("The PEM needs a private key, and a certificate or a thumbprint beside it.")
        proof = {"public_certificate": certificates} if certificates else {"thumbprint": self.thumbprint}
        return {"private_key": key} | proof


@dataclass(frozen=True)
class Federated:
    """No secret: somebody else signs for the app (managed identity, Kubernetes). Called in a thread, for each token."""

    assertion: Callable[[], str] = field(repr=False)

    def for_msal(self) -> Any:
        """What MSAL takes as `client_credential`."""
        return {"client_assertion": self.assertion}


Credential = Secret | Certificate | Federated


def managed_identity(client_id: str = "", *, transport: httpx.BaseTransport | None = None) -> Federated:
    """The identity of the Azure machine we run on (system-assigned, or the user-assigned one of that client id).

    The app registration must trust it through a federated credential; that way it serves customer tenants too.
    """
    kind = msal.UserAssignedManagedIdentity(client_id=client_id) if client_id else msal.SystemAssignedManagedIdentity()
    client = msal.ManagedIdentityClient(kind, http_client=_MsalHttp("", transport=transport))

    def assertion() -> str:
        answer: Mapping[str, Any] = client.acquire_token_for_client(resource=_FEDERATION_AUDIENCE)
        if "access_token" not in answer:
            raise Unauthorised("login", "managed-identity", code=plain(answer.get("error")))
        return str(answer["access_token"])

    return Federated(assertion)


class _MsalHttp:
    """The HTTP client that MSAL works with: time-outs, and every refusal as an error of ours.

    MSAL insists on https addresses. Where the login URL is plain http on this machine (the simulator), and only then,
    requests to that very host go out as http.
    """

    def __init__(self, login_url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        plain_http = login_url.startswith("http://")
        if plain_http and not is_loopback(login_url):
            raise ValueError("The login URL must be https; http is for this machine alone.")
        self._swap = (login_url.replace("http://", "https://", 1), login_url) if plain_http else None
        # What stays on this machine stays off the proxy that the environment may name.
        self._client = httpx.Client(timeout=_TIMES, transport=transport, trust_env=not plain_http)

    def get(self, url: str, **request: Any) -> httpx.Response:
        return self._send("GET", url, **request)

    def post(self, url: str, **request: Any) -> httpx.Response:
        return self._send("POST", url, **request)

    def close(self) -> None:
        self._client.close()

    def _send(
        self, method: str, url: str, *, params: Any = None, data: Any = None, headers: Any = None, **_: Any
    ) -> httpx.Response:
        if self._swap and url.startswith(f"{self._swap[0]}/"):
            url = self._swap[1] + url.removeprefix(self._swap[0])
        form = (
            urlencode(data).encode() if data else None
        )  # MSAL's assertions are bytes, which httpx would write as "b'...'"
        sent = {**(headers or {})} | ({"Content-Type": "application/x-www-form-urlencoded"} if form else {})
        broken = ""
        try:
            response = self._client.request(method, url, params=params, content=form, headers=sent)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            broken = type(error).__name__
        if broken:  # raised out here: the caught error holds the request, and with it the secret
            raise _no_token(broken)
        if not response.is_success:
            raise _refusal(response)
        if not _json_object(response):
            raise _no_token("unreadable", response.status_code)
        return response


def _no_token(code: str, status: int | None = None) -> Unavailable:
    """The login service is out of order; whatever the token was for has not been sent."""
    return Unavailable("login", "token", sent=False, code=code, status=status)


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(response: httpx.Response) -> ServiceError:
    """What the login service's error means (graph-api.md section 2.3). Its text is cut before the trace ids."""
    body = _json_object(response)
    numbers = body.get("error_codes")
    code = f"AADSTS{numbers[0]}" if isinstance(numbers, list) and numbers else plain(body.get("error"))
    text = str(body.get("error_description") or "").split("Trace ID", 1)[0]
    more: dict[str, Any] = {
        "status": response.status_code,
        "code": code,
        "message": plain(text),
        "request_id": plain(body.get("trace_id")),
    }
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled("login", "token", retry_after=retry_after(response), **more)
    refused = HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    if not refused or not body or body.get("error") in {"temporarily_unavailable", "server_error"}:
        return Unavailable("login", "token", sent=False, **more)
    return Unauthorised("login", "token", **more)


@dataclass(frozen=True)
class _Token:
    value: str = field(repr=False)
    renew_at: datetime


class TokenSource:
    """The app's tokens, one per tenant and scope: fetched once however many ask, kept until 5 minutes before the end.

    Raises `Unauthorised` (wrong credentials, no consent in that tenant; `code` is the AADSTS code), `Throttled` and
    `Unavailable(sent=False)`, all with service `login`. Belongs to one event loop.
    """

    def __init__(
        self,
        *,
        client_id: str,
        credential: Credential,
        login_url: str = PUBLIC_LOGIN,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client_id = client_id
        self._credential = credential
        self._login_url = login_url.rstrip("/")
        self._clock = clock or SystemClock()
        self._http = _MsalHttp(self._login_url, transport=transport)
        self._held: dict[tuple[str, str], _Token] = {}
        self._flights: dict[tuple[str, str], asyncio.Task[_Token]] = {}
        self._apps: dict[str, msal.ConfidentialClientApplication] = {}
        self._building = threading.Lock()
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="login")

    async def token(self, tenant: str, scope: str) -> str:
        """A token that is good for at least some minutes (less only where the service hands out shorter ones)."""
        key = (tenant, scope)
        held = self._held.get(key)
        if held and self._clock.now() < held.renew_at:
            return held.value
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._acquire(key))
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return (await asyncio.shield(flight)).value

    async def roles(self, tenant: str, scope: str) -> frozenset[str] | None:
        """The application permissions that a fresh token carries, for those were granted since; None: unreadable."""
        self.drop(tenant, scope)
        return roles_of(await self.token(tenant, scope))

    def drop(self, tenant: str, scope: str, refused: str = "") -> None:
        """Forget the token because a service refused it; a newer one than the `refused` is kept."""
        held = self._held.get((tenant, scope))
        if held and refused in {"", held.value}:
            del self._held[tenant, scope]

    async def close(self) -> None:
        """Wait for what is under way and let go of threads and connections."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    async def _acquire(self, key: tuple[str, str]) -> _Token:
        asked = self._clock.now()
        outcome = await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, *key)
        if isinstance(outcome, ServiceError):
            raise outcome
        value, seconds = outcome
        lifetime = timedelta(seconds=seconds)
        token = _Token(value, asked + max(lifetime - _RENEW_BEFORE, lifetime / 2))
        self._held[key] = token
        return token

    def _ask(self, tenant: str, scope: str) -> tuple[str, float] | ServiceError:
        """Ask the login service, in a thread. Errors are returned: a traceback from here would show the credential."""
        try:
            app = self._app(tenant)
            app.remove_tokens_for_client()  # the cache is ours, so that it follows our clock and `drop`
            answer: Mapping[str, Any] = app.acquire_token_for_client([scope])
            return str(answer["access_token"]), float(answer.get("expires_in") or 0)
        except ServiceError as failed:
            return failed.with_traceback(None)
        except KeyError:  # an answer without the parts that make it one
            return _no_token("unreadable")
        except Exception as odd:  # noqa: BLE001 - of a foreign error only the class is told; its text may hold the key
            return Unauthorised("login", "token", code=f"unusable-{type(odd).__name__}")

    def _app(self, tenant: str) -> msal.ConfidentialClientApplication:
        if tenant.lower() in _NO_TENANT or not _TENANT.fullmatch(tenant):
            raise Unauthorised("login", "token", code="bad-tenant")
        with self._building:
            known = self._apps.get(tenant)
        if known:
            return known
        app = msal.ConfidentialClientApplication(
            self._client_id,
            client_credential=self._credential.for_msal(),
            authority=f"{self._login_url.replace('http://', 'https://', 1)}/{tenant}",
            instance_discovery=False,  # the login URL is ours to choose; nobody else needs to vouch for it
            http_client=self._http,
        )
        with self._building:
            return self._apps.setdefault(tenant, app)


def roles_of(token: str) -> frozenset[str] | None:
    """The application permissions that a token carries; None where it cannot be read, for it may be opaque.

    It is not verified: it comes straight from Microsoft's sign-in, and nothing is allowed because of it.
    """
    try:
        claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    roles = claims.get("roles", [])
    return frozenset(map(str, roles)) if isinstance(roles, list) else None


class BearerAuth(httpx.Auth):
    """Puts the token of one tenant and scope on each request; after a 401 a new one is fetched, once."""

    def __init__(self, source: TokenSource, tenant: str, scope: str) -> None:
        self._source = source
        self._tenant = tenant
        self._scope = scope

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Set the header; on a 401 drop the token and send once more."""
        token = await self._source.token(self._tenant, self._scope)
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            self._source.drop(self._tenant, self._scope, token)
            token = await self._source.token(self._tenant, self._scope)
            request.headers["Authorization"] = f"Bearer {token}"
            yield request
