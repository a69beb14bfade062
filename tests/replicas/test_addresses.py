"""Addresses of Redis: what is taken, how it is read, and that docket reads the same."""

import pytest
from docket._redis import RedisConnection
from docket._redis_sentinel import parse_sentinel_url

from bot.state.address import read_address

SENTINELS = "redis+sentinel://some%20one:a%2Fb@one,two:26380,[::1]:26381/my%20master/2?sentinel_password=c%2Bd"
PLAIN = (
    "redis://:password@cache:6379/0",
    "rediss://someone:password@cache",
    "redis://cache/",
    "redis://cache:6379?health_check_interval=10",
    "unix:///run/redis.sock",
)


@pytest.mark.parametrize("url", PLAIN)
def test_one_server(url):
    """The address of one server goes to redis-py as it is."""
    assert (read_address(url).kind, read_address(url).plain) == ("one", url)


def test_sentinels():
    """Each Sentinel with its port, the master's name, its database, and what is needed to get in, unquoted."""
    found = read_address(SENTINELS)
    assert found.sentinels == (("one", 26379), ("two", 26380), ("::1", 26381))
    assert (found.service, found.database, found.tls) == ("my master", 2, False)
    assert (found.username, found.password) == ("some one", "a/b")
    assert (found.sentinel_username, found.sentinel_password) == (None, "c+d")


def test_docket_reads_sentinels_as_we_do():
    """Records and jobs go to the same master: docket gets the same address."""
    url = SENTINELS.replace("my%20master", "mymaster")
    ours, theirs = read_address(url), parse_sentinel_url(url)
    assert ours.sentinels == tuple(theirs.sentinels)
    assert (ours.service, ours.database) == (theirs.service_name, theirs.db)
    assert theirs.connection_kwargs == {"username": ours.username, "password": ours.password}
    assert theirs.sentinel_kwargs == {"password": ours.sentinel_password}


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_cluster(scheme):
    """One node is named, as for one server; docket takes the same address for a cluster."""
    url = f"{scheme}+cluster://someone:pass-word.1_~@node:7000"
    found = read_address(url)
    assert (found.kind, found.plain) == ("cluster", f"{scheme}://someone:pass-word.1_~@node:7000")
    assert found.tls is (scheme == "rediss")
    assert RedisConnection(url).is_cluster


def test_tls_is_for_sentinels_and_master():
    """rediss+sentinel:// speaks TLS to both."""
    assert read_address("rediss+sentinel://one/master").tls
