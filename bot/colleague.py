"""Megan, the simulated colleague of `run`: she asks for responses and decides on Alex's.

She acts as the Playground lets another user act. Messages and the installation go through its custom activities (its
own message route would put Alex's name on them), clicks through its invoke route, and what the bot says is read from
the page's stream. She works in the group chat: as in Teams, nobody else gets into Alex's personal chat.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any

import aiohttp
import structlog

from bot import demo

CARD = "application/vnd.microsoft.card.adaptive"
REMEMBERED = 200  # messages
RECONNECT = 10.0  # seconds
WHY_ASK = ("Suspicious sign-ins", "Malware alert, user is out of office", "Unknown process talks to the internet")
WHY_REJECT = "Please call the user first"

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Habits:
    """In seconds: when she first asks, how often then, how long she thinks. She rejects one in `reject_each`."""

    first: float = 40
    every: float = 90
    think: float = 20
    look: float = 1
    reject_each: int = 4


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A message of the bot as it stands now."""

    message: str
    conversation: str
    card: Mapping[str, Any]

    @property
    def approve(self) -> Mapping[str, Any] | None:
        """The data of its Approve button, while it has one."""
        return next((found["data"] for found in _execute_actions(self.card) if found.get("verb") == "approve"), None)

    def names(self, person: demo.Person) -> bool:
        """Whether the card speaks of that person."""
        return any(person.name in text for text in _texts(self.card))


@dataclass
class Colleague:
    """Lives until cancelled; whatever fails is logged and tried again, nothing of it reaches `run`.

    `base` is the Playground's address, `devices` the names she may choose from. After a failure she pauses for `again`
    seconds.
    """

    base: str
    bot_id: str
    devices: Callable[[], Sequence[str]]
    habits: Habits = field(default_factory=Habits)
    again: float = RECONNECT
    me: demo.Person = demo.MEGAN
    boss: demo.Person = demo.ALEX
    _seen: dict[str, Seen] = field(default_factory=dict)
    _decided: set[tuple[str, int]] = field(default_factory=set)
    _alex_is_here: asyncio.Event = field(default_factory=asyncio.Event)

    async def live(self) -> None:
        """Watch, ask and decide, for ever."""
        while True:
            try:
                async with aiohttp.ClientSession(self.base) as session, asyncio.TaskGroup() as life:
                    life.create_task(self._watch(session))
                    life.create_task(self._ask_now_and_then(session))
                    life.create_task(self._decide(session))
            except* Exception as group:  # noqa: BLE001 - a demonstration must not end because its actor stumbled
                log.info("colleague.stumbled", reasons=[type(error).__name__ for error in group.exceptions])
            await asyncio.sleep(self.again)

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        """Keep the bot's newest cards; the first word to Alex says that the page is open."""
        async with session.ws_connect("/_ws_conversation/v1/conversations/stream") as stream:
            await self._install(session)
            async for frame in stream:
                self.see(frame.json())
        raise ConnectionError("the Playground closed its stream")

    def see(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the stream: a message made or changed."""
        said = event.get("message") or {}
        where = said.get("postConversationId") or event.get("actionConversationId", "")
        if where == demo.PERSONAL_CHAT:
            self._alex_is_here.set()
            return
        cards = [part["content"] for part in said.get("attachments") or () if part.get("contentType") == CARD]
        if cards:
            key = said["messageId"]
            self._seen[key] = Seen(message=key, conversation=where, card=cards[0])
            while len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]

    def to_decide(self) -> Seen | None:
        """The newest request of Alex's that waits and was not decided by her yet."""
        waiting = (seen for seen in reversed(self._seen.values()) if seen.names(self.boss) and not seen.names(self.me))
        return next((seen for seen in waiting if seen.approve and _key(seen.approve) not in self._decided), None)

    def waits_for_alex(self) -> bool:
        """Whether a request of her own is still open."""
        return any(seen.approve and seen.names(self.me) for seen in self._seen.values())

    async def _install(self, session: aiohttp.ClientSession) -> None:
        await self._act(session, await self._template(session, type="install"))

    async def _ask_now_and_then(self, session: aiohttp.ClientSession) -> None:
        await self._alex_is_here.wait()
        await asyncio.sleep(self.habits.first)
        for turn in count():
            devices = self.devices()
            if devices and not self.waits_for_alex():
                device, why = devices[turn % len(devices)], WHY_ASK[turn % len(WHY_ASK)]
                await self._say(session, f"/isolate {device} selective {why}")
            await asyncio.sleep(self.habits.every)

    async def _say(self, session: aiohttp.ClientSession, text: str) -> None:
        """Mention the bot in the group chat."""
        mention = f"<at>{demo.BOT_NAME}</at>"
        entity = {"type": "mention", "mentioned": {"id": self.bot_id, "name": demo.BOT_NAME}, "text": mention}
        activity = await self._template(session)
        activity |= {"type": "message", "text": f"{mention} {text}", "textFormat": "plain", "entities": [entity]}
        await self._act(session, activity)

    async def _template(self, session: aiohttp.ClientSession, **kind: str) -> dict[str, Any]:
        """An activity of the group chat, filled as the Playground fills it."""
        wanted = {"conversationId": demo.GROUP_CHAT, **kind}
        async with session.get("/_internal/v1/customActivities/template", params=wanted) as response:
            response.raise_for_status()
            activity: dict[str, Any] = await response.json()
        return activity | {"locale": "en-US", "channelData": {"tenant": {"id": demo.TENANT}}}

    async def _act(self, session: aiohttp.ClientSession, activity: Mapping[str, Any]) -> None:
        sender = {"id": self.me.id, "name": self.me.name, "aadObjectId": self.me.entra_id}
        async with session.post("/_internal/v1/customActivities", json={**activity, "from": sender}) as response:
            response.raise_for_status()

    async def _decide(self, session: aiohttp.ClientSession) -> None:
        for turn in count(1):
            while (request := self.to_decide()) is None:  # noqa: ASYNC110 - what she looks for has no event
                await asyncio.sleep(self.habits.look)
            await asyncio.sleep(self.habits.think)
            request = self._seen.get(request.message, request)
            if data := request.approve:
                self._decided.add(_key(data))
                await self._click(session, request, "reject" if turn % self.habits.reject_each == 0 else "approve")

    async def _click(self, session: aiohttp.ClientSession, request: Seen, verb: str) -> None:
        """Press the card's button of that verb; an answer other than 200 is the bot's word, and is left at that."""
        action = next((found for found in _execute_actions(request.card) if found.get("verb") == verb), None)
        if action is None:
            return
        data = {**action["data"], **({"reason": WHY_REJECT} if verb == "reject" else {})}
        press = {
            "name": "adaptiveCard/action",
            "from": {"id": self.me.id},
            "conversation": {"id": request.conversation},
            "replyToId": request.message,
            "value": {"action": {"type": "Action.Execute", "verb": verb, "data": data}, "trigger": "manual"},
        }
        async with session.post("/_conversation/v1/invoke", json=press) as response:
            if response.status != HTTPStatus.OK:
                log.info("colleague.refused", verb=verb, status=response.status)


def _key(data: Mapping[str, Any]) -> tuple[str, int]:
    return str(data.get("id")), int(data.get("rev", 0))


def _nodes(part: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a card, outside the data of its buttons."""
    if isinstance(part, list):
        for item in part:
            yield from _nodes(item)
    elif isinstance(part, Mapping):
        yield part
        for name, value in part.items():
            if name not in {"data", "refresh", "fallback"}:
                yield from _nodes(value)


def _execute_actions(card: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    found = (node for node in _nodes(card) if node.get("type") == "Action.Execute")
    return (node for node in found if isinstance(node.get("data"), Mapping))


def _texts(card: Mapping[str, Any]) -> Iterator[str]:
    for node in _nodes(card):
        yield from (value for name, value in node.items() if name in {"text", "value"} and isinstance(value, str))
