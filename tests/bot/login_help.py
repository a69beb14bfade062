"""Entra's token endpoint as a plain function, and token sources in front of it."""

import threading
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import pytest

from bot.auth import GRAPH_SCOPE, Credential, Secret, TokenSource
from bot.clock import ManualClock
from bot.errors import ServiceError

APP = "11111111-2222-3333-4444-555555555555"
TENANT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
OTHER = "contoso.onmicrosoft.com"
SECRET = "hidden~Secret.value-1"
START = datetime(2024, 5, 1, tzinfo=UTC)


class Login:
    """Entra's token endpoint: numbers its tokens; `step` answers in place of a token, `gate` holds answers back."""

    def __init__(self, seconds: int = 3600) -> None:
        self.seconds = seconds
        self.forms: list[dict[str, str]] = []
        self.urls: list[str] = []
        self.step: httpx.Response | Exception | None = None
        self.discovery: httpx.Response | Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer discovery and token requests."""
        self.urls.append(str(request.url))
        base = str(request.url.copy_with(raw_path=b"/", scheme="https")).rstrip("/")
        tenant = request.url.path.split("/")[1]
        if request.method == "GET":
            if isinstance(self.discovery, Exception):
                raise self.discovery
            names = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
            found = {name: f"{base}/{tenant}/oauth2/v2.0/{part}" for name, part in names.items()}
            return self.discovery or httpx.Response(200, json=found | {"issuer": f"{base}/{tenant}/v2.0"})
        self.gate.wait(10)
        self.forms.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        if isinstance(self.step, Exception):
            raise self.step
        if self.step:
            return httpx.Response(self.step.status_code, headers=self.step.headers, content=self.step.content)
        token = f"token-{len(self.forms)}"
        body = {"token_type": "Bearer", "expires_in": self.seconds, "ext_expires_in": 1, "access_token": token}
        return httpx.Response(200, json=body)


def source(
    login: Login, clock: ManualClock | None = None, credential: Credential | None = None, url: str = ""
) -> TokenSource:
    return TokenSource(
        client_id=APP,
        credential=credential or Secret(SECRET),
        clock=clock or ManualClock(START),
        transport=httpx.MockTransport(login),
        login_url=url or "https://login.microsoftonline.com",
    )


def refusal(status: int, error: str, number: int, text: str) -> httpx.Response:
    body = {"error": error, "error_description": f"AADSTS{number}: {text} Trace ID: t", "error_codes": [number]}
    return httpx.Response(status, json=body | {"trace_id": "t-1"})


async def failure(tokens: TokenSource, tenant: str = TENANT) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await tokens.token(tenant, GRAPH_SCOPE)
    return caught.value
