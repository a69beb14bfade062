"""How a device in Intune is found in what people type, and what an approver is told of it."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.defender.models import Machine
from bot.errors import Ambiguous, Missing, NotFound, Unavailable
from bot.graph.intune.models import ManagedDevice
from bot.policy.models import Policy, PolicyFile
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

    async def machine(self, machine_id: str) -> Machine:
        return next(one for one in self.all_machines if one.id == machine_id)

    async def remember(self, _conversation: Any, _actor: Any, machine_id: str) -> None:
        self.it = machine_id

    async def recall(self, _conversation: Any, _actor: Any) -> str:
        return self.it


def context(there: Services) -> Any:
    policy = Policy(file=PolicyFile(priority_accounts=("boss@x",)))
    services = SimpleNamespace(memory=there, store=MemoryStore(None), policy=policy)
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


async def evidence(one: ManagedDevice, response=sync.RESPONSE, trouble: Exception | None = None):
    there = Services(one)
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
    """Whose device it is decides; where Intune names nobody, nobody knows."""
    boss = await evidence(device("pc", userPrincipalName="Boss@x"))
    assert [(fact.key, fact.value) for fact in boss.warnings] == [("user-priority", "Boss@x")]
    assert boss.users == ("Boss@x",)
    anna = await evidence(device("pc"))
    assert (anna.warnings, anna.users) == ((), ("anna@x",))
    assert (await evidence(device("pc", userPrincipalName=None))).users is None


async def test_what_cannot_be_read_is_left_unknown():
    """Where Intune does not answer, the evidence has no facts, and the request can still be made."""
    read = await evidence(device("pc"), trouble=Unavailable("graph", "managed-device"))
    assert (read.read_at, read.facts) == (START, ())
