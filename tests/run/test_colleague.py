"""Megan, the simulated colleague: what she does at a Playground that records it."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot import demo
from bot.colleague import CARD, Colleague, Habits

QUICK = Habits(first=0, every=0.02, think=0, look=0.01, reject_each=4)


def request_card(id_, asker, *, rev=1, open_=True, inside=False):
    """A request's card as the bot makes it, with its buttons at the top or in a card that opens."""
    actions = [
        {"type": "Action.Execute", "verb": verb, "data": {"v": 1, "verb": verb, "id": id_, "rev": rev}}
        for verb in ("approve", "reject")
    ]
    if inside:
        actions = [{"type": "Action.ShowCard", "card": {"type": "AdaptiveCard", "actions": actions}}]
    facts = {"type": "FactSet", "facts": [{"title": "Asked by", "value": f"{asker.name}, 14:20 UTC"}]}
    return {"type": "AdaptiveCard", "body": [facts], "actions": actions if open_ else []}


def event(card, *, message="m1", conversation=demo.GROUP_CHAT, action="createMessage", thread=None):
    said = {"messageId": message, "attachments": [{"contentType": CARD, "content": card}]}
    if thread:
        said["postConversationId"] = thread
    return {"action": action, "actionConversationId": conversation, "message": said}


WELCOME = event({"type": "AdaptiveCard"}, message="w", conversation=demo.PERSONAL_CHAT)


class PretendPlayground:
    """The routes she uses, on loopback; `events` is what the stream says, `broken` how many calls fail first."""

    def __init__(self, events=(), broken=0):
        self.events = list(events)
        self.broken = broken
        self.activities = []
        self.clicks = []
        self.changed = asyncio.Event()
        self.stream = None

    async def template(self, request):
        """The activity she fills."""
        if self.broken:
            self.broken -= 1
            return web.Response(status=500)
        kind = request.query.get("type")
        return web.json_response(
            {"id": "a", "type": kind or "?", "conversation": {"id": request.query["conversationId"]}}
        )

    async def act(self, request):
        """A custom activity, recorded."""
        self.activities.append(await request.json())
        self.changed.set()
        return web.Response()

    async def invoke(self, request):
        """A click, recorded."""
        self.clicks.append(await request.json())
        self.changed.set()
        return web.json_response({})

    async def listen(self, request):
        """The stream, which says what it was given."""
        self.stream = web.WebSocketResponse()
        await self.stream.prepare(request)
        for one in self.events:
            await self.stream.send_json(one)
        async for _ in self.stream:
            pass
        return self.stream

    def messages(self):
        """What she said."""
        return [one for one in self.activities if one["type"] == "message"]

    async def until(self, condition):
        """Wait for what she does."""
        while not condition():
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 10)


@asynccontextmanager
async def colleague_at(playground, **more):
    app = web.Application()
    app.router.add_get("/_internal/v1/customActivities/template", playground.template)
    app.router.add_post("/_internal/v1/customActivities", playground.act)
    app.router.add_post("/_conversation/v1/invoke", playground.invoke)
    app.router.add_get("/_ws_conversation/v1/conversations/stream", playground.listen)
    async with TestServer(app) as server:
        options = {"habits": QUICK, "again": 0.01, "devices": lambda: ["LAPTOP-1", "LAPTOP-2"]} | more
        colleague = Colleague(base=str(server.make_url("")), bot_id="28:bot", **options)
        life = asyncio.create_task(colleague.live())
        try:
            yield colleague
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
            if playground.stream:
                await playground.stream.close()


async def test_she_installs_the_bot_and_waits_for_alex():
    """She brings the bot into the group chat, and asks for nothing before Alex's page has shown anything."""
    playground = PretendPlayground()
    async with colleague_at(playground):
        await playground.until(lambda: playground.activities)
        await asyncio.sleep(0.1)
        (install,) = playground.activities
    assert install["type"] == "install"
    assert install["conversation"]["id"] == demo.GROUP_CHAT
    assert install["from"] == {"id": "user-id-1", "name": "Megan Bowen", "aadObjectId": demo.MEGAN.entra_id}


async def test_she_asks_for_an_isolation_in_her_own_name():
    """Once Alex is there she asks, with the bot mentioned and a reason given, for one device and then another."""
    playground = PretendPlayground([WELCOME])
    async with colleague_at(playground):
        await playground.until(lambda: len(playground.messages()) == 2)
    first, second = playground.messages()[:2]
    assert first["text"].startswith("<at>Watchkeeper</at> /isolate LAPTOP-1 selective ")
    assert second["text"].startswith("<at>Watchkeeper</at> /isolate LAPTOP-2 selective ")
    assert first["entities"][0]["mentioned"]["id"] == "28:bot"
    assert first["from"]["id"] == "user-id-1"
    assert first["channelData"]["tenant"]["id"] == demo.TENANT


async def test_she_has_one_request_open_at_a_time():
    """While a request of hers waits for Alex she asks for nothing more; when it is decided she goes on."""
    playground = PretendPlayground([event(request_card("r1", demo.MEGAN)), WELCOME])
    async with colleague_at(playground):
        await playground.until(lambda: playground.activities)
        await asyncio.sleep(0.1)
        assert not playground.messages()
        done = event(request_card("r1", demo.MEGAN, rev=2, open_=False), action="updateMessage")
        await playground.stream.send_json(done)
        await playground.until(playground.messages)
    assert not playground.clicks


async def test_she_approves_and_rejects_one_in_four_with_a_reason():
    """She decides on Alex's requests as the button says, once each, and gives a reason where she rejects."""
    events = [event(request_card(f"r{n}", demo.ALEX, inside=n % 2 == 0), message=f"m{n}") for n in range(1, 5)]
    playground = PretendPlayground(events)
    async with colleague_at(playground):
        await playground.until(lambda: len(playground.clicks) == 4)
        await asyncio.sleep(0.1)
    actions = [click["value"]["action"] for click in playground.clicks]
    assert [action["verb"] for action in actions] == ["approve", "approve", "approve", "reject"]
    assert sorted(action["data"]["id"] for action in actions) == ["r1", "r2", "r3", "r4"]
    assert ["reason" in action["data"] for action in actions] == [False, False, False, True]
    assert {click["from"]["id"] for click in playground.clicks} == {"user-id-1"}
    assert {click["conversation"]["id"] for click in playground.clicks} == {demo.GROUP_CHAT}


async def test_she_decides_in_the_thread_of_a_channel():
    """A card in a channel is answered in its thread, where the bot posted it."""
    thread = "channel-incidents-id;messageid=1"
    card = request_card("r1", demo.ALEX)
    playground = PretendPlayground([event(card, conversation="channel-incidents-id", thread=thread)])
    async with colleague_at(playground):
        await playground.until(lambda: playground.clicks)
    assert playground.clicks[0]["conversation"]["id"] == thread


@pytest.mark.parametrize(
    "card",
    [
        request_card("r1", demo.MEGAN),
        request_card("r1", demo.ADELE),
        request_card("r1", demo.ALEX, open_=False),
    ],
)
async def test_she_leaves_alone_what_is_not_alexs_open_request(card):
    """Her own requests, those of others and decided ones are not hers to press."""
    colleague = Colleague(base="http://127.0.0.1:1", bot_id="28:bot", devices=list)
    colleague.see(event(card))
    assert colleague.to_decide() is None
    colleague.see(event(request_card("r2", demo.ALEX), message="m2"))
    assert colleague.to_decide().message == "m2"


async def test_she_cannot_reach_into_alexs_personal_chat():
    """A request that stands only in Alex's personal chat is not seen, as in Teams."""
    colleague = Colleague(base="http://127.0.0.1:1", bot_id="28:bot", devices=list)
    colleague.see(event(request_card("r1", demo.ALEX), conversation=demo.PERSONAL_CHAT))
    assert colleague.to_decide() is None


async def test_she_goes_on_after_a_failure():
    """An error of the Playground, or the end of its stream, costs a pause and nothing more."""
    playground = PretendPlayground([WELCOME], broken=2)
    async with colleague_at(playground) as colleague:
        await playground.until(playground.messages)
        before = len(playground.messages())
        await playground.stream.close()
        await playground.until(lambda: len([one for one in playground.activities if one["type"] == "install"]) > 1)
        await playground.until(lambda: len(playground.messages()) > before)
        assert colleague.waits_for_alex() is False


async def test_what_she_remembers_has_a_bound():
    """A day of messages does not fill the memory: the oldest are forgotten."""
    colleague = Colleague(base="http://127.0.0.1:1", bot_id="28:bot", devices=list)
    for number in range(1000):
        colleague.see(event(request_card(f"r{number}", demo.ALEX), message=f"m{number}"))
    assert len(colleague._seen) == 200
    assert colleague.to_decide().message == "m999"
