"""The whole bot, as the integration tests have it, on a Redis of its own."""

import pytest

from tests.integration.conftest import staged
from tests.integration.talk import redis_of_its_own


@pytest.fixture
def redis():
    with redis_of_its_own() as server:
        yield server


@pytest.fixture
async def stage(redis, tmp_path):
    async with staged(redis.url, tmp_path) as running:
        yield running
