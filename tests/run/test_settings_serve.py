"""Settings of `serve`: nothing is assumed, everything missing is named, no secret is ever shown."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from bot.auth import Certificate, Federated, Secret
from bot.settings import SettingsError, load

GUID = "1b4e28ba-2fa1-4d2e-883f-0016d3cca427"
KEY = "k" * 32
FULL = {
    "APP_ID": GUID,
    "APP_TENANT_ID": GUID,
    "ALLOWED_TENANTS": GUID,
    "APP_SECRET": "s3cret-of-the-app",
    "REDIS_URL": "rediss://:s3cret-of-redis@cache:6379/0",
    "AUDIT_KEY": KEY,
    "ROLES_OPERATOR": GUID,
    "ROLES_APPROVER": f"{GUID.upper()}, 2b4e28ba-2fa1-4d2e-883f-0016d3cca427,",
}


def refusal(environ):
    with pytest.raises(SettingsError) as refused:
        load("serve", environ)
    return refused.value.lines


@pytest.fixture(scope="module")
def pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bot")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), certificate


def test_a_complete_environment_is_taken():
    """With everything there, `serve` is neither anonymous nor simulated and listens on every address."""
    settings = load("serve", FULL)
    assert not settings.development
    assert not settings.anonymous
    assert settings.host == "0.0.0.0"  # noqa: S104 - what a container needs
    assert settings.credential() == Secret("s3cret-of-the-app")
    assert settings.roles_approver == {GUID, "2b4e28ba-2fa1-4d2e-883f-0016d3cca427"}
    assert settings.graph_url == "https://graph.microsoft.com/v1.0"
    assert "smba.trafficmanager.net" in settings.allowed_service_urls
    assert settings.metrics_host == "127.0.0.1"
    assert settings.four_eyes


@pytest.mark.parametrize("name", sorted(FULL))
def test_each_missing_name_is_said(name):
    """`serve` refuses to start without any one of them, and says which."""
    (line,) = refusal({other: value for other, value in FULL.items() if other != name})
    assert line.startswith(f"{name} is missing")


def test_all_missing_names_come_together():
    """An empty environment is answered with every missing name in one readable message."""
    assert {line.split()[0] for line in refusal({})} == FULL.keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUDIT_KEY", "k" * 31),
        ("APP_ID", "my-bot"),
        ("ALLOWED_TENANTS", f"{GUID},contoso.com"),
        ("ROLES_APPROVER", "alex@contoso.com"),
        ("ROLES_ADMIN", "admins"),
        ("GRAPH_URL", "http://graph.microsoft.com"),
        ("LOGIN_URL", "login.microsoftonline.com"),
        ("REDIS_URL", "cache:6379"),
        ("REDIS_URL", "redis://cache:port"),
        ("REDIS_URL", "redis://cache:99999"),
        ("REDIS_URL", "redis://cache/first"),
        ("REDIS_URL", "redis://:a/b@cache:6379/0"),
        ("REDIS_URL", "rediss://"),
        ("REDIS_URL", "redis+sentinel://:p@one:26379,two:26379"),
        ("REDIS_URL", "redis+sentinel://:p@one:26379,two:port/master/0"),
        ("REDIS_URL", "redis+sentinel://:p@one:26379,/master/0"),
        ("REDIS_URL", "redis+sentinel://:p@one:26379/master/first"),
        ("REDIS_URL", "redis+sentinel://:a/b@one:26379/master/0"),
        ("REDIS_URL", "redis+sentinel://:p@one:26379/master/0?unknown=1"),
        ("REDIS_URL", "redis+cluster://:p@one:6379/1"),
        ("REDIS_URL", "redis+cluster://:p@one:6379,two:6379"),
        ("REDIS_URL", "redis+cluster://:p%2Fq@one:6379"),
        ("REDIS_URL", "redis+socket://one"),
        ("APP_TENANT_ID", "contoso.com"),
        ("ALLOWED_SERVICE_URLS", ","),
        ("METRICS_PORT", "65536"),
        ("FOUR_EYES", "perhaps"),
        ("HEARTBEAT_URL", "watch.example/ping/s3cret"),
        ("HEARTBEAT_URL", "http://watch.example/ping/s3cret"),
        ("HEARTBEAT_URL", "http://127.0.0.1:8000/ping"),
        ("HEARTBEAT_URL", "https://me:s3cret@watch.example/ping"),
        ("SECRETS_DIR", "/nowhere/at/all"),
    ],
)
def test_a_bad_value_is_said(name, value):
    """Each bad value is refused with a sentence that begins with its variable."""
    (line,) = refusal(FULL | {name: value})
    assert line.startswith(name)


def test_two_credentials_are_one_too_many():
    """A secret beside a managed identity is refused, since nobody could say which is used."""
    (line,) = refusal(FULL | {"MANAGED_IDENTITY_CLIENT_ID": GUID})
    assert "APP_SECRET and MANAGED_IDENTITY_CLIENT_ID" in line


def test_a_managed_identity_is_named_by_its_id():
    """Its client id looks like every other id of Entra; a name is refused."""
    environ = {name: value for name, value in FULL.items() if name != "APP_SECRET"}
    (line,) = refusal(environ | {"MANAGED_IDENTITY_CLIENT_ID": "watchkeeper-identity"})
    assert line.startswith("MANAGED_IDENTITY_CLIENT_ID must hold")


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache",
        "redis://:a%2Fb@cache:6379/0",
        "rediss://user:p@10.0.0.1:6380",
        "redis://[::1]:6379/1",
        "unix:///r",
    ],
)
def test_every_usual_address_of_a_redis_is_taken(url):
    """Host, port and database may be left out, and a password may hold encoded signs."""
    assert load("serve", FULL | {"REDIS_URL": url}).redis_url.get_secret_value() == url


def test_a_managed_identity_needs_no_secret():
    """The client id of a managed identity is a credential of its own."""
    environ = {name: value for name, value in FULL.items() if name != "APP_SECRET"}
    settings = load("serve", environ | {"MANAGED_IDENTITY_CLIENT_ID": GUID})
    assert isinstance(settings.credential(), Federated)


def test_a_certificate_is_read_at_the_start(tmp_path, pem):
    """A PEM file with key and certificate is a credential that MSAL can take."""
    file = tmp_path / "bot.pem"
    file.write_bytes(b"".join(pem))
    environ = {name: value for name, value in FULL.items() if name != "APP_SECRET"}
    credential = load("serve", environ | {"APP_CERTIFICATE": str(file)}).credential()
    assert isinstance(credential, Certificate)
    assert set(credential.for_msal()) == {"private_key", "public_certificate"}


@pytest.mark.parametrize("which", ["absent", "key only", "certificate only", "rubbish", "of another key"])
def test_a_certificate_that_cannot_serve_is_said(tmp_path, pem, which):
    """What is wrong with the PEM file shows at the start, not with the first token."""
    key, certificate = pem
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    foreign = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    parts = {
        "key only": key,
        "certificate only": certificate,
        "rubbish": b"xx",
        "of another key": foreign + certificate,
    }
    file = tmp_path / "bot.pem"
    if which in parts:
        file.write_bytes(parts[which])
    environ = {name: value for name, value in FULL.items() if name != "APP_SECRET"}
    lines = refusal(environ | {"APP_CERTIFICATE": str(file)})
    assert any(line.startswith("APP_CERTIFICATE name") or "must name a PEM file" in line for line in lines)


def test_secrets_may_be_files(tmp_path):
    """A secret may be mounted as a file of SECRETS_DIR; a variable of the same name wins."""
    (tmp_path / "audit_key").write_text("f" * 40)
    (tmp_path / "app_secret").write_text("from-the-file")
    environ = {name: value for name, value in FULL.items() if name != "AUDIT_KEY"}
    settings = load("serve", environ | {"SECRETS_DIR": str(tmp_path)})
    assert settings.audit_key.get_secret_value() == "f" * 40
    assert settings.credential() == Secret("s3cret-of-the-app")


def test_no_secret_is_shown():
    """Neither repr nor str nor an error message holds a secret, also where the value was refused."""
    settings = load("serve", FULL | {"HEARTBEAT_URL": "https://watch.example/s3cret-ping?s3cret=1"})
    assert settings.heartbeat_url.get_secret_value().endswith("/s3cret-ping?s3cret=1")
    shown = f"{settings!r} {settings} {settings.credential()!r}"
    bad = FULL | {"REDIS_URL": "s3cret-of-redis", "AUDIT_KEY": "s3cret", "APP_CERTIFICATE": "/s3cret", "PORT": "s3cret"}
    bad["HEARTBEAT_URL"] = "http://watch.example/s3cret"
    shown += " ".join(refusal(bad))
    assert "s3cret" not in shown
    assert KEY not in shown


def test_settings_cannot_be_changed():
    """The object is frozen: what was checked at the start stays."""
    settings = load("serve", FULL)
    with pytest.raises(ValidationError):
        settings.four_eyes = False
