"""A wipe from the words to Intune, by three people, over HTTP."""

from itertools import pairwise

from bot.demo import ADELE, ALEX, MEGAN
from tests.integration.talk import ask, chat, heard, markdown, verbs, words


async def test_a_wipe_takes_the_name_twice_and_two_approvers(stage):
    """One who mistypes asks for nothing; one approval wipes nothing, nor the same person's second; two people do."""
    tenant = stage.sim.first.intune
    device = next(one for one in tenant.devices.values() if one.system == "iOS")
    here = chat(stage, [ADELE, MEGAN, ALEX], "channel")
    said = words(await ask(stage, ADELE, f"/wipe {device.name} other it was stolen", here))
    assert device.name in said
    assert "approve" not in said
    card = await ask(stage, ADELE, f"/wipe {device.name} {device.name} it was stolen", here)
    assert "This is a personal device of" in words(card)
    assert "0 of 2 approvals so far" in words(card)
    await stage.click(MEGAN, card, "approve")
    await stage.until(lambda: "1 of 2 approvals so far" in words(heard(stage, here)[-1]))
    await stage.click(MEGAN, heard(stage, here)[-1], "approve")
    assert tenant.accepted == []
    await stage.click(ALEX, heard(stage, here)[-1], "approve")
    await stage.until(lambda: tenant.accepted)
    (accepted,) = tenant.accepted
    assert (accepted.device, accepted.name) == (device.id, "wipe")
    assert accepted.body == {"keepEnrollmentData": False, "keepUserData": False}
    await stage.until(lambda: "Accepted by Intune" in words(heard(stage, here)[-1]))
    assert not verbs(heard(stage, here)[-1]) & {"approve", "undo", "propose"}


async def test_a_device_in_intune_is_told_of_as_defender_knows_it(stage):
    """The card of a restart shows value, tags, risk and last contact of the same machine, and so does /policy test."""
    tenant = stage.sim.first.intune
    one = next(d for d in tenant.devices.values() if d.system == "Windows" and d.agent == "mdm" and d.machine)
    machine = stage.sim.first.devices[one.machine]
    machine.tags, machine.value, machine.risk = ["Payroll"], "High", "Medium"
    here = chat(stage, [ADELE, MEGAN], "channel")
    facts = dict(pairwise(markdown(await ask(stage, ADELE, f"/restart {one.name} the update needs it", here))))
    assert (facts["Tags"], facts["Device value"], facts["Risk"]) == ("Payroll", "high", "medium")
    assert {"Last contact", "Last report to Intune", "Open alerts"} <= set(facts)
    tried = words(await ask(stage, ADELE, f"/policy test restart {one.name}", here))
    assert "Payroll" in tried
    assert "could not be read" not in tried
