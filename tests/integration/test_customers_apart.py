"""Two customers on one bot: whatever happens, nothing of the one is ever seen in a conversation of the other."""

from pathlib import Path

import pytest
import pytest_asyncio
import stamina

from bot.demo import ADELE, ALEX, PATTI, TENANT
from bot.simulator.world import Person as Entry
from tests.integration.conftest import CHANNEL, OTHER_CHANNEL, OTHER_TENANT, ROBIN, staged
from tests.integration.talk import BOTH, ask, chat, heard, redis_of_its_own, verbs, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOTH_ADMINS = f"a0000000-0000-4000-8000-000000000004,{ROBIN.entra_id}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory):
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        folder: Path = tmp_path_factory.mktemp("data")
        async with staged(redis.url, folder, **BOTH, ROLES_ADMIN=BOTH_ADMINS) as running:
            yield running


def branded(customer, mark: str) -> None:
    """Give everything of a customer a name that nothing else has."""
    for number, device in enumerate(customer.devices.values()):
        device.name = f"{mark}-pc-{number}"
        for user in device.users:
            user.account = f"{mark}-user-{number}"
    for incident in customer.incidents.values():
        incident.title = f"{mark} {incident.title}"
    for alert in customer.alerts.values():
        alert.title = f"{mark} {alert.title}"
        for item in alert.evidence:
            for name in ("deviceDnsName", "fileName", "userAccount", "primaryAddress", "url"):
                if isinstance(item.get(name), str):
                    item[name] = f"{mark}-{item[name]}"
    for action in customer.actions.values():
        action.computer_name = f"{mark}-{action.computer_name}"
        action.requestor = f"{mark}-{action.requestor}"


async def test_nothing_crosses(stage):
    """Commands, requests, incidents and summaries of both customers at once never show the other's names or ids."""
    first, second = stage.sim.first, stage.sim.second
    branded(first, "ZEBRA")
    branded(second, "OKAPI")
    places = {TENANT: (CHANNEL, PATTI, ADELE, first), OTHER_TENANT: (OTHER_CHANNEL, ROBIN, ROBIN, second)}
    private = {TENANT: chat(stage, [PATTI, ADELE], "groupChat"), OTHER_TENANT: "a:robin"}
    for tenant, (channel, admin, asker, customer) in places.items():
        for here in (channel, private[tenant]):
            before = len(heard(stage, here))
            await stage.say(admin, "/subscribe", here)
            await stage.until(lambda here=here, before=before: len(heard(stage, here)) >= before + 2)
        here = chat(stage, [admin, asker], tenant=tenant)
        device = next(d for d in customer.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded")
        lines = [
            "/devices all",
            "/devices threats",
            f"/device {device.name}",
            "/incidents all",
            "/actions",
            "/actions history",
            "/score",
            f"/incident {next(iter(customer.incidents))}",
        ]
        for line in lines:
            await ask(stage, admin, line, here)
        await stage.say(asker, f"/isolate {device.id} because", private[tenant])
        await stage.until(lambda channel=channel: [m for m in heard(stage, channel) if "approve" in verbs(m)])
    for customer in (first, second):
        for number in range(3):
            stage.sim.scenario.step("new_incident", customer.id)
            newest = customer.incidents[str(customer.next_incident - 1)]
            newest.title = f"{'ZEBRA' if customer is first else 'OKAPI'} new {number}"
    await stage.until(lambda: len(stage.sim.connector.messages("ZEBRA new")) >= 6)
    await stage.until(lambda: len(stage.sim.connector.messages("OKAPI new")) >= 6)
    marks = {TENANT: ("OKAPI", OTHER_TENANT, ROBIN.entra_id), OTHER_TENANT: ("ZEBRA", TENANT, ADELE.entra_id)}
    shown = 0
    for message in stage.sim.connector.all.values():
        chats = stage.sim.connector.chats[message.conversation]
        for revision in message.revisions:
            text = words(revision)
            shown += "ZEBRA" in text or "OKAPI" in text
            for foreign in marks[chats.tenant]:
                assert foreign not in text, (message.conversation, foreign, text)
    assert shown > 20


async def test_same_ids_in_both(stage):
    """The same incident number exists at both customers, and each conversation gets its own."""
    number = next(iter(set(stage.sim.first.incidents) & set(stage.sim.second.incidents)), None)
    if number is None:
        number = "424242"
        for customer in (stage.sim.first, stage.sim.second):
            model = next(iter(customer.incidents.values()))
            customer.incidents[number] = type(model)(**{**vars(model), "id": number, "redirect": None})
    stage.sim.first.incidents[number].title = "ZEBRA same number"
    stage.sim.second.incidents[number].title = "OKAPI same number"
    here, there = chat(stage, [ALEX]), chat(stage, [ROBIN], tenant=OTHER_TENANT)
    assert "ZEBRA same number" in words(await ask(stage, ALEX, f"/incident {number}", here))
    assert "OKAPI same number" in words(await ask(stage, ROBIN, f"/incident {number}", there))


async def test_roles_do_not_cross(stage):
    """A person with the same object id in the other tenant's directory has only the role they hold there."""
    stage.sim.second.directory.people[ALEX.entra_id] = Entry(id=ALEX.entra_id, name="Alex", upn="alex@litware.example")
    there = chat(stage, [ALEX], tenant=OTHER_TENANT)
    assert "needs the role reader" in words(await ask(stage, ALEX, "/devices", there))
    here = chat(stage, [ALEX])
    assert "ZEBRA-pc" in words(await ask(stage, ALEX, "/devices all", here))


async def test_memory_of_it_does_not_cross(stage):
    """The word "it" means the device this person named in this conversation, never one of another."""
    here, there = chat(stage, [ALEX]), chat(stage, [ALEX])
    device = next(iter(stage.sim.first.devices.values()))
    await ask(stage, ALEX, f"/device {device.id}", here)
    assert device.name in words(await ask(stage, ALEX, "/device it", here))
    assert "which device you mean" in words(await ask(stage, ALEX, "/device it", there))
