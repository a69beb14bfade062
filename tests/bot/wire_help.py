"""A service made of a plain function, and the bot's clients in front of it."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx

from bot.defender.http import HttpDefender
from bot.graph.http import HttpGraph, headers
from bot.http import Api, Budget, Operation, new_client, unlimited

Handler = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Awaitable[httpx.Response]]
TOKEN = "very-secret-token"
READ = Operation(service="defender", name="look", method="GET", path="/api/{id}", permissions=("A", "B"), page="api:x")
CHANGE = Operation(
    service="defender", name="act", method="POST", path="/api/{id}", permissions=("P",), page="api:y", reads=False
)


class FixedToken(httpx.Auth):
    """Puts the same token on each request."""

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Set the header."""
        request.headers["Authorization"] = f"Bearer {TOKEN}"
        yield request


def api(handler: Handler, *, budget: Budget = unlimited, auth: httpx.Auth | None = None, base: str = "") -> Api:
    client = new_client(httpx.MockTransport(handler))
    return Api(
        client, base_url=base or "https://service.test", auth=auth or FixedToken(), customer="contoso", budget=budget
    )


def defender(handler: Handler) -> HttpDefender:
    return HttpDefender(api(handler))


def graph(handler: Handler) -> HttpGraph:
    client = new_client(httpx.MockTransport(handler))
    made = Api(client, base_url="https://graph.test/v1.0", auth=FixedToken(), customer="contoso", headers=headers)
    return HttpGraph(made)


def error_body(code: str, message: str = "It went wrong.") -> dict[str, dict[str, str]]:
    return {"error": {"code": code, "message": message, "target": "43f4cb08-8fac-4b65-9db1-745c2ae65f3a"}}


class Script:
    """A service that answers (or fails) as it is told, in order; the last one for ever."""

    def __init__(self, *steps: httpx.Response | Exception) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Give the next answer."""
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)


def ok(body: object = None) -> httpx.Response:
    return httpx.Response(200, json={"id": "a"} if body is None else body)
