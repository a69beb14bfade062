"""What is done through Intune, from the approval to its end, over HTTP against the simulator."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.capabilities.learning import known
from bot.graph.intune.http import ACT
from bot.responses.intune import GONE, SYNCED
from bot.responses.models import Request, State, Target
from bot.simulator import Fault
from bot.simulator.intune import Managed
from bot.simulator.tokens import GRAPH
from handlers.responses import intune_scan, lock, restart, retire, sync, update_signatures, wipe
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import ALEX, MEGAN, START, TENANT

MODULES = (intune_scan, lock, restart, retire, sync, update_signatures, wipe)
KEPT = {"keepUserData": "true", "keepEnrollmentData": "false"}
CALLS = {
    "sync": ("syncDevice", {}, {}),
    "intune-scan": ("windowsDefenderScan", {"quickScan": "false"}, {"quickScan": False}),
    "update-signatures": ("windowsDefenderUpdateSignatures", {}, {}),
    "restart": ("rebootNow", {}, {}),
    "lock": ("remoteLock", {}, {}),
    "retire": ("retire", {}, {}),
    "wipe": ("wipe", KEPT, {"keepUserData": True, "keepEnrollmentData": False}),
}
REMOVING = ("retire", "wipe")


@pytest.fixture
async def stage() -> AsyncIterator[HttpStage]:
    async with staged_over_http((module.RESPONSE for module in MODULES), plan="premium") as made:
        yield made


def managed(stage: HttpStage, *, online: bool = True) -> Managed:
    """A Windows device in Intune."""
    devices = stage.sim.first.intune.devices.values()
    found = next(one for one in devices if one.system == "Windows" and one.agent == "mdm")
    stage.sim.first.set_online(stage.sim.first.devices[found.machine], stage.clock.now(), online=online)
    return found


async def asked(stage: HttpStage, response: str, device: Managed) -> str:
    """The id of a request for it that all approved whose approval it needs."""
    target = Target(id=device.id, name=device.name, kind="managed")
    key = await stage.asked(response, target=target, **CALLS[response][1])
    if response == "wipe":
        await stage.desk().approve(key, ALEX)
    return key


async def ended(stage: HttpStage, key: str, hours: float = 6) -> Request:
    """The request when nothing more is to be done for that long."""
    await stage.until_quiet(timedelta(hours=hours))
    return await stage.request(key)


def sent(stage: HttpStage) -> list[str]:
    """The names of the actions that the service accepted."""
    return [one.name for one in stage.sim.first.intune.accepted]


@pytest.mark.parametrize("response", CALLS)
async def test_each_is_sent_once_and_followed_to_its_end(stage, response):
    """One call with what was chosen; the card's end is the device's own word, with no action id made up."""
    key = await asked(stage, response, managed(stage))
    request = await ended(stage, key)
    assert (request.state, request.status) == (State.SUCCEEDED, "done")
    (accepted,) = stage.sim.first.intune.accepted
    assert (accepted.name, accepted.body) == (CALLS[response][0], CALLS[response][2])
    assert request.attempt.action == ""


@pytest.mark.parametrize(
    ("response", "state", "status"),
    [
        ("sync", State.SUCCEEDED, SYNCED),
        ("restart", State.HANDED_OVER, "accepted"),
        ("retire", State.HANDED_OVER, GONE),
        ("wipe", State.HANDED_OVER, GONE),
    ],
)
async def test_where_intune_lists_nothing_no_end_is_claimed(stage, response, state, status):
    """Intune may leave the list empty: a sync is proved by the report; all else is handed over, not done."""
    stage.sim.quirks.intune_results = False
    request = await ended(stage, await asked(stage, response, managed(stage)))
    assert (request.state, request.status) == (state, status)
    assert len(sent(stage)) == 1


async def test_a_wipe_needs_two_approvers(stage):
    """One approval sends nothing; the second does."""
    device = managed(stage)
    target = Target(id=device.id, name=device.name, kind="managed")
    key = await stage.asked("wipe", target=target, **KEPT)
    await stage.work(key)
    assert ((await stage.request(key)).state, sent(stage)) == (State.PROPOSED, [])
    await stage.desk().approve(key, ALEX)
    await stage.work(key)
    assert ((await stage.request(key)).state, sent(stage)) == (State.SENT, ["wipe"])


async def test_a_device_that_is_off_is_waited_for(stage):
    """A restart of a device that is off stays pending, and ends when the device comes."""
    device = managed(stage, online=False)
    key = await asked(stage, "restart", device)
    request = await ended(stage, key, 0.5)
    assert (request.state, request.status) == (State.SENT, "pending")
    stage.sim.first.set_online(stage.sim.first.devices[device.machine], stage.clock.now(), online=True)
    assert (await ended(stage, key)).state is State.SUCCEEDED
    assert len(sent(stage)) == 1


async def test_somebody_elses_restart_is_not_doubled(stage):
    """Where the same is pending already, it is followed instead of sent a second time."""
    device = managed(stage, online=False)
    await stage.clients["graph"].reboot_device(device.id)
    stage.clock.move(60)
    key = await asked(stage, "restart", device)
    await stage.work(key)
    request = await stage.request(key)
    assert (request.state, request.attempt.adopted) == (State.SENT, True)
    assert len(sent(stage)) == 1


@pytest.mark.parametrize("pending", REMOVING)
async def test_a_wipe_is_refused_while_another_removal_is_pending(stage, pending):
    """What somebody else's removal keeps is not known: ours waits, and is never sent beside it."""
    device = managed(stage, online=False)
    graph = stage.clients["graph"]
    calling = (
        graph.retire_device(device.id)
        if pending == "retire"
        else graph.wipe_device(device.id, keep_user_data=False, keep_enrollment_data=False)
    )
    await calling
    request = await ended(stage, await asked(stage, "wipe", device), 0.05)
    assert (request.state, request.trouble) == (State.APPROVED, "trouble.other_action")
    assert sent(stage) == [pending]


@pytest.mark.parametrize("response", ["restart", "sync", *REMOVING])
async def test_a_lost_answer_is_never_sent_again(stage, response):
    """Accepted, and the answer lost: unknown until the device shows an end, then told as another's, sent once."""
    stage.sim.faults.add(f"graph.intune.{CALLS[response][0]}", Fault(kind="reset", acted=True))
    key = await asked(stage, response, managed(stage))
    await stage.work(key)
    assert (await stage.request(key)).state is State.UNKNOWN
    request = await ended(stage, key)
    assert request.state is (State.HANDED_OVER if response in REMOVING else State.SUCCEEDED)
    assert request.attempt.adopted
    assert len(sent(stage)) == 1


async def test_a_call_that_never_came_stays_unknown(stage):
    """Nothing on the device tells of it: it stays unknown, until a person sends it again."""
    stage.sim.faults.add("graph.intune.wipe", Fault(kind="reset"))
    key = await asked(stage, "wipe", managed(stage))
    assert ((await ended(stage, key)).state, sent(stage)) == (State.UNKNOWN, [])
    await stage.desk().resend(key, MEGAN)
    assert ((await ended(stage, key)).state, sent(stage)) == (State.SUCCEEDED, ["wipe"])


async def test_without_the_permission_it_fails_and_names_it(stage):
    """An approval in a tenant whose token lacks the role: refused, nothing was done, the permission is named."""
    stage.sim.first.roles[GRAPH].discard(ACT)
    request = await ended(stage, await asked(stage, "restart", managed(stage)))
    assert (request.state, request.trouble) == (State.FAILED, "trouble.permission")
    assert (request.trouble_values["permission"], sent(stage)) == (ACT, [])
    (refusal,) = (await known(stage.services(), TENANT)).refusals
    assert (refusal.operation, refusal.permission) == ("reboot-device", ACT)


async def test_where_intune_wants_a_second_administrator_it_says_so(stage):
    """Multi Admin Approval in Intune: refused for that reason, and not for a missing permission."""
    stage.sim.quirks.intune_approval = True
    request = await ended(stage, await asked(stage, "restart", managed(stage)))
    assert (request.state, request.trouble, sent(stage)) == (State.FAILED, "trouble.needs_approval", [])


async def test_a_device_that_left_or_was_renamed_is_not_touched(stage):
    """Between the request and the approval the device was enrolled anew, or got another name: nothing is sent."""
    tenant, device = stage.sim.first.intune, managed(stage)
    key = await asked(stage, "retire", device)
    device.name = "other"
    assert (await ended(stage, key)).trouble == "trouble.renamed"
    key = await asked(stage, "retire", device)
    del tenant.devices[device.id]
    request = await ended(stage, key)
    assert (request.state, request.trouble) == (State.FAILED, "trouble.gone_from_intune")
    assert sent(stage) == []
    assert stage.clock.now() - START < timedelta(days=1)
