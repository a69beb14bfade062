"""The benchmark's own parts, where they could lie: percentiles, CPU time, what the fakes let pass."""

import asyncio
import itertools
import json
import os
import time
from contextlib import asynccontextmanager

import pytest

from bot.demo import TENANT
from tests.bench.cloud import CARD, Cloud
from tests.bench.figures import cpu_seconds, middle, percentile, resident_mib, table
from tests.bench.raw_http import head_of, line_to
from tests.bench.turns import Cell, People, activity, conversation, times

CONNECTOR = "https://api.botframework.com/.default"


def test_a_percentile_is_a_value_that_was_measured():
    """The nearest rank: half of the values are not above p50, and p100 is the largest."""
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert [percentile(values, share) for share in (0, 20, 50, 95, 100)] == [1.0, 1.0, 3.0, 5.0, 5.0]
    assert percentile(range(1, 101), 99) == 99
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_cpu_time_is_that_of_the_process_with_all_its_threads():
    """It agrees with what the process says of itself, user and kernel mode together, and sleeping costs nothing."""
    ends = time.process_time() + 0.2
    while time.process_time() < ends:
        os.getppid()
    own = time.process_time()
    assert cpu_seconds(os.getpid()) == pytest.approx(own, abs=0.05)
    assert resident_mib(os.getpid()) > 5


def test_rates_are_of_turns_and_seconds():
    """Turns per second go by the wall, CPU per turn by the process."""
    cell = Cell(latencies=[0.1] * 40, cpu=0.2, wall=2.0)
    assert (cell.rate, cell.cpu_ms) == (20, 5)
    assert middle([3.0, 1.0, 2.0]) == "2 (1..3)"
    assert "| a | b |\n| --- | --- |\n| 1 | 2 |" in table("t", ("a", "b"), [("1", "2")])


@pytest.fixture
async def cloud():
    async with Cloud(TENANT, login_seconds=0).open() as cloud:
        yield cloud


def message(cloud: Cloud, token: str, body: bytes):
    port = int(cloud.url.rpartition(":")[2])

    async def sent():
        line = await line_to(port)
        try:
            return await line.post(head_of(port, f"/v3/conversations/{conversation(1)}/activities", token), body)
        finally:
            line.transport.close()

    return sent()


async def test_only_a_token_that_was_handed_out_for_the_connector_is_taken(cloud):
    """A made-up token, and one for another API, are refused, and each is an error of the run."""
    body = CARD + b" 412.5"
    graph = cloud.issue(TENANT, "https://graph.microsoft.com/.default")
    for token in ("made-up", graph):
        assert (await message(cloud, token, body))[0] == 401
    assert len(cloud.errors) == 2
    assert (await message(cloud, cloud.issue(TENANT, CONNECTOR), body))[0] == 201
    assert len(cloud.errors) == 2
    assert cloud.counted["POST"] == 1


async def test_a_reply_counts_only_with_the_right_card(cloud):
    """A text, or a card without the figure that was asked for, is an error of the run."""
    cloud.marker = b"412.5"
    token = cloud.issue(TENANT, CONNECTOR)
    for body in (b'{"text": "412.5"}', CARD + b" trouble"):
        cloud.errors.clear()
        cloud.replies[conversation(1)] = asyncio.get_running_loop().create_future()
        await message(cloud, token, body)
        assert len(cloud.errors) == 1


async def test_a_working_card_is_not_the_answer(cloud):
    """Who waits goes on waiting until the card with the figure is there, and it is said how often that was."""
    cloud.marker = b"412.5"
    token = cloud.issue(TENANT, CONNECTOR)
    cloud.replies[conversation(1)] = reply = asyncio.get_running_loop().create_future()
    await message(cloud, token, CARD + b" Working on it")
    assert not reply.done()
    await message(cloud, token, CARD + b" 412.5")
    assert reply.done()
    assert (cloud.errors, cloud.counted["working"]) == ([], 1)


@asynccontextmanager
async def bot(answer):
    """A bot in this process that answers each activity as told; yields its port."""

    async def serve(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            status = await answer(json.loads(await reader.readexactly(size)))
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())

    async def quiet(reader, writer):
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(quiet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_turn_ends_when_answer_and_card_are_there(cloud):
    """Each turn is counted once, has an activity of its own, and waits for the card."""
    cloud.marker = b"412.5"
    seen = []

    async def answer(said):
        seen.append(said["id"])
        where = said["conversation"]["id"].partition(";")[0]
        cloud.replies[where].set_result(time.perf_counter())
        del cloud.replies[where]
        return 202

    async with bot(answer) as port:
        people = People(cloud, port)
        cell = await people.measured(os.getpid(), people.ask, 3, itertools.count(), times(9))
    assert len(cell.latencies) == len(set(seen)) == 9
    assert all(latency > 0 for latency in cell.latencies)


async def test_a_failed_turn_ends_the_run(cloud):
    """A bot that answers 500 is no fast bot."""

    async def answer(_said):
        return 500

    async with bot(answer) as port:
        people = People(cloud, port)
        with pytest.raises(ExceptionGroup) as failed:
            await people.load(people.ask, 1, itertools.count(), times(1))
    assert "500" in str(failed.value.exceptions[0])


def test_an_activity_is_as_large_as_teams_sends_them():
    """About 1.6 KB, so that parsing weighs what it weighs."""
    assert 1200 < len(json.dumps(activity(1, "http://127.0.0.1:3979"))) < 2000
