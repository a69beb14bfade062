"""An operator who is refused at one door and tries the next: the same machine through Intune, a mailbox by an alias."""

import dataclasses
import uuid
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.demo import ADELE, ALEX
from bot.simulator.faults import Fault
from bot.simulator.intune import Managed
from bot.simulator.mailroom import Letter
from bot.simulator.world import Device, Person
from tests.attack.attacker import asked, attacked, new_device, pressed, sent_to
from tests.integration.talk import ask, chat, heard, verbs, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY = """
priority_accounts = ["boss@contoso.com"]

[[rule]]
name = "servers by hand"
when.tags = ["server"]
then.forbidden = "Please call the duty officer."

[[rule]]
name = "the board"
when.priority_account = true
when.targets = ["mail"]
then.forbidden = "Please call the board's office."
"""
BY_HAND, OFFICE = "Please call the duty officer.", "Please call the board's office."


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory):
    async with attacked(tmp_path_factory.mktemp("data"), POLICY) as running:
        running.sim.first.plan = "plan2"
        running.sim.first.mailroom.letters.clear()
        yield running


def enrolled(stage, *tags: str) -> tuple[Device, Managed]:
    """One more device that both services know, in Intune under a name of its own, with these tags in Defender."""
    device = new_device(stage, tags=list(tags), entra_id=str(uuid.uuid4()))
    tenant = stage.sim.first.intune
    model = next(one for one in tenant.devices.values() if one.system == "Windows" and one.agent == "mdm")
    values = {"id": str(uuid.uuid4()), "entra_id": device.entra_id, "machine": device.id, "results": []}
    one = dataclasses.replace(model, **values, name=f"desk-{device.id[:6]}", user=f"u{device.id[:6]}@contoso.com")
    tenant.devices[one.id] = one
    return device, one


def taken(stage, one: Managed) -> list[str]:
    """What Intune took for that device."""
    return [each.name for each in stage.sim.first.intune.accepted if each.device == one.id]


async def test_what_is_refused_in_defender_is_refused_through_intune(stage):
    """By its name, its id, its user, "it", twice for a wipe, and by a press: the tag is that of the machine."""
    device, one = enrolled(stage, "Server")
    here = chat(stage, [ADELE, ALEX], "channel")
    lines = [
        f"/isolate {device.id} beacon",
        "/restart it an update",
        f"/restart {one.name} an update",
        f"/restart {one.user} an update",
        f"/wipe {one.id} {one.name} it was stolen",
        f"/lock {device.name} it was stolen",
        f"/sync {one.name}",
    ]
    for line in lines:
        assert BY_HAND in words(await ask(stage, ADELE, line, here)), line
    assert BY_HAND in words(await pressed(stage, ADELE, here, "propose", f"retire:{one.id}", reason="it is old"))
    assert not any("approve" in verbs(message) for message in heard(stage, here))
    assert (sent_to(stage, device), taken(stage, one)) == ([], [])


async def test_the_next_machine_over_is_decided_as_ever(stage):
    """Without the tag there is a request, and its card tells of the machine in Defender."""
    device, one = enrolled(stage, "Desk")
    here = chat(stage, [ADELE, ALEX], "channel")
    request = await asked(stage, ADELE, f"/restart {one.name} an update", here)
    assert (request.approvals_needed, request.evidence.tags, request.evidence.twins) == (1, ("Desk",), ())
    assert "The same device in Defender" in words(heard(stage, here)[-1])
    assert device.name not in one.name


async def test_installing_it_anew_does_not_shake_off_the_tag(stage):
    """Defender lists the machine twice then: the new one without the tag does not speak for the old one."""
    device, one = enrolled(stage, "server")
    new_device(stage, device, last_seen=device.last_seen + timedelta(hours=1), entra_id=device.entra_id)
    here = chat(stage, [ADELE, ALEX], "channel")
    assert BY_HAND in words(await ask(stage, ADELE, f"/restart {one.name} an update", here))
    shown = words(await ask(stage, ADELE, f"/policy test restart {one.name}", here))
    assert BY_HAND in shown
    assert "2 devices under its Entra id" in shown


@pytest.mark.parametrize("kind", ["error", "forbidden", "garbage"])
async def test_silence_of_defender_lets_nothing_pass(stage, kind):
    """Where the machine cannot be read it may be a server, and the answer is no error but the policy's word."""
    _, one = enrolled(stage)
    here = chat(stage, [ADELE, ALEX], "channel")
    stage.sim.faults.add("defender.machines.list", Fault(kind=kind, status=500 if kind == "error" else 0, times=4))
    try:
        assert BY_HAND in words(await ask(stage, ADELE, f"/restart {one.id} an update", here, 25))
    finally:
        stage.sim.faults.clear()
    assert await asked(stage, ADELE, f"/restart {one.id} an update", here)


async def test_a_phone_that_defender_does_not_know_may_be_anything(stage):
    """No machine, no facts: a rule about tags counts as if it held, and /policy test says why."""
    phone = next(one for one in stage.sim.first.intune.devices.values() if one.system == "iOS")
    here = chat(stage, [ADELE, ALEX], "channel")
    assert BY_HAND in words(await ask(stage, ADELE, f"/lock {phone.name} it was lost", here))
    shown = words(await ask(stage, ADELE, f"/policy test lock {phone.name}", here))
    assert "cannot be told, so the stricter holds" in shown


NAMES = {
    "sign-in name": "boss@contoso.com",
    "capitals": "BOSS@Contoso.COM",
    "main address": "ada.king@contoso.com",
    "another address": "the.chief@contoso.com",
    "with a plus": "boss+news@contoso.com",
}


@pytest.mark.parametrize("address", NAMES.values(), ids=NAMES)
async def test_a_mailbox_is_the_same_by_whatever_address(stage, address):
    """An address that is the account's is recognised, one that nobody can tell whose it is may be the account's."""
    people = stage.sim.first.directory.people
    people["boss"] = Person(id="boss", name="Ada King", upn="boss@contoso.com", mail="Ada.King@contoso.com")
    people["else"] = Person(id="else", name="Bea Low", upn="bea@contoso.com", mail="Bea.Low@contoso.com")
    here = chat(stage, [ADELE, ALEX], "channel")
    said = words(await ask(stage, ADELE, f"/remediate-mail {delivered(stage, address)} {address} junk a lure", here))
    assert OFFICE in said
    assert OFFICE in words(await ask(stage, ADELE, f"/policy test remediate-mail {address}", here))
    assert stage.sim.first.mailroom.remedies == []


async def test_somebody_elses_mailbox_is_decided_as_ever(stage):
    """By the main address, too: it is known whose it is."""
    people = stage.sim.first.directory.people
    people["else"] = Person(id="else", name="Bea Low", upn="bea@contoso.com", mail="Bea.Low@contoso.com")
    here, address = chat(stage, [ADELE, ALEX], "channel"), "bea.low@contoso.com"
    request = await asked(stage, ADELE, f"/remediate-mail {delivered(stage, address)} {address} junk a lure", here)
    assert request.evidence.users == ("bea.low@contoso.com", "bea@contoso.com", "Bea.Low@contoso.com")


def delivered(stage, address: str) -> str:
    """The network message id of a letter to that address, as the service writes the recipient."""
    key, to = str(uuid.uuid4()), address.casefold()
    stage.sim.first.mailroom.letters[f"{key}/{to}"] = Letter(
        id=key,
        network_id=key,
        internet_id=f"<{key}@example>",
        recipient=to,
        subject="Invoice",
        sender="x@bad.example",
        received=stage.sim.clock.now() - timedelta(hours=2),
    )
    return key
