"""The token endpoint of Entra: `POST /{tenant}/oauth2/v2.0/token` with client credentials (graph-api 2.3).

MSAL insists on https, so the discovery document names https addresses; a client at loopback replaces the scheme.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import jwt
from aiohttp import web

from bot.simulator.core import App, Core
from bot.simulator.pipeline import Exchange, RefusedError, Service, fail
from bot.simulator.tokens import CONNECTOR, DEFENDER, GRAPH, Caller
from bot.simulator.world import Customer

BOT_TENANT = "botframework.com"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCES: Mapping[str, str] = {
    f"{GRAPH}/.default": GRAPH,
    f"{DEFENDER}/.default": DEFENDER,
    "https://securitycenter.onmicrosoft.com/windowsatpservice/.default": DEFENDER,
    f"{CONNECTOR}/.default": CONNECTOR,
}
_OAUTH: Mapping[int, str] = {
    90002: "invalid_request",
    70011: "invalid_scope",
    700016: "unauthorized_client",
    900144: "invalid_request",
    70003: "unsupported_grant_type",
}


def _error(exchange: Exchange, _status: int, code: str, message: str) -> dict[str, Any]:
    number = int(code) if code.isdigit() else 0
    now = datetime.now(UTC)
    return {
        "error": _OAUTH.get(number, "invalid_client") if number else code,
        "error_description": f"AADSTS{number}: {message}" if number else message,
        "error_codes": [number] if number else [],
        "timestamp": f"{now:%Y-%m-%d %H:%M:%SZ}",
        "trace_id": exchange.id,
        "correlation_id": exchange.request.headers.get("client-request-id", exchange.id),
    }


LOGIN = Service(
    name="login",
    audience="",
    error=_error,
    says={
        "expired": (401, "7000215", "Invalid client secret provided."),
        "forbidden": (400, "700016", "Application was not found in the directory."),
        "plan": (400, "700016", "Application was not found in the directory."),
        "throttled": (429, "temporarily_unavailable", "Too many requests."),
        "error": (500, "temporarily_unavailable", "The service is temporarily unavailable."),
        "missing": (404, "invalid_request", "Not found."),
    },
)


def mount_login(app: web.Application, core: Core) -> None:
    """Serve the token endpoint and the discovery document that MSAL reads first."""

    async def token(request: web.Request) -> web.StreamResponse:
        exchange = Exchange(request, str(uuid4()))
        fault = core.faults.take("login.token", request.match_info["tenant"])
        if fault and not fault.acted and fault.kind != "slow":
            return await fail(core, LOGIN, exchange, fault)
        try:
            response = web.json_response(await _token(core, request))
        except RefusedError as refused:
            body = _error(exchange, refused.status, refused.code, refused.message)
            response = web.json_response(body, status=refused.status)
        core.calls.append(("login.token", request.match_info["tenant"], response.status))
        return await fail(core, LOGIN, exchange, fault, response) if fault else response

    async def discovery(request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        if tenant != BOT_TENANT and _customer(core, tenant) is None:
            body = _error(Exchange(request, str(uuid4())), 400, "90002", f"Tenant '{tenant}' not found.")
            return web.json_response(body, status=400)
        return web.json_response(_discovery(request.host, tenant))

    app.router.add_post("/{tenant}/oauth2/v2.0/token", token)
    app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", discovery)


def _discovery(host: str, tenant: str) -> dict[str, Any]:
    base = f"https://{host}/{tenant}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "response_types_supported": ["code", "id_token", "token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def _customer(core: Core, tenant: str) -> Customer | None:
    customers = core.world.customers
    named = next((one for one in customers.values() if one.domain.casefold() == tenant.casefold()), None)
    return customers.get(tenant) or named


async def _token(core: Core, request: web.Request) -> dict[str, Any]:
    form = {name: str(value) for name, value in (await request.post()).items()}
    tenant = request.match_info["tenant"]
    customer = _customer(core, tenant)
    if customer is None and tenant != BOT_TENANT:
        raise RefusedError(
            400, "90002", f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
        )
    for name in ("grant_type", "client_id", "scope"):
        if not form.get(name):
            raise RefusedError(400, "900144", f"The request body must contain the following parameter: '{name}'.")
    if form["grant_type"] != "client_credentials":
        raise RefusedError(400, "70003", f"The app requested an unsupported grant type '{form['grant_type']}'.")
    audience = AUDIENCES.get(form["scope"])
    if audience is None:
        raise RefusedError(400, "70011", f"The provided value for scope {form['scope']} is not valid.")
    app = core.apps.get(form["client_id"])
    if app is None or (customer and app.id not in customer.apps and audience != CONNECTOR):
        raise RefusedError(
            400,
            "700016",
            f"Application with identifier '{form['client_id']}' was not found in the directory '{tenant}'.",
        )
    _prove(app, form)
    return _issue(core, app, customer, audience)


def _prove(app: App, form: Mapping[str, str]) -> None:
    if form.get("client_assertion_type") == ASSERTION and "client_assertion" in form:
        if not _assertion_holds(app, form["client_assertion"]):
            raise RefusedError(401, "700027", "Client assertion failed signature validation.")
    elif "client_secret" not in form:
        raise RefusedError(
            401,
            "7000218",
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    elif form["client_secret"] not in app.secrets:
        raise RefusedError(401, "7000215", f"Invalid client secret provided for app '{app.id}'.")


def _assertion_holds(app: App, assertion: str) -> bool:
    """Whether one of the app's certificates signed it for itself. The times in it are the client's own clock's."""
    for key in app.public_keys:
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = jwt.decode(assertion, key, algorithms=["RS256", "PS256"], options=options)
        except jwt.InvalidTokenError:
            continue
        own = claims.get("iss") == claims.get("sub") == app.id
        return own and str(claims.get("aud", "")).endswith("/oauth2/v2.0/token") and "exp" in claims
    return False


def _issue(core: Core, app: App, customer: Customer | None, audience: str) -> dict[str, Any]:
    roles = frozenset(customer.roles.get(audience, ())) if customer else frozenset[str]()
    tenant = customer.id if customer else BOT_TENANT
    token = core.tokens.issue(Caller(app=app.id, tenant=tenant, audience=audience, roles=roles))
    life = core.tokens.life
    return {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token}
