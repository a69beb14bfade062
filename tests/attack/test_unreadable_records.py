"""A record that this version cannot read (a newer one wrote it, or it was damaged) stops itself and nothing else."""

from bot.responses import requests
from bot.responses.models import State
from bot.state.store import Change
from bot.subscribers import active
from tests.responses.people import ADELE, MEGAN, TENANT, place
from tests.responses.stage import Stage


async def spoil(stage: Stage, kind: str, key: str, **data: object) -> None:
    await stage.store.commit(TENANT, [Change(kind=kind, id=key, rev=0, data={"v": 9, "id": key, **data}, due=None)])


async def test_one_unreadable_request_does_not_stop_the_others():
    """A request of a state that this version does not know leaves other devices' requests free to be sent."""
    stage = Stage()
    await spoil(stage, requests.KIND, "WK-NEWER", state="in orbit")
    request, _ = await stage.desk().propose(stage.proposal(ADELE))
    await stage.desk().approve(request.id, MEGAN)
    await stage.until_quiet()
    assert (await stage.request(request.id)).state is State.SUCCEEDED
    assert [r.id for r in await requests.latest(stage.services(), TENANT)] == [request.id]


async def test_an_unreadable_request_in_flight_still_holds_its_device():
    """Nothing is sent to a device while a request that cannot be read has the way there: that might double it."""
    stage = Stage()
    request, _ = await stage.desk().propose(stage.proposal(ADELE))
    await spoil(stage, requests.KIND, "WK-NEWER", state="in orbit")
    await spoil(stage, requests.FLIGHT, requests.flight_key(request), request="WK-NEWER")
    await stage.desk().approve(request.id, MEGAN)
    for _ in range(5):
        stage.clock.move(20)
        try:
            await stage.work(request.id)
        except ValueError:
            continue
    assert stage.own() == []


async def test_one_unreadable_subscription_does_not_silence_the_others():
    """Conversations whose subscription can be read get what they subscribed to."""
    stage = Stage()
    await spoil(stage, "subscription", "19:odd", place="nowhere")
    good = {"id": "19:soc", "customer": TENANT, "place": place().model_dump(), "since": stage.clock.now().isoformat()}
    await stage.store.commit(TENANT, [Change(kind="subscription", id="19:soc", rev=0, data=good)])
    assert [s.id for s in await active(stage.services(), TENANT)] == ["19:soc"]
