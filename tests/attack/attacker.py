"""What an attacker has at hand: devices to aim at, presses with any data, and a look at what Defender then did."""

import dataclasses
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import stamina

from bot.clock import Clock
from bot.demo import TENANT, Person
from bot.responses import requests
from bot.responses.models import Request
from bot.simulator.world import Device
from tests.integration.conftest import Stage, find_button, staged
from tests.integration.talk import BOTH, heard, redis_of_its_own, verbs


@asynccontextmanager
async def attacked(folder: Path, policy: str = "", clock: Clock | None = None, **more: Any) -> AsyncIterator[Stage]:
    """A whole bot behind HTTP, with a Redis of its own and, where there is one, that policy."""
    if policy:
        path = folder / "policy.toml"
        path.write_text(policy, encoding="utf-8")
        more["POLICY_FILE"] = str(path)
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        async with staged(redis.url, folder, clock=clock, **BOTH, **more) as running:
            yield running


def new_device(stage: Stage, model: Device | None = None, **more: Any) -> Device:
    """One more device that reports to Defender, so that tests do not meet at one."""
    customer = stage.sim.first
    model = model or next(d for d in customer.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded")
    key = uuid.uuid4().hex + uuid.uuid4().hex[:8]
    values = {"id": key, "name": f"PC-{key[:8]}", "online": True, "isolated": False, "tags": [], **more}
    device = dataclasses.replace(model, **values)
    customer.devices[device.id] = device
    return device


def sent_to(stage: Stage, *devices: Device) -> list[str]:
    """The types of the actions that Defender took for these devices."""
    meant = {device.id for device in devices}
    return [entry.type for entry in stage.sim.world.ledger.entries if entry.machine_id in meant]


async def pressed(stage: Stage, who: Person, here: str, verb: str, key: str, **more: Any) -> dict[str, Any]:
    """The answer to a press of a button that no card of ours has."""
    data = {"v": 1, "verb": verb, "id": key, "rev": 0, **more}
    return await stage.press(who, data, verb, "1", here)


async def record(stage: Stage, key: str) -> Request:
    """A request of the first company's as it is kept."""
    return await requests.get(stage.bot.services, TENANT, key)


async def to_decide(stage: Stage, here: str, before: int = 0) -> Any:
    """The newest card there that waits for a decision, where it is not one of the first `before` messages."""
    found = await stage.until(lambda: [one for one in heard(stage, here)[before:] if "approve" in verbs(one)], 20)
    return found[-1]


async def asked(stage: Stage, who: Person, line: str, here: str) -> Request:
    """What somebody asks for with that line, as it is kept: it waits for a decision."""
    before = len(heard(stage, here))
    await stage.say(who, line, here)
    return await kept(stage, here, before)


async def kept(stage: Stage, here: str, before: int = 0) -> Request:
    """The request of the newest card there that waits for a decision."""
    card = await to_decide(stage, here, before)
    return await record(stage, find_button(card.activity, "approve")["id"])
