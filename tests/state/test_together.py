"""Commands that are asked for in one moment share a round trip and nothing else."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import ResponseError

from bot.state.together import Together


class FakePipe:
    """A pipeline of redis-py: it answers each command with its last word, or with the error that is that word."""

    def __init__(self, redis):
        self.redis = redis
        self.commands = []

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        return None

    def execute_command(self, *command):
        self.commands.append(command)

    async def execute(self, *, raise_on_error):
        self.redis.trips.append(list(self.commands))
        self.redis.asked.set()
        if self.redis.gate:
            await self.redis.gate.wait()
        if self.redis.gone:
            raise RedisGone("gone")
        return [command[-1] for command in self.commands]


class FakeRedis:
    """Counts round trips."""

    def __init__(self):
        self.trips = []
        self.gone = False
        self.gate = None
        self.asked = asyncio.Event()

    def pipeline(self, *, transaction):
        assert not transaction
        return FakePipe(self)


async def test_what_is_asked_for_in_one_moment_is_one_trip():
    """Three askers, four commands, one round trip; each gets the answers to its own, in its own order."""
    redis = FakeRedis()
    together = Together(redis)
    found = await asyncio.gather(together(("GET", "a")), together(("GET", "b"), ("GET", "c")), together(("GET", "d")))
    assert found == [["a"], ["b", "c"], ["d"]]
    assert redis.trips == [[("GET", "a"), ("GET", "b"), ("GET", "c"), ("GET", "d")]]
    assert await together(("GET", "e")) == ["e"]
    assert len(redis.trips) == 2


async def test_a_refused_command_hurts_its_asker_alone():
    """The error of one command is raised for whoever asked for it, and the others have their answers."""
    together, refused = Together(FakeRedis()), ResponseError("WRONGTYPE")
    one, other = await asyncio.gather(
        together(("GET", "a"), ("GET", refused)), together(("GET", "b")), return_exceptions=True
    )
    assert one is refused
    assert other == ["b"]


async def test_a_lost_connection_is_told_to_all_and_to_no_later_one():
    """Nobody waits for an answer that cannot come; the next command is a new try."""
    redis = FakeRedis()
    together = Together(redis)
    redis.gone = True
    found = await asyncio.gather(together(("GET", "a")), together(("GET", "b")), return_exceptions=True)
    assert [type(error) for error in found] == [RedisGone, RedisGone]
    redis.gone = False
    assert await together(("GET", "c")) == ["c"]


async def test_who_gives_up_leaves_the_others_theirs():
    """Cancelling one asker neither stops the round trip nor takes anybody else's answer."""
    redis = FakeRedis()
    redis.gate = asyncio.Event()
    together = Together(redis)
    hasty, patient = (asyncio.create_task(together(("GET", name))) for name in ("a", "b"))
    await redis.asked.wait()
    hasty.cancel()
    redis.gate.set()
    assert await patient == ["b"]
    with pytest.raises(asyncio.CancelledError):
        await hasty
