"""The digest over HTTP and a real Redis: subscribed, brought when it is due, pressed, asked for, and ended."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
import stamina

from bot.demo import ADELE, ISAIAH, PATTI, TENANT
from bot.digests import SCHEDULE
from bot.subscribers import find
from bot.turn import Actor, Conversation, Turn
from handlers.subscribe import when_installed
from tests.integration.conftest import OTHER_CHANNEL, OTHER_TENANT, ROBIN, staged
from tests.integration.talk import BOTH, ask, audit, chat, heard, redis_of_its_own, words
from tests.moved_clock import MovedClock

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def clock():
    return MovedClock()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, clock):
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        folder: Path = tmp_path_factory.mktemp("data")
        async with staged(redis.url, folder, clock=clock, **BOTH) as running:
            yield running


def digests(stage, here: str):
    return [message for message in heard(stage, here) if '"Digest"' in words(message)]


async def brought(stage, clock, here: str, tenant: str = TENANT):
    """The next digest in a conversation: time is moved to it."""
    before = len(digests(stage, here))
    record = await stage.bot.store.get(tenant, SCHEDULE, here)
    due = datetime.fromisoformat(record.data["next"])
    clock.move((due - clock.now()).total_seconds() + 1)
    await stage.bot.jobs.wake(tenant, SCHEDULE, here)
    return (await stage.until(lambda: digests(stage, here)[before:]))[0]


async def test_subscribed_brought_pressed_and_ended(stage, clock):
    """The confirmation shows the next three times; the digest comes, its buttons answer below it, and it can end."""
    here = chat(stage, [PATTI, ADELE, ISAIAH], "channel")
    answer = words(await ask(stage, PATTI, "/subscribe digest at 06:15 america/new york", here))
    assert "on the clocks of America/New_York" in answer
    assert answer.count("06:15 EST") + answer.count("06:15 EDT") == 3
    assert "Incidents are not posted here" in answer
    card = await brought(stage, clock, here)
    assert "The last 24 hours, to " in words(card)
    assert "06:15 E" in words(card)
    before = len(heard(stage, here))
    await stage.click(ISAIAH, card, "run")
    await stage.until(lambda: len(heard(stage, here)) == before + 1)
    assert digests(stage, here) == [card]
    second = await brought(stage, clock, here)
    assert words(second).count("06:15 E") >= 2
    assert "The digest has ended" in words(await ask(stage, PATTI, "/unsubscribe digest", here))
    assert await find(stage.bot.services, TENANT, here) is None
    clock.move(timedelta(days=2).total_seconds())
    await stage.bot.jobs.wake(TENANT, SCHEDULE, here)
    assert digests(stage, here) == [card, second]
    told = [e for e in await audit(stage) if e["subject"] == f"conversation:{here}"]
    assert [e["what"] for e in told] == ["subscribed", "unsubscribed"]
    assert told[0]["more"] == {"incidents": "", "requests": False, "digest": "06:15", "zone": "America/New_York"}


async def test_words_leave_the_rest_as_it_is(stage):
    """The digest's words leave incidents and requests alone, theirs leave the digest, and its end leaves both."""
    here = chat(stage, [PATTI], "channel")
    for line, wanted in (
        ("/subscribe incidents from high", ("high", False, "", "")),
        ("/subscribe digest at 8", ("high", False, "08:00", "Europe/Berlin")),
        ("/subscribe", ("informational", True, "08:00", "Europe/Berlin")),
        ("/subscribe digest at 9 utc requests", ("", True, "09:00", "UTC")),
        ("/unsubscribe digest", ("", True, "", "")),
    ):
        before = len(heard(stage, here))
        await stage.say(PATTI, line, here)
        await stage.until(lambda before=before: len(heard(stage, here)) > before)
        kept = await find(stage.bot.services, TENANT, here)
        assert (kept.incidents, kept.requests, kept.digest, kept.digest_zone) == wanted
    await ask(stage, PATTI, "/unsubscribe", here)
    assert await find(stage.bot.services, TENANT, here) is None


async def test_a_person_without_a_zone_is_asked(stage):
    """Where neither the words nor Teams name a known zone, it is asked for and nothing is written."""
    here = chat(stage, [PATTI], "channel")
    for zone in ("", "Mars/Olympus", None):
        answer = await ask(stage, PATTI, "/subscribe digest at 8", here, localTimezone=zone)
        assert "I do not know your time zone" in words(answer)
        assert "digest at HH:MM" in words(answer)
    assert await find(stage.bot.services, TENANT, here) is None


async def test_asked_for_by_hand_it_moves_nothing(stage, clock):
    """/digest shows what changed since the last one that came by itself, and the next one still covers all of it."""
    here = chat(stage, [PATTI, ISAIAH], "channel")
    await ask(stage, PATTI, "/subscribe digest at 8 utc", here)
    assert "The last 24 hours" in words(await ask(stage, ISAIAH, "/digest", here))
    await brought(stage, clock, here)
    since = clock.now().astimezone(ZoneInfo("Europe/Berlin"))
    clock.move(3600)
    for _ in range(2):
        assert f"{since.day} {since:%b %H:%M} CE" in words(await ask(stage, ISAIAH, "/digest", here))
    coming = words(await brought(stage, clock, here))
    assert "08:00 UTC to " in coming
    elsewhere = chat(stage, [ISAIAH])
    assert "The last 24 hours" in words(await ask(stage, ISAIAH, "/digest", elsewhere))


async def test_the_other_customer_has_its_own(stage):
    """The second company's person asks in their channel and sees nothing of the first company."""
    for device in stage.sim.first.devices.values():
        device.risk, device.name = "High", f"ZEBRA-{device.name}"
    mine = words(await ask(stage, ISAIAH, "/digest", chat(stage, [ISAIAH])))
    assert "ZEBRA" in mine
    assert TENANT in mine
    theirs = words(await ask(stage, ROBIN, "/digest", OTHER_CHANNEL, tenant=OTHER_TENANT))
    assert "Digest" in theirs
    assert "ZEBRA" not in theirs
    assert TENANT not in theirs


async def test_the_demonstration_has_a_digest_in_its_channel(stage, clock):
    """In `run` a channel is subscribed to a digest that comes soon; chats of people are not."""
    for kind, zone, wanted in (
        ("channel", "Asia/Tokyo", "Asia/Tokyo"),
        ("channel", "odd", "UTC"),
        ("personal", "", ""),
    ):
        here = Conversation(
            id=chat(stage, [PATTI], kind), kind=kind, tenant=TENANT, service_url=stage.service_url, bot_id="28:b"
        )
        who = Actor(id="a", tenant=TENANT, name="A", mri="29:a")
        turn = Turn(kind="installed", id=here.id, actor=who, conversation=here, zone=zone)
        await when_installed(stage.bot.services, TENANT, turn)
        kept = await find(stage.bot.services, TENANT, here.id)
        assert kept.digest_zone == wanted
        if wanted:
            record = await stage.bot.store.get(TENANT, SCHEDULE, here.id)
            due = datetime.fromisoformat(record.data["next"])
            assert timedelta(seconds=59) < due - clock.now() <= timedelta(minutes=2)
