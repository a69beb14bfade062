"""What is done to a user, from the approval to its end, over HTTP against the simulator."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

import pytest

from bot.responses.models import Evidence, Fact, Request, State, Target
from bot.responses.people import HIGH_ENOUGH, nobodys_password
from bot.simulator import Fault
from bot.simulator.graph_people import PRIVILEGED_AUTHENTICATION_ADMINISTRATOR
from bot.simulator.world import Person, Risk
from handlers.responses import (
    block_signin,
    confirm_compromised,
    dismiss_risk,
    reset_password,
    revoke_sessions,
    unblock_signin,
)
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import MEGAN, TENANT
from tests.responses.processes import Killed

MODULES = (block_signin, confirm_compromised, dismiss_risk, reset_password, revoke_sessions, unblock_signin)
CALLS = {
    "block-signin": "graph.users.update",
    "unblock-signin": "graph.users.update",
    "revoke-sessions": "graph.users.revoke",
    "reset-password": "graph.users.update",
    "confirm-compromised": "graph.riskyusers.confirm",
    "dismiss-risk": "graph.riskyusers.dismiss",
}
READ_BACK = sorted(CALLS.keys() - {"reset-password"})
USERS = ("t.brook", "m.oakleaf", "k.müller", "l.harbor", "reception", "a.b.field")
"""As many as there are responses, none of them an administrator."""


@pytest.fixture
async def stage() -> AsyncIterator[HttpStage]:
    async with staged_over_http(module.RESPONSE for module in MODULES) as made:
        yield made


def somebody(stage: HttpStage, response: str = "", account: str = "") -> Person:
    """A user on whom the response changes something, another for each."""
    account = account or USERS[list(CALLS).index(response) if response else 0]
    found = stage.sim.first.directory.find(f"{account}@fabrikam.example")
    assert found
    found.enabled = response != "unblock-signin"
    return found


def target(one: Person) -> Target:
    return Target(id=one.id, name=one.upn, kind="user")


def forget(stage: HttpStage) -> None:
    """Begin to count calls anew."""
    stage.sim.calls.clear()


def made(stage: HttpStage, response: str) -> int:
    """How many calls of it the service carried out."""
    return sum(name == CALLS[response] and status < 300 for name, _, status in stage.sim.calls)


def in_force(one: Person, response: str, request: Request) -> bool:
    """Whether the directory shows what was asked for."""
    began = request.attempts[-1].began if request.attempts else None
    return {
        "block-signin": not one.enabled,
        "unblock-signin": one.enabled,
        "revoke-sessions": bool(one.valid_from and began and one.valid_from >= began),
        "reset-password": one.passwords > 0 and one.must_change,
        "confirm-compromised": bool(one.risk and one.risk.state == "confirmedCompromised"),
        "dismiss-risk": bool(one.risk and one.risk.state == "dismissed"),
    }[response]


def keys(request: Request) -> list[str]:
    return [step.key for step in request.story]


async def test_each_is_done_once_and_read_back(stage: HttpStage):
    """One call is made, the directory shows its effect, and the request ends as succeeded."""
    for response in CALLS:
        one = somebody(stage, response)
        one.valid_from = stage.clock.now() - timedelta(minutes=5)  # an earlier end does not count
        forget(stage)
        key = await stage.asked(response, target=target(one))
        assert not in_force(one, response, await stage.request(key)), response
        await stage.until_quiet()
        request = await stage.request(key)
        assert (request.state, made(stage, response)) == (State.SUCCEEDED, 1), response
        assert in_force(one, response, request), response


async def test_what_is_so_already_is_not_done_again(stage: HttpStage):
    """Where the directory shows it already, nothing is sent, and the card says that it was so."""
    judged = {"confirm-compromised": "confirmedCompromised", "dismiss-risk": "dismissed"}
    for response in ("block-signin", "unblock-signin", *judged):
        one = somebody(stage, response)
        one.enabled = response == "unblock-signin"
        one.risk = Risk(state=judged.get(response, ""))
        request = await stage.followed(response, target=target(one))
        assert (request.state, made(stage, response)) == (State.SUCCEEDED, 0), response
        assert "story.already" in keys(request)


async def test_a_lost_answer_is_found_by_its_effect(stage: HttpStage):
    """The call was carried out and its answer lost: the effect is read back, and nothing is sent again."""
    for response in READ_BACK:
        one = somebody(stage, response)
        forget(stage)
        stage.sim.faults.add(CALLS[response], Fault(kind="reset", acted=True))
        request = await stage.followed(response, target=target(one))
        assert "story.unknown" in keys(request)
        assert (request.state, made(stage, response)) == (State.SUCCEEDED, 1), response


async def test_a_call_that_never_arrived_is_not_made_again_by_itself(stage: HttpStage):
    """Without an effect it stays unknown; a person has it sent again, as a new attempt."""
    for response, call in CALLS.items():
        one = somebody(stage, response)
        forget(stage)
        stage.sim.faults.add(call, Fault(kind="reset"))
        key = await stage.asked(response, target=target(one))
        await stage.until_quiet(timedelta(minutes=10))
        request = await stage.request(key)
        assert (request.state, made(stage, response)) == (State.UNKNOWN, 0), response
        await stage.desk().resend(key, MEGAN)
        await stage.until_quiet()
        request = await stage.request(key)
        assert (request.state, made(stage, response), len(request.attempts)) == (State.SUCCEEDED, 1, 2), response


async def test_a_lost_password_stays_unknown(stage: HttpStage):
    """A password cannot be read back: though it was set, the request says unknown until a person decides."""
    one = somebody(stage)
    stage.sim.faults.add("graph.users.update", Fault(kind="reset", acted=True))
    request = await stage.followed("reset-password", target=target(one))
    assert (request.state, one.passwords) == (State.UNKNOWN, 1)


@pytest.mark.parametrize("known", [True, False])
async def test_an_administrator_needs_a_role_of_the_app(stage: HttpStage, known):
    """Where the target is known to be an administrator the card names the role that the app lacks."""
    facts = (Fact(key="user-roles", value="Exchange Administrator"),) if known else ()
    for response in ("block-signin", "unblock-signin", "reset-password"):
        stage.sim.first.app_roles.clear()
        one = somebody(stage, response, "j.stone")
        forget(stage)
        evidence = Evidence(read_at=stage.clock.now(), facts=facts)
        key = await stage.approved(response, target=target(one), parameters={}, evidence=evidence)
        await stage.until_quiet()
        request = await stage.request(key)
        assert (request.state, made(stage, response)) == (State.FAILED, 0)
        assert request.trouble == ("trouble.role_too_low" if known else "trouble.permission")
        assert request.trouble_values.get("directory_role") == (HIGH_ENOUGH if known else None)
        stage.sim.first.app_roles.add(PRIVILEGED_AUTHENTICATION_ADMINISTRATOR)
        assert (await stage.followed(response, target=target(one))).state is State.SUCCEEDED


async def test_a_user_who_is_gone_is_left_alone(stage: HttpStage):
    """Deleted between request and approval: nothing is sent, and the card says who is gone."""
    for response in CALLS:
        one = somebody(stage, response)
        del stage.sim.first.directory.people[one.id]
        request = await stage.followed(response, target=target(one))
        assert (request.state, request.trouble) == (State.FAILED, "trouble.user_gone"), response
        assert made(stage, response) == 0


async def test_a_user_with_another_name_is_asked_about_again(stage: HttpStage):
    """Renamed between request and approval: nothing is sent, and the card names both."""
    for response in CALLS:
        one = somebody(stage, response)
        before, one.upn = target(one), f"new.{one.upn}"
        request = await stage.followed(response, target=before)
        assert (request.state, request.trouble) == (State.FAILED, "trouble.user_renamed"), response
        assert dict(request.trouble_values) == {"name": before.name, "now": one.upn}
        assert made(stage, response) == 0


async def test_opposites_run_in_the_order_of_approval(stage: HttpStage):
    """Blocked and unblocked at once: one after the other, and the user stands as last approved."""
    one = somebody(stage)
    await stage.asked("block-signin", target=target(one))
    await stage.asked("unblock-signin", target=target(one))
    await stage.until_quiet()
    assert [request.state for request in await stage.requests()] == [State.SUCCEEDED, State.SUCCEEDED]
    assert one.enabled
    assert made(stage, "block-signin") == 2


async def test_what_does_not_come_into_force_has_failed(stage: HttpStage):
    """Somebody in the portal undoes it before it is read back: the card does not claim it."""
    one = somebody(stage)
    key = await stage.asked("block-signin", target=target(one))
    process = stage.process()
    while not made(stage, "block-signin"):
        await stage.work(key, process)
    one.enabled = True
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.FAILED


async def test_a_verdict_is_followed_while_it_is_processed(stage: HttpStage):
    """Until Identity Protection is through with it the request is under way, and says so."""
    one = somebody(stage)
    key = await stage.asked("confirm-compromised", target=target(one))
    await stage.until_quiet(timedelta(seconds=40))
    request = await stage.request(key)
    assert (request.state, request.status) == (State.SENT, "isProcessing")
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.status) == (State.SUCCEEDED, "confirmedCompromised")


async def test_a_verdict_waits_for_another_that_is_processed(stage: HttpStage):
    """What somebody said in the portal is still being processed: ours is sent when that is over."""
    one = somebody(stage)
    one.risk = Risk(state="dismissed", settles=stage.clock.now() + timedelta(minutes=5))
    key = await stage.asked("confirm-compromised", target=target(one))
    await stage.until_quiet(timedelta(minutes=4))
    request = await stage.request(key)
    assert (request.state, request.trouble) == (State.APPROVED, "trouble.other_action")
    assert made(stage, "confirm-compromised") == 0
    await stage.until_quiet()
    assert (await stage.request(key)).state is State.SUCCEEDED


async def test_a_refusal_that_names_no_time_is_waited_out(stage: HttpStage):
    """Identity Protection says 429 without Retry-After: it is sent later, once."""
    one = somebody(stage)
    stage.sim.faults.add("graph.riskyusers.confirm", Fault(kind="throttled", times=9))
    request = await stage.followed("confirm-compromised", target=target(one))
    assert (request.state, made(stage, "confirm-compromised")) == (State.SUCCEEDED, 1)


async def test_a_plan_without_it_says_so(stage: HttpStage):
    """Without Entra ID P2 the card names the plan as the cause, and nothing is claimed."""
    stage.sim.first.plan = "premium"
    key = await stage.asked("dismiss-risk", target=target(somebody(stage)))
    await stage.until_quiet(timedelta(minutes=1))
    assert (await stage.request(key)).trouble == "trouble.plan"
    assert made(stage, "dismiss-risk") == 0


@pytest.mark.parametrize("response", ["block-signin", "revoke-sessions"])
@pytest.mark.parametrize("after", [True, False])
async def test_a_crash_at_any_await_sends_nothing_twice(stage: HttpStage, response: str, after):
    """Wherever the process dies, another ends the request, and each attempt is one call at the most."""
    for count in range(1, 12):
        one = somebody(stage, response)
        stage.sim.calls.clear()
        key = await stage.asked(response, target=target(one))
        process = stage.process()
        process.arm(count, "die after" if after else "die before")
        with suppress(Killed):
            await stage.work(key, process)
        stage.clock.move(61)
        await stage.until_quiet(timedelta(minutes=20))
        request = await stage.request(key)
        assert request.state in {State.SUCCEEDED, State.UNKNOWN}
        assert made(stage, response) == (1 if request.state is State.SUCCEEDED else 0)
        if request.state is State.UNKNOWN:
            await stage.desk().give_up(key, MEGAN)
        stage.clock.move(601)


async def test_the_password_is_nowhere(stage: HttpStage, capfd: pytest.CaptureFixture[str]):
    """No part of what is stored, logged or shown is the password that the directory was given."""
    one = somebody(stage)
    await stage.followed("reset-password", target=target(one))
    records = [vars(record) for record in await stage.store.newest(TENANT, "request")]
    trail = [text for _, text, _ in await stage.store.audit(TENANT)]
    shown = [message.shown.card for message in stage.teams.messages.values()]
    said = capfd.readouterr()
    kept = json.dumps([records, trail, shown, said.out, said.err], default=str)
    assert one.upn in kept
    assert one.password
    assert one.password not in hashes(kept)


def hashes(text: str, length: int = 32) -> set[str]:
    """The hashes of all pieces of that length."""
    return {sha256(text[at : at + length].encode()).hexdigest() for at in range(len(text) - length + 1)}


def test_the_search_would_find_it():
    """A password that stands anywhere in a text is found by its hash."""
    password = nobodys_password()
    assert sha256(password.encode()).hexdigest() in hashes(f'{{"reason": "x{password}y"}}')


def test_passwords_differ_and_are_strong():
    """Each has 32 characters of four sorts, and no two are the same."""
    made_up = {nobodys_password() for _ in range(200)}
    assert len(made_up) == 200
    for password in made_up:
        assert len(password) == 32
        assert any(c.islower() for c in password)
        assert any(c.isupper() for c in password)
        assert any(c.isdigit() for c in password)
        assert any(not c.isalnum() for c in password)
