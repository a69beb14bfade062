"""A list blocked in one call: per value what became of it, partial failures, lost answers, over HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
import pytest_asyncio

from bot.errors import NotFound, UsageError
from bot.responses.indicator_list import FAILED, LOST, MADE
from bot.responses.models import Request, State, Target
from bot.simulator import Fault
from handlers.responses import block_list, unblock_list
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import TENANT
from tests.responses.renewed import renewed

pytestmark = pytest.mark.asyncio(loop_scope="module")
VALUES = ("bad.example", "198.51.100.7", "http://bad.example/x", "3395856ce81f2b7382dee72602f798b642f14140")
TARGET = Target(id="list:" + "1" * 32, name="4 values", kind="values")
PARAMETERS = {"expirationTime": "30d", "severity": "High"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company() -> AsyncIterator[HttpStage]:
    async with staged_over_http([block_list.RESPONSE, unblock_list.RESPONSE]) as made:
        yield made


@pytest.fixture
def stage(company: HttpStage) -> HttpStage:
    return renewed(company)


async def asked(stage: HttpStage, values: tuple[str, ...] = VALUES) -> str:
    return await stage.approved("block-list", target=TARGET, values=values, parameters=PARAMETERS)


async def followed(stage: HttpStage, values: tuple[str, ...] = VALUES) -> Request:
    key = await asked(stage, values)
    await stage.until_quiet()
    return await stage.request(key)


def imports(stage: HttpStage) -> int:
    return sum(1 for name, _, status in stage.sim.calls if name == "defender.indicators.import" and status == 200)


def blocked(stage: HttpStage) -> set[str]:
    """The values that our indicators block."""
    active = stage.sim.first.entries.active(stage.clock.now())
    return {entry.value for entry in active if entry.title.startswith("[WK-") and entry.action == "Block"}


async def test_a_list_is_blocked_by_one_call(stage: HttpStage):
    """All values in one import, each with the mark, and the card counts them."""
    request = await followed(stage)
    assert (request.state, request.status, imports(stage)) == (State.SUCCEEDED, "4/4", 1)
    assert blocked(stage) == set(VALUES)
    assert dict(request.result) == {MADE: "4"}


async def test_what_fails_is_named_and_the_rest_is_in_force(stage: HttpStage):
    """One value is refused inside the 200: it is named with the service's reason, and the end is a partial one."""
    stage.sim.first.entries.most = 3
    request = await followed(stage)
    assert (request.state, request.status) == (State.PARTLY, "3/4")
    assert dict(request.result) == {
        MADE: "3",
        FAILED: "1",
        "list-failure-01": f"{VALUES[3]}: The limit of 3 active indicators was reached",
    }
    assert len(blocked(stage)) == 3


async def test_when_all_fail_nothing_is_called_done(stage: HttpStage):
    """A full tenant takes none: failed, with every reason."""
    stage.sim.first.entries.most = 0
    request = await followed(stage)
    assert (request.state, request.status, request.result[FAILED]) == (State.FAILED, "0/4", "4")
    assert blocked(stage) == set()


async def test_a_lost_answer_is_found_value_by_value(stage: HttpStage):
    """The import was carried out and its answer lost: the indicators are found by the mark, and not made again."""
    stage.sim.faults.add("defender.indicators.import", Fault(kind="reset", acted=True, unlisted=70))
    request = await followed(stage)
    assert (request.state, request.status, imports(stage)) == (State.SUCCEEDED, "4/4", 1)
    assert [step.key for step in request.story].count("story.unknown") == 1


async def test_a_lost_answer_of_a_partial_import_is_not_called_whole(stage: HttpStage):
    """Only some were made and the answer is lost: those are found, of the others it is said that nothing is known."""
    stage.sim.first.entries.most = 3
    stage.sim.faults.add("defender.indicators.import", Fault(kind="reset", acted=True))
    key = await asked(stage)
    await stage.until_quiet(timedelta(minutes=3))
    assert (await stage.request(key)).state is State.UNKNOWN
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.status) == (State.PARTLY, "3/4")
    assert dict(request.result) == {MADE: "3", LOST: "1", "list-missing": VALUES[3]}


async def test_one_that_somebody_changed_meanwhile_is_not_called_blocked(stage: HttpStage):
    """While the answer was missing somebody allowed one of them: it is not counted among those in force."""
    stage.sim.faults.add("defender.indicators.import", Fault(kind="reset", acted=True, unlisted=70))
    key = await asked(stage)
    await stage.work(key)
    (changed,) = [one for one in stage.sim.first.entries.held.values() if one.value == VALUES[0]]
    changed.action = "Allowed"
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.result["list-missing"]) == (State.PARTLY, "bad[.]example")


async def test_an_import_that_never_came_stays_unknown(stage: HttpStage):
    """No answer and no indicator: nothing is sent again by itself."""
    stage.sim.faults.add("defender.indicators.import", Fault(kind="reset"))
    key = await asked(stage)
    await stage.until_quiet(timedelta(minutes=20))
    assert ((await stage.request(key)).state, imports(stage)) == (State.UNKNOWN, 0)


async def test_a_refused_batch_is_refused_whole(stage: HttpStage):
    """A 400 to the call itself: nothing was made, and the code is said."""
    fault = Fault(kind="error", status=400, code="MaximumBatchSizeExceeded")
    stage.sim.faults.add("defender.indicators.import", fault)
    request = await followed(stage)
    assert (request.state, request.trouble) == (State.FAILED, "trouble.rejected")
    assert blocked(stage) == set()


def deletes(stage: HttpStage) -> int:
    return sum(name == "defender.indicators.batchdelete" and status == 204 for name, _, status in stage.sim.calls)


async def cleared(stage: HttpStage, of: Request) -> Request:
    """The removal of what a request made, at its end."""
    target = Target(id=of.id, name="the list", kind="values")
    key = await stage.approved("unblock-list", target=target, parameters={})
    await stage.until_quiet()
    return await stage.request(key)


async def test_a_list_is_removed_by_one_call(stage: HttpStage):
    """What bears the request's mark goes at once; what somebody changed since, and what is not ours, stays."""
    request = await followed(stage)
    held = stage.sim.first.entries.held
    changed = next(one for one in held.values() if one.value == VALUES[0])
    changed.title = "kept by hand"
    other = await followed(stage, ("other.example",))
    gone = await cleared(stage, request)
    assert (gone.state, gone.result["list-cleared"], deletes(stage)) == (State.SUCCEEDED, "3", 1)
    assert {one.value for one in held.values()} == {VALUES[0], "other.example"}
    assert other.state is State.SUCCEEDED


async def test_a_removal_without_an_answer_is_read_back(stage: HttpStage):
    """The answer was lost: none is left, so nothing is removed again."""
    request = await followed(stage)
    stage.sim.faults.add("defender.indicators.batchdelete", Fault(kind="reset", acted=True))
    assert (await cleared(stage, request)).state is State.SUCCEEDED
    assert deletes(stage) == 1


async def test_a_removal_of_one_that_just_went_is_made_anew(stage: HttpStage):
    """404 means that none was removed: they are listed anew, and those that are left are removed."""
    request = await followed(stage)
    stage.sim.faults.add("defender.indicators.batchdelete", Fault(kind="error", status=404, code="NotFound"))
    assert (await cleared(stage, request)).state is State.SUCCEEDED
    assert (blocked(stage), deletes(stage)) == (set(), 1)


async def found(stage: HttpStage, word: str) -> Target:
    """What the command takes a word for."""
    context = SimpleNamespace(
        services=stage.services(),
        customer=TENANT,
        defender=stage.clients["defender"],
        graph=stage.clients["graph"],
    )
    return await unblock_list.find(context, word, "unblock-list", "")


async def test_a_list_is_found_by_its_request_or_on_its_card(stage: HttpStage):
    """By the id that people type and by the list that the card's button names; the target is the request."""
    request = await followed(stage)
    for word in (request.id, request.id.lower(), TARGET.id):
        assert (await found(stage, word)).id == request.id
    await cleared(stage, request)
    with pytest.raises(NotFound):
        await found(stage, request.id)
    with pytest.raises(NotFound):
        await found(stage, "list:" + "0" * 32)
    with pytest.raises(UsageError):
        await found(stage, "bad.example")
