"""Replicas: several processes of the bot on one Redis."""

from collections.abc import Iterator

import pytest

from tests.state.redis_process import RedisProcess, redis_process


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    """A server that the test may kill, freeze and start again."""
    with redis_process() as server:
        yield server
