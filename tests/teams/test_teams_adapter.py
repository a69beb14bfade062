import copy

import pytest
from adaptivecards.elements import TextBlock
from botbuilder.core import CardFactory, MessageFactory, TurnContext
from botbuilder.schema import Activity

from bot.clock import SystemClock
from bot.errors import Rejected
from bot.teams.adapter import TeamsAdapter, activity_of
from bot.teams.connector import Connector
from bot.teams.inbound import Inbound
from bot.teams.service_urls import TEAMS_HOSTS, ServiceUrls
from tests.teams.microsoft import APP, BOT, CHANNEL, SERVICE, Microsoft, activity, click

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "x", "wrap": True}]}
ADDRESS = "/emea/v3/conversations/19%3Achannel%40thread.tacv2%3Bmessageid%3D1700000000000/activities"


@pytest.fixture
def microsoft():
    return Microsoft()


def sdk_activity(body):
    return activity_of(Inbound.model_validate(body))


@pytest.fixture
async def run(microsoft):
    """Run what a bot written with the SDK would do in a turn."""
    async with microsoft.client() as http:
        adapter = TeamsAdapter(Connector(http, ServiceUrls(hosts=frozenset(TEAMS_HOSTS)), SystemClock()))

        async def in_turn(logic, body=None):
            return await adapter.run(sdk_activity(body or activity()), {"aud": APP}, logic)

        in_turn.adapter = adapter
        yield in_turn


async def test_what_the_sdk_sends_goes_through_the_connector(run, microsoft):
    """`send_activity` of the SDK posts once, into the thread, and returns the message id."""
    ids = []

    async def logic(context):
        ids.append((await context.send_activity("hello")).id)

    assert await run(logic) is None
    assert ids == ["m-1"]
    assert microsoft.requests[0].url.raw_path.decode() == ADDRESS
    (body,) = microsoft.bodies
    assert (body["type"], body["text"], body["from"]["id"]) == ("message", "hello", BOT)


async def test_a_card_sent_through_the_sdk_stays_an_object(run, microsoft):
    """The card's elements arrive as JSON objects, not as JSON text, and None in a card stays null."""

    async def logic(context):
        card = CARD | {"fallbackText": None}
        await context.send_activity(MessageFactory.attachment(CardFactory.adaptive_card(card)))

    await run(logic)
    (attachment,) = microsoft.bodies[0]["attachments"]
    assert attachment == {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": CARD | {"fallbackText": None},
    }


async def test_a_card_of_element_objects_is_refused_not_mangled(run, microsoft):
    """Where the SDK's own sender would turn elements into JSON text, ours refuses."""

    async def logic(context):
        card = {"type": "AdaptiveCard", "body": [TextBlock(text="x")]}
        await context.send_activity(MessageFactory.attachment(CardFactory.adaptive_card(card)))

    with pytest.raises(Rejected, match="NotJson"):
        await run(logic)
    assert not microsoft.requests


async def test_update_and_delete_go_through_the_connector(run, microsoft):
    """The SDK's update is a PUT with the card untouched, its delete a DELETE."""

    async def logic(context):
        changed = MessageFactory.attachment(CardFactory.adaptive_card(CARD))
        changed.id = "m-7"
        await context.update_activity(changed)
        assert changed.attachments
        await context.delete_activity("m-7")

    await run(logic)
    put, delete = microsoft.requests
    assert (put.method, delete.method) == ("PUT", "DELETE")
    assert put.url.raw_path.decode() == delete.url.raw_path.decode() == f"{ADDRESS}/m-7"
    assert microsoft.answers == []


async def test_traces_and_delays_are_not_sent(run, microsoft):
    """Trace activities stay here and a delay only waits; each still gets an answer."""

    async def logic(context):
        await context.send_trace_activity("name", "value")
        answers = await context.send_activities(
            [Activity(type="delay", value=1), Activity(type="message", text="after")]
        )
        assert [answer.id for answer in answers] == ["", "m-1"]

    await run(logic)
    assert [body["text"] for body in microsoft.bodies] == ["after"]


async def test_an_invoke_that_nobody_answers_is_501(run):
    """The SDK's convention for an unanswered invoke is kept."""

    async def logic(context):
        pass

    assert (await run(logic, click())).status == 501


async def test_expected_replies_are_sent_like_all_others(run, microsoft):
    """A caller that wants the replies in the HTTP answer gets them through the connector all the same."""

    async def logic(context):
        await context.send_activity("hello")

    assert await run(logic, activity(deliveryMode="expectReplies")) is None
    assert len(microsoft.requests) == 1


async def test_a_proactive_turn_needs_no_network_but_the_connector(run, microsoft):
    """`continue_conversation` of the SDK works, and asks nobody for a token on its own."""
    reference = TurnContext.get_conversation_reference(sdk_activity(activity()))

    async def logic(context):
        assert context.activity.service_url == SERVICE
        await context.send_activity("good morning")

    await run.adapter.continue_conversation(reference, logic, APP)
    assert [body["conversation"]["id"] for body in microsoft.bodies] == [f"{CHANNEL};messageid=1700000000000"]


async def test_the_sdks_own_way_in_is_closed(run):
    """A header handed to the SDK is never believed: tokens are judged before it."""
    with pytest.raises(PermissionError):
        await run.adapter.process_activity("Bearer x", sdk_activity(activity()), None)
    with pytest.raises(PermissionError):
        await run.adapter.bot_framework_authentication.authenticate_streaming_request("Bearer x", "msteams")


@pytest.mark.parametrize("body", [activity(), click()], ids=["message", "click"])
def test_the_sdk_sees_what_its_own_parser_would_show(body):
    """Who, where and what was said or pressed are the same as the SDK reads them itself."""
    ours, theirs = sdk_activity(body), Activity().deserialize(copy.deepcopy(body))
    for name in ("type", "id", "channel_id", "service_url", "locale", "name", "text", "value", "reply_to_id"):
        assert (getattr(ours, name) or None) == getattr(theirs, name)
    for name in ("from_property", "recipient"):
        assert getattr(ours, name).id == getattr(theirs, name).id
    assert ours.from_property.aad_object_id == theirs.from_property.aad_object_id
    assert ours.conversation.id == theirs.conversation.id
    assert ours.conversation.conversation_type == theirs.conversation.conversation_type
