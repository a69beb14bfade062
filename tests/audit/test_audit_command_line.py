"""`python -m bot audit`: a trail is exported and checked from a shell, and the exit code says what came of it."""

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from typer.testing import CliRunner, Result

from bot.audit import Ledger
from bot.audit.command_line import audit
from bot.state.redis import RedisStore
from tests.audit.trails import KEY, ONE, entry

OTHER = "tenant-2"
Run = Callable[..., Result]


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """The process's variables, those that are named and no other of the bot's."""
    before = dict(os.environ)
    for name in ("AUDIT_KEY", "REDIS_URL", "SECRETS_DIR"):
        os.environ.pop(name, None)
    os.environ.update(values)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def run(redis_server) -> Run:
    """Run the command line on a Redis with a trail of five entries; `key` is the AUDIT_KEY."""
    asyncio.run(_fill(redis_server.url))

    def run(*words: str, key: str = KEY, url: str = redis_server.url) -> Result:
        given = {name: value for name, value in (("AUDIT_KEY", key), ("REDIS_URL", url)) if value}
        with environment(**given):
            return CliRunner().invoke(audit, list(words))

    return run


async def _fill(url: str) -> None:
    store = RedisStore.open(url)
    for n in range(5):
        await Ledger(store, KEY).commit(ONE, [], [entry(n, datetime.now(UTC))])
    await Ledger(store, KEY).commit(OTHER, [], [entry(9, datetime.now(UTC))])
    await store.close()


def client(server) -> redis.Redis:
    return redis.Redis(unix_socket_path=server.url.removeprefix("unix://"), decode_responses=True)


def test_every_trail_is_verified(run: Run):
    """Without a customer all trails are checked, each on a line of its own; they hold, and the exit code is 0."""
    result = run("verify")
    assert result.exit_code == 0
    assert [line.split(" entries")[0] for line in result.output.splitlines()] == [
        f"{ONE}: holds: 5",
        f"{OTHER}: holds: 1",
    ]


def test_a_changed_entry_is_named(run: Run, redis_server):
    """The first broken entry is named by its position, with how many before it hold; the exit code is 1."""
    with client(redis_server) as raw:
        rows = raw.xrange(f"wk:{{{ONE}}}:audit")
        raw.delete(f"wk:{{{ONE}}}:audit")
        for position, fields in rows:
            more = {"entry": fields["entry"].replace("request:2", "request:3")}
            raw.xadd(f"wk:{{{ONE}}}:audit", fields | more, id=position)
    result = run("verify", "--customer", ONE)
    assert result.exit_code == 1
    assert f"BROKEN at entry {rows[2][0]}: changed" in result.output
    assert "2 entries before it hold" in result.output
    broken = run("export", "--customer", ONE, "--output", os.devnull)
    assert (broken.exit_code, "BROKEN at entry" in broken.output) == (1, True)


@pytest.mark.parametrize("junk", [b"\xff\xfe", b"\x00", "ü".encode(), b""])
def test_bytes_that_are_no_text_are_a_break(run: Run, redis_server, junk):
    """Whatever somebody wrote into the stream is judged, never stumbled over."""
    with client(redis_server) as raw:
        position = raw.xadd(f"wk:{{{ONE}}}:audit", {b"entry": junk, b"hash": junk, b"more": junk})
    result = run("verify", "--customer", ONE)
    assert (result.exit_code, f"BROKEN at entry {position}" in result.output) == (1, True)


def test_an_export_is_verified_with_the_key_alone(run: Run, tmp_path: Path):
    """A JSON-lines export needs no Redis to be checked; a changed byte in it is named with line and entry."""
    path = tmp_path / "trail.jsonl"
    assert run("export", "--customer", ONE.upper(), "--output", str(path)).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    whole = run("verify", "--file", str(path), url="")
    assert (whole.exit_code, "Holds: 6 entries" in whole.output) == (0, True)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"request:3", b"request:4"))
    changed = run("verify", "--file", str(path), url="")
    position = json.loads(content.splitlines()[4])["position"]
    assert (changed.exit_code, f"line 5, entry {position}: changed" in changed.output) == (1, True)


def test_the_export_is_an_entry_itself(run: Run, redis_server):
    """Who reads the trail from a shell is in the trail: the format and the days, and it still holds."""
    result = run("export", "--customer", ONE, "--format", "csv", "--days", "3")
    assert (result.exit_code, result.stdout_bytes.count(b"\r\n")) == (0, 7)
    with client(redis_server) as raw:
        told = json.loads(raw.xrevrange(f"wk:{{{ONE}}}:audit", count=1)[0][1]["entry"])
    assert (told["what"], told["who"], told["more"]) == ("audit exported", "command line", {"format": "csv", "days": 3})
    assert run("verify").exit_code == 0


def test_a_wrong_key_is_said_and_writes_nothing(run: Run, redis_server, tmp_path: Path):
    """With another key nothing fits: that is said, the exit code is 2, and no entry of that key breaks the trail."""
    path = tmp_path / "trail.jsonl"
    run("export", "--customer", ONE, "--output", str(path))
    other = "another key of at least thirty-two"
    for words in (("verify", "--customer", ONE), ("verify", "--file", str(path)), ("export", "--customer", ONE)):
        result = run(*words, key=other)
        assert (result.exit_code, "AUDIT_KEY" in result.output) == (2, True)
    with client(redis_server) as raw:
        assert raw.xlen(f"wk:{{{ONE}}}:audit") == 6
    assert run("verify").exit_code == 0


def test_a_noted_head_shows_a_cut(run: Run, redis_server):
    """With a head that was noted earlier, entries that were cut off together with the head are missed."""
    with client(redis_server) as raw:
        rows = raw.xrange(f"wk:{{{ONE}}}:audit")
        noted = rows[4][1]["hash"]
        assert run("verify", "--head", noted[:12]).exit_code == 0
        raw.xdel(f"wk:{{{ONE}}}:audit", rows[4][0])
        raw.set(f"wk:{{{ONE}}}:head", rows[3][1]["hash"])
    assert run("verify").exit_code == 0
    cut = run("verify", "--customer", ONE, "--head", noted[:12])
    assert (cut.exit_code, "noted earlier, is not in it" in cut.output) == (1, True)
    assert run("verify", "--head", "abc").exit_code == 2


@pytest.mark.parametrize(
    ("words", "more", "said"),
    [
        (("verify",), {"key": ""}, "AUDIT_KEY is missing"),
        (("verify",), {"url": ""}, "REDIS_URL is missing"),
        (("verify",), {"key": "short"}, "AUDIT_KEY is too short"),
        (("verify",), {"url": "redis://127.0.0.1:1"}, "Redis cannot be reached"),
        (("verify", "--customer", "nobody"), {}, f"Customers in this Redis: {ONE}, {OTHER}"),
        (("export", "--customer", "nobody"), {}, "There is no audit trail of the customer nobody"),
        (("export", "--customer", ONE, "--output", "/no/such/folder/x"), {}, "cannot be written"),
        (("verify", "--file", "/no/such/file"), {}, "cannot be read"),
        (("verify", "--file", "README.md"), {}, "it is not an export"),
        (("verify", "--file", "."), {}, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_exit_code_2(run: Run, words, more, said):
    """Missing settings, an absent Redis, customer or file, and a file that is no export: a line and exit code 2."""
    result = run(*words, **more)
    assert (result.exit_code, said in result.output) == (2, True), result.output


def test_an_empty_redis_has_no_trail(run: Run, redis_server):
    """Where there is nothing to verify, that is no success."""
    with client(redis_server) as raw:
        raw.flushall()
    assert run("verify").exit_code == 2
