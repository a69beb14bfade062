"""A simulated Microsoft, a Redis of its own, and the settings of `serve` for both; everything is well at first."""

import contextlib
import functools
import io
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stamina
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

import handlers
from bot.clock import Clock
from bot.demo import APP_ID, APP_SECRET, TENANT
from bot.demo_library import stock
from bot.doctor.examine import examine
from bot.doctor.findings import Finding, Report
from bot.doctor.text import show
from bot.permissions import grants
from bot.posts import Place
from bot.settings import examined
from bot.simulator.server import Simulator
from bot.simulator.tokens import DEFENDER, GRAPH
from bot.simulator.world import Person
from bot.state.redis import RedisStore
from bot.state.store import Change
from bot.subscribers import KIND
from bot.subscriptions import Subscription
from tests.state.redis_process import RedisProcess, redis_process

FEATURES = handlers.features(30.0)
AUDIT_KEY = "audit-key-of-the-doctors-tests-0123456789"
ASKER, DECIDER = "00000000-0000-4000-8000-000000000301", "00000000-0000-4000-8000-000000000302"
BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
VOLATILE = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d+(\.\d+)? ms"), "N ms"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "DAY TIME"),
    (re.compile(r"\d+ days"), "N days"),
    (re.compile(r"Redis \d[\d.]*"), "Redis N"),
    (re.compile(r"Watchkeeper \d\S* on Python \d\S*\d"), "Watchkeeper N on Python N"),
    (re.compile(r"All \d+ packages"), "All N packages"),
    (re.compile(r"\d+ MiB"), "N MiB"),
    (re.compile(r"clock is \d+ s"), "clock is N s"),
    (re.compile(r"(?<=show less: ).*(?=\.)"), "COMMANDS"),
    (re.compile(r"Of \d+ responses the plan lacks .*(?=\.)"), "Of N responses the plan lacks SOME"),
    (re.compile(r"all \d+ permissions"), "all N permissions"),
)
"""What differs from run to run, or from machine to machine."""


@dataclass
class Ward:
    """What is examined. `environ` are the settings; `clock` is the bot's own."""

    sim: Simulator
    redis: RedisProcess
    environ: dict[str, str]
    clock: Clock | None = None
    limit: float = 5.0
    reports: list[Report] = field(default_factory=list)

    async def report(self, customer: str = "") -> Report:
        """One examination."""
        settings, complaints = examined("serve", self.environ)
        found = await examine(settings, complaints, FEATURES, customer=customer, clock=self.clock, limit=self.limit)
        self.reports.append(found)
        return found

    async def findings(self, customer: str = "") -> Mapping[str, Finding]:
        """One examination's lines by id (and customer, where there are several)."""
        return {finding.id: finding for finding in (await self.report(customer)).findings}

    async def subscribe(self, customer: str = TENANT, **more: object) -> None:
        """A conversation of the customer is subscribed."""
        place = Place(
            id="19:soc", kind="channel", tenant=customer, service_url=self.sim.url, bot_id=f"28:{APP_ID}", thread=""
        )
        record = Subscription(id="19:soc", customer=customer, place=place, since=datetime.now(UTC), **more)
        store = RedisStore.open(self.redis.url)
        try:
            await store.commit(customer, [Change(kind=KIND, id="19:soc", rev=0, data=record.model_dump(mode="json"))])
        finally:
            await store.close()


def as_text(report: Report) -> str:
    """The report as people get it, without a terminal."""
    out = io.StringIO()
    show(report, out)
    return out.getvalue()


def steady(report: Report) -> str:
    """The report's text with what differs from run to run in other words, before it is wrapped."""

    def calm(text: str) -> str:
        for pattern, word in VOLATILE:
            text = pattern.sub(word, text)
        return text

    findings = [replace(f, says=calm(f.says), means=calm(f.means), do=calm(f.do)) for f in report.findings]
    return as_text(Report(at=BEGINS, findings=findings))


@functools.cache
def own_key() -> rsa.RSAPrivateKey:
    """The app's private key; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_file(folder: Path, *, ends: datetime) -> tuple[Path, str]:
    """A private key with its certificate, and the public key, for the simulator."""
    key = own_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "watchkeeper")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(BEGINS).not_valid_after(ends)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    path = folder / "app.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate)
    return path, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries happen, their pauses do not."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture(scope="session")
def doctors_redis() -> Iterator[RedisProcess]:
    with redis_process() as server:
        yield server


@pytest.fixture
def redis(doctors_redis: RedisProcess) -> Iterator[RedisProcess]:
    """Empty, and set up as production is told to; whatever a test sets is set back."""
    good = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "maxmemory": "0"}
    yield doctors_redis
    with doctors_redis.client() as client:
        client.flushall()
        for name, value in good.items():
            client.config_set(name, value)


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    """One customer who granted exactly what is needed, with two people who have a role."""
    async with Simulator(size="tiny", throttling=False).running() as sim:
        for service, audience in (("graph", GRAPH), ("defender", DEFENDER)):
            sim.first.roles[audience] = {grant.name for grant in grants(FEATURES) if grant.service == service}
        stock(sim.first, sim.clock.now())
        for person in (ASKER, DECIDER):
            sim.first.directory.people[person] = Person(id=person, name=person[-3:], upn=f"{person[-3:]}@example.com")
        yield sim


@pytest.fixture
async def ward(sim: Simulator, redis: RedisProcess, tmp_path: Path) -> Ward:
    """All is well: a certificate with a year to go, a fit Redis, all permissions, and a subscribed channel."""
    path, public = pem_file(tmp_path, ends=datetime.now(UTC) + timedelta(days=365))
    sim.apps[APP_ID].public_keys.append(public)
    environ = {
        "LOGIN_URL": sim.url,
        "GRAPH_URL": sim.url,
        "DEFENDER_URL": sim.url,
        "BOT_OPENID_URL": f"{sim.url}/v1/.well-known/openidconfiguration",
        "APP_ID": APP_ID,
        "APP_TENANT_ID": TENANT,
        "APP_CERTIFICATE": str(path),
        "ALLOWED_TENANTS": TENANT,
        "REDIS_URL": redis.url,
        "AUDIT_KEY": AUDIT_KEY,
        "ROLES_OPERATOR": ASKER,
        "ROLES_APPROVER": f"{ASKER},{DECIDER}",
        "ROLES_ADMIN": DECIDER,
    }
    ward = Ward(sim=sim, redis=redis, environ=environ)
    await ward.subscribe(digest="08:00", digest_zone="Europe/Berlin")
    return ward


def with_secret(ward: Ward) -> Ward:
    """The same app, proven by its client secret."""
    with contextlib.suppress(KeyError):
        del ward.environ["APP_CERTIFICATE"]
    ward.environ["APP_SECRET"] = APP_SECRET
    return ward
