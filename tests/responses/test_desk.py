"""What people do with requests, also twice and at once: one request, one transition, one entry for each act."""

import asyncio
import json
from collections import Counter
from dataclasses import replace

import pytest

from bot.errors import NotAllowed, NotFound, Stale
from bot.posts import Post
from bot.responses import requests
from bot.responses.models import State
from handlers.responses import isolate
from tests.responses.people import ADELE, ALEX, MEGAN, PATTI, TENANT, place
from tests.responses.processes import Killed
from tests.responses.stage import RESPONSES, Stage


async def trail(stage: Stage) -> list[tuple[str, str]]:
    """What was done to which request, in order; the chain must hold."""
    rows = await stage.store.audit(TENANT)
    assert stage.ledger.first_broken(rows) == ""
    entries = [json.loads(text) for _, text, _ in rows]
    return [(entry["what"], entry["subject"].removeprefix("request:")) for entry in entries]


async def proposed(stage: Stage, **more) -> str:
    request, _ = await stage.desk().propose(stage.proposal(ADELE, **more))
    return request.id


async def test_asking_twice_makes_one_request():
    """The second who asks for the same on the same device gets the first one's request, and no second entry."""
    stage = Stage()
    first, new = await stage.desk().propose(stage.proposal(ADELE))
    second, again = await stage.desk().propose(stage.proposal(PATTI))
    assert (second.id, new, again) == (first.id, True, False)
    assert await trail(stage) == [("proposed", first.id)]


async def test_ten_who_ask_at_once_make_one_request():
    """Ten proposals in ten processes at once end in one request, which all of them get."""
    stage = Stage()
    made = await asyncio.gather(*(stage.desk().propose(stage.proposal(ADELE)) for _ in range(10)))
    assert len({request.id for request, _ in made}) == 1
    assert sum(new for _, new in made) == 1
    assert len(await stage.requests()) == 1
    assert len(await trail(stage)) == 1


async def test_other_responses_and_devices_do_not_wait():
    """Another response, or another device, is a request of its own."""
    stage = Stage()
    asked = [("isolate", 0), ("release", 0), ("scan", 0), ("isolate", 1)]
    made = [await stage.desk().propose(stage.proposal(ADELE, response, device)) for response, device in asked]
    assert len({request.id for request, new in made if new}) == 4


@pytest.mark.parametrize("end", ["reject", "withdraw", "expire"])
async def test_after_its_end_it_can_be_asked_again(end):
    """A request that is over, however it ended, does not stand in the way of the next."""
    stage = Stage()
    key = await proposed(stage)
    if end == "reject":
        await stage.desk().reject(key, MEGAN, "no")
    elif end == "withdraw":
        await stage.desk().withdraw(key, ADELE)
    else:
        await stage.until_quiet()
        assert (await stage.request(key)).state is State.EXPIRED
    assert await proposed(stage) != key


async def test_two_approvers_at_once_make_one_transition():
    """Five approvers click in the same moment: one is heard, the others are told that it is approved already."""
    stage = Stage()
    key = await proposed(stage)
    people = [MEGAN, ALEX, PATTI, *(MEGAN.model_copy(update={"id": f"p{n}"}) for n in range(2))]
    done = await asyncio.gather(*(stage.desk().approve(key, who) for who in people), return_exceptions=True)
    assert Counter(type(outcome).__name__ for outcome in done) == {"Request": 1, "Stale": 4}
    assert len((await stage.request(key)).approvals) == 1
    assert Counter(await trail(stage)) == {("proposed", key): 1, ("approved", key): 1}


async def test_approve_and_reject_at_once():
    """Of a yes and a no in the same moment one counts, and the other changes nothing."""
    stage = Stage()
    key = await proposed(stage)
    acts = (stage.desk().approve(key, MEGAN), stage.desk().reject(key, ALEX, "no"), stage.desk().withdraw(key, ADELE))
    done = await asyncio.gather(*acts, return_exceptions=True)
    assert Counter(type(outcome).__name__ for outcome in done) == {"Request": 1, "Stale": 2}
    assert len((await stage.request(key)).decisions) == 1
    assert len(await trail(stage)) == 2


async def test_two_needed_approvals_at_once_are_both_kept():
    """Where two must approve and both click at once, both count and the request is approved."""
    stage = Stage(responses=RESPONSES | {"isolate": replace(isolate.RESPONSE, approvals=2)})
    key = await proposed(stage)
    await asyncio.gather(stage.desk().approve(key, MEGAN), stage.desk().approve(key, ALEX))
    request = await stage.request(key)
    assert (request.state, {d.who.name for d in request.approvals}) == (State.APPROVED, {"Megan", "Alex"})


async def test_what_needs_no_approval_is_approved_at_once():
    """A scan is due from the beginning, and its audit entry says that nobody had to approve."""
    stage = Stage()
    request, _ = await stage.desk().propose(stage.proposal(ADELE, "scan"))
    assert (request.state, request.step_due()) == (State.APPROVED, stage.clock.now())
    entry = json.loads((await stage.store.audit(TENANT))[0][1])
    assert entry["more"]["approvals_needed"] == 0


async def test_four_eyes_are_those_of_the_proposal():
    """Whether the requester may decide is kept with the request, and the audit says it where they may."""
    stage = Stage(four_eyes=False)
    key = await proposed(stage)
    stage.four_eyes = True
    assert (await stage.desk().approve(key, ADELE)).state is State.APPROVED
    assert json.loads((await stage.store.audit(TENANT))[0][1])["more"]["four_eyes"] is False
    other = await proposed(stage, device=1)
    with pytest.raises(NotAllowed):
        await stage.desk().approve(other, ADELE)
    assert len(await trail(stage)) == 3


async def test_each_act_has_its_entry_with_who_and_what():
    """Every decision in a request stands in the trail, by the person's ids, and with the device to find it by."""
    stage = Stage()
    key = await proposed(stage)
    await stage.desk().reject(key, MEGAN, "no")
    entries = [json.loads(text) for _, text, _ in await stage.store.audit(TENANT)]
    assert [(e["what"], e["who"]) for e in entries] == [
        ("proposed", f"{TENANT}/{ADELE.id}"),
        ("rejected", f"{TENANT}/{MEGAN.id}"),
    ]
    device = (await stage.request(key)).target.id
    assert entries[1]["more"] == {"state": "rejected", "response": "isolate", "device": device}


@pytest.mark.parametrize("how", ["die before", "die after"])
@pytest.mark.parametrize("count", range(1, 8))
async def test_an_act_and_its_entry_are_one_commit(how, count):
    """Wherever the process dies, there are as many approvals in the trail as in the request."""
    stage = Stage()
    key = await proposed(stage)
    process = stage.process()
    process.arm(count, how)
    try:
        await stage.desk(process).approve(key, MEGAN)
    except Killed:
        assert process.dead
    request = await stage.request(key)
    assert (await trail(stage)).count(("approved", key)) == len(request.approvals)
    assert (request.state is State.APPROVED) == (len(request.approvals) == 1)


async def test_there_is_no_request_of_another_customer():
    """A request's id means nothing at another customer's desk."""
    stage = Stage()
    key = await proposed(stage)
    desk = stage.desk()
    desk.customer = "00000000-0000-0000-0000-000000000002"
    with pytest.raises(NotFound):
        await desk.approve(key, MEGAN)
    assert await requests.latest(stage.services(), desk.customer) == []


def card(message: str = "", where: str = "19:soc", **more) -> Post:
    return Post(key="card", place=place(where), message=message, state="live" if message else "wanted", **more)


async def test_a_click_from_an_unknown_message_adopts_it():
    """The message that was clicked is the card from now on; the one that stood for it becomes a pointer, once."""
    stage = Stage()
    key = await proposed(stage, posts=(card("m1", shown=1), card("m2", "19:other", shown=1)))
    for _ in range(3):
        await stage.desk().adopt(key, card("m9", shown=1))
    posts = (await stage.request(key)).posts
    assert [(p.message, p.state, p.shown) for p in posts] == [
        ("m1", "pointer", 0),
        ("m2", "live", 1),
        ("m9", "live", 1),
    ]


async def test_an_adopted_message_takes_the_place_of_a_card_without_answer():
    """A card whose posting was never answered is not waited for any more, and not posted again."""
    stage = Stage()
    for state in ("wanted", "unsure"):
        key = await proposed(stage, posts=(Post(key="card", place=place(), state=state, tries=1),))
        await stage.desk().adopt(key, card("m9"))
        assert [(p.message, p.state) for p in (await stage.request(key)).posts] == [("m9", "live")]
        await stage.desk().withdraw(key, ADELE)


async def test_asking_again_waits_for_a_card_that_is_on_its_way():
    """Asked for again before its card is posted, a request gets no second one; afterwards, one that supersedes it."""
    stage = Stage()
    key = await proposed(stage)
    await stage.desk().show_here(key, card())
    assert len((await stage.request(key)).posts) == 1
    await stage.work(key)
    await stage.desk().show_here(key, card())
    await stage.work(key)
    assert [(p.message, p.state) for p in (await stage.request(key)).posts] == [("m1", "pointer"), ("m2", "live")]
    assert stage.teams.messages["m1"].shown.card == {"pointer": True}


async def test_asking_again_and_again_does_not_pile_up():
    """However often a request is shown anew, the record stays small."""
    stage = Stage()
    key = await proposed(stage)
    for _ in range(60):
        stage.clock.move(15)
        await stage.work(key)
        await stage.desk().show_here(key, card())
    assert len((await stage.request(key)).posts) < 25


async def test_a_decision_on_what_is_over_is_stale():
    """Whatever is clicked on an old card changes nothing and leaves no entry."""
    stage = Stage()
    key = await proposed(stage)
    await stage.desk().withdraw(key, ADELE)
    desk = stage.desk()
    late = [
        desk.approve(key, MEGAN),
        desk.reject(key, MEGAN, "x"),
        desk.withdraw(key, ADELE),
        desk.resend(key, MEGAN),
        desk.give_up(key, MEGAN),
    ]
    done = await asyncio.gather(*late, return_exceptions=True)
    assert {type(outcome) for outcome in done} == {Stale}
    assert len(await trail(stage)) == 2
