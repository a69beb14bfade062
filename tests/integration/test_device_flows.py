"""What people do to devices, from their words and presses to the device: packages, typed names, cancelling, twins."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from bot.capabilities.learning import learn
from bot.demo import ADELE, ALEX, MEGAN, PATTI, TENANT
from bot.simulator.actions import Pace
from bot.simulator.file_facts import files
from bot.simulator.investigations import start
from bot.simulator.world import Action, Device
from tests.attack.test_no_secret_is_kept import everything
from tests.integration.conftest import RedisProcess, Stage, find_button, staged
from tests.integration.talk import answered, ask, audit, chat, heard, verbs, words
from tests.moved_clock import MovedClock

QUICK = Pace(start=0.1, run={}, run_other=0.1)


@pytest.fixture
async def stage(redis_server: RedisProcess, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose bot need not wait until it looks again."""
    clock = MovedClock()
    async with staged(redis_server.url, tmp_path, clock=clock) as made:
        made.extra["clock"] = clock
        yield made


@pytest.fixture
def device(stage: Stage) -> Device:
    """A device that can do everything, in a tenant that has everything."""
    stage.sim.first.plan = "plan2"
    stage.sim.dispatcher.pace = QUICK
    found = next(
        one
        for one in stage.sim.first.devices.values()
        if one.os == "Windows11" and one.onboarding == "onboarded" and one.online
    )
    found.version = "24H2"
    return found


async def decided(stage: Stage, line: str, here: str) -> Any:
    """Adele asks, Megan approves; the request's card."""
    card = await ask(stage, ADELE, line, here)
    await stage.click(MEGAN, card, "approve")
    return card


async def until_it_says(stage: Stage, card: Any, text: str) -> None:
    await stage.until(lambda: text in words(card.activity), 20)


async def done(stage: Stage, what: Callable[[], bool]) -> None:
    """Wait until the device has done it, without waiting for the bot to look."""

    def true() -> bool:
        stage.sim.tick(stage.sim.first)
        return what()

    await stage.until(true)


def of_ours(stage: Stage) -> list[Action]:
    """The actions at the service that the bot has made."""
    return [one for one in stage.sim.first.actions.values() if one.comment.startswith("[WK-")]


def links(message: Any) -> list[str]:
    return re.findall(r'"url": "(http[^"]*safedownload[^"]*)"', words(message))


async def test_a_package_is_for_who_asked_and_who_approved(
    stage: Stage, device: Device, redis_server: RedisProcess
) -> None:
    """The link stands in their own chats alone, opens the package, is written down as given, and is kept nowhere."""
    here = chat(stage, [ADELE, MEGAN, ALEX], "channel")
    card = await decided(stage, f"/collect {device.name} what ran there", here)
    name = re.search(r"WK-\w+", words(card))
    assert name
    await done(stage, lambda: any(one.status == "Succeeded" for one in of_ours(stage)))
    stage.extra["clock"].move(5)
    await stage.bot.services.wake(TENANT, "request", name[0])
    await until_it_says(stage, card, "The package is there")
    line = f"/package {name[0]}"
    assert "in the personal chat with me" in (await ask(stage, ADELE, line, here)).text
    own = {who: chat(stage, [who]) for who in (ADELE, MEGAN, ALEX)}
    assert "asked for the package or approved it" in (await ask(stage, ALEX, line, own[ALEX])).text
    button = {"v": 1, "verb": "run", "id": line, "rev": 0}
    pressed = await stage.press(ADELE, button, "run", "1", own[ADELE])
    assert "yourself" in words(pressed)
    given = [links(await ask(stage, who, line, own[who])) for who in (ADELE, MEGAN)]
    assert [len(found) for found in given] == [1, 1]
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(given[0][0])).content[:2] == b"PK"
    entries = [entry["who"] for entry in await audit(stage) if entry["what"] == "package handed over"]
    assert [who.rpartition("/")[2] for who in entries] == [ADELE.entra_id, MEGAN.entra_id]
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        kept = b"\n".join(everything(client))
    assert name[0].encode() in kept
    for (link,) in given:
        assert link.rpartition("=")[2].encode() not in kept
    assert not any(links(message) for message in heard(stage, here))


async def test_a_name_is_typed_twice(stage: Stage, device: Device) -> None:
    """Offboarding is asked for with the same name twice, in words as in the form; then it takes an approval."""
    here = chat(stage, [ADELE, MEGAN], "channel")
    for line in (f"/offboard {device.name} it is old", f"/offboard {device.name} SRV-99 it is old"):
        assert "twice" in (await ask(stage, ADELE, line, here)).text
    offers = await ask(stage, ADELE, f"/respond {device.name}", here)
    data = next(one for one in presses(offers.activity) if one["id"] == f"offboard:{device.id}")
    refused = await stage.press(ADELE, {**data, "confirm": "SRV-99", "reason": "old"}, "propose", offers.id, here)
    assert "twice" in words(refused)
    before = len(heard(stage, here))
    await stage.press(ADELE, {**data, "confirm": device.name, "reason": "old"}, "propose", offers.id, here)
    card = await answered(stage, here, before)
    assert "Decide: Offboard" in card.text
    await stage.click(MEGAN, card, "approve")
    await done(stage, lambda: device.offboarded)


def presses(node: Any) -> list[dict[str, Any]]:
    """The data of all buttons on a card."""
    if isinstance(node, list):
        return [found for one in node for found in presses(one)]
    if not isinstance(node, dict):
        return []
    own = [node["data"]] if node.get("type") == "Action.Execute" else []
    return own + [found for value in node.values() for found in presses(value)]


async def test_a_waiting_action_is_cancelled_by_a_button(stage: Stage, device: Device) -> None:
    """The button in /actions asks for the response, whose card says what came of it; what is over is not taken back."""
    here = chat(stage, [ADELE, MEGAN], "channel")
    stage.sim.first.set_online(device, stage.sim.clock.now(), online=False)
    card = await decided(stage, f"/isolate {device.name} beacon", here)
    await until_it_says(stage, card, "Pending")
    (action,) = of_ours(stage)
    listed = await ask(stage, MEGAN, "/actions", here)
    before = len(heard(stage, here))
    await stage.press(MEGAN, {**find_button(listed.activity, "cancel"), "id": action.id}, "cancel", listed.id, here)
    cancelling = await answered(stage, here, before)
    await until_it_says(stage, cancelling, "**Cancelled.**")
    assert (action.status, device.isolated) == ("Cancelled", False)
    again = await ask(stage, MEGAN, f"/cancel {action.id}", here)
    assert "already over" in again.text
    refused = await ask(stage, ADELE, f"/cancel {action.id}", here)
    assert "approver" in refused.text


async def test_a_device_that_was_installed_anew_is_asked_for_again(stage: Stage, device: Device) -> None:
    """Nothing is sent; one press asks for the same at the device as it is now, and that is decided anew."""
    here = chat(stage, [ADELE, MEGAN], "channel")
    card = await ask(stage, ADELE, f"/isolate {device.name} beacon", here)
    later = stage.sim.clock.now()
    new = replace(device, id="f" * 40, first_seen=later, last_seen=later)
    del stage.sim.first.devices[device.id]
    stage.sim.first.devices[new.id] = new
    await stage.click(MEGAN, card, "approve")
    await until_it_says(stage, card, "was installed anew")
    assert "again" in verbs(card.activity)
    before = len(heard(stage, here))
    await stage.click(ADELE, card, "again")
    anew = await answered(stage, here, before)
    assert "Decide: Isolate" in anew.text
    assert "beacon" in anew.text
    await stage.click(MEGAN, anew, "approve")
    await done(stage, lambda: new.isolated)
    assert not device.isolated
    assert len(stage.sim.world.ledger.created(comment="[WK-")) == 1


async def test_a_tag_is_undone_with_the_same_tag(stage: Stage, device: Device) -> None:
    """Undo on the card takes away what was given, and nothing else."""
    device.tags = ["VIP"]
    here = chat(stage, [ADELE, PATTI], "channel")
    card = await ask(stage, ADELE, f'/tag {device.name} "to be replaced"', here)
    await until_it_says(stage, card, "Undo")
    await stage.until(lambda: "undo" in verbs(card.activity))
    assert device.tags == ["VIP", "to be replaced"]
    await stage.click(ADELE, card, "undo")
    await stage.until(lambda: device.tags == ["VIP"])


async def test_an_approver_is_told_of_the_file_and_of_what_goes_on(stage: Stage, device: Device) -> None:
    """Before a quarantine: who signed the file and where it was seen. Before an investigation: those under way."""
    here = chat(stage, [ADELE, MEGAN], "channel")
    sha1, seen = next(iter(files(stage.sim.first).items()))
    card = await ask(stage, ADELE, f"/quarantine {device.name} {sha1} dropped by a mail", here)
    assert "Decide: Quarantine a file" in card.text
    assert seen.alerts[0].title[:20] in words(card)
    assert "Signer" in words(card)
    assert "40 digits" in (await ask(stage, ADELE, f"/quarantine {device.name} abc why", here)).text
    going_on = start(stage.sim.first, device, stage.sim.clock.now())
    card = await ask(stage, ADELE, f"/investigate {device.name} odd", here)
    assert f"{going_on.id} (" in words(card)


async def test_a_value_must_be_named(stage: Stage, device: Device) -> None:
    """None of the three is taken by itself; the one before is what Undo asks for."""
    device.value = "Low"
    here = chat(stage, [ADELE], "channel")
    assert "low|normal|high" in (await ask(stage, ADELE, f"/value {device.name}", here)).text
    card = await ask(stage, ADELE, f"/value {device.name} high", here)
    await stage.until(lambda: device.value == "High")
    await stage.until(lambda: "undo" in verbs(card.activity))
    await stage.click(ADELE, card, "undo")
    await stage.until(lambda: device.value == "Low")


async def test_what_does_not_fit_is_not_offered(stage: Stage, device: Device) -> None:
    """Not what the plan lacks; a device that is not onboarded can be contained alone, one that is cannot."""
    here = chat(stage, [ADELE, MEGAN], "channel")
    stage.sim.first.plan = "business"
    await learn(stage.bot.services, TENANT)
    offered = presses((await ask(stage, ADELE, f"/respond {device.name}", here)).activity)
    names = {one["id"].partition(":")[0] for one in offered if one["verb"] == "propose"}
    assert {"isolate", "scan", "investigate", "offboard", "tag", "value"} <= names
    assert not names & {"contain", "release", "unrestrict", "restrict", "collect", "quarantine"}
    assert "onboarded to Defender" in (await ask(stage, ADELE, f"/contain {device.name} x", here)).text
    device.onboarding = "CanBeOnboarded"
    offered = presses((await ask(stage, ADELE, f"/device {device.name}", here)).activity)
    assert {one["id"].partition(":")[0] for one in offered if one["verb"] == "propose"} == {"contain"}
    assert "not onboarded" in (await ask(stage, ADELE, f"/investigate {device.name} x", here)).text
