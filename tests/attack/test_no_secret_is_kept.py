"""Tokens, the app's secret and the audit key stay in memory: not in Redis, a log, a card or an answer."""

import contextlib
import io
import json
import logging
from collections.abc import Iterator

import pytest
import redis as redis_client
import structlog

from bot.audit import Entry
from bot.demo import ADELE, ALEX, APP_SECRET, PATTI, TENANT
from bot.errors import ServiceError
from bot.simulator import Fault
from tests.integration.conftest import CHANNEL
from tests.integration.talk import ask, chat, heard, verbs

TOKEN = "eyJ"
DONE = ("Succeeded", "Failed")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """All that is logged, written as `serve` writes it; other libraries from INFO on."""
    stream = io.StringIO()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)
    structlog.reset_defaults()


def everything(client: redis_client.Redis) -> Iterator[bytes]:
    """Every key of a Redis with all that it holds, whatever its type."""
    read = {
        b"string": lambda key: [client.get(key)],
        b"hash": lambda key: [part for pair in client.hgetall(key).items() for part in pair],
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"set": lambda key: list(client.smembers(key)),
        b"list": lambda key: client.lrange(key, 0, -1),
        b"stream": lambda key: [p for _, fields in client.xrange(key) for pair in fields.items() for p in pair],
    }
    for key in client.scan_iter():
        yield bytes(key)
        for part in read[client.type(key)](key):
            yield bytes(part or b"")


async def story(stage) -> None:
    """What happens on a bad day: reading, a decision, refused and expired tokens, a sign-in that fails."""
    here, device = (
        chat(stage, [ADELE, ALEX, PATTI], "channel"),
        next(
            d
            for d in stage.sim.first.devices.values()
            if d.online and d.os == "Windows11" and d.onboarding == "onboarded"
        ),
    )
    await stage.say(PATTI, "/subscribe", here)
    await stage.until(lambda: len(heard(stage, here)) >= 2)
    for operation, fault in (
        ("defender.*", Fault(kind="expired", times=2)),
        ("graph.*", Fault(kind="forbidden")),
        ("connector.post", Fault(kind="expired", times=3)),
        ("login.token", Fault(kind="error", status=401)),
        ("defender.machineactions.list", Fault(kind="reset")),
    ):
        stage.sim.faults.add(operation, fault)
        stage.bot.services.defender(TENANT)._api._auth._source._held.clear()
        for line in ("/devices all", "/incidents", "/score", "/actions"):
            await stage.say(ADELE, line, here)
    stage.sim.faults.clear()
    card = await ask(stage, ADELE, f"/isolate {device.id} it talks to a bad host", here)
    await stage.until(lambda: "approve" in verbs(card))
    await stage.click(ALEX, card, "approve")
    await stage.until(lambda: any("Accepted by Defender" in m.text for m in heard(stage, here)), 40)


async def test_nothing_secret_leaves_memory(stage, redis, logged):
    """After a bad day neither Redis (docket's keys, too), nor the log, nor any card or answer holds a secret."""
    await story(stage)
    key = stage.bot.settings.audit_key.get_secret_value()
    with contextlib.closing(redis_client.Redis(unix_socket_path=str(redis.socket))) as client:
        kept = b"\n".join(everything(client))
    assert b"wk-jobs" in kept
    assert b"bad host" in kept
    assert stage.bot.services.defender(TENANT)._api._auth._source._held, "no token was held: the test proves nothing"
    cards = json.dumps([m.activity for m in stage.sim.connector.messages()])
    lines = logged.getvalue()
    assert "turn_failed" in lines or "source_not_read" in lines
    for where, text in (("redis", kept.decode(errors="replace")), ("cards", cards), ("log", lines)):
        for secret in (APP_SECRET, key, TOKEN, "Bearer "):
            assert secret not in text, (where, text[max(0, text.find(secret) - 200) :][:400])


async def test_an_error_and_all_that_hangs_on_it_holds_no_token(stage):
    """A failed call's error, its causes and its contexts name no token and no secret, in text or attributes."""
    for fault in (Fault(kind="reset"), Fault(kind="expired", times=9), Fault(kind="error", status=500)):
        stage.sim.faults.clear()
        stage.sim.faults.add("defender.*", fault)
        with pytest.raises(ServiceError) as raised:
            await stage.bot.services.defender(TENANT).isolate("a" * 40, comment="x", isolation_type="Full")
        error: BaseException | None = raised.value
        while error is not None:
            said = f"{error} {error!r} {vars(error)} {error.args}"
            assert TOKEN not in said
            assert APP_SECRET not in said
            assert getattr(error, "request", None) is None
            error = error.__cause__ or error.__context__


async def test_what_holds_a_secret_does_not_show_it(stage):
    """Settings, the ledger and the parts that sign in show no secret when they are printed."""
    key = stage.bot.settings.audit_key.get_secret_value()
    parts = [
        stage.bot,
        stage.bot.settings,
        stage.bot.services,
        stage.bot.services.ledger,
        stage.bot.settings.credential(),
    ]
    for part in parts:
        assert key not in repr(part)
        assert APP_SECRET not in repr(part)
    assert key not in Entry(at=stage.bot.services.clock.now(), what="x", who="y", subject="z").text()


async def test_the_public_port_serves_three_paths_and_nothing_else(stage):
    """No metrics, no listing, no other method's surprise on the port that the world reaches."""
    for path in ("/metrics", "/", "/api", "/api/messages/", "/static/x", "/readyz/..;/metrics", "/%2e%2e/metrics"):
        answer = await stage.http.get(f"{stage.url}{path}")
        assert answer.status_code == 404, path
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
        answer = await stage.http.request(method, f"{stage.url}/api/messages")
        assert (answer.status_code, answer.content) == (405, b""), method
    ready = await stage.http.get(f"{stage.url}/readyz")
    assert set(ready.json()) == {"redis", "jobs", "keys"}
    assert all(isinstance(value, bool) for value in ready.json().values())
    assert CHANNEL not in ready.text
