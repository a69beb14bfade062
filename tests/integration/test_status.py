"""/status, the auditor and the heart beat in the whole bot, over HTTP."""

import asyncio

import pytest
import stamina
from aiohttp import web

import handlers
from bot.app import listening
from bot.auditor import last_report
from bot.demo import ISAIAH, PATTI, TENANT
from bot.simulator import Fault
from bot.state.store import Change
from tests.integration.conftest import OTHER_TENANT, staged
from tests.integration.talk import ask, chat, heard, words
from tests.moved_clock import MovedClock

AUDITOR = next(one for one in handlers.features(1.0).watchers if one.name == "auditor")


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def pings():
    """Something outside that listens for the heart beat; yields what was asked for, and its address."""
    asked: list[str] = []

    async def taken(request: web.Request) -> web.Response:
        asked.append(request.path_qs)
        return web.Response(text="OK")

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", taken)
    async with listening(app, "127.0.0.1", 0) as port:
        yield asked, f"http://127.0.0.1:{port}/ping?token=s3cret"


@pytest.fixture
async def stage(redis_server, tmp_path, clock, pings):
    with stamina.set_testing(True, attempts=2, cap=True):
        async with staged(
            redis_server.url, tmp_path, clock=clock, without=("measure", "capabilities"), HEARTBEAT_URL=pings[1]
        ) as running:
            yield running


async def compared(stage, customer: str = TENANT):
    """What a run of the auditor reports."""
    await AUDITOR.poll(stage.bot.services, customer)
    report = await last_report(stage.bot.services, customer)
    assert report
    return report


async def subscribed(stage) -> str:
    """A channel that has its cards: what it was told, the incidents that are open, what waits in the Action center."""
    here = chat(stage, [PATTI, ISAIAH], "channel")
    await stage.say(PATTI, "/subscribe", here)
    await stage.until(lambda: len(heard(stage, here)) == 3)
    return here


async def test_status_of_a_bot_that_is_well(stage, clock, pings):
    """Once sweep, polls and comparison have run, the card is green, the outside has its beat, and both are shown."""
    here = await subscribed(stage)
    async with asyncio.timeout(15):
        while await stage.bot.heart.trouble():
            await clock.sleep(0.1)
    clock.move(60)
    await stage.bot.heart.turn()
    assert pings[0] == ["/ping?token=s3cret"]
    assert (await compared(stage)).last.well
    said = words(await ask(stage, ISAIAH, "/status", here))
    assert "All is well" in said
    assert "incidents from informational, requests" in said
    assert "defender machine-actions" in said
    assert "s3cret" not in said


async def test_a_lost_record_is_mended_over_http(stage, clock):
    """What Graph lists and no record knows gets its record, for that customer alone; /status counts it."""
    here = await subscribed(stage)
    store = stage.bot.store
    lost = [record for record in await store.newest(TENANT, "incident") if record.data["status"] == "active"][:2]
    for one in lost:
        await store.commit(TENANT, [Change(kind="incident", id=one.id, rev=one.rev, data=None)])
    clock.move(120)
    report = await compared(stage)
    assert report.last.repaired["record"] >= len(lost)
    assert len(await store.get_many(TENANT, "incident", [one.id for one in lost])) == len(lost)
    assert (await compared(stage, OTHER_TENANT)).last.gaps == {}
    assert "put right" in words(await ask(stage, ISAIAH, "/status", here)).casefold()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(kind="forbidden", times=100), "permission missing"),
        (Fault(kind="error", status=500, times=100), "no usable answer"),
    ],
)
async def test_what_cannot_be_compared_is_said(stage, fault, said):
    """Where Graph refuses or fails, /status says that incidents were not compared and why, never that all is well."""
    here = await subscribed(stage)
    stage.sim.faults.add("graph.incidents.list", fault)
    report = await compared(stage)
    stage.sim.faults.clear()
    assert list(report.last.unread) == ["incidents"]
    card = words(await ask(stage, ISAIAH, "/status", here))
    assert f"Not compared: incidents ({said})" in card
    assert "All is well" not in card
