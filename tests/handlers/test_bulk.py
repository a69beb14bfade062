"""Several devices meant at once: by a filter, an incident, a saved list, or their names."""

from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
import pytest_asyncio

from bot.errors import NotFound, UsageError
from bot.graph.models import Incident
from bot.state.store import Change
from bot.turn import Actor
from handlers import device_lists
from handlers.bulk import names_several, several
from handlers.listing import COMMAND
from handlers.responses import isolate
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import TENANT

pytestmark = pytest.mark.asyncio(loop_scope="module")
ADA = Actor(id="ada", tenant=TENANT, name="Ada", mri="29:ada")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage() -> AsyncIterator[HttpStage]:
    async with staged_over_http([isolate.RESPONSE], size="company") as made:
        yield made


def context(stage: HttpStage):
    services = stage.services()
    return SimpleNamespace(
        defender=stage.clients["defender"],
        graph=stage.clients["graph"],
        services=services,
        customer=TENANT,
        actor=ADA,
        now=stage.clock.now(),
    )


def names(found) -> list[str]:
    return [member.target.name for member in found.members]


def onboarded(stage: HttpStage, fits):
    devices = stage.sim.first.devices.values()
    return sorted(one.name for one in devices if one.onboarding == "onboarded" and fits(one))


@pytest.mark.parametrize(
    ("word", "several_"),
    [
        ("all:high-risk", True),
        ("INCIDENT:42", True),
        ("list:x", True),
        ("a,b", True),
        ("High-Risk", True),
        ("inactive", True),
        ("all", False),
        ("laptop-042", False),
        ("it", False),
    ],
)
async def test_what_means_several(word, several_):
    """A comma, a known beginning or a filter; anything else, `all` alone too, is the name of one device."""
    assert names_several(word) is several_


async def test_a_filter_means_the_onboarded_devices_it_fits(stage):
    """all:high-risk are the devices at high risk, by name, each with its risk and value for the card."""
    found = await several(context(stage), "all:high-risk")
    assert names(await several(context(stage), "High-Risk")) == names(found)
    assert names(found) == sorted(onboarded(stage, lambda one: one.risk == "High"), key=str.casefold)
    assert {member.risk for member in found.members} == {"High"}


async def test_an_incident_means_the_devices_of_its_evidence(stage):
    """incident:N are the devices that its alerts name, each once."""
    customer = stage.sim.first
    incident, wanted = next(
        (one, {a.machine_id for a in customer.alerts_of(one) if a.machine_id in customer.devices})
        for one in customer.incidents.values()
        if any(a.machine_id in customer.devices for a in customer.alerts_of(one))
    )
    found = await several(context(stage), f"incident:{incident.id}")
    assert wanted <= {member.target.id for member in found.members}


@pytest.mark.parametrize(
    ("evidence", "missing"),
    [
        ([("", "lost.example"), ("../machines?$top=1", "odd.example")], 2),
        ([("x" * 40, "lost.example"), (None, "lost.example")], 1),
        ([(None, "known")], 0),  # another alert names its id
        ([("UPPER", "known")], 0),
    ],
)
async def test_a_device_without_a_usable_id_is_counted_as_left_out(stage, evidence, missing):
    """What is no device's id goes nowhere; the card says how many were meant and are not among those asked for."""
    there, machine = context(stage), (await stage.clients["defender"].machines())[0]
    named = [(machine.id.upper(), "known"), *((machine.id if key == "UPPER" else key, name) for key, name in evidence)]
    listed = [
        {"@odata.type": "#microsoft.graph.security.deviceEvidence", "mdeDeviceId": key, "deviceDnsName": name}
        for key, name in named
    ]
    sent = {"id": "1", "lastUpdateDateTime": there.now, "alerts": [{"id": "a", "evidence": listed}]}
    incident = Incident.model_validate(sent)
    there.graph = SimpleNamespace(incident=lambda _number: answer(incident))
    found = await several(there, "incident:1")
    assert [member.target.id for member in found.members] == [machine.id]
    assert [fact.value for fact in found.evidence.warnings if fact.key == "devices-missing"] == [str(missing)][:missing]


async def test_what_a_list_keeps_that_is_no_device_is_dropped(stage):
    """A record that somebody spoilt means the devices that it still names rightly."""
    there, machine = context(stage), (await stage.clients["defender"].machines())[0]
    kept = {machine.id.upper(): machine.name, "../x": "odd", "": "none", f"{machine.id}\n": "line"}
    record = Change(kind=device_lists.KIND, id="spoilt", rev=0, data={"v": 1, "name": "spoilt", "devices": kept})
    await there.services.store.commit(TENANT, [record])
    assert dict(await device_lists.devices(there, "spoilt")) == {machine.id: machine.name}
    assert names(await several(there, "list:spoilt")) == [machine.name]
    await device_lists.change(there, "spoilt", remove=[machine.id])


async def test_names_with_commas_mean_those_devices(stage):
    """Each name is one device; a name that fits several, or none, is said."""
    one, two = onboarded(stage, lambda _: True)[:2]
    found = await several(context(stage), f"{one}, {two}")
    assert names(found) == sorted([one, two], key=str.casefold)
    by_id = await several(context(stage), ",".join(member.target.id for member in found.members))
    assert by_id.target.name == found.target.name == ", ".join(sorted([one, two], key=str.casefold))
    with pytest.raises(NotFound, match="not_one_device"):
        await several(context(stage), f"{one},fab")
    with pytest.raises(NotFound, match="no_such_device"):
        await several(context(stage), f"{one},nobody-has-this")


async def test_more_than_fifty_are_refused(stage):
    """One request has room for fifty devices, and says so before anything is asked."""
    assert len(onboarded(stage, lambda _: True)) > 50
    with pytest.raises(UsageError, match="too_many_devices"):
        await several(context(stage), "all:all")


@pytest.mark.parametrize(("word", "key"), [("all:blue", "unknown_filter"), ("incident:99999999", "no_such_incident")])
async def test_what_there_is_not_is_said(stage, word, key):
    """An unknown filter or incident is named, with what would work."""
    with pytest.raises((UsageError, NotFound), match=key):
        await several(context(stage), word)


async def test_what_is_grave_is_called_out(stage):
    """Devices of high value, servers, and those not seen for a week are marked, each of them."""
    found = await several(context(stage), "all:high-risk")
    week = stage.clock.now() - timedelta(days=7)
    for key, fits in (
        ("devices-servers", lambda one: "Server" in one.os),
        ("devices-of-value", lambda one: one.value == "High"),
        ("devices-silent", lambda one: one.last_seen <= week),
    ):
        marked = [member.target.name for member in found.members if key in {fact.key for fact in member.warnings}]
        assert sorted(marked) == onboarded(stage, lambda one, fits=fits: one.risk == "High" and fits(one)), key


@pytest.mark.parametrize(
    ("seen", "keys"), [(None, {"devices-unseen"}), (7, {"devices-silent"}), (6.99, set()), (0, set())]
)
async def test_a_device_that_was_long_not_seen_is_marked(stage, seen, keys):
    """A week is long, and so is not known."""
    there, machine = context(stage), (await stage.clients["defender"].machines())[0]
    last = None if seen is None else there.now - timedelta(days=seen)
    machines = [machine.model_copy(update={"last_seen": last, "device_value": "Normal", "os_platform": "Windows11"})]
    there.defender = SimpleNamespace(machines=lambda: answer(machines))
    (member,) = (await several(there, f"{machine.id},")).members
    assert {fact.key for fact in member.warnings} == keys


async def answer(found):
    return found


async def test_a_list_is_made_used_changed_and_gone(stage):
    """Devices are added and taken out by name; the last one takes the list with it; each change is in the audit."""
    there = context(stage)
    one, two = (stage.sim.first.device(name) for name in onboarded(stage, lambda _: True)[:2])
    await device_lists.change(there, "Kiosks", add={one.id: one.name, two.id: two.name})
    assert names(await several(there, "list:kiosks")) == sorted([one.name, two.name], key=str.casefold)
    await device_lists.change(there, "kiosks", remove=[one.id])
    assert dict(await device_lists.devices(there, "KIOSKS")) == {two.id: two.name}
    await device_lists.change(there, "kiosks", remove=[two.id])
    with pytest.raises(NotFound, match="no_such_list"):
        await several(there, "list:kiosks")
    assert await device_lists.every(there) == []


@pytest.mark.parametrize("words", ["x y", "x add", "x delete a", "x/y add a", f"{'x' * 41} add a"])
async def test_what_is_no_list_command_is_refused(words):
    """Half a command, or a name that could not be typed again, is answered with the form that works."""
    with pytest.raises(UsageError):
        COMMAND.parse(words)
