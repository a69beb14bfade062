"""A process dies before or after any call to Defender while an indicator is made or removed, or a list imported."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from bot.responses.models import State, Target
from bot.services import Services
from bot.simulator.entries import Entry
from handlers.responses import block, block_list, unblock
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.processes import Killed, Process, Through
from tests.responses.renewed import renewed

pytestmark = pytest.mark.asyncio(loop_scope="module")
BAD = "bad.example"
LEAST = 2
"""Each response makes at least two calls: it looks, then it changes."""
COMMON = {"expirationTime": "forever", "severity": "High"}
ASKED: Mapping[str, dict[str, Any]] = {
    "block": {
        "target": Target(id=BAD, name=BAD, kind="indicator"),
        "parameters": {"indicatorAction": "Block", **COMMON},
    },
    "unblock": {"target": Target(id=BAD, name=BAD, kind="indicator"), "parameters": {}},
    "block-list": {
        "target": Target(id="list:1", name="2 values", kind="values"),
        "parameters": COMMON,
        "values": (BAD, "worse.example"),
    },
}


class Mortal(HttpStage):
    """A stage whose process dies at its calls to Defender: the rest of what may happen to it is tested elsewhere."""

    caller: Process

    def services(self, process: Process | None = None) -> Services:
        """What a process works with."""
        client = Through(self.caller, self.clients["defender"])
        return replace(super().services(process), defender=lambda _: client)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company() -> AsyncIterator[Mortal]:
    async with staged_over_http([block.RESPONSE, unblock.RESPONSE, block_list.RESPONSE]) as made:
        made.__class__ = Mortal
        yield made  # type: ignore[misc]  # it has just become one


def there(stage: HttpStage) -> list[str]:
    """The values that are blocked now."""
    return [entry.value for entry in stage.sim.first.entries.active(stage.clock.now()) if entry.action == "Block"]


def changes(stage: HttpStage) -> int:
    """How many calls the service accepted that change indicators."""
    return sum(status < 300 for name, _, status in stage.sim.calls if name.endswith((".submit", ".import", ".delete")))


def put_one(stage: HttpStage) -> None:
    now = stage.clock.now()
    stage.sim.first.entries.held["1"] = Entry(
        id="1",
        value=BAD,
        type="DomainName",
        action="Block",
        title="by hand",
        description="by hand",
        created=now,
        updated=now,
        created_by="patti",
        source="patti",
    )


@pytest.mark.parametrize("how", ["die before", "die after"])
@pytest.mark.parametrize("response", ASKED)
async def test_a_process_dies_at_any_moment(company: Mortal, response: str, how: Any):
    """Whatever the moment: one call at most, and done is said only where it is done."""
    for count in range(1, 12):
        renewed(company)
        company.caller = Process("healthy")
        if response == "unblock":
            put_one(company)
        key = await company.approved(response, **ASKED[response])
        company.caller = dying = Process("dying")
        dying.arm(count, how)
        with suppress(Killed):
            await company.work(key)
        company.caller = Process("healthy")
        await company.until_quiet(timedelta(minutes=8))
        request = await company.request(key)
        wanted = {"block": [BAD], "unblock": [], "block-list": [BAD, "worse.example"]}[response]
        assert changes(company) <= 1, count
        assert request.state in {State.SUCCEEDED, State.UNKNOWN}, count
        assert (there(company) == wanted) is (request.state is State.SUCCEEDED), count
        if not dying.dead:
            assert count > LEAST, "it died at no call"
            return
    raise AssertionError("it never lived to the end")
