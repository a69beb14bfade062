import httpx
import pytest
import structlog

from bot.errors import StoreDown
from bot.turn import Answer, Shown
from tests.teams.microsoft import CHANNEL, activity, bearer, click

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "x", "wrap": True}]}
SHOWN = Shown(card=CARD, summary="done")
HUGE = Shown(card={"body": "x" * 40_000}, summary="huge")
NOTE = "application/vnd.microsoft.activity.message"


async def pressed(world, **changes):
    """The status and body that a pressed button gets."""
    answer = await world.post(click(**changes), bearer())
    return answer.status, await answer.json() if await answer.read() else None


async def test_a_card_replaces_the_pressed_card(world):
    """An answered button gets HTTP 200 and the card as an object, with nothing posted."""
    world.work.answer = Answer(shown=SHOWN, text="dropped: only one thing fits")
    body = {"statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": CARD}
    assert await pressed(world) == (200, body)
    assert not world.microsoft.requests


async def test_a_text_is_shown_beside_the_pressed_card(world):
    """A text goes out as a string value, which the SDK's own model refuses."""
    world.work.answer = Answer(text="You may not approve your own request.")
    body = {"statusCode": 200, "type": NOTE, "value": "You may not approve your own request."}
    assert await pressed(world) == (200, body)


async def test_nothing_to_say_is_an_empty_200(world):
    """A handled button without an answer is 200 without a body, not 501."""
    assert await pressed(world) == (200, None)


async def test_the_answer_is_json_by_its_content_type(world):
    """The content type of an answered button is application/json."""
    world.work.answer = Answer(shown=SHOWN)
    answer = await world.post(click(), bearer())
    assert answer.content_type == "application/json"


@pytest.mark.parametrize("name", ["task/fetch", "signin/tokenExchange", "composeExtension/query", "made/up", ""])
async def test_an_unknown_invoke_is_501_and_no_turn(world, name):
    """Invokes that are none of ours get the status that Microsoft's SDKs give them."""
    assert await pressed(world, name=name) == (501, None)
    assert not world.work.seen


@pytest.mark.parametrize("value", [None, {}, {"action": "x"}, {"action": {"type": "Action.Submit", "data": {}}}])
async def test_a_card_action_without_execute_is_a_400_envelope(world, value):
    """HTTP 200 with the error inside, as the reference wants it; the SDK answers 500 here."""
    status, body = await pressed(world, value=value)
    assert (status, body["statusCode"], body["type"]) == (200, 400, "application/vnd.microsoft.error")
    assert body["value"]["code"] == "BadRequest"
    assert not world.work.seen


async def test_foreign_button_data_reaches_the_pipeline(world):
    """Data that is not ours is for the pipeline to answer politely."""
    value = {"action": {"type": "Action.Execute", "data": {"v": "1"}}, "trigger": "manual"}
    world.work.answer = Answer(text="This card is too old.")
    assert (await pressed(world, value=value))[1]["value"] == "This card is too old."
    assert world.work.seen[0].click.v == 0


async def test_a_failed_button_names_the_reference_that_is_in_the_log(world):
    """When the work raises, the person gets 200 with a text, and the same reference stands in the log."""
    world.work.error = RuntimeError("a bug")
    with structlog.testing.capture_logs() as lines:
        status, body = await pressed(world)
    (line,) = [line for line in lines if line["event"] == "turn_failed"]
    assert (status, body) == (200, {"statusCode": 200, "type": NOTE, "value": f"failed {line['reference']}"})
    assert (line["exc_info"], line["kind"]) == (world.work.error, "click")


async def test_an_answer_too_large_for_a_button_is_a_failure_said(world):
    """A card over the budget is not sent as an answer either; the person gets the reference."""
    world.work.answer = Answer(shown=HUGE)
    status, body = await pressed(world)
    assert (status, body["type"]) == (200, NOTE)
    assert body["value"].startswith("failed ")


async def test_a_message_is_answered_in_its_thread(world):
    """Card and text go as one message to the thread that was written in; the HTTP answer is empty."""
    world.work.answer = Answer(shown=SHOWN, text="done")
    answer = await world.post(activity(), bearer())
    assert (answer.status, await answer.read()) == (202, b"")
    (body,) = world.microsoft.bodies
    assert body["conversation"]["id"] == f"{CHANNEL};messageid=1700000000000"
    assert body["replyToId"] == "1700000000000"
    assert (body["text"], body["summary"], body["attachments"][0]["content"]) == ("done", "done", CARD)


async def test_a_submit_button_is_answered_by_a_message(world):
    """Action.Submit cannot get a card back, so its answer is posted."""
    world.work.answer = Answer(text="done")
    answer = await world.post(activity(value={"v": 1}, text=None), bearer())
    assert answer.status == 202
    assert [body["text"] for body in world.microsoft.bodies] == ["done"]


async def test_no_answer_posts_nothing(world):
    """An empty answer to a message sends nothing."""
    await world.post(activity(), bearer())
    assert not world.microsoft.requests


@pytest.mark.parametrize(
    ("error", "level"), [(RuntimeError("a bug"), "error"), (StoreDown("Redis is away"), "warning")], ids=str
)
async def test_a_failed_message_is_202_and_said_in_the_conversation(world, error, level):
    """When the work raises, the person reads the reference; a 500 would bring no redelivery, only noise."""
    world.work.error = error
    with structlog.testing.capture_logs() as lines:
        answer = await world.post(activity(), bearer())
    (line,) = [line for line in lines if line["event"] == "turn_failed"]
    assert (answer.status, line["log_level"]) == (202, level)
    assert [body["text"] for body in world.microsoft.bodies] == [f"failed {line['reference']}"]


async def test_a_failed_event_is_not_apologised_for(world):
    """Where nobody asked anything, a failure is only logged."""
    world.work.error = RuntimeError("a bug")
    answer = await world.post(activity(type="conversationUpdate"), bearer())
    assert answer.status == 202
    assert not world.microsoft.requests


async def test_a_removed_bot_says_nothing(world):
    """An answer to the removal is not posted: the conversation is over."""
    world.work.answer = Answer(text="goodbye")
    await world.post(activity(type="installationUpdate", action="remove"), bearer())
    assert world.work.seen[0].kind == "removed"
    assert not world.microsoft.requests


@pytest.mark.parametrize(
    ("answer", "logged"),
    [
        (httpx.Response(403), ("answer_not_confirmed", "warning")),
        (httpx.Response(404), ("answer_not_confirmed", "warning")),
        (httpx.Response(502), ("answer_not_confirmed", "warning")),
        (httpx.Response(200, content=b"<html>"), ("answer_not_confirmed", "warning")),
        (httpx.ReadTimeout("slow"), ("answer_not_confirmed", "warning")),
        (RuntimeError("leaks from the transport"), ("answer_not_confirmed", "warning")),
    ],
    ids=str,
)
async def test_an_answer_that_cannot_be_posted_is_logged_and_not_doubled(world, answer, logged):
    """A reply that may or may not stand there is not sent again, and logged as what it is: no fault of ours."""
    world.work.answer = Answer(shown=SHOWN, text="done")
    world.microsoft.answers = [answer]
    with structlog.testing.capture_logs() as lines:
        status = (await world.post(activity(), bearer())).status
    assert status == 202
    assert len(world.microsoft.requests) == 1
    told = [(line["event"], line["log_level"]) for line in lines if "reference" in line]
    assert told == [logged]


@pytest.mark.parametrize("shown", [HUGE, Shown(card={"body": {1}}, summary="")], ids=["huge", "no JSON"])
async def test_a_card_at_fault_is_replaced_by_the_reference(world, shown):
    """A card that certainly was not shown leaves the person with a text, not with silence."""
    world.work.answer = Answer(shown=shown)
    with structlog.testing.capture_logs() as lines:
        await world.post(activity(), bearer())
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["turn_failed"]
    (body,) = world.microsoft.bodies
    assert body["text"].startswith("failed ")
    assert "attachments" not in body
