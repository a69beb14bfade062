"""While Microsoft's services hang: presses are answered, working cards end, nothing waits that need not."""

from pathlib import Path

import pytest
import pytest_asyncio
import stamina

from bot.demo import ADELE, ALEX, MEGAN, PATTI, TENANT
from bot.simulator.faults import Fault
from tests.integration.conftest import Stage, staged
from tests.integration.talk import (
    answered,
    ask,
    chat,
    heard,
    redis_of_its_own,
    words,
    working,
)
from tests.moved_clock import MovedClock

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOTE = "application/vnd.microsoft.activity.message"
RUN = {"v": 1, "verb": "run", "id": "devices all", "rev": 0}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def clock():
    return MovedClock()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, clock: MovedClock):
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        folder: Path = tmp_path_factory.mktemp("data")
        async with staged(redis.url, folder, clock=clock) as running:
            for person in (ADELE, ALEX, PATTI):
                await ask(running, person, "/whoami", chat(running, [person]))
            yield running


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def healthy(stage):
    yield
    stage.sim.faults.clear()


def hang(stage: Stage, operation: str, seconds: float, kind: str = "slow", times: int = 1) -> None:
    stage.sim.faults.add(operation, Fault(kind=kind, seconds=seconds, times=times))  # type: ignore[arg-type]


async def works_on(stage: Stage, here: str, before: int = 0):
    """The working card that comes first."""
    found = await stage.until(lambda: heard(stage, here)[before:])
    assert working(found[0]), words(found[0])
    return found[0]


@pytest.mark.parametrize("kind", ["personal", "groupChat", "channel"])
async def test_working_card_becomes_the_answer(stage, kind):
    """A command whose service takes long shows a working card with its line, and the answer takes its place."""
    here = chat(stage, [ADELE], kind)
    hang(stage, "defender.machines.list", 1.3)
    await stage.say(ADELE, "/devices all", here)
    card = await works_on(stage, here)
    assert "/devices all" in words(card)
    await stage.until(lambda: "devices" in words(card) and not working(card))
    assert [m.id for m in heard(stage, here)] == [card.id]


async def test_working_card_becomes_the_trouble(stage):
    """Where the slow service fails in the end the working card says so."""
    here = chat(stage, [ADELE])
    hang(stage, "defender.machines.list", 0.7, "timeout", times=3)
    await stage.say(ADELE, "/devices", here)
    card = await works_on(stage, here)
    await stage.until(lambda: not working(card))
    assert "Trouble with Microsoft Defender" in words(card)
    assert len(heard(stage, here)) == 1


async def test_quick_answer_has_no_working_card(stage):
    """An answer that is there at once comes without a working card before it."""
    here = chat(stage, [ADELE])
    message = await ask(stage, ADELE, "/devices all", here)
    assert len(message.revisions) == 1


async def test_press_does_not_wait_for_the_service(stage):
    """A press whose service hangs is answered while it still hangs; the answer stands below, the card stays."""
    here = chat(stage, [ADELE])
    card = await ask(stage, ADELE, "/help", here)
    before = card.text
    hang(stage, "defender.machines.list", 2.8)
    answer = await stage.press(ADELE, RUN, "run", card.id, here)
    assert answer == {"statusCode": 200, "type": NOTE, "value": "This takes a moment. The answer follows below."}
    below = await works_on(stage, here, 1)
    assert "devices all" in words(below)
    await stage.until(lambda: not working(below))
    assert "Devices" in words(below)
    assert "Done." not in words(below)
    assert card.text == before
    assert len(heard(stage, here)) == 2


async def test_quick_press_stands_beside(stage):
    """The answer to a press that is there at once is a message of its own, and the pressed card stays as it is."""
    here = chat(stage, [ADELE])
    card = await ask(stage, ADELE, "/help", here)
    assert await stage.press(ADELE, RUN, "run", card.id, here) == {}
    assert "Devices" in words(await answered(stage, here, 1))
    page = await stage.press(ADELE, RUN | {"id": "devices all page 1"}, "run", card.id, here)
    assert page["type"] == "application/vnd.microsoft.card.adaptive"
    assert len(heard(stage, here)) == 2


async def test_several_matches_stand_beside(stage):
    """A press that needs a choice posts the choice and leaves the pressed card."""
    here = chat(stage, [ADELE])
    card = await ask(stage, ADELE, "/help", here)
    answer = await stage.press(ADELE, RUN | {"id": "device e"}, "run", card.id, here)
    assert answer["type"] == NOTE
    assert "Which one do you mean?" in words(await answered(stage, here, 1))


@pytest.mark.parametrize("operation", ["graph.checkmembergroups", "connector.member"])
async def test_press_does_not_wait_for_the_role(stage, operation):
    """A press whose role cannot be read in time is answered, does nothing, and works once the role was read."""
    here = chat(stage, [MEGAN, ADELE], "channel")
    device = next(d for d in stage.sim.first.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded")
    card = await ask(stage, ADELE, f"/isolate {device.id} because", here)
    await stage.bot.store._redis.delete(
        *[name async for name in stage.bot.store._redis.scan_iter(f"*value:groups:{MEGAN.entra_id}")] or ["none"]
    )
    hang(stage, operation, 2.3)
    answer = await stage.click(MEGAN, card, "reject", inputs={"reason": "no"})
    assert "could not find out what you may do" in answer["value"]
    assert "approve" in words(card)
    await stage.until(lambda: not stage.bot.dispatch._background)
    answer = await stage.click(MEGAN, card, "reject", inputs={"reason": "no"})
    assert "Rejected" in words(answer)


async def test_press_on_a_failing_service_keeps_the_card(stage):
    """Trouble during a press is told beside the card, which can be pressed again."""
    here = chat(stage, [ADELE])
    card = await ask(stage, ADELE, "/help", here)
    hang(stage, "defender.machines.list", 0, "forbidden", times=2)
    answer = await stage.press(ADELE, RUN, "run", card.id, here)
    assert answer == {"statusCode": 200, "type": NOTE, "value": "Trouble with Microsoft Defender"}
    assert "Machine.Read.All" in words(await answered(stage, here, 1))


async def test_answer_comes_where_no_working_card_could_be_shown(stage):
    """Where Teams does not take the working card the answer comes as a message when it is there."""
    here = chat(stage, [ADELE])
    hang(stage, "defender.machines.list", 1.3)
    stage.sim.faults.add("connector.post", Fault(kind="error", status=500, times=2))  # the typing sign, the card
    await stage.say(ADELE, "/devices all", here)
    message = await stage.until(lambda: heard(stage, here))
    assert "Devices" in words(message[0])
    assert len(message[0].revisions) == 1


async def test_edit_that_is_throttled_is_made_later(stage):
    """Where Teams asks to slow down, the working card still ends with the answer."""
    here = chat(stage, [ADELE])
    hang(stage, "defender.machines.list", 1.5)
    stage.sim.faults.add("connector.edit", Fault(kind="throttled", retry_after=1, times=4))
    await stage.say(ADELE, "/devices all", here)
    card = await works_on(stage, here)
    await stage.until(lambda: not working(card))
    assert "Devices" in words(card)


async def test_interrupted_work_ends_as_interrupted(stage, clock):
    """When the process dies while it works, the card says that it was interrupted instead of "working" for ever."""
    here = chat(stage, [ADELE])
    hang(stage, "defender.machines.list", 20)
    await stage.say(ADELE, "/devices all", here)
    card = await works_on(stage, here)
    for task in list(stage.bot.dispatch._background):
        task.cancel()
    clock.move(76)
    await stage.bot.jobs.sweep()
    await stage.until(lambda: not working(card))
    assert "/devices all was interrupted before the answer came. Please try again." in words(card)
    stage.sim.faults.clear()
    assert "Devices" in words(await ask(stage, ADELE, "/devices all", here))


async def test_ended_work_is_not_interrupted_later(stage, clock):
    """A working card that got its answer is left alone when its time is over."""
    here = chat(stage, [ADELE])
    hang(stage, "defender.machines.list", 1.2)
    await stage.say(ADELE, "/devices all", here)
    card = await works_on(stage, here)
    await stage.until(lambda: not working(card))
    await stage.until(lambda: not stage.bot.dispatch._background)
    clock.move(200)
    await stage.bot.jobs.sweep()
    assert await stage.bot.store.get(TENANT, "reply", card.id) is None
    assert "Devices" in words(card)


async def test_conversation_that_is_gone_does_no_harm(stage):
    """Where the bot was removed meanwhile, the answer goes nowhere and the bot goes on."""
    here = chat(stage, [ADELE])
    hang(stage, "defender.machines.list", 1.2)
    await stage.say(ADELE, "/devices all", here)
    await works_on(stage, here)
    stage.sim.connector.chats[here].refusal = "BotNotInConversationRoster"
    await stage.until(lambda: not stage.bot.dispatch._background)
    other = chat(stage, [ADELE])
    assert "Devices" in words(await ask(stage, ADELE, "/devices all", other))


@pytest.mark.parametrize("source", ["graph.securescores.list", "defender.configurationscore", "defender.exposurescore"])
async def test_score_that_breaks_off_is_named(stage, source):
    """A score whose connection breaks off after a while is named as not read; the two others are shown."""
    here = chat(stage, [ADELE])
    hang(stage, source, 0.3, "timeout", times=3)
    message = await ask(stage, ADELE, "/score now", here, 25)
    assert "Could not be read" in words(message)


async def test_typing_is_shown_in_a_chat(stage):
    """While an answer takes long a chat shows that it is being made, once."""
    here = chat(stage, [ADELE])
    hang(stage, "defender.machines.list", 1.3)
    await stage.say(ADELE, "/devices all", here)
    await stage.until(lambda: "Devices" in "".join(words(message) for message in heard(stage, here)))
    signs = [one for one in stage.sim.connector.records if one.operation == "typing" and one.conversation == here]
    assert len(signs) == 1
