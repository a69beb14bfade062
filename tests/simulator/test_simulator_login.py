"""The token endpoint: what is granted, and the error body for each way to fail."""

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.simulator.login import ASSERTION
from bot.simulator.tokens import DEFENDER, GRAPH

FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "scope": f"{GRAPH}/.default",
}


async def ask(api, tenant="", **changes):
    form = {name: value for name, value in {**FORM, **changes}.items() if value}
    return await api.http.post(f"/{tenant or api.tenant}/oauth2/v2.0/token", data=form)


async def test_a_token_is_issued_for_an_hour(api):
    """The answer has the four documented fields, and the token names its audience, tenant and permissions."""
    answer = (await ask(api)).json()
    assert set(answer) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["tid"]) == (GRAPH, api.tenant)
    assert "SecurityIncident.Read.All" in claims["roles"]


@pytest.mark.parametrize(
    ("tenant", "changes", "status", "code", "error"),
    [
        ("11111111-1111-1111-1111-111111111111", {}, 400, 90002, "invalid_request"),
        ("", {"client_secret": "wrong"}, 401, 7000215, "invalid_client"),
        ("", {"client_secret": ""}, 401, 7000218, "invalid_client"),
        ("", {"client_id": "somebody-else"}, 400, 700016, "unauthorized_client"),
        ("", {"scope": "https://example.test/.default"}, 400, 70011, "invalid_scope"),
        ("", {"scope": f"{GRAPH}/.default {DEFENDER}/.default"}, 400, 70011, "invalid_scope"),
        ("", {"grant_type": "password"}, 400, 70003, "unsupported_grant_type"),
        ("", {"scope": ""}, 400, 900144, "invalid_request"),
    ],
)
async def test_refusals_have_their_code(api, tenant, *, changes, status, code, error):
    """Each refusal answers with its AADSTS number in the documented body."""
    answer = await ask(api, tenant, **changes)
    body = answer.json()
    assert (answer.status_code, body["error_codes"], body["error"]) == (status, [code], error)
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(body)


async def test_a_tenant_without_consent_refuses(api, sim):
    """An app that the customer's administrator has not consented to is not found in that tenant."""
    sim.first.apps.clear()
    assert (await ask(api)).json()["error_codes"] == [700016]


async def test_a_domain_names_the_tenant_too(api, sim):
    """The tenant may be given by its domain."""
    assert (await ask(api, sim.first.domain)).status_code == 200


def pem(key):
    public = key.public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


async def test_a_certificate_proves_the_app(api, sim):
    """An assertion signed by the app's own key is accepted, by another key it is AADSTS700027."""
    mine, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    sim.apps[CLIENT_ID].public_keys.append(pem(mine))
    audience = f"{sim.url}/{api.tenant}/oauth2/v2.0/token"
    claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": audience, "exp": 2_000_000_000, "jti": "1"}
    for key, sent, expected in (
        (mine, claims, 200),
        (other, claims, 401),
        (mine, {**claims, "sub": "somebody-else"}, 401),
        (mine, {**claims, "aud": "https://example.test"}, 401),
    ):
        proof = jwt.encode(sent, key, algorithm="RS256")
        answer = await ask(api, client_secret="", client_assertion_type=ASSERTION, client_assertion=proof)
        assert answer.status_code == expected


async def test_msal_finds_the_token_endpoint(api, sim):
    """The discovery document that MSAL reads first names https addresses, which MSAL insists on."""
    document = (await api.http.get(f"/{api.tenant}/v2.0/.well-known/openid-configuration")).json()
    assert document["token_endpoint"] == f"https{sim.url[4:]}/{api.tenant}/oauth2/v2.0/token"
    assert {"issuer", "authorization_endpoint"} <= set(document)
    unknown = await api.http.get("/nowhere/v2.0/.well-known/openid-configuration")
    assert unknown.json()["error_codes"] == [90002]


async def test_a_token_ends_after_its_hour(api, clock):
    """A token is good until its hour is over and then answered with 401."""
    assert (await api.get("/api/exposureScore")).status_code == 200
    clock.move(3600)
    answer = await api.get("/api/exposureScore")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "Unauthorized")


async def test_a_token_is_for_one_audience(api):
    """A Graph token does not open Defender, nor the other way round."""
    graph = {"Authorization": f"Bearer {await api.token(GRAPH)}"}
    defender = {"Authorization": f"Bearer {await api.token(DEFENDER)}"}
    assert (await api.http.get("/api/machines", headers=graph)).status_code == 401
    refused = await api.http.get("/v1.0/security/incidents", headers=defender)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert (await api.http.get("/api/machines")).status_code == 401


async def test_permissions_are_those_of_the_moment_of_issue(api, sim):
    """A permission taken away leaves the tokens that are out, and is missing from the next."""
    assert (await api.get("/api/exposureScore")).status_code == 200
    sim.first.roles[DEFENDER].discard("Score.Read.All")
    assert (await api.get("/api/exposureScore")).status_code == 200
    api.tokens.clear()
    answer = await api.get("/api/exposureScore")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Forbidden")


async def test_revoked_tokens_are_refused(api, sim):
    """After `revoke` every older token is 401 and a new one is good, at the same moment."""
    assert (await api.get("/api/exposureScore")).status_code == 200
    sim.tokens.revoke()
    assert (await api.get("/api/exposureScore")).status_code == 401
    api.tokens.clear()
    assert (await api.get("/api/exposureScore")).status_code == 200
