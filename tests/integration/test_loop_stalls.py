"""While Defender hangs the event loop goes on: whoever asks for something else is answered meanwhile.

The figure itself is printed; with WATCHKEEPER_SLOW=1 Defender hangs for a whole minute.
"""

import asyncio
import os

import pytest
import stamina

from bot.demo import ADELE, ISAIAH
from bot.simulator.connector import Message
from bot.simulator.faults import Fault
from tests.integration.conftest import staged
from tests.integration.stalls import beating
from tests.integration.talk import ask, chat, redis_of_its_own, words, working

SECONDS = 60.0 if os.environ.get("WATCHKEEPER_SLOW") else 2.0
ASKING = 20
PAUSE = 0.1
PATIENCE_OF_A_CALL = 15
FAR_TOO_LONG = 2000
"""In milliseconds; this machine's other work counts too, so that only a call that blocks is caught."""


def messages(stage, here: str) -> list[Message]:
    """The messages of a conversation, without the work of searching their texts, which would be measured too."""
    return [one for one in stage.sim.connector.all.values() if one.conversation == here]


@pytest.mark.timeout(150)
async def test_loop_goes_on_while_defender_hangs(tmp_path, capsys):
    """With twenty commands that wait for Defender, other commands are answered before Defender is."""
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        async with staged(redis.url, tmp_path) as stage:
            await ask(stage, ADELE, "/devices all", chat(stage, [ADELE]))  # what happens once only has happened
            await ask(stage, ISAIAH, "/whoami", chat(stage, [ISAIAH]))
            stage.sim.faults.add("defender.machines.list", Fault(kind="slow", seconds=SECONDS, times=1000))
            places = [chat(stage, [ADELE]) for _ in range(ASKING)]
            asked: list[str] = []
            ends = asyncio.get_running_loop().time() + SECONDS * 0.8
            async with beating() as heart:
                await asyncio.gather(*(stage.say(ADELE, "/devices all", place) for place in places))
                while asyncio.get_running_loop().time() < ends:
                    asked.append(chat(stage, [ISAIAH]))
                    await stage.say(ISAIAH, "/whoami", asked[-1])
                    await stage.until(lambda: messages(stage, asked[-1]))
                    await asyncio.sleep(PAUSE)
            waiting = [place for place in places if working(messages(stage, place)[0])]
            assert waiting == places or SECONDS > PATIENCE_OF_A_CALL
            assert all("You are Isaiah" in words(messages(stage, here)[0]) for here in asked)
            with capsys.disabled():
                print(
                    f"\nDefender hangs {SECONDS:.0f} s: worst stall {heart.worst:.1f} ms, "
                    f"{heart.share_over(20):.2%} of {len(heart.late)} beats over 20 ms"
                )
            stage.sim.faults.clear()
            for place in places:
                await stage.until(lambda place=place: not working(messages(stage, place)[0]), 20)
    assert heart.worst < FAR_TOO_LONG
