"""How single responses read what their services answer: ours only where it is surely ours, done only where it is so."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.defender.indicators.models import Indicator
from bot.defender.models import Investigation, Machine
from bot.errors import Rejected, UsageError
from bot.responses import cancelling, indicator_list, indicators, investigation, still
from bot.responses.declared import Remote
from bot.responses.how import IN_FORCE, setting
from bot.responses.models import Attempt, Evidence, Fact, State, Target, Work
from handlers.proposing import LONGEST_REASON, check_reason
from handlers.responses import isolate, kill_process
from tests.responses.people import START, in_state, machine_action, request

REFUSED = Rejected("defender", "cancel", status=400, code="x")


def remote(**calls: Any) -> Remote:
    """A service whose calls answer with these, or raise them."""

    def answering(said: Any) -> Any:
        async def call(*_: Any, **__: Any) -> Any:
            if isinstance(said, Exception):
                raise said
            return said

        return call

    service: Any = SimpleNamespace(**{name: answering(said) for name, said in calls.items()})
    return Remote(defender=service, graph=service)


@pytest.mark.parametrize("status", ["Pending", "InProgress"])
async def test_a_cancelling_that_was_refused_is_no_cancelling(status: str):
    """While the action still goes on, the refusal stands."""
    asked = remote(cancel_machine_action=REFUSED, machine_action=machine_action(status))
    with pytest.raises(Rejected):
        await cancelling.CANCEL.send(asked, request(), "[WK-1/1] why")


@pytest.mark.parametrize(
    ("status", "state"), [("Succeeded", "failed"), ("Failed", "failed"), ("Cancelled", "succeeded")]
)
async def test_what_ended_before_it_was_cancelled_is_told_as_it_ended(status: str, state: str):
    """A refusal because it is over: done only where it is Cancelled."""
    asked = remote(cancel_machine_action=REFUSED, machine_action=machine_action(status))
    work = await cancelling.CANCEL.send(asked, request(), "[WK-1/1] why")
    assert (work.state, work.status, work.ours) == (state, status, True)


@pytest.mark.parametrize(
    ("status", "comment", "found"),
    [
        ("Pending", "", []),
        ("Pending", "[WK-1/1] x", ["active"]),
        ("Pending", "[WK-2/1] x", []),
        ("Failed", "", ["failed"]),
    ],
)
async def test_a_cancelling_is_found_by_its_mark_or_is_not_needed(status: str, comment: str, found: list[str]):
    """Another's cancelling of an action that goes on says nothing; one that is over needs none."""
    listed = remote(machine_action=machine_action(status, cancellationComment=comment))
    assert [work.state for work in await cancelling.CANCEL.find(listed, request())] == found


@pytest.mark.parametrize("title", [None, "", "another's"])
async def test_an_indicator_that_we_made_is_ours_whatever_the_answer_leaves_out(title: str | None):
    """The answer to the very call is about this call; when it is looked up, the mark in the title must say so."""
    one = Indicator(id="7", action="Block", title=title, indicator_value="10.0.0.1", indicator_type="IpAddress")
    how = indicators.making("Block")
    made = in_state(State.SENDING).model_copy(update={"target": Target(id="10.0.0.1", name="x", kind="indicator")})
    asked = remote(submit_indicator=one, indicators_for=[one])
    assert (await how.send(asked, made, "why")).ours
    assert not any(work.ours for work in await how.find(asked, made))


async def test_a_list_of_which_nothing_is_left_needs_no_call():
    """It is removed, by whomever: that is the same, and not ours."""
    nothing = remote(indicators_titled=[])
    done = Work(status=indicators.REMOVED, state="succeeded", same=True)
    assert await indicator_list.clearing().send(nothing, request(), "why") == done
    assert await indicator_list.clearing().find(nothing, request()) == [done]
    left = remote(indicators_titled=[Indicator(id="7"), Indicator(id="8")], delete_indicators=None)
    assert await indicator_list.clearing().find(left, request()) == []
    sent = await indicator_list.clearing().send(left, request(), "why")
    assert (sent.status, sent.state, sent.ours, sent.result) == (
        indicators.REMOVED,
        "succeeded",
        True,
        {indicator_list.CLEARED: "2"},
    )


@pytest.mark.parametrize(("ours", "likely", "same"), [(True, False, True), (False, True, True), (False, False, False)])
def test_an_investigation_is_the_same_where_it_is_ours_or_likely_so(ours, likely, same):
    """Nothing else tells whose an investigation is."""
    one = Investigation.model_validate({"id": "7", "state": "Running", "startTime": START})
    work = investigation.of_investigation(one, ours=ours, likely=likely)
    assert (work.ours, work.likely, work.same, work.state) == (ours, likely, same, "active")


def device(key: str, name: str, seen: Any) -> Machine:
    return Machine.model_validate({"id": key, "computerDnsName": name, "firstSeen": seen})


@pytest.mark.parametrize(
    ("others", "changed"),
    [
        ([], {}),
        ([device("b" * 40, "PC", START + timedelta(1))], {"was": "pc", "old": "a" * 8, "new": "b" * 8, "id": "b" * 40}),
        ([device("b" * 40, "pc", START - timedelta(1))], {}),
        ([device("b" * 40, "pc", START)], {}),
        ([device("b" * 40, "pc", None)], {}),
        ([device("b" * 40, "pc2", START + timedelta(1))], {}),
        (
            [device("b" * 40, "pc", START + timedelta(1)), device("c" * 40, "pc", START + timedelta(2))],
            {"was": "pc", "old": "a" * 8, "new": "c" * 8, "id": "c" * 40},
        ),
    ],
)
async def test_a_device_that_was_installed_anew_is_another(others: list[Machine], changed: dict[str, str]):
    """A newer one of the very name, first seen since the request was made; of several the newest."""
    mine = device("a" * 40, "pc", START - timedelta(9))
    key = still.ANEW if changed else ""
    assert await still.same_device(remote(machines_named=[mine, *others]), request()) == (key, changed)


@pytest.mark.parametrize(
    ("name", "now", "changed"),
    [("pc", "pc", ""), ("pc", "PC", ""), ("pc", "other", still.RENAMED), ("pc", "", ""), ("a" * 40, "pc", "")],
)
async def test_a_device_under_another_name_is_asked_about_again(name: str, now: str, changed: str):
    """One without a name before or now is the one that was meant."""
    there = remote(machines_named=[], machine=device("a" * 40, now, START))
    key, _ = await still.same_device(there, request(target=Target(id="a" * 40, name=name)))
    assert key == changed


def test_a_reason_has_its_length():
    """Five hundred characters are taken, one more is not; where an approver must judge, there must be one."""
    check_reason(isolate.RESPONSE, "x" * LONGEST_REASON, "usage")
    for reason in ("x" * (LONGEST_REASON + 1), "", "  "):
        with pytest.raises(UsageError):
            check_reason(isolate.RESPONSE, reason, "usage")


@pytest.mark.parametrize(
    ("held", "said", "found", "state", "status"),
    [
        (True, "active", ["succeeded"], "succeeded", IN_FORCE),
        (False, "succeeded", [], "active", "Pending"),
        (None, "succeeded", [], "succeeded", "Pending"),
        (None, "active", [], "active", "Pending"),
    ],
)
async def test_a_setting_counts_as_done_where_it_is_read_back_so(
    held: Any, said: str, found: list[str], state: str, status: str
):
    """What the service took is ours; what cannot be read stands as it was said; what is in force needs no call."""

    async def holds(*_: Any) -> Any:
        return held

    async def sends(*_: Any) -> Work:
        return Work(kind="x")

    how = setting(sends, holds, needs=())
    assert await how.send(remote(), request(), "why") == Work(kind="x", ours=True)
    listed = await how.find(remote(), request())
    assert [(one.state, one.same, one.ours) for one in listed] == [(one, True, False) for one in found]
    attempt = Attempt(number=1, began=START, action="7", said=said)
    sent = in_state(State.SENT).model_copy(update={"attempts": (attempt,)})
    assert how.look
    work = await how.look(remote(), sent)
    assert (work.id, work.state, work.status, work.same) == ("7", state, status, bool(held))


@pytest.mark.parametrize("comment", [None, ""])
async def test_an_answer_may_leave_the_comment_out_and_a_list_may_not(comment: str | None):
    """What our own call made is ours; what is only listed without a comment is nobody's that we know."""
    action = machine_action().model_copy(update={"requestor_comment": comment})
    there = remote(isolate=action, machine_action=action, machine_actions=[action])
    how, sent = isolate.RESPONSE.how, in_state(State.SENT)
    assert (await how.send(there, sent, "[WK-1/1] why")).ours
    assert [one.ours for one in await how.find(there, sent)] == [False]
    assert how.look
    assert not (await how.look(there, sent)).ours


@pytest.mark.parametrize(
    ("was", "now", "changed"),
    [
        ("none", "", {}),
        ("warn", "Warn", {}),
        ("Block", "Warn", {"was": "Block", "now": "Warn"}),
        ("none", "Warn", {"was": "none", "now": "Warn"}),
        ("", "Warn", {}),
        (None, "Warn", {}),
    ],
)
async def test_what_holds_for_a_value_is_compared_with_what_was_shown(was: str | None, now: str, changed: dict):
    """The one fact that says so counts, wherever it stands; where it could not be read, nothing is compared."""
    facts = (
        Fact(key="indicator-title", value="by hand"),
        *([] if was is None else [Fact(key=indicators.NOW, value=was)]),
    )
    asked = request(target=Target(id="bad.example", name="bad"), evidence=Evidence(read_at=START, facts=facts))
    there = remote(indicators_for=[Indicator(id="1", action=now)] if now else [])
    assert await indicators.unchanged(there, asked) == (indicators.CHANGED if changed else "", changed)


def test_a_value_that_lacks_is_named():
    """The error calls it as the usage does."""
    with pytest.raises(UsageError) as refused:
        kill_process.COMMAND.parse("pc")
    assert (refused.value.key, refused.value.values["value"]) == ("error.no_value", "PROCESS")
    assert "PROCESS" in refused.value.values["usage"]
