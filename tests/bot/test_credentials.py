import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from bot.addresses import is_loopback
from bot.auth import GRAPH_SCOPE, Certificate, Federated, Secret, managed_identity
from bot.errors import Unauthorised
from tests.bot.login_help import APP, OTHER, SECRET, TENANT, Login, failure, refusal, source


def self_signed() -> tuple[str, str, rsa.RSAPublicKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "watchkeeper")])
    begins = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=9))
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private.decode(), certificate.public_bytes(encoding).decode(), key.public_key()


async def test_a_certificate_signs_the_request():
    """The assertion is signed with the key, names the app, and is meant for the token endpoint; the key stays here."""
    key, certificate, public = self_signed()
    login = Login()
    for credential in (Certificate(certificate + key), Certificate(key, thumbprint="AB" * 20)):
        await source(login, credential=credential).token(TENANT, GRAPH_SCOPE)
    for form in login.forms:
        claims = jwt.decode(
            form["client_assertion"], public, algorithms=["PS256", "RS256"], options={"verify_aud": False}
        )
        assert (claims["iss"], claims["sub"]) == (APP, APP)
        assert claims["aud"].endswith("/oauth2/v2.0/token")
        assert "PRIVATE KEY" not in str(form)
        assert "client_secret" not in form


async def test_another_identity_can_vouch_for_the_app():
    """A federated assertion is asked for each token and sent in place of a secret."""
    login, given = Login(), iter(["one", "two"])
    tokens = source(login, credential=Federated(lambda: next(given)))
    await tokens.token(TENANT, GRAPH_SCOPE)
    await tokens.token(OTHER, GRAPH_SCOPE)
    assert [form["client_assertion"] for form in login.forms] == ["one", "two"]


async def test_a_managed_identity_vouches_for_the_app():
    """The machine's identity is asked for the exchange audience, and its token becomes the assertion."""
    asked: list[httpx.Request] = []

    def metadata(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        body = {"access_token": "machine", "expires_in": "3600", "resource": "x", "token_type": "Bearer"}
        return httpx.Response(200, json=body)

    login = Login()
    identity = managed_identity("22222222-0000-0000-0000-000000000000", transport=httpx.MockTransport(metadata))
    await source(login, credential=identity).token(TENANT, GRAPH_SCOPE)
    assert login.forms[0]["client_assertion"] == "machine"
    assert asked[0].url.host == "169.254.169.254"
    assert asked[0].url.params["resource"] == "api://AzureADTokenExchange"


async def test_a_machine_without_an_identity_is_told():
    """Where the metadata service refuses, the failure is one of ours."""
    refuse = httpx.MockTransport(lambda _: httpx.Response(400, json={"error": "invalid_request"}))
    error = await failure(source(Login(), credential=managed_identity(transport=refuse)))
    assert isinstance(error, Unauthorised)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    "step",
    [
        refusal(401, "invalid_client", 7000215, "Invalid client secret provided."),
        httpx.Response(500),
        httpx.ConnectError(f"sent {SECRET}"),
        httpx.Response(200, text="<html>"),
        None,
    ],
)
async def test_no_secret_in_anything_that_is_told(
    step: httpx.Response | Exception | None, caplog: pytest.LogCaptureFixture
):
    """Neither errors nor their chains, neither reprs nor logs at the lowest level show the secret or a token."""
    caplog.set_level(logging.DEBUG)
    login = Login()
    login.step = step
    credential = Secret(SECRET)
    tokens = source(login, credential=credential)
    told = repr(credential) + repr(tokens) + repr(vars(tokens)["_held"])
    if step is None:
        await tokens.token(TENANT, GRAPH_SCOPE)
    else:
        error = await failure(tokens)
        told += "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))
        assert not any(isinstance(link, httpx.HTTPError) for link in chain(error))
    told += repr(vars(tokens)["_held"]) + caplog.text
    assert SECRET not in told
    assert "token-1" not in told


@pytest.mark.parametrize("pem", ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"])
async def test_an_unusable_key_is_told_without_its_text(pem: str):
    """A broken PEM fails as refused credentials, and nothing of it is shown."""
    for credential in (Certificate(pem), Certificate(pem, thumbprint="AB" * 20)):
        error = await failure(source(Login(), credential=credential))
        assert isinstance(error, Unauthorised)
        assert error.code.startswith("unusable-")
        assert not pem or pem not in repr(credential) + "".join(traceback.format_exception(error))


async def test_a_login_url_at_loopback_is_asked_over_http():
    """In development MSAL's https addresses go out as http to the configured host."""
    login = Login()
    assert await source(login, url="http://127.0.0.1:4001/").token(TENANT, GRAPH_SCOPE) == "token-1"
    assert login.urls == [
        f"http://127.0.0.1:4001/{TENANT}/v2.0/.well-known/openid-configuration",
        f"http://127.0.0.1:4001/{TENANT}/oauth2/v2.0/token",
    ]


@pytest.mark.parametrize("url", ["http://login.example.com", "http://127.0.0.1.example.com", "http://10.0.0.1:80"])
def test_plain_http_never_leaves_the_machine(url: str):
    """A secret is not sent in the clear: http is refused for every host but this one."""
    with pytest.raises(ValueError, match="https"):
        source(Login(), url=url)


def test_what_is_loopback():
    """Names that only look like this machine are not it."""
    assert all(map(is_loopback, ["http://localhost:1", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]:80"]))
    assert not any(map(is_loopback, ["http://localhost.example.com", "http://0.0.0.0", "http://10.0.0.1", "http://a"]))
