"""Presses of buttons that were made up, doubled, delivered again or come too late: only the server's record decides."""

import asyncio
import dataclasses
import uuid
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import stamina

from bot.demo import ADELE, ALEX, ISAIAH, LYNNE, MEGAN, PATTI, TENANT
from bot.responses import requests
from bot.responses.models import Request, State
from bot.roles import Role
from bot.simulator.faults import Fault
from bot.state.store import Change
from bot.turn import Look
from cards.request import request_card
from tests.integration.conftest import OTHER_TENANT, ROBIN, find_button, staged
from tests.integration.talk import (
    BOTH,
    answered,
    ask,
    audit,
    chat,
    heard,
    redis_of_its_own,
    verbs,
    words,
)
from tests.moved_clock import MovedClock

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def clock():
    return MovedClock()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, clock: MovedClock):
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        folder: Path = tmp_path_factory.mktemp("data")
        async with staged(redis.url, folder, clock=clock, **BOTH) as running:
            yield running


def new_device(stage, customer=None, name: str = "", *, online: bool = True):
    """One more device that can be isolated, so that tests do not meet at one."""
    customer = customer or stage.sim.first
    model = next(d for d in customer.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded")
    entra = uuid.uuid4().hex + uuid.uuid4().hex[:8]
    device = dataclasses.replace(model, id=entra, name=name or f"PC-{entra[:8]}", online=online, isolated=False)
    customer.devices[device.id] = device
    return device


@dataclasses.dataclass
class Asked:
    """A request that waits for a decision, its card and its device."""

    device: Any
    here: str
    card: Any
    data: dict[str, Any]
    customer: str = TENANT

    @property
    def id(self) -> str:
        return str(self.data["id"])


async def asked(stage, people=(ADELE, ALEX, MEGAN, ISAIAH, LYNNE), by=ADELE, here: str = "", tenant=TENANT) -> Asked:
    customer = stage.sim.world.customers[tenant]
    device = new_device(stage, customer)
    here = here or chat(stage, people, "channel", tenant)
    card = await ask(stage, by, f"/isolate {device.id} selective beacon to a bad host", here)
    assert "approve" in verbs(card), words(card)
    return Asked(device, here, card, dict(find_button(card.activity, "approve")), tenant)


async def record(stage, one: Asked) -> Request:
    return await requests.get(stage.bot.services, one.customer, one.id)


def isolations(stage, one: Asked) -> int:
    return len([e for e in stage.sim.world.ledger.entries if e.machine_id == one.device.id])


async def untouched(stage, one: Asked) -> None:
    """Nobody decided: neither the record, nor the audit, nor Defender knows of anything."""
    request = await record(stage, one)
    assert request.state is State.PROPOSED
    assert request.decisions == ()
    told = [e for e in await audit(stage, one.customer) if e["subject"] == f"request:{one.id}"]
    assert [e["what"] for e in told] == ["proposed"]
    assert isolations(stage, one) == 0


async def goes_its_way(stage, one: Asked) -> None:
    """The real press still works, and once."""
    await stage.click(MEGAN, one.card, "approve")
    await stage.until(lambda: isolations(stage, one))
    assert isolations(stage, one) == 1


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def standing(stage):
    """One request that the whole row of forgeries is tried on; none may move it."""
    return await asked(stage)


ODD_FIELDS: dict[str, dict[str, Any]] = {
    "no such request": {"id": "WK-AAAAAAAAAA"},
    "id a number": {"id": 5},
    "id null": {"id": None},
    "id a list": {"id": ["WK"]},
    "id a map": {"id": {"$ne": ""}},
    "id empty": {"id": ""},
    "id a pattern": {"id": "*"},
    "id a redis key": {"id": "request:*\r\nFLUSHALL"},
    "id with null byte": {"id": "WK-\x00"},
    "id endless": {"id": "x" * 5000},
    "verb unknown": {"verb": "approve_all"},
    "verb a number": {"verb": 1},
    "verb of python": {"verb": "__class__"},
    "v newer": {"v": 2},
    "v text": {"v": "one"},
    "v older than any": {"v": 0},
    "v true": {"v": True},
    "v float": {"v": 1.5},
    "v negative": {"v": -1},
    "v huge": {"v": 10**30},
    "rev in the future": {"rev": 10**6},
    "rev text": {"rev": "first"},
    "rev negative": {"rev": -1},
    "rev null": {"rev": None},
    "rev list": {"rev": [1]},
}


@pytest.mark.parametrize("name", ODD_FIELDS)
async def test_odd_field_decides_nothing(stage, standing, name):
    """A press whose fields are of another type, unknown or ahead of the record is told so, and nothing happens."""
    answer = await stage.press(ALEX, standing.data | ODD_FIELDS[name], "approve", standing.card.id, standing.here)
    assert answer["type"] == "application/vnd.microsoft.activity.message"
    assert len(answer["value"]) > 20
    assert "Something went wrong" not in answer["value"]
    await untouched(stage, standing)


@pytest.mark.parametrize("missing", ["v", "verb", "id", "rev"])
async def test_missing_field_decides_nothing(stage, standing, missing):
    """A press that lacks one of the four fields decides nothing."""
    data = {name: value for name, value in standing.data.items() if name != missing}
    answer = await stage.press(ALEX, data, "approve", standing.card.id, standing.here)
    assert "not known here" in answer["value"]
    await untouched(stage, standing)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"action": None},
        {"action": "x"},
        {"action": {"type": "Action.Submit"}},
        {"action": {"type": "Action.Execute", "data": "x"}},
    ],
)
async def test_odd_invoke_decides_nothing(stage, standing, value):
    """An invoke that carries no button is answered with 200 and does nothing."""
    activity = stage.activity(ALEX, standing.here) | {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "value": value,
        "replyToId": standing.card.id,
    }
    response = await stage.send(activity)
    assert response.status_code == 200
    await untouched(stage, standing)


@pytest.mark.parametrize(
    ("person", "verb"),
    [
        (LYNNE, "approve"),
        (ISAIAH, "approve"),
        (ADELE, "approve"),
        (ISAIAH, "reject"),
        (ADELE, "reject"),
        (ISAIAH, "withdraw"),
        (ADELE, "resend"),
        (ADELE, "giveup"),
    ],
    ids=lambda one: getattr(one, "given", one),
)
async def test_claims_in_the_data_give_no_role(stage, standing, person, verb):
    """Whatever a press claims of role, approval or person, only the role that the directory gives counts."""
    claims = {
        "role": "admin",
        "approved": True,
        "who": ALEX.entra_id,
        "tenant": TENANT,
        "four_eyes": False,
        "reason": "x",
    }
    answer = await stage.press(person, standing.data | claims | {"verb": verb}, verb, standing.card.id, standing.here)
    assert "needs the role" in answer["value"]
    await untouched(stage, standing)


async def test_automatic_refresh_changes_nothing(stage, standing):
    """A card that refreshes itself never decides, whoever looks at it."""
    value = {"action": {"type": "Action.Execute", "verb": "approve", "data": standing.data}, "trigger": "automatic"}
    activity = stage.activity(ALEX, standing.here) | {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "value": value,
        "replyToId": standing.card.id,
    }
    assert (await stage.send(activity)).status_code == 200
    await untouched(stage, standing)


async def test_request_of_another_conversation_is_not_decided_here(stage, standing):
    """A press in a conversation where the request was not shown is refused, also from an approver."""
    elsewhere = chat(stage, [ALEX], "channel")
    answer = await stage.press(ALEX, standing.data, "approve", standing.card.id, elsewhere)
    assert "was not shown in this conversation" in answer["value"]
    await untouched(stage, standing)


async def test_request_of_another_customer_does_not_exist(stage, standing):
    """An approver of one customer cannot reach a request of another, in neither direction."""
    theirs = await asked(stage, [ROBIN], ROBIN, tenant=OTHER_TENANT)
    answer = await stage.press(ALEX, theirs.data, "approve", theirs.card.id, standing.here)
    assert f"There is no request {theirs.id}" in answer["value"]
    answer = await stage.press(ROBIN, standing.data, "approve", standing.card.id, theirs.here)
    assert f"There is no request {standing.id}" in answer["value"]
    answer = await stage.press(ALEX, theirs.data, "approve", theirs.card.id, theirs.here)
    assert "cannot tell who you are" in answer["value"]
    await untouched(stage, theirs)
    await untouched(stage, standing)
    answer = await stage.press(ROBIN, theirs.data, "approve", theirs.card.id, theirs.here)
    assert "own request" in answer["value"]
    await untouched(stage, theirs)


async def test_requester_cannot_decide(stage):
    """Who asked cannot approve or reject, also as an approver or an admin, and with the revision they like."""
    for person in (ALEX, PATTI):
        one = await asked(stage, [person], person)
        for verb in ("approve", "reject"):
            for rev in (0, 1):
                data = one.data | {"verb": verb, "rev": rev, "reason": "because", "four_eyes": "false"}
                answer = await stage.press(person, data, verb, one.card.id, one.here)
                assert "your own request" in answer["value"]
        await untouched(stage, one)


async def test_only_the_requester_withdraws(stage):
    """Another operator cannot withdraw a request; the requester can, and then nobody can approve it."""
    one = await asked(stage)
    answer = await stage.press(MEGAN, one.data | {"verb": "withdraw"}, "withdraw", one.card.id, one.here)
    assert "Only the person who asked" in answer["value"]
    await untouched(stage, one)
    await stage.press(ADELE, one.data | {"verb": "withdraw"}, "withdraw", one.card.id, one.here)
    answer = await stage.press(ALEX, one.data, "approve", one.card.id, one.here)
    assert "Withdrawn" in words(answer)
    assert (await record(stage, one)).state is State.WITHDRAWN
    assert isolations(stage, one) == 0


async def test_rejection_needs_a_reason(stage):
    """A rejection without a reason is not taken and the card stays; with one it is over."""
    one = await asked(stage)
    for reason in ("", "   ", None):
        more = {} if reason is None else {"reason": reason}
        answer = await stage.press(ALEX, one.data | {"verb": "reject"} | more, "reject", one.card.id, one.here)
        assert "say why you reject" in answer["value"]
        await untouched(stage, one)
    answer = await stage.press(
        ALEX, one.data | {"verb": "reject", "reason": "it is the boss"}, "reject", one.card.id, one.here
    )
    assert "Rejected" in words(answer)
    assert (await record(stage, one)).decisions[0].reason == "it is the boss"
    assert isolations(stage, one) == 0


async def test_target_comes_from_the_record(stage):
    """An approval that names another device, kind or customer isolates what was asked for, as it was asked for."""
    one, other = await asked(stage), new_device(stage)
    lies = {
        "machine": other.id,
        "target": other.id,
        "device": other.id,
        "IsolationType": "Full",
        "customer": OTHER_TENANT,
    }
    await stage.press(ALEX, one.data | lies, "approve", one.card.id, one.here)
    await stage.until(lambda: isolations(stage, one))
    entries = [e for e in stage.sim.world.ledger.entries if e.machine_id in (one.device.id, other.id)]
    assert [(e.machine_id, e.type, e.tenant) for e in entries] == [(one.device.id, "Isolate", TENANT)]
    action = next(a for a in stage.sim.first.actions.values() if a.machine_id == one.device.id)
    assert action.scope == "Selective"


async def test_approval_twice_is_one(stage):
    """A second press of Approve by the same or another approver changes nothing more."""
    one = await asked(stage)
    first = await stage.click(ALEX, one.card, "approve")
    assert "approved" in words(first).casefold()
    for person in (ALEX, MEGAN):
        await stage.press(person, one.data, "approve", one.card.id, one.here)
    await stage.until(lambda: isolations(stage, one))
    request = await record(stage, one)
    assert [d.who.id for d in request.decisions] == [ALEX.entra_id]
    assert isolations(stage, one) == 1
    told = [e["what"] for e in await audit(stage) if e["subject"] == f"request:{one.id}"]
    assert told.count("approved") == 1


async def test_two_people_at_once(stage):
    """Approve and reject pressed at the same moment by two people: one of them holds, and the card says which."""
    for _ in range(4):
        one = await asked(stage)
        reject = one.data | {"verb": "reject", "reason": "no"}
        answers = await asyncio.gather(
            stage.press(ALEX, one.data, "approve", one.card.id, one.here),
            stage.press(MEGAN, reject, "reject", one.card.id, one.here),
        )
        request = await record(stage, one)
        assert len(request.decisions) == 1
        if request.decisions[0].what == "approved":
            await stage.until(lambda one=one: isolations(stage, one))
        assert isolations(stage, one) == (request.decisions[0].what == "approved")
        assert len(answers) == 2


async def test_two_approvers_at_once_send_once(stage):
    """Two approvers at the same moment send one isolation."""
    one = await asked(stage)
    await asyncio.gather(*(stage.press(p, one.data, "approve", one.card.id, one.here) for p in (ALEX, MEGAN) * 3))
    await stage.until(lambda: isolations(stage, one))
    await asyncio.sleep(0.5)
    assert isolations(stage, one) == 1
    assert len((await record(stage, one)).decisions) == 1


async def test_redelivered_press_gets_the_same_answer(stage):
    """The same activity delivered again, and the same press under a new id, get the first answer and do nothing."""
    one = await asked(stage)
    first = await stage.press(ALEX, one.data, "approve", one.card.id, one.here, id="press-1")
    await stage.until(lambda: isolations(stage, one))
    same = await stage.press(ALEX, one.data, "approve", one.card.id, one.here, id="press-1")
    new = await stage.press(ALEX, one.data, "approve", one.card.id, one.here, id="press-2")
    assert same == first
    assert new == first
    assert isolations(stage, one) == 1
    assert len((await record(stage, one)).decisions) == 1


async def test_redelivered_message_is_answered_once(stage):
    """A message delivered again is not answered again and asks for nothing twice."""
    here, device = chat(stage, [ADELE]), new_device(stage)
    activity = stage.activity(ADELE, here, text=f"/isolate {device.id} because")
    await asyncio.gather(*(stage.send(activity) for _ in range(3)))
    await stage.until(lambda: heard(stage, here))
    await stage.send(activity)
    assert len(heard(stage, here)) == 1
    found = await requests.still_open(stage.bot.services, TENANT, device.id)
    assert len(found) == 1


async def test_failed_press_can_be_tried_again(stage):
    """A press that failed for a service's trouble is really tried when it is pressed again."""
    here, device = chat(stage, [ADELE]), new_device(stage)
    card = await ask(stage, ADELE, f"/device {device.id}", here)
    data = {"v": 1, "verb": "propose", "id": f"isolate:{device.id}", "rev": 0, "reason": "odd"}
    stage.sim.faults.add("defender.machines.get", Fault(kind="expired", times=2))
    answer = await stage.press(ADELE, data, "propose", card.id, here)
    stage.sim.faults.clear()
    assert "Trouble with Microsoft Defender" in answer["value"]
    assert "propose" in verbs(card)
    trouble = await answered(stage, here, 1)
    assert "does not accept the bot's sign-in" in words(trouble)
    await stage.press(ADELE, data, "propose", card.id, here)
    await stage.until(lambda: [m for m in heard(stage, here) if "approve" in verbs(m)])


async def test_expired_request_cannot_be_approved(stage, clock):
    """After its hour a request is expired for everybody, also where its card still shows the buttons."""
    one = await asked(stage)
    clock.move(3601)
    answer = await stage.press(ALEX, one.data, "approve", one.card.id, one.here)
    assert "xpired" in words(answer)
    await stage.until(lambda: "Nothing was sent" in words(one.card))
    assert (await record(stage, one)).state is State.EXPIRED
    assert "approve" not in verbs(one.card)
    assert isolations(stage, one) == 0


async def test_send_again_that_would_be_undone_is_refused(stage, clock):
    """A release was approved later and waits: the press is told so; the card, its buttons and the record stay."""
    one = await asked(stage)
    stage.sim.faults.add("defender.machines.isolate", Fault(kind="reset"))
    await stage.press(ALEX, one.data, "approve", one.card.id, one.here)
    await stage.until(lambda: "giveup" in verbs(one.card))
    clock.move(400)
    await stage.bot.services.wake(one.customer, requests.KIND, one.id)
    await stage.until(lambda: "resend" in verbs(one.card))
    card = await ask(stage, MEGAN, f"/release {one.device.id} all is well", one.here)
    release = find_button(card.activity, "approve")
    await stage.press(ALEX, release, "approve", card.id, one.here)
    await stage.until(lambda: "Waits until request" in words(card))
    before = await record(stage, one)
    answer = await stage.press(MEGAN, find_button(one.card.activity, "resend"), "resend", one.card.id, one.here)
    assert f"{release['id']} (release) was approved later" in answer["value"]
    assert "give this one up" in answer["value"]
    assert await record(stage, one) == before
    assert {"resend", "giveup"} <= set(verbs(one.card))
    await stage.press(MEGAN, find_button(one.card.activity, "giveup"), "giveup", one.card.id, one.here)
    assert (await record(stage, one)).state is State.GIVEN_UP


PROPOSALS = {
    "unknown response": ("reformat:{own}", "not known here"),
    "no response": (":{own}", "not known here"),
    "no device": ("isolate:", "not known here"),
    "device by name": ("isolate:LAPTOP", "not known here"),
    "path": ("isolate:../../machineactions", "not known here"),
    "device of another customer": ("isolate:{theirs}", "I found no device"),
    "trailing newline": ("isolate:{own}\n", "not known here"),
}


@pytest.mark.parametrize("name", PROPOSALS)
async def test_forged_proposal_asks_for_nothing(stage, name):
    """A proposal for another customer's device, an unknown response or no device makes no request anywhere."""
    data_id, said = PROPOSALS[name]
    here, own, theirs = chat(stage, [ADELE]), new_device(stage), new_device(stage, stage.sim.second)
    data = {"v": 1, "verb": "propose", "rev": 0, "reason": "x", "id": data_id.format(own=own.id, theirs=theirs.id)}
    answer = await stage.press(ADELE, data, "propose", "1", here)
    assert said in words(answer)
    for customer in (TENANT, OTHER_TENANT):
        for device in (own, theirs):
            assert await requests.still_open(stage.bot.services, customer, device.id) == []


async def test_reader_cannot_propose_by_press(stage):
    """A reader who forges the button of an operator is refused by role."""
    here, device = chat(stage, [ISAIAH]), new_device(stage)
    data = {"v": 1, "verb": "propose", "rev": 0, "reason": "x", "id": f"isolate:{device.id}"}
    assert "needs the role operator" in (await stage.press(ISAIAH, data, "propose", "1", here))["value"]
    line = {"v": 1, "verb": "run", "rev": 0, "id": f"isolate {device.id} because"}
    assert "needs the role operator" in (await stage.press(ISAIAH, line, "run", "1", here))["value"]
    assert await requests.still_open(stage.bot.services, TENANT, device.id) == []


async def test_response_that_asks_for_more_is_refused_by_its_own_role(stage):
    """A proposal needs the role of its response, also where the button itself is anybody's who may propose."""
    declared = stage.bot.services.responses["scan"]
    here, device = chat(stage, [ADELE]), new_device(stage)
    data = {"v": 1, "verb": "propose", "rev": 0, "id": f"scan:{device.id}"}
    stage.bot.services.responses["scan"] = dataclasses.replace(declared, asks=Role.ADMIN)
    try:
        answer = await stage.press(ADELE, data, "propose", "1", here)
    finally:
        stage.bot.services.responses["scan"] = declared
    assert "scan needs the role admin" in answer["value"]
    assert await requests.still_open(stage.bot.services, TENANT, device.id) == []


async def test_forged_parameters_fall_back_to_the_declared(stage):
    """A kind of isolation that is not declared is never sent: the declared default stands on the approver's card."""
    here, device = chat(stage, [ADELE]), new_device(stage)
    data = {
        "v": 1,
        "verb": "propose",
        "rev": 0,
        "reason": "x",
        "id": f"isolate:{device.id}",
        "IsolationType": "UnManagedDevice",
    }
    await stage.press(ADELE, data, "propose", "1", here)
    request = (await requests.still_open(stage.bot.services, TENANT, device.id))[0]
    assert request.parameters == {"IsolationType": "Full"}


async def test_card_we_lost_track_of_is_adopted(stage):
    """A press on a message of the request that was not recorded counts, and that message becomes the card."""
    one = await asked(stage)
    request = await record(stage, one)
    place = next(p.place for p in request.posts).conversation()
    shown = request_card(Look(now=request.created), request)
    stray_id = await stage.bot.services.teams.post(place, shown)
    stray = stage.sim.connector.all[stray_id]
    await stage.click(ALEX, stray, "approve")
    await stage.until(lambda: isolations(stage, one))
    await stage.until(lambda: "A newer card of this is further down" in words(one.card))
    await stage.until(lambda: "approve" not in verbs(stray))
    assert verbs(one.card) == set()
    posts = (await record(stage, one)).posts
    assert {p.message: p.state for p in posts} == {one.card.id: "pointer", stray_id: "live"}
    assert isolations(stage, one) == 1


async def test_submit_of_an_older_client_counts_once(stage):
    """A button that comes as a message works too: the card is edited, no second card appears, nothing is doubled."""
    one = await asked(stage)
    activity = stage.activity(ALEX, one.here, text=None) | {"value": one.data, "replyToId": one.card.id}
    assert (await stage.send(activity)).status_code == 202
    await stage.until(lambda: isolations(stage, one))
    again = stage.activity(ALEX, one.here, text=None) | {"value": one.data, "replyToId": one.card.id}
    await stage.send(again)
    await stage.until(lambda: "approve" not in verbs(one.card))
    assert isolations(stage, one) == 1
    assert len(heard(stage, one.here)) == 1
    refused = stage.activity(LYNNE, one.here, text=None) | {"value": one.data, "replyToId": one.card.id}
    await stage.send(refused)
    assert "needs the role approver" in words(await answered(stage, one.here, 1))


async def test_late_submit_is_told_how_it_stands(stage):
    """Who presses too late on an older client is told how the request stands instead of nothing."""
    one = await asked(stage)
    await stage.click(MEGAN, one.card, "reject", inputs={"reason": "no"})
    activity = stage.activity(ALEX, one.here, text=None) | {"value": one.data, "replyToId": one.card.id}
    await stage.send(activity)
    assert "already rejected" in words(await answered(stage, one.here, 1))
    assert isolations(stage, one) == 0


async def test_cancel_reaches_only_the_own_customer(stage):
    """Cancelling a machine action takes an approver and an action of the own customer."""
    one = await asked(stage)
    one.device.online = False
    await stage.click(ALEX, one.card, "approve")
    await stage.until(lambda: isolations(stage, one))
    action = next(a for a in stage.sim.first.actions.values() if a.machine_id == one.device.id)
    data = {"v": 1, "verb": "cancel", "id": action.id, "rev": 0}
    theirs = chat(stage, [ROBIN], "channel", OTHER_TENANT)
    assert "needs the role approver" in (await stage.press(ADELE, data, "cancel", "1", one.here))["value"]
    await stage.press(ROBIN, data, "cancel", "1", theirs)
    assert action.status == "Pending"
    await stage.press(ALEX, data, "cancel", "1", one.here)
    await stage.until(lambda: action.status == "Cancelled")


async def test_bound_channel_speaks_for_its_customer(stage):
    """A provider's channel that is bound to a customer shows that customer's devices and none of the provider's."""
    here = chat(stage, [ALEX], "channel")
    bind = Change(kind="binding", id=here, rev=0, data={"v": 1, "customer": OTHER_TENANT, "people": []})
    await stage.bot.store.commit(TENANT, [bind])
    said = words(await ask(stage, ALEX, "/devices all", here))
    assert any(d.name in said for d in stage.sim.second.devices.values())
    theirs = {d.name for d in stage.sim.second.devices.values()}
    assert not [d.name for d in stage.sim.first.devices.values() if d.name in said and d.name not in theirs]
    device = new_device(stage)
    assert "I found no device" in words(await ask(stage, ALEX, f"/isolate {device.id} because", here))
