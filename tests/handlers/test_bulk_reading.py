"""What is read of several devices before the decision: bounded in calls and time, whatever fails on some of them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from bot import errors
from bot.budgets import ACTING, Budgets, ranked
from bot.clock import ManualClock
from bot.defender.http import LOGON_USERS
from bot.defender.models import LogonUser, MachineAction
from bot.policy.models import Policy, PolicyFile
from bot.responses.models import Evidence, Member, Target
from bot.state.memory import MemoryStore
from handlers.bulk import Several
from handlers.bulk_reading import MOST_ACTIONS, Bounds, looked_into
from handlers.responses import isolate, release, scan

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = Policy(file=PolicyFile(priority_accounts=("megan@contoso.com",)))
DEFENDER = ("defender", "logon-users")
FORBIDDEN = errors.MissingPermission(*DEFENDER, permission="User.Read.All")
QUICK = Bounds(each=0.05, all=0.2)
HANGS = "hangs"


def key_of(n: int) -> str:
    return f"{n:02}" + "ab" * 19


def action(n: int, kind: str, status: str = "Succeeded", **more) -> MachineAction:
    values = {"id": f"{n}-{kind}-{status}", "type": kind, "status": status, "machine_id": key_of(n).upper()}
    return MachineAction(**values, creation_date_time_utc=NOW, last_update_date_time_utc=NOW, **more)


class FakeDefender:
    """Answers who logged on, fails or hangs, by the device's number; counts the calls and how many run at once."""

    def __init__(self, answers: Mapping[int, object] | None = None, actions: object = (), budget=None) -> None:
        self.answers, self.actions, self.budget = answers or {}, actions, budget
        self.asked: list[str] = []
        self.running = self.most = self.listed = 0

    async def logon_users(self, machine_id: str) -> list[LogonUser]:
        self.asked.append(machine_id)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.budget:
                await self.budget("t", LOGON_USERS, 1.0)
            await asyncio.sleep(0)
            found = self.answers.get(int(machine_id[:2]), ["ben"])
            if found == HANGS:
                await asyncio.Event().wait()
            if isinstance(found, Exception):
                raise found
            assert isinstance(found, list)
            return [LogonUser(id=f"contoso\\{name}", account_name=name) for name in found]
        finally:
            self.running -= 1

    async def machine_actions(self, *, top: int) -> Sequence[MachineAction]:
        self.listed += 1
        if isinstance(self.actions, Exception):
            raise self.actions
        assert isinstance(self.actions, Sequence)
        return self.actions[:top]


async def read(defender: FakeDefender, count: int = 50, response=isolate.RESPONSE, bounds=QUICK, began=0.0) -> Several:
    """What is known of so many devices in the end."""
    services = SimpleNamespace(policy=POLICY, clock=ManualClock(NOW), store=MemoryStore(ManualClock(NOW)))
    context = SimpleNamespace(defender=defender, services=services, customer="t", now=NOW)
    members = tuple(Member(target=Target(id=key_of(n), name=f"pc-{n:02}")) for n in range(count))
    target = Target(id="devices-1", name="all:high-risk", kind="devices")
    began = began or asyncio.get_running_loop().time()
    devices = Several(target=target, members=members, evidence=Evidence(read_at=NOW), began=began)
    return await looked_into(context, response, devices, bounds)


def unread(found: Several) -> list[int]:
    return [int(one.target.id[:2]) for one in found.members if one.users is None]


def told(found: Several) -> list[tuple[str, str]]:
    """The warnings of the request as a whole."""
    return [(fact.key, fact.value) for fact in found.evidence.warnings]


def marks(found: Several, n: int) -> list[tuple[str, str]]:
    return [(fact.key, fact.value) for fact in found.members[n].warnings]


async def test_each_device_is_asked_about_once_and_five_at_a_time():
    """Fifty devices cost fifty calls for their users and one for all their actions, never more than five at once."""
    defender = FakeDefender()
    found = await read(defender)
    assert sorted(defender.asked) == sorted({one.target.id for one in found.members})
    assert (len(defender.asked), defender.listed, defender.most) == (50, 1, 5)
    assert {one.users for one in found.members} == {("ben",)}
    assert told(found) == []


async def test_a_priority_account_is_marked_on_its_device():
    """As on a single device: nine users who log on there before do not hide one, and nobody known is not unread."""
    found = await read(FakeDefender({1: [*(f"u{n}" for n in range(9)), "Megan"], 2: []}), 3)
    assert marks(found, 1) == [("user-priority", "Megan")]
    assert found.members[1].users[0] == "Megan"
    assert len(found.members[1].users) == 8
    assert (found.members[2].users, marks(found, 0)) == ((), [])


@pytest.mark.parametrize("failure", [errors.Unavailable(*DEFENDER, status=503), HANGS, errors.Rejected(*DEFENDER)])
async def test_every_second_device_fails(failure):
    """The others are read all the same; those that failed are unknown, not without users."""
    defender = FakeDefender(dict.fromkeys(range(0, 20, 2), failure))
    found = await read(defender, 20, bounds=Bounds(each=0.02))
    assert unread(found) == list(range(0, 20, 2))
    assert len(defender.asked) == 20
    assert told(found) == []


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (FORBIDDEN, [("devices-users-lacking", "User.Read.All")]),
        (errors.Throttled(*DEFENDER, retry_after=60), []),
        (errors.Unauthorised("login", "token"), []),
        (errors.NotInPlan(*DEFENDER), []),
    ],
)
async def test_what_is_refused_for_one_is_not_asked_for_all(failure, said):
    """A permission that lacks is named once, and no more calls are made than were under way."""
    defender = FakeDefender(dict.fromkeys(range(50), failure))
    found = await read(defender)
    assert len(defender.asked) <= 5
    assert unread(found) == list(range(50))
    assert told(found) == said


async def test_a_service_that_hangs_ends_in_unread_not_in_a_failure():
    """When the time for all is over nothing more is begun; what was read before it stays."""
    defender = FakeDefender(dict.fromkeys(range(5, 50), HANGS))
    found = await read(defender)
    assert {0, 1, 2, 3, 4}.isdisjoint(unread(found))
    assert unread(found) == list(range(5, 50))
    assert len(defender.asked) < 50


async def test_who_was_long_in_being_found_is_not_read_at_all():
    """Where finding the devices took most of the command's minute, they are asked about as unread."""
    defender = FakeDefender()
    found = await read(defender, 3, began=asyncio.get_running_loop().time() - 41)
    assert (defender.asked, unread(found)) == ([], [0, 1, 2])


async def test_a_device_that_is_gone_is_said_to_be():
    """Defender denies it between the list and the reading: unread, and marked as not known any more."""
    found = await read(FakeDefender({1: errors.Missing(*DEFENDER, status=404)}), 3)
    assert unread(found) == [1]
    assert marks(found, 1) == [("devices-gone", "")]


async def test_what_goes_on_there_is_marked():
    """Isolated or about to be, and each kind of action that runs; by the device's id in whichever case."""
    actions = [
        action(0, "Isolate"),
        action(1, "Isolate", "Pending"),
        action(2, "RunAntiVirusScan", "InProgress"),
        action(2, "LiveResponse", "Pending"),
        action(2, "RunAntiVirusScan", "Pending"),
        action(3, "RunAntiVirusScan"),
        action(4, "Isolate", "TimeOut"),
    ]
    found = await read(FakeDefender(actions=actions), 6)
    assert [marks(found, n) for n in range(6)] == [
        [("devices-network-isolated", "")],
        [("devices-network-being-isolated", "")],
        [("devices-running", "RunAntiVirusScan"), ("devices-running", "LiveResponse")],
        [],
        [("devices-network-unknown", "")],
        [],
    ]


async def test_a_release_marks_what_is_not_isolated():
    """There to be isolated is what it begins with; for a scan an isolation is worth a word."""
    defender = FakeDefender(actions=[action(0, "Isolate"), action(1, "Unisolate")])
    found = await read(defender, 3, release.RESPONSE)
    assert [marks(found, n) for n in range(3)] == [[], *[[("devices-network-not-isolated", "")]] * 2]
    assert marks(await read(defender, 3, scan.RESPONSE), 0) == [("devices-network-isolated", "")]


@pytest.mark.parametrize("actions", [errors.Unavailable("defender", "machine-actions"), MOST_ACTIONS])
async def test_actions_that_were_not_all_read_are_said_to_be(actions):
    """No device is then said to be free; the users are read all the same."""
    listed = [action(1, "Isolate")] * MOST_ACTIONS if actions == MOST_ACTIONS else actions
    found = await read(FakeDefender(actions=listed), 3, release.RESPONSE)
    assert told(found) == [("devices-actions-unread", "")]
    assert [marks(found, n) for n in range(3)] == [[]] * 3
    assert unread(found) == []


async def test_room_is_left_for_who_looks_at_one_device():
    """Where others used most of the minute's calls nothing is read for fifty, and one device still is."""
    clock = ManualClock(NOW)
    budget = Budgets(MemoryStore(clock), clock)
    with ranked(ACTING):
        for _ in range(70):
            await budget("t", LOGON_USERS, 1.0)
    defender = FakeDefender(budget=budget)
    found = await read(defender)
    assert unread(found) == list(range(50))
    assert len(defender.asked) <= 5
    await budget("t", LOGON_USERS, 1.0)
    clock.move(timedelta(minutes=2).total_seconds())
    assert unread(await read(defender)) == []
