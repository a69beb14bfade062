"""One `run` with the real Playground for all the stories of a test process."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.playground.people import Rest, Running, start, stop


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A `run` that is stopped by Ctrl-C."""
    running = start(tmp_path_factory.mktemp("run"))
    yield running
    assert stop(running) == 0


@pytest.fixture
async def rest(running: Running) -> AsyncIterator[Rest]:
    """What everybody sees in a channel and may press there."""
    async with aiohttp.ClientSession(running.client) as session:
        rest = Rest(session)
        listening = asyncio.create_task(rest.listen())
        await rest.connected.wait()
        yield rest
        listening.cancel()
