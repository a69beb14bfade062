"""compose.yaml says what the README says: two bots, a proxy before them, a Redis that loses nothing and is private.

It is read here and not started: where it was written there is no Docker.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from bot import ending
from bot.settings import Settings
from tests.replicas.plain_yaml import Reader

ROOT = Path(__file__).resolve().parents[2]
BOTS = ("bot1", "bot2")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return Reader((ROOT / "compose.yaml").read_text(encoding="utf-8")).read()


def test_two_bots_that_differ_in_nothing(compose):
    """Any of them may take any turn: same image, same settings, same Redis."""
    one, two = (compose["services"][name] for name in BOTS)
    assert one == two
    assert {name.lower() for name in one["environment"]} <= set(Settings.model_fields)
    assert one["environment"]["REDIS_URL"].endswith("@redis:6379/0")


def test_only_the_proxy_is_published(compose):
    """Redis, metrics and the bots' own ports stay inside."""
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["proxy"]


def test_redis_keeps_what_it_is_told(compose):
    """A password, every write on the disk before it is answered, nothing dropped, a volume."""
    redis = compose["services"]["redis"]
    command = redis["command"]
    given = dict(zip(command[1::2], command[2::2], strict=True))
    assert given.pop("--requirepass").startswith("${REDIS_PASSWORD:?")
    assert given == {"--appendonly": "yes", "--appendfsync": "always", "--maxmemory-policy": "noeviction"}
    assert redis["volumes"] == ["redis:/data"]


def test_a_bot_has_the_time_that_it_needs_to_end(compose):
    """Docker kills later than a bot ends by itself."""
    for name in BOTS:
        assert int(compose["services"][name]["stop_grace_period"].removesuffix("s")) > ending.LAST_RESORT


def test_the_proxy_knows_the_bots_and_asks_whether_they_are_ready(compose):
    """It serves the messages alone, sends them to a bot that says it is ready, and notices within the linger."""
    content = compose["configs"]["caddyfile"]["content"]
    assert content.count("{") == content.count("}")
    assert re.findall(r"handle (\S+) {", content) == ["/api/messages"]
    port = compose["services"]["bot1"]["environment"]["PORT"]
    assert f"reverse_proxy {' '.join(f'{name}:{port}' for name in BOTS)} {{" in content
    assert "health_uri /readyz" in content
    assert float(re.search(r"health_interval (\d+)s", content)[1]) < ending.LINGER


@pytest.mark.parametrize("text", ["a: 1\n   b: 2\n", "a: {b: 1}\n", "a: 1\na: 2\n", "a\n", "a: *nothing\n"])
def test_what_is_not_plain_is_not_read(text):
    """The reader guesses nothing."""
    with pytest.raises((ValueError, KeyError)):
        Reader(text).read()
