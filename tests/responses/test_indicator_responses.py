"""Indicators from the approval to their end, over HTTP: made, replaced, adopted, removed, lost."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.responses.indicators import NOW
from bot.responses.models import Evidence, Fact, Request, State, Target
from bot.simulator import Fault
from bot.simulator.entries import MOST_ACTIVE, Entry
from handlers.responses import allow, block, monitor, unblock, warn
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import MEGAN, TENANT
from tests.responses.renewed import renewed

pytestmark = pytest.mark.asyncio(loop_scope="module")
MODULES = (allow, block, monitor, unblock, warn)
BAD = "bad.example"
TARGET = Target(id=BAD, name="bad[.]example", kind="indicator")
ACTIONS = {
    "block": ("Block", {"indicatorAction": "Block"}),
    "warn": ("Warn", {}),
    "monitor": ("Audit", {}),
    "allow": ("Allowed", {}),
}
COMMON = {"expirationTime": "forever", "severity": "High"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company() -> AsyncIterator[HttpStage]:
    async with staged_over_http(module.RESPONSE for module in MODULES) as made:
        yield made


@pytest.fixture
def stage(company: HttpStage) -> HttpStage:
    return renewed(company)


def said(stage: HttpStage, value: str = BAD) -> list[str]:
    """What the service accepted for a value, in order."""
    return [action for action, text, _ in stage.sim.first.entries.said if text == value]


def there(stage: HttpStage, value: str = BAD) -> Entry | None:
    """The active indicator for a value."""
    active = stage.sim.first.entries.active(stage.clock.now())
    return next((entry for entry in active if entry.value.casefold() == value), None)


def held(stage: HttpStage, action: str, days: int = 0, **more) -> Entry:
    """An indicator that a person made in the portal, for so many days (0: for good)."""
    entries = stage.sim.first.entries
    entry = Entry(
        **{
            "id": entries.next_id(),
            "value": BAD,
            "type": "DomainName",
            "action": action,
            "title": "by hand",
            "description": "by hand",
            "created": stage.clock.now(),
            "updated": stage.clock.now(),
            "created_by": "patti@fabrikam.example",
            "source": "patti@fabrikam.example",
            "expires": stage.clock.now() + timedelta(days=days) if days else None,
            **more,
        }
    )
    entries.held[entry.id] = entry
    return entry


async def asked(stage: HttpStage, response: str, *, now: str = "", **parameters: str) -> str:
    """A request for the value, approved; `now` is what the approver was shown."""
    facts = (Fact(key=NOW, value=now),)
    evidence = Evidence(read_at=stage.clock.now(), facts=facts)
    given = parameters if response == "unblock" else {**ACTIONS[response][1], **COMMON, **parameters}
    return await stage.approved(response, target=TARGET, evidence=evidence, parameters=given)


async def followed(stage: HttpStage, response: str, *, now: str = "", **parameters: str) -> Request:
    """The same at its end."""
    key = await asked(stage, response, now=now, **parameters)
    await stage.until_quiet()
    return await stage.request(key)


def keys(request: Request) -> list[str]:
    return [step.key for step in request.story]


@pytest.mark.parametrize("response", ACTIONS)
async def test_an_indicator_is_made_once_with_the_mark_first(stage: HttpStage, response: str):
    """One call; the title begins with the request's mark; who asked and approved stands in the description."""
    request = await followed(stage, response)
    action, _ = ACTIONS[response]
    assert (request.state, said(stage)) == (State.SUCCEEDED, [action])
    entry = there(stage)
    assert entry is not None
    assert entry.title.startswith(f"[{request.id}/1] ")
    assert entry.description.startswith(f"[{request.id}/1] a reason (asked: Adele; approved: Megan)")
    assert (entry.action, entry.severity, entry.expires, entry.groups) == (action, "High", None, [])
    assert request.attempts[-1].action == entry.id


async def test_the_time_of_expiry_counts_from_the_sending(stage: HttpStage):
    """30 days after the sending it ends by itself, and then it is no longer there."""
    began = stage.clock.now()
    await followed(stage, "block", expirationTime="30d")
    entry = there(stage)
    assert entry is not None
    assert entry.expires is not None
    assert abs(entry.expires - (began + timedelta(days=30))) < timedelta(minutes=1)
    stage.clock.move(30 * 86_400)
    assert there(stage) is None


async def test_a_file_is_blocked_and_removed_where_that_is_asked(stage: HttpStage):
    """The choice of the command becomes the service's own action."""
    request = await followed(stage, "block", indicatorAction="BlockAndRemediate")
    assert (request.state, said(stage)) == (State.SUCCEEDED, ["BlockAndRemediate"])


async def test_what_somebody_made_already_is_adopted(stage: HttpStage):
    """The same action for the same time: nothing is sent, and the card names who made it."""
    entry = held(stage, "Block")
    request = await followed(stage, "block", now="Block")
    assert (request.state, said(stage)) == (State.SUCCEEDED, [])
    assert request.attempts[-1].adopted
    assert request.attempts[-1].action == entry.id
    assert any(step.values.get("who") == "patti@fabrikam.example" for step in request.story)


@pytest.mark.parametrize(
    "other",
    [
        {"action": "Allowed"},
        {"action": "Block", "days": 2},
        {"action": "Block", "groups": ["shop floor"]},
    ],
)
async def test_what_is_not_the_same_is_replaced(stage: HttpStage, other: dict):
    """Another action, an earlier end or fewer devices is not what was asked for: ours takes its place."""
    entry = held(stage, **other)
    request = await followed(stage, "block", now=entry.action)
    assert (request.state, said(stage)) == (State.SUCCEEDED, ["Block"])
    now = there(stage)
    assert now is not None
    assert (now.id, now.expires, now.groups) == (entry.id, None, [])


@pytest.mark.parametrize("response", ["block", "unblock"])
async def test_a_change_after_the_evidence_stops_it(stage: HttpStage, response: str):
    """Somebody allowed it after the approver was shown that nothing (or something else) held: nothing is sent."""
    key = await asked(stage, response, now="Warn")
    held(stage, "Allowed")
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.trouble, said(stage)) == (State.FAILED, "trouble.indicator_changed", [])
    assert dict(request.trouble_values) == {"was": "Warn", "now": "Allowed"}


async def test_unread_evidence_stops_nothing(stage: HttpStage):
    """Where the indicator could not be read when it was asked for, there is nothing to compare with."""
    held(stage, "Allowed")
    assert (await followed(stage, "block", now="")).state is State.SUCCEEDED


@pytest.mark.parametrize("fault", [Fault(kind="reset", acted=True), Fault(kind="error", status=503, acted=True)])
async def test_a_lost_answer_is_found_by_the_mark(stage: HttpStage, fault: Fault):
    """The indicator was made and the answer lost: it is found by its title, and not made again."""
    stage.sim.faults.add("defender.indicators.submit", fault)
    request = await followed(stage, "block")
    assert (request.state, said(stage)) == (State.SUCCEEDED, ["Block"])
    assert "story.unknown" in keys(request)


async def test_one_that_is_listed_late_is_found(stage: HttpStage):
    """The service took it, answered nothing, and lists it two minutes later."""
    stage.sim.faults.add("defender.indicators.submit", Fault(kind="reset", acted=True, unlisted=120))
    request = await followed(stage, "block")
    assert (request.state, said(stage)) == (State.SUCCEEDED, ["Block"])


async def test_one_that_was_accepted_and_is_listed_late_is_waited_for(stage: HttpStage):
    """The service said yes and lists it a minute later: until then it is not called done, and not sent again."""
    stage.sim.faults.add("defender.indicators.submit", Fault(kind="accept", unlisted=60))
    key = await asked(stage, "block")
    await stage.work(key)
    assert (await stage.request(key)).state is State.SENT
    await stage.until_quiet()
    assert ((await stage.request(key)).state, said(stage)) == (State.SUCCEEDED, ["Block"])


async def test_one_that_was_never_made_stays_unknown(stage: HttpStage):
    """No answer and no indicator: nothing is sent again until a person says so, and then it is a second attempt."""
    stage.sim.faults.add("defender.indicators.submit", Fault(kind="reset"))
    key = await asked(stage, "block")
    await stage.until_quiet(timedelta(minutes=20))
    assert (await stage.request(key)).state is State.UNKNOWN
    assert said(stage) == []
    await stage.desk().resend(key, MEGAN)
    await stage.until_quiet()
    entry = there(stage)
    assert entry is not None
    assert entry.title.startswith(f"[{key}/2] ")
    assert ((await stage.request(key)).state, said(stage)) == (State.SUCCEEDED, ["Block"])


async def test_a_refusal_is_said_with_its_cause(stage: HttpStage):
    """A bad value is refused by the service with its code, which the card tells."""
    stage.sim.faults.add("defender.indicators.submit", Fault(kind="error", status=400, code="InvalidDomainName"))
    request = await followed(stage, "block")
    assert (request.state, request.trouble) == (State.FAILED, "trouble.rejected")
    assert request.trouble_values["code"] == "InvalidDomainName"


async def test_a_full_tenant_is_recognised(stage: HttpStage):
    """The pages name no code for it: the indicators are counted, and the card says what to do."""
    stage.sim.first.entries.crowd(MOST_ACTIVE, stage.clock.now())
    request = await followed(stage, "block")
    assert (request.state, request.trouble, said(stage)) == (State.FAILED, "trouble.indicators_full", [])


async def test_a_full_tenant_that_cannot_be_counted_is_a_plain_refusal(stage: HttpStage):
    """Where the count cannot be read, only what the service said is told."""
    stage.sim.first.entries.most = 0
    stage.sim.faults.add("defender.indicators.list", Fault(kind="forbidden", skip=2, times=9))
    request = await followed(stage, "block")
    assert (request.state, request.trouble) == (State.FAILED, "trouble.rejected")


@pytest.mark.parametrize("action", ["Block", "Allowed", "AlertAndBlock"])
async def test_an_indicator_is_removed_whatever_it_does(stage: HttpStage, action: str):
    """The id is looked up right before, and the one is removed, once."""
    entry = held(stage, action)
    request = await followed(stage, "unblock", now=action)
    assert (request.state, request.status, said(stage)) == (State.SUCCEEDED, "Removed", ["delete"])
    assert there(stage) is None
    assert request.attempts[-1].action == entry.id


async def test_a_hash_in_capitals_is_removed_too(stage: HttpStage):
    """The portal may hold a hash in another spelling than the bot's."""
    sha1 = "3395856ce81f2b7382dee72602f798b642f14140"
    held(stage, "Block", type="FileSha1", value=sha1.upper())
    await stage.approved("unblock", target=Target(id=sha1, name="x", kind="indicator"), parameters={})
    await stage.until_quiet()
    assert there(stage, sha1) is None


async def test_what_is_gone_already_is_not_removed_again(stage: HttpStage):
    """Nothing there: it is so already, and nothing is sent."""
    request = await followed(stage, "unblock")
    assert (request.state, said(stage)) == (State.SUCCEEDED, [])
    assert request.attempts[-1].adopted


async def test_a_removal_without_an_answer_is_seen_to_be_done(stage: HttpStage):
    """The answer was lost: the indicator is gone, so nothing is sent again."""
    held(stage, "Block")
    stage.sim.faults.add("defender.indicators.delete", Fault(kind="reset", acted=True))
    request = await followed(stage, "unblock", now="Block")
    assert (request.state, said(stage)) == (State.SUCCEEDED, ["delete"])


async def test_a_removal_whose_listing_failed_was_surely_not_made(stage: HttpStage):
    """What is read right before the removal fails: it is put back and made later, not left unknown."""
    held(stage, "Block")
    stage.sim.faults.add("defender.indicators.list", Fault(kind="error", status=503, skip=2, times=4))
    request = await followed(stage, "unblock", now="Block")
    assert (request.state, said(stage)) == (State.SUCCEEDED, ["delete"])
    assert "story.unknown" not in keys(request)


async def test_someone_removes_it_in_the_same_moment(stage: HttpStage):
    """404 to the removal means that it is gone, which is what was asked for; it is not called ours."""
    held(stage, "Block")
    fault = Fault(kind="error", status=404, code="ResourceNotFound", acted=True)
    stage.sim.faults.add("defender.indicators.delete", fault)
    request = await followed(stage, "unblock", now="Block")
    assert (request.state, request.attempts[-1].adopted) == (State.SUCCEEDED, True)


async def test_a_removed_one_that_is_still_listed_is_not_called_removed(stage: HttpStage):
    """The service said 204 and still lists it: that is waited for, and in the end it has failed."""
    entry = held(stage, "Block")
    key = await asked(stage, "unblock", now="Block")
    await stage.work(key)
    assert (await stage.request(key)).state is State.SUCCEEDED
    held(stage, "Block")
    other = await asked(stage, "unblock", now="Block")
    stage.sim.faults.add("defender.indicators.delete", Fault(kind="error", status=404, code="ResourceNotFound"))
    await stage.work(other)
    assert (await stage.request(other)).state is State.SENT
    await stage.until_quiet(timedelta(minutes=30))
    assert (await stage.request(other)).state is State.FAILED
    assert entry.id not in stage.sim.first.entries.held


async def test_another_that_changes_ours_is_not_called_done(stage: HttpStage):
    """Between the lost answer and the search somebody allowed it: the card does not say that it is blocked."""
    stage.sim.faults.add("defender.indicators.submit", Fault(kind="reset", acted=True, unlisted=60))
    key = await asked(stage, "block")
    await stage.work(key)
    entry = there(stage)
    assert entry is not None
    entry.action = "Allowed"
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.status) == (State.CANCELLED, "Allowed")


async def test_block_and_unblock_of_one_value_go_in_their_order(stage: HttpStage):
    """They are one family: the second waits for the first, and is asked again because what it was about changed."""
    first = await asked(stage, "block", now="none")
    second = await asked(stage, "allow", now="none")
    await stage.until_quiet()
    one, two = await stage.request(first), await stage.request(second)
    assert (one.state, two.state) == (State.SUCCEEDED, State.FAILED)
    assert (two.trouble, said(stage)) == ("trouble.indicator_changed", ["Block"])


async def test_the_audit_tells_each_step_once(stage: HttpStage):
    """Proposed, approved, sending, sent, succeeded: each once, and each names the value."""
    request = await followed(stage, "block")
    entries = [json.loads(text) for _, text, _ in await stage.store.audit(TENANT)]
    assert [entry["what"] for entry in entries] == ["proposed", "approved", "sending", "sent", "succeeded"]
    assert {entry["more"]["target"] for entry in entries} == {"indicator:bad.example"}
    assert {entry["subject"] for entry in entries} == {f"request:{request.id}"}
