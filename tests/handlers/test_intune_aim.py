"""How a device in Intune is found in what people type, and what an approver is told of it."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.clock import ManualClock
from bot.defender.models import DefenderAlert, LogonUser, Machine, MachineAction
from bot.errors import Ambiguous, Missing, MissingPermission, NotFound, NotInPlan, Unavailable
from bot.graph.intune.models import ManagedDevice
from bot.policy.models import Policy, PolicyFile
from bot.responses.models import Evidence, Fact, Target
from bot.responses.ruling import facts_of
from bot.state.memory import MemoryStore
from handlers.intune_aim import find, gather
from handlers.responses import sync, wipe
from tests.responses.people import START, TENANT

MACHINE = "a" * 40
ENTRA = "80fe8ff8-2624-418e-9591-41f0491218f9"
ID = "705c034c-034c-705c-4c03-5c704c035c70"


def device(name: str, **more: Any) -> ManagedDevice:
    values = {
        "id": ID,
        "deviceName": name,
        "azureADDeviceId": ENTRA,
        "userPrincipalName": "anna@x",
        "managementAgent": "mdm",
        "managementState": "managed",
        "operatingSystem": "Windows",
    }
    return ManagedDevice.model_validate(values | more)


class Services:
    """Graph, Defender and the person's memory in one: a few devices."""

    def __init__(self, *devices: ManagedDevice, machines: tuple[Machine, ...] = (), it: str = "") -> None:
        self.devices, self.all_machines, self.it = devices, machines, it
        self.trouble: Exception | None = None
        self.defender: Exception | None = None
        self.users: dict[str, tuple[str, ...]] = {}
        self.alerts: dict[str, tuple[dict[str, Any], ...]] = {}
        self.silent: set[str] = set()

    async def managed_devices(self, *, entra_device_id: str = "", user_principal_name: str = "") -> list[ManagedDevice]:
        return [
            one
            for one in self.devices
            if entra_device_id in {"", one.azure_ad_device_id} and user_principal_name in {"", one.user_principal_name}
        ]

    async def managed_device(self, device_id: str) -> ManagedDevice:
        if self.trouble:
            raise self.trouble
        found = next((one for one in self.devices if one.id == device_id.lower()), None)
        if found is None:
            raise Missing("graph", "managed-device")
        return found

    async def machines(self, **_more: Any) -> list[Machine]:
        return list(self.all_machines)

    async def machines_joined(self, entra_device_id: str) -> list[Machine]:
        if self.defender:
            raise self.defender
        return [one for one in self.all_machines if one.aad_device_id == entra_device_id]

    async def logon_users(self, machine_id: str) -> list[LogonUser]:
        if machine_id in self.silent:
            raise Missing("defender", "logon-users")
        return [LogonUser(id=f"x\\{name}", account_name=name) for name in self.users.get(machine_id, ())]

    async def machine_alerts(self, machine_id: str) -> list[DefenderAlert]:
        return [DefenderAlert.model_validate(one) for one in self.alerts.get(machine_id, ())]

    async def machine_actions(self, **_more: Any) -> list[MachineAction]:
        return []

    async def alert(self, alert_id: str) -> None:
        raise Missing("graph", alert_id)

    async def machine(self, machine_id: str) -> Machine:
        return next(one for one in self.all_machines if one.id == machine_id)

    async def remember(self, _conversation: Any, _actor: Any, machine_id: str) -> None:
        self.it = machine_id

    async def recall(self, _conversation: Any, _actor: Any) -> str:
        return self.it


def context(there: Services) -> Any:
    policy, clock = Policy(file=PolicyFile(priority_accounts=("boss@x",))), ManualClock(START)
    services = SimpleNamespace(memory=there, store=MemoryStore(clock), policy=policy, clock=clock)
    return SimpleNamespace(
        graph=there,
        defender=there,
        services=services,
        customer=TENANT,
        conversation=None,
        actor=None,
        now=START,
        machines={},
    )


async def found(there: Services, word: str, rest: str = "") -> str:
    target = await find(context(there), word, "sync", rest)
    assert target.kind == "managed"
    return f"{target.id} {target.name}"


def machine(name: str, **more: Any) -> Machine:
    return Machine.model_validate({"id": MACHINE, "computerDnsName": name, "aadDeviceId": ENTRA} | more)


@pytest.mark.parametrize("word", ["LAPTOP-1", "laptop-1.contoso.com", "lap", "anna@x", ID, ID.upper()])
async def test_it_is_found_by_what_intune_knows(word):
    """Its name with or without the domain, the beginning of it, its user, or its id."""
    there = Services(device("laptop-1"), device("other", id="2", userPrincipalName="bob@x", azureADDeviceId="e-2"))
    assert await found(there, word) == f"{ID} laptop-1"


@pytest.mark.parametrize("word", ["it", MACHINE, "desktop-9"])
async def test_it_is_found_through_defender(word):
    """Where Intune calls it otherwise, the Entra device id joins it with the device that Defender knows."""
    there = Services(device("anna-pc"), machines=(machine("desktop-9.contoso.com"),), it=MACHINE)
    assert await found(there, word) == f"{ID} anna-pc"
    assert there.it == MACHINE


async def test_several_are_a_choice():
    """Several of one name or of one user are told apart, each with the line that goes on."""
    there = Services(device("pc", serialNumber="S1"), device("pc", id="2", serialNumber="S2"))
    for word in ("pc", "anna@x"):
        with pytest.raises(Ambiguous) as asked:
            await found(there, word, "a reason")
        told = {line: detail for line, _, detail in asked.value.choices}
        assert told.keys() == {f"sync {ID} a reason", "sync 2 a reason"}
        assert "S2" in told["sync 2 a reason"]


async def test_an_exact_name_is_no_choice():
    """A name that is also the beginning of another means the one of exactly that name."""
    assert await found(Services(device("pc"), device("pc-2", id="2")), "pc") == f"{ID} pc"


@pytest.mark.parametrize(
    ("there", "word", "key"),
    [
        (Services(machines=(machine("desktop-9"),)), "desktop-9", "error.not_in_intune"),
        (Services(machines=(machine("desktop-9", aadDeviceId=None),)), "desktop-9", "error.not_joined"),
        (Services(device("pc", managementAgent="msSense")), "pc", "error.managed_by_defender"),
        (Services(), "bob@x", "error.no_device_of_user"),
        (Services(), ID, "error.not_in_intune"),
        (Services(), "nobody", "error.no_such_device"),
        (Services(), "it", "error.no_it"),
    ],
)
async def test_what_intune_cannot_reach_is_said(there, word, key):
    """Not enrolled, not joined, managed through Defender alone, unknown: each has its own sentence."""
    with pytest.raises(NotFound) as refused:
        await found(there, word)
    assert refused.value.key == key


async def evidence(
    one: ManagedDevice, response=sync.RESPONSE, trouble: Exception | None = None, there: Services | None = None
):
    there = there or Services(one, machines=(machine("pc.contoso.com"),))
    there.trouble = trouble
    target = await find(context(Services(one)), one.id, "sync", "")
    return await gather(context(there), target, response)


async def test_the_approver_is_told_whose_it_is_and_how_it_does():
    """User, owner, compliance, encryption, last report and what is pending; what Intune does not say is left out."""
    pending = {"actionName": "rebootNow", "actionState": "pending"}
    one = device(
        "pc",
        complianceState="noncompliant",
        isEncrypted=False,
        managedDeviceOwnerType="company",
        lastSyncDateTime=START,
        deviceActionResults=[pending, {"actionName": "syncDevice", "actionState": "done"}],
    )
    told = {fact.key: fact.at or fact.value for fact in (await evidence(one)).facts}
    assert told == {
        "intune-user": "anna@x",
        "intune-system": "Windows",
        "intune-owner": "company",
        "intune-compliance": "noncompliant",
        "intune-encrypted": "no",
        "intune-pending": "rebootNow",
        "intune-last-sync": START,
    }
    leaving = await evidence(device("pc", managementState="wipePending"))
    assert ("intune-pending", "wipePending") in [(fact.key, fact.value) for fact in leaving.facts]


async def test_a_personal_device_is_called_out_where_something_is_taken_off():
    """The approver of a wipe is warned of a person's own device; a sync needs no warning."""
    own = device("pc", managedDeviceOwnerType="personal")
    assert [fact.key for fact in (await evidence(own, wipe.RESPONSE)).warnings] == ["intune-personal"]
    assert (await evidence(own)).warnings == ()
    assert (await evidence(device("pc"), wipe.RESPONSE)).warnings == ()


async def test_a_priority_account_is_called_out_and_known_to_the_policy():
    """Whose device it is decides, with whoever else logged on to it."""
    boss = await evidence(device("pc", userPrincipalName="Boss@x"))
    assert [(fact.key, fact.value) for fact in boss.warnings] == [("user-priority", "Boss@x")]
    assert boss.users == ("Boss@x",)
    anna = await evidence(device("pc"))
    assert (anna.warnings, anna.users) == ((), ("anna@x",))
    there = Services(device("pc"), machines=(machine("pc.contoso.com"),))
    there.users = {MACHINE: ("bob", "boss")}
    read = await evidence(device("pc"), there=there)
    assert read.users == ("anna@x", "boss", "bob")
    assert [(fact.key, fact.value) for fact in read.warnings] == [("user-priority", "boss")]
    there.devices = (device("pc", userPrincipalName=None),)
    assert (await evidence(there.devices[0], there=there)).users == ("boss", "bob")


def asked_of(read: Evidence) -> list[tuple[Any, ...]]:
    """What the policy asks of each machine."""
    told = facts_of(Target(id=ID, name="pc", kind="managed"), read)
    return [(one.tags and set(one.tags), one.value, one.risk, one.severity, one.people) for one in told]


async def test_the_policy_and_the_approver_are_told_what_defender_knows_of_the_machine():
    """Tags, value, risk, contact, alerts and users are those of the machine with the same Entra id, of no other."""
    mine = machine(
        "pc.contoso.com", machineTags=["Server"], deviceValue="High", riskScore="Medium", lastSeen=START.isoformat()
    )
    other = machine("other", id="b" * 40, aadDeviceId="80fe8ff8-2624-418e-9591-41f0491218f0", deviceValue="Low")
    there = Services(device("pc"), machines=(other, mine))
    there.users = {MACHINE: ("anna",)}
    there.alerts = {MACHINE: ({"id": "1", "title": "Beacon", "severity": "High", "status": "New"},)}
    read = await evidence(device("pc", azureADDeviceId=ENTRA.upper()), there=there)
    assert asked_of(read) == [({"Server"}, "high", "medium", "high", ("anna@x", "anna"))]
    assert (read.last_seen, read.open_alerts, read.running, read.twins) == (START, ("Beacon",), (), ())
    assert "alert-evidence" in {fact.key for fact in read.facts}


@pytest.mark.parametrize(
    ("entra", "trouble", "why"),
    [
        (ENTRA, None, "none"),
        (None, None, "none"),
        ("00000000-0000-0000-0000-000000000000", None, "none"),
        ("x' or id ne '", None, "none"),
        (ENTRA, Unavailable("defender", "machines"), "unread"),
        (ENTRA, MissingPermission("defender", "machines"), "unread"),
        (ENTRA, NotInPlan("defender", "machines"), "unread"),
    ],
)
async def test_what_defender_does_not_tell_is_unknown_and_said(entra, trouble, why):
    """No machine, none that could be asked for, no answer, no permission: nothing is known, and the card says why."""
    unjoined = machine("nil", aadDeviceId="00000000-0000-0000-0000-000000000000", machineTags=["lab"])
    one = device("pc", azureADDeviceId=entra)
    there = Services(one, machines=(unjoined,))
    there.defender = trouble
    read = await evidence(one, there=there)
    assert asked_of(read) == [(None, "", "", "", None)]
    assert [fact.value for fact in read.facts if fact.key == "in-defender"] == [why]
    assert "intune-user" in {fact.key for fact in read.facts}


async def test_of_a_device_that_is_listed_several_times_each_machine_counts():
    """The one that reported last is shown, the others stand beside it; one whose users are unread may be anybody's."""
    ids = [letter * 40 for letter in "abcdef"]
    all_of_it = tuple(
        machine(f"pc-{n}", id=key, machineTags=[f"t{n}"], lastSeen=(START - timedelta(days=9 - n)).isoformat())
        for n, key in enumerate(ids)
    )
    there = Services(device("pc"), machines=all_of_it[:2])
    there.users = {ids[0]: ("boss",), ids[1]: ("bob",)}
    read = await evidence(device("pc"), there=there)
    assert [(asked[0], asked[4]) for asked in asked_of(read)] == [
        ({"t1"}, ("anna@x", "boss", "bob")),
        ({"t0"}, ("anna@x", "boss", "bob")),
    ]
    assert ([twin.name for twin in read.twins], read.warnings[0].value) == (["pc-0"], "boss")
    there.silent = {ids[0]}
    assert [asked[4] for asked in asked_of(await evidence(device("pc"), there=there))] == [None, None]
    many = await evidence(device("pc"), there=Services(device("pc"), machines=all_of_it))
    assert [asked[0] for asked in asked_of(many)] == [{f"t{n}"} for n in range(5, -1, -1)]
    assert [asked[3] for asked in asked_of(many)] == ["none"] * 4 + ["", ""]
    assert many.users is None


async def test_what_cannot_be_read_is_left_unknown():
    """Where Intune does not answer, nothing is known of the device, and the request can still be made."""
    read = await evidence(device("pc"), trouble=Unavailable("graph", "managed-device"))
    assert (read.read_at, read.facts) == (START, (Fact(key="in-defender", value="unread"),))
    assert asked_of(read) == [(None, "", "", "", None)]
