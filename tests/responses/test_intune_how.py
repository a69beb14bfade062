"""What is made of the little that Intune tells: an action's name, state and time, and where the device stands."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import Missing
from bot.graph.intune.models import ManagedDevice
from bot.responses.declared import Remote
from bot.responses.intune import ACCEPTED, GONE, LISTED, RETIRES, SYNCED, USER, WIPES, came_by, leaving, remote_action
from bot.responses.models import Attempt, Evidence, Fact, Request, State, Target
from handlers.responses import wipe
from tests.responses.people import START, request

BEGAN = START + timedelta(minutes=5)
BEFORE, AFTER = BEGAN - timedelta(seconds=1), BEGAN + timedelta(seconds=1)


@dataclass
class Intune:
    """The one device of a customer's Intune, as it is answered; None: unknown there."""

    device: ManagedDevice | None
    sent: list[str] = field(default_factory=list)

    async def managed_device(self, device_id: str) -> ManagedDevice:
        if self.device is None:
            raise Missing("graph", "managed-device")
        assert device_id == self.device.id
        return self.device

    async def reboot_device(self, device_id: str) -> None:
        self.sent.append(device_id)


async def _reboot(graph, asked) -> None:
    await graph.reboot_device(asked.target.id)


RESTART = remote_action(_reboot, names=("rebootNow",))
SYNC = remote_action(_reboot, names=("syncDevice",), proof=came_by)
RETIRE = remote_action(_reboot, names=RETIRES, family=WIPES, proof=leaving("retire", alone=True), leaves=True)
WIPE = remote_action(
    _reboot, names=WIPES, family=RETIRES, same=lambda *_: False, proof=leaving("wipe", alone=False), leaves=True
)


def listed(name: str, state: str, at=AFTER) -> dict[str, Any]:
    return {"actionName": name, "actionState": state, "startDateTime": at, "lastUpdatedDateTime": at}


def remote(*results: dict[str, Any], **more: Any) -> Remote:
    device = {"id": "m-1", "deviceName": "pc", "managementState": "managed", "deviceActionResults": results}
    return Remote(defender=None, graph=Intune(ManagedDevice.model_validate(device | more)))


def gone() -> Remote:
    return Remote(defender=None, graph=Intune(None))


def asked(state: State = State.SENT, **more: Any) -> Request:
    """A request whose only attempt began at BEGAN."""
    values = {
        "target": Target(id="m-1", name="pc", kind="managed"),
        "state": state,
        "attempts": (Attempt(number=1, began=BEGAN),),
        "sent_at": BEGAN,
        "checked": BEGAN,
        "parameters": {},
    }
    return request(**(values | more))


async def test_what_was_taken_has_no_id_and_no_end():
    """The call's empty answer says that it was taken: ours, without an id, not done."""
    there = remote()
    work = await RESTART.send(there, asked(State.SENDING), "comment")
    assert (work.id, work.status, work.state, work.ours) == ("", ACCEPTED, "active", True)
    assert there.graph.sent == ["m-1"]


@pytest.mark.parametrize(
    ("state", "becomes"),
    [
        ("pending", "active"),
        ("active", "active"),
        ("done", "succeeded"),
        ("failed", "failed"),
        ("notSupported", "failed"),
        ("canceled", "cancelled"),
        ("somethingNew", "active"),
    ],
)
async def test_how_it_stands_is_what_the_device_shows(state, becomes):
    """The entry of that name that began after the attempt tells how it stands, in the service's word, never as ours."""
    work = await RESTART.look(remote(listed("rebootNow", state)), asked())
    assert (work.state, work.status, work.ours) == (becomes, state, False)


async def test_an_older_entry_is_not_this_one():
    """What began before the attempt says nothing about it; the newest of those after it counts."""
    old = listed("rebootNow", "done", BEFORE)
    assert (await RESTART.look(remote(old), asked())).state == "active"
    newer = listed("rebootNow", "failed", AFTER + timedelta(seconds=5))
    assert (await RESTART.look(remote(newer, old, listed("rebootNow", "done")), asked())).state == "failed"


async def test_another_name_is_another_action():
    """An entry of another name is neither looked at nor found."""
    there = remote(listed("remoteLock", "done"))
    assert (await RESTART.look(there, asked())).status == ACCEPTED
    assert await RESTART.find(there, asked(State.SENDING)) == []


async def test_an_adopted_one_is_followed_whenever_it_began():
    """Where another's action was adopted, it is followed although it began before our attempt."""
    attempt = Attempt(number=1, began=BEGAN, adopted=True)
    work = await RESTART.look(remote(listed("rebootNow", "done", BEFORE)), asked(attempts=(attempt,)))
    assert work.state == "succeeded"


async def test_what_is_never_listed_is_handed_over():
    """Intune leaves some actions out of the list: after half an hour nobody claims to know how it ended."""
    early, late = BEGAN + LISTED - timedelta(seconds=1), BEGAN + LISTED
    assert (await RESTART.look(remote(), asked(checked=early))).state == "active"
    assert (await RESTART.look(remote(), asked(checked=late))).state == "handed over"


async def test_what_is_pending_is_found_before_sending():
    """A pending one is in the way, and the same where nothing was chosen; one that is done long ago is not."""
    found = await RESTART.find(remote(listed("rebootNow", "pending", BEFORE)), asked(State.SENDING))
    assert [(work.state, work.same, work.ours) for work in found] == [("active", True, False)]
    assert await RESTART.find(remote(listed("rebootNow", "done", BEFORE)), asked(State.SENDING)) == []


async def test_a_lost_attempt_is_found_by_its_time():
    """Whatever began after the attempt whose answer was lost may be it, also when it has ended; nothing before it."""
    over = [listed("rebootNow", "failed", BEFORE), listed("rebootNow", "failed", AFTER)]
    found = await RESTART.find(remote(*over), asked(State.UNKNOWN))
    assert [(work.state, work.at, work.ours) for work in found] == [("failed", AFTER, False)]
    assert await RESTART.find(remote(*over), asked(State.SENDING)) == []


async def test_a_second_attempt_sees_the_first_one():
    """What began between a lost attempt and its repetition counts, so that it is not done twice."""
    again = (Attempt(number=1, began=BEGAN), Attempt(number=2, began=BEGAN + timedelta(hours=1)))
    (found,) = await RESTART.find(remote(listed("rebootNow", "done")), asked(State.SENDING, attempts=again))
    assert (found.state, found.same) == ("succeeded", True)


async def test_a_wipe_of_somebody_else_is_never_the_same():
    """Intune does not say what a wipe keeps: another's is in the way, and never taken for ours."""
    for there in (remote(listed("factoryReset", "pending")), remote(managementState="wipePending")):
        found = await wipe.RESPONSE.how.find(there, asked(State.SENDING))
        assert [(work.state, work.same) for work in found] == [("active", False)]


async def test_a_wipe_is_in_the_way_of_a_retirement():
    """The two are one family: a pending one of either is found, and is the same only for its own kind."""
    (found,) = await RETIRE.find(remote(listed("factoryReset", "pending")), asked(State.SENDING))
    assert (found.state, found.same) == ("active", False)
    (found,) = await RETIRE.find(remote(managementState="wipePending"), asked(State.SENDING))
    assert (found.state, found.same, found.kind) == ("active", False, "wipe")
    (found,) = await RETIRE.find(remote(managementState="retirePending"), asked(State.SENDING))
    assert (found.state, found.same) == ("active", True)


@pytest.mark.parametrize(
    ("management", "becomes"),
    [
        ("retirePending", "active"),
        ("retireIssued", "active"),
        ("retireFailed", "failed"),
        ("retireCanceled", "cancelled"),
    ],
)
async def test_the_management_state_tells_of_a_retirement(management, becomes):
    """A retirement that is not listed is told by the management state, where it was seen under way before."""
    work = await RETIRE.look(remote(managementState=management), asked(status="retirePending"))
    assert (work.state, work.status) == (becomes, management)


async def test_an_old_failure_is_not_this_one():
    """A failed wipe of last month does not end a new one that was not seen under way yet."""
    work = await WIPE.look(remote(managementState="wipeFailed"), asked(status=ACCEPTED))
    assert (work.state, work.status) == ("active", ACCEPTED)


@pytest.mark.parametrize("how", [RETIRE, WIPE])
async def test_a_device_that_left_is_handed_over_not_done(how):
    """When Intune knows the device no more it has left; whether its data is gone nobody says."""
    work = await how.look(gone(), asked(status="wipePending"))
    assert (work.state, work.status) == ("handed over", GONE)
    (found,) = await how.find(gone(), asked(State.UNKNOWN))
    assert (found.state, found.same) == ("handed over", True)
    assert await how.find(gone(), asked(State.SENDING)) == []


async def test_a_device_that_is_gone_is_missing_for_all_else():
    """A restart says nothing about why Intune knows the device no more."""
    with pytest.raises(Missing):
        await RESTART.look(gone(), asked())
    assert await RESTART.find(gone(), asked(State.UNKNOWN)) == []


async def test_a_sync_is_proved_by_the_report():
    """A report to Intune after the call proves the sync, one before it does not."""
    assert (await SYNC.look(remote(lastSyncDateTime=BEFORE), asked())).state == "active"
    work = await SYNC.look(remote(lastSyncDateTime=AFTER), asked())
    assert (work.state, work.status, work.at) == ("succeeded", SYNCED, AFTER)
    (found,) = await SYNC.find(remote(lastSyncDateTime=AFTER), asked(State.UNKNOWN))
    assert (found.state, found.same) == ("succeeded", True)


async def test_what_has_changed_since_it_was_asked_for_is_named():
    """A device that left, was renamed or has another user is not what people decided on."""
    evidence = Evidence(read_at=START, facts=(Fact(key=USER, value="anna@x"),))
    decided = asked(State.SENDING, evidence=evidence)
    assert (await RESTART.still(remote(userPrincipalName="Anna@X"), decided))[0] == ""
    assert (await RESTART.still(gone(), decided))[0] == "trouble.gone_from_intune"
    assert await RESTART.still(remote(deviceName="other"), decided) == (
        "trouble.renamed",
        {"name": "pc", "now": "other"},
    )
    assert (await RESTART.still(remote(userPrincipalName="bob@x"), decided))[0] == "trouble.other_user"
