"""Two things at the same moment: presses of two people or of one, ends of times, and policies that change between."""

import asyncio
from datetime import timedelta

import pytest

from bot.errors import NotAllowed, PersonError, Stale
from bot.policy.load import PolicyError, load_policy, parsed
from bot.policy.models import Policy
from bot.responses.models import Evidence, Member, Request, State, Target
from tests.responses.people import ADELE, ALEX, MEGAN, PATTI
from tests.responses.stage import Stage

VETO = "[response.isolate]\nveto_minutes = 15\n"
FREE = "[response.scan]\napprovals = 0\n"
BAN = '[response.isolate]\nforbidden = "Not this week."\n'
SECOND = timedelta(seconds=1)


def put(stage: Stage, text: str) -> None:
    """Another policy, as a restart brings it."""
    stage.policy = Policy(file=parsed(text, stage.responses), source="policy.toml", mark=str(hash(text)))


async def waiting(stage: Stage, **more) -> Request:
    """A request of Adele's whose card stands in the channel."""
    request, _ = await stage.desk().propose(stage.proposal(ADELE, **more))
    await stage.work(request.id)
    return await stage.request(request.id)


async def outcome(act) -> str:
    """What came of a press: done, or why not."""
    try:
        await act
    except PersonError as error:
        return error.key
    return "done"


def at(stage: Stage, moment) -> None:
    """Put the clock to that moment exactly (a desk moves it by a millisecond)."""
    stage.clock.move((moment - stage.clock.now()).total_seconds())


@pytest.mark.parametrize("turn", range(6))
async def test_two_processes_take_the_same_press_once(turn):
    """The same approval in two processes at once is one decision and one action, in whichever order they commit."""
    stage = Stage()
    request = await waiting(stage)
    desks = [stage.desk() for _ in range(2)]
    people = (MEGAN, MEGAN) if turn % 2 else (MEGAN, ALEX)
    said = await asyncio.gather(*(outcome(d.approve(request.id, who)) for d, who in zip(desks, people, strict=True)))
    assert sorted(said) == ["done", "error.request_moved_on"]
    assert len((await stage.request(request.id)).decisions) == 1
    await stage.until_quiet()
    assert len(stage.own()) == 1


@pytest.mark.parametrize("first", ["approve", "reject", "withdraw"])
async def test_who_comes_first_decides(first):
    """Of an approval, a rejection and a withdrawal at once one holds; nothing is sent unless it is the approval."""
    stage = Stage()
    request = await waiting(stage)
    acts = {
        "approve": lambda desk: desk.approve(request.id, MEGAN),
        "reject": lambda desk: desk.reject(request.id, ALEX, "no"),
        "withdraw": lambda desk: desk.withdraw(request.id, ADELE),
    }
    order = [first, *(name for name in acts if name != first)]
    said = await asyncio.gather(*(outcome(acts[name](stage.desk())) for name in order))
    assert sorted(said) == ["done", "error.request_moved_on", "error.request_moved_on"]
    await stage.until_quiet()
    after = await stage.request(request.id)
    assert len(after.decisions) == 1
    assert bool(stage.own()) is (after.decisions[0].what == "approved")


@pytest.mark.parametrize(("early", "said"), [(timedelta(0), "error.request_moved_on"), (SECOND, "done")])
async def test_an_approval_at_the_second_of_expiry_is_too_late(early, said):
    """At the very moment at which a request expires nobody approves it any more; a second before they do."""
    stage = Stage()
    request = await waiting(stage)
    at(stage, request.expires - early - timedelta(milliseconds=1))
    assert await outcome(stage.desk().approve(request.id, MEGAN)) == said
    await stage.until_quiet()
    assert len(stage.own()) == (1 if said == "done" else 0)


@pytest.mark.parametrize("veto_first", [True, False])
async def test_a_veto_at_the_very_second_it_runs(veto_first):
    """At the moment at which it would run by itself a veto that is there first holds, and one that is late is told."""
    stage = Stage()
    put(stage, VETO)
    request = await waiting(stage)
    assert request.terms.runs_at
    at(stage, request.terms.runs_at)
    if veto_first:
        assert await outcome(stage.desk().reject(request.id, MEGAN, "no")) == "done"
        await stage.work(request.id)
    else:
        await stage.work(request.id)
        assert await outcome(stage.desk().reject(request.id, MEGAN, "no")) == "error.request_moved_on"
    await stage.until_quiet()
    assert len(stage.own()) == (0 if veto_first else 1)


@pytest.mark.parametrize(("watched", "sent"), [("19:soc", 1), ("19:elsewhere", 0)])
async def test_a_card_outside_of_where_people_watch_gives_no_veto(watched, sent):
    """What runs by itself runs only where its card stands in a conversation that subscribed to requests."""
    stage = Stage()
    put(stage, VETO)
    request = await waiting(stage, watchers=(watched,))
    assert request.terms.runs_at
    at(stage, request.terms.runs_at)
    await stage.work(request.id)
    await stage.until_quiet()
    assert len(stage.own()) == sent


async def test_a_ban_between_asking_approving_and_sending():
    """What the policy of now forbids is not sent, whenever it came: before the decision, after it, or for a batch."""
    for moment in ("before the decision", "after it"):
        stage = Stage()
        request = await waiting(stage)
        if moment == "before the decision":
            put(stage, BAN)
        await stage.desk().approve(request.id, MEGAN)
        put(stage, BAN)
        await stage.until_quiet()
        assert (await stage.request(request.id)).trouble == "trouble.policy_forbids"
        assert stage.own() == []
    stage = Stage()
    members = tuple(Member(target=Target(id=device.id, name=device.name)) for device in stage.devices)
    batch = await waiting(stage, target=Target(id="devices-1", name="x", kind="devices"), members=members)
    await stage.desk().approve(batch.id, MEGAN)
    await stage.work(batch.id)
    put(stage, BAN)
    await stage.until_quiet()
    assert (await stage.request(batch.id)).state is State.FAILED
    assert stage.own() == []


async def test_a_looser_policy_does_not_loosen_what_was_asked_before():
    """A request keeps its approvals and four eyes, also where the policy of now would have let it run at once."""
    stage = Stage()
    request = await waiting(stage, response="isolate")
    put(stage, "[response.isolate]\napprovals = 0\nrequester_may = true\ni_accept_the_risk = true\n")
    await stage.work(request.id)
    assert (await stage.request(request.id)).state is State.PROPOSED
    with pytest.raises(NotAllowed):
        await stage.desk().approve(request.id, ADELE)


async def test_one_person_is_one_approval():
    """Two approvals need two people: the same id in capitals, also the tenant's, is the same person."""
    stage = Stage()
    put(stage, "[response.isolate]\napprovals = 2\n")
    request = await waiting(stage)
    await stage.desk().approve(request.id, MEGAN)
    loud = MEGAN.model_copy(update={"id": MEGAN.id.upper(), "tenant": MEGAN.tenant.upper(), "name": "Somebody else"})
    with pytest.raises(Stale):
        await stage.desk().approve(request.id, loud)
    shout = ADELE.model_copy(update={"id": ADELE.id.upper()})
    with pytest.raises(NotAllowed):
        await stage.desk().approve(request.id, shout)
    await stage.desk().approve(request.id, PATTI)
    await stage.until_quiet()
    assert len(stage.own()) == 1


async def test_the_requesters_word_for_a_device_is_not_evidence():
    """Facts of a device count as they were read when it was asked for; nothing read counts as the stricter."""
    stage = Stage()
    text = '[[rule]]\nname = "lab"\nwhen.tags = ["lab"]\nthen.preapproved = true\nthen.i_accept_the_risk = true\n'
    put(stage, text)
    nothing = await waiting(stage, evidence=Evidence(read_at=stage.clock.now(), tags=None))
    assert nothing.state is State.PROPOSED


FILES = {
    "a number without end": "zone = " + "9" * 5000,
    "brackets in brackets": "zone = " + "[" * 100_000,
    "tables in tables": "zone = " + "{a=" * 20_000,
    "a null byte": 'zone = "\0"',
    "a key twice": "[defaults]\napprovals = 1\napprovals = 0\n",
    "a table twice": "[defaults]\n[defaults]\n",
    "no number": "[defaults]\napprovals = nan\n",
    "a float": "[defaults]\napprovals = 0.0\n",
    "true": "[defaults]\napprovals = true\n",
    "minus": "[defaults]\napprovals = -1\n",
    "dotted": "defaults.approvals.x = 0\n",
    "another case": "[Defaults]\napprovals = 0\n",
    "another table": "[response]\nisolate = 0\n",
    "a response that there is not": "[response.isolat\u0435]\napprovals = 1\n",
    "half a day": '[[rule]]\nname = "x"\nwhen.hours = "25:00-08:00"\nwhen.zone = "UTC"\nthen.approvals = 2\n',
    "no hours": '[[rule]]\nname = "x"\nwhen.hours = "08:00-08:00"\nwhen.zone = "UTC"\nthen.approvals = 2\n',
    "other digits": 'zone = "UTC"\n[[rule]]\nname = "x"\nwhen.hours = "1\u0668:00-09:0\u0660"\nthen.approvals = 2\n',
    "a zone of a path": 'zone = "../../etc/passwd"\n',
}


@pytest.mark.parametrize("name", FILES)
def test_a_policy_of_a_hostile_form_is_refused_in_words(name):
    """A file that cannot be meant is refused with a sentence, and never half in force."""
    with pytest.raises(PolicyError) as refused:
        parsed(FILES[name], Stage().responses)
    assert refused.value.lines


def test_a_policy_that_is_too_large_or_no_text_is_refused(tmp_path):
    """A file of a megabyte, of other bytes, or a folder is no policy."""
    for content in (b"# " + b"x" * 2**20, b"\xff\xfe\x00", b"zone = \xe9"):
        (tmp_path / "p.toml").write_bytes(content)
        with pytest.raises(PolicyError):
            load_policy(str(tmp_path / "p.toml"), Stage().responses)
    with pytest.raises(PolicyError):
        load_policy(str(tmp_path), Stage().responses)
