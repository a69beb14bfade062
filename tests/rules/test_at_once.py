"""Two writers at once: what was not written is not claimed, and nobody's part of a record is lost."""

from dataclasses import replace
from typing import Any

import pytest

from bot.audit import Entry
from bot.errors import Conflict, Stale
from bot.posts import Post
from bot.records import mutate
from bot.responses import machine, requests
from bot.responses.models import Request, State, Target
from tests.responses.people import ADELE, MEGAN, START, TENANT, place, request
from tests.responses.stage import Stage

ENTRY = Entry(at=START, what="proposed", who="x", subject="request:WK-1")


class Late:
    """A ledger whose first commits come too late: somebody else wrote, and is done by now."""

    def __init__(self, ledger: Any, times: int) -> None:
        self.ledger, self.store, self.times = ledger, ledger.store, times

    async def commit(self, *args: Any, **more: Any) -> Any:
        if self.times > 0:
            self.times -= 1
            raise Conflict("too late")
        return await self.ledger.commit(*args, **more)


async def stored(stage: Stage) -> list[str]:
    return [one.id for one in await stage.requests()]


async def test_a_request_that_was_not_written_is_not_claimed():
    """Where the other one is over by now it is tried again; after too many times nobody is told that it stands."""
    stage = Stage()
    services = stage.services()
    late = replace(services, ledger=Late(services.ledger, 2))
    assert await requests.create(late, request(), ENTRY) == request()
    assert await stored(stage) == ["WK-1"]
    never = replace(services, ledger=Late(services.ledger, 1000))
    with pytest.raises(Conflict):
        await requests.create(never, request(id="WK-2", ask="another"), ENTRY)
    with pytest.raises(Conflict):
        await requests.put(never, request(), machine.withdraw(request(), ADELE, START))
    assert (await stage.request("WK-1")).state is State.PROPOSED


async def test_what_is_asked_for_already_is_found_and_what_is_over_gives_way():
    """The second asking gets the first one's request; when that is over, one of its own."""
    stage = Stage()
    services = stage.services()
    await requests.create(services, request(), ENTRY)
    assert (await requests.create(services, request(id="WK-2"), ENTRY)).id == "WK-1"
    assert await stored(stage) == ["WK-1"]
    await requests.put(services, request(), machine.withdraw(request(), ADELE, START))
    assert (await requests.create(services, request(id="WK-3"), ENTRY)).id == "WK-3"
    for kind, held in ((requests.ASK, "WK-3"), (requests.FLIGHT, "")):
        name = requests.flight_key(request()) if kind == requests.FLIGHT else requests.ask_of(request())
        assert (await requests.holder(services, TENANT, kind, name))[0] == held


async def test_one_at_a_time_is_under_way_and_gives_the_way_free_at_its_end():
    """A second of the family cannot begin; who does not hold the way does not free it."""
    stage = Stage()
    services = stage.services()
    made = []
    for key in ("WK-1", "WK-2"):
        approved = machine.approve(request(id=key, ask=key), MEGAN, START, machine.VANISHED)
        made.append(await requests.create(services, approved, ENTRY))
    first, second = made
    key = requests.flight_key(first)

    async def held() -> str:
        return (await requests.holder(services, TENANT, requests.FLIGHT, key))[0]

    sending = await requests.put(services, first, machine.begin(first, START), take_flight=True)
    assert await held() == "WK-1"
    with pytest.raises(Conflict):
        await requests.put(services, second, machine.begin(second, START), take_flight=True)
    expired = await requests.put(services, second, machine.expire(second, START))
    assert (expired.state, await held()) == (State.EXPIRED, "WK-1")
    back = await requests.put(
        services, sending, machine.put_back(sending, START, machine.WAITING_PAUSE, "trouble.busy")
    )
    again = await requests.put(services, back, machine.begin(back, START), take_flight=True)
    assert await held() == "WK-1"
    await requests.put(services, again, machine.refuse(again, START, "trouble.rejected"))
    assert await held() == ""


async def test_a_card_that_was_posted_meanwhile_is_kept():
    """A step goes on where only the posts changed, and adds its own to them; where anything else did, it is stale."""
    stage = Stage()
    services = stage.services()
    before = await requests.create(services, request(), ENTRY)

    def posted(current: Request) -> Request:
        return current.model_copy(update={"posts": (current.posts[0].model_copy(update={"message": "m-1"}),)})

    await mutate(services.ledger, TENANT, requests.KIND, "WK-1", Request, START, posted)
    reply = Post(key="reply:waits", place=place())
    after = machine.troubled(before, "trouble.busy").model_copy(update={"posts": (*before.posts, reply)})
    written = await requests.put(services, before, after)
    assert [(one.key, one.message) for one in written.posts] == [("card", "m-1"), ("reply:waits", "")]
    assert written.trouble == "trouble.busy"
    with pytest.raises(Stale):
        await requests.put(services, before, machine.withdraw(before, ADELE, START))
    assert (await stage.request("WK-1")).state is State.PROPOSED


async def test_no_more_is_read_than_was_asked_for():
    """The latest changed come first, of one target as of all."""
    stage = Stage()
    services = stage.services()
    for n in range(4):
        target = {} if n else {"target": Target(id="b" * 40, name="pc2")}
        await requests.create(services, request(id=f"WK-{n}", ask=str(n), **target), ENTRY)

    async def read(target: str = "", **more: int) -> list[str]:
        return [one.id for one in await requests.latest(services, TENANT, target, **more)]

    assert await read(limit=2) == ["WK-3", "WK-2"]
    assert await read("a" * 40, limit=2) == ["WK-3", "WK-2"]
    assert await read("b" * 40, limit=2) == ["WK-0"]
    assert await read() == ["WK-3", "WK-2", "WK-1", "WK-0"]
