"""Subscriptions over HTTP: coming, going, the buttons, and what the watcher brings from the simulated Graph."""

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import stamina

from bot.demo import ADELE, APP_ID, ISAIAH, PATTI, TENANT
from bot.simulator.connector import SEND
from bot.subscribers import find
from tests.integration.conftest import staged
from tests.integration.talk import ask, audit, chat, heard, redis_of_its_own, verbs, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOTE = "application/vnd.microsoft.activity.message"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory):
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        folder: Path = tmp_path_factory.mktemp("data")
        async with staged(redis.url, folder) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def nobody_left(stage):
    """Each test begins with nobody subscribed."""
    yield
    for conversation in list(stage.sim.connector.chats):
        if await find(stage.bot.services, TENANT, conversation):
            await ask_off(stage, conversation)


async def ask_off(stage, conversation) -> None:
    stage.sim.connector.chats[conversation].refusal = ""
    before = len(stage.sim.connector.messages("Nothing more is posted here", conversation))
    await stage.say(PATTI, "/unsubscribe", conversation)
    await stage.until(lambda: len(stage.sim.connector.messages("Nothing more is posted here", conversation)) > before)


async def subscribed(stage, kind: str = "channel", line: str = "/subscribe incidents") -> str:
    """A conversation that is subscribed, its two first cards shown; nothing else is posted there."""
    here = chat(stage, [PATTI, ADELE, ISAIAH], kind)
    await stage.say(PATTI, line, here)
    await stage.until(lambda: len(heard(stage, here)) == 2)
    return here


def new_incident(stage, number: int, **more):
    customer = stage.sim.first
    now = stage.sim.clock.now()
    model = next(iter(customer.incidents.values()))
    values = {
        "id": str(number),
        "title": f"Trial {number}",
        "created": now,
        "updated": now,
        "status": "active",
        "severity": "medium",
        "redirect": None,
    }
    customer.incidents[str(number)] = dataclasses.replace(model, **values | more)
    return customer.incidents[str(number)]


def events(stage, here: str, what: str):
    bot = {"id": f"28:{APP_ID}"}
    member = "membersAdded" if what == "add" else "membersRemoved"
    yield stage.activity(PATTI, here) | {"type": "installationUpdate", "action": what}
    yield stage.activity(PATTI, here) | {"type": "conversationUpdate", member: [bot, {"id": "29:somebody"}]}


@pytest.mark.parametrize("kind", ["personal", "groupChat", "channel"])
async def test_welcome_is_said_once(stage, kind):
    """Both events that tell of an installation bring one welcome, in either order and delivered again."""
    here = chat(stage, [PATTI], kind)
    for activity in [*events(stage, here, "add"), *events(stage, here, "add")]:
        assert (await stage.send(activity)).status_code == 202
    messages = heard(stage, here)
    assert len(messages) == 1
    assert "Watchkeeper keeps watch with you" in words(messages[0])
    assert "subscribe" in verbs(messages[0])


async def test_welcome_button_subscribes_who_may(stage):
    """The welcome's button subscribes for an admin and is refused to everybody else."""
    here = chat(stage, [PATTI, ISAIAH], "channel")
    await stage.send(next(events(stage, here, "add")))
    card = heard(stage, here)[0]
    refused = await stage.click(ISAIAH, card, "subscribe")
    assert refused["type"] == NOTE
    assert "needs the role admin" in refused["value"]
    assert await find(stage.bot.services, TENANT, here) is None
    answer = await stage.click(PATTI, card, "subscribe")
    assert "Subscribed" in words(answer)
    assert await find(stage.bot.services, TENANT, here)


async def test_button_is_as_good_as_new_after_unsubscribe(stage):
    """Pressing the same button again after an unsubscribe really subscribes again."""
    here = chat(stage, [PATTI], "channel")
    await stage.send(next(events(stage, here, "add")))
    card = heard(stage, here)[0]
    for _ in range(2):
        await stage.click(PATTI, card, "subscribe")
        assert await find(stage.bot.services, TENANT, here)
        await ask_off(stage, here)
        assert await find(stage.bot.services, TENANT, here) is None
    told = [e["what"] for e in await audit(stage) if e["subject"] == f"conversation:{here}"]
    assert told == ["subscribed", "unsubscribed"] * 2


async def test_unsubscribe_without_subscription(stage):
    """Unsubscribing where nothing was subscribed is answered plainly and not audited."""
    here = chat(stage, [PATTI])
    assert "Unsubscribed" in words(await ask(stage, PATTI, "/unsubscribe", here))
    assert not [e for e in await audit(stage) if e["subject"] == f"conversation:{here}"]


async def test_subscription_survives_its_thread(stage):
    """A subscription made in a thread posts at the top of the channel."""
    here = chat(stage, [PATTI], "channel")
    await stage.say(PATTI, "/subscribe", f"{here};messageid=1700000000000")
    await stage.until(lambda: len(heard(stage, here)) == 2)
    new_incident(stage, 7001)
    (card,) = await stage.until(lambda: stage.sim.connector.messages("Trial 7001", here))
    assert card.thread == ""


@pytest.mark.parametrize("how", [0, 1], ids=["installationUpdate", "conversationUpdate"])
async def test_removal_ends_the_subscription(stage, how):
    """When the bot is removed its subscription ends at once, and another conversation is told."""
    lost, kept = await subscribed(stage), await subscribed(stage)
    await stage.send(list(events(stage, lost, "remove"))[how])
    assert await find(stage.bot.services, TENANT, lost) is None
    assert heard(stage, lost) == heard(stage, lost)[:2]
    await stage.until(lambda: stage.sim.connector.messages("I can no longer write in one of", kept))
    new_incident(stage, 7100 + how)
    await stage.until(lambda: stage.sim.connector.messages(f"Trial {7100 + how}", kept))
    assert stage.sim.connector.messages(f"Trial {7100 + how}", lost) == []


async def test_refusal_ends_the_subscription(stage):
    """When Teams answers 403 to a card, the subscription ends, once, and the audit says so."""
    lost, kept = await subscribed(stage), await subscribed(stage)
    stage.sim.connector.chats[lost].refusal = "BotNotInConversationRoster"
    new_incident(stage, 7200)
    await stage.until(lambda: stage.sim.connector.messages("I can no longer write in one of", kept))
    assert await find(stage.bot.services, TENANT, lost) is None
    told = [e["what"] for e in await audit(stage) if e["subject"] == f"conversation:{lost}"]
    assert told == ["subscribed", "subscription ended"]


async def test_card_follows_the_incident(stage):
    """One card is made, edited as the incident changes, and told below when it is reopened."""
    here = await subscribed(stage)
    incident = new_incident(stage, 7300, severity="low")
    (card,) = await stage.until(lambda: stage.sim.connector.messages("Trial 7300", here))
    incident.severity, incident.updated = "high", stage.sim.clock.now()
    await stage.until(lambda: "High severity" in words(card))
    await stage.until(lambda: stage.sim.connector.messages("Severity is now high", here))
    incident.status, incident.updated = "resolved", stage.sim.clock.now()
    await stage.until(lambda: "resolved" in words(card))
    incident.status, incident.updated = "active", stage.sim.clock.now()
    await stage.until(lambda: [m for m in heard(stage, here) if m.thread == card.id and "Reopened" in words(m)])
    assert len([m for m in heard(stage, here) if m.thread == ""]) == 3
    assert len([m for m in heard(stage, here) if m.thread == card.id]) == 2


async def test_unknown_enum_members_are_asked_for(stage):
    """A status that Graph sends only to who asks for all members is shown as itself."""
    here = await subscribed(stage)
    new_incident(stage, 7400, status="awaitingAction")
    (card,) = await stage.until(lambda: stage.sim.connector.messages("Trial 7400", here))
    assert "unknownFutureValue" not in words(card)
    assert "awaiting" in words(card).casefold()


async def test_burst_is_one_card_within_the_limits(stage):
    """A hundred and twenty incidents of the very same moment become one card, and Teams' limits are kept."""
    here = await subscribed(stage)
    moment = stage.sim.clock.now() + timedelta(milliseconds=1)
    for number in range(120):
        new_incident(stage, 8000 + number, created=moment, updated=moment)
    await stage.until(lambda: stage.sim.connector.messages("120", here))
    assert len(heard(stage, here)) == 3
    assert await stage.bot.store.get(TENANT, "incident", "8119")
    times = [one.at for one in stage.sim.connector.records if one.conversation == here]
    for limit in SEND:
        for first in times:
            inside = [t for t in times if timedelta(0) <= t - first < timedelta(seconds=limit.seconds)]
            assert len(inside) <= limit.calls


async def test_crowded_incident_is_read(stage):
    """An incident with many alerts, which Graph does not expand in lists, has its alerts on the card."""
    here = await subscribed(stage)
    incident = new_incident(stage, 7500)
    model = next(iter(stage.sim.first.alerts.values()))
    for number in range(40):
        alert = dataclasses.replace(model, id=f"da{number}_crowd", incident_id=incident.id, title=f"Crowd {number}")
        stage.sim.first.alerts[alert.id] = alert
    (card,) = await stage.until(lambda: stage.sim.connector.messages("Trial 7500", here))
    await stage.until(lambda: '"Alerts", "value": "40"' in words(card))
    assert "could not be read" not in words(card)
