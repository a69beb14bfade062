"""Talking to the bot as Teams does it: signed activities, delivered again where no answer came."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import httpx

from bot.demo import APP_ID
from bot.simulator.server import Simulator
from tests.soak.cards_read import taken
from tests.soak.fleet import Fleet
from tests.soak.world import Player

PATIENCE = 15.0
DELIVERIES = 12


@dataclass(frozen=True, kw_only=True)
class Press:
    """A press as its person knows it: `taken` says that the answer (HTTP 200) told them it was.

    `at` is when it was sent first, by the soak's clock.
    """

    verb: str
    who: Player
    request: str
    conversation: str
    at: datetime
    taken: bool
    answer: Mapping[str, Any] | None


class Talk:
    """The Teams side of every conversation."""

    def __init__(self, sim: Simulator, fleet: Fleet, http: httpx.AsyncClient, dice: Random) -> None:
        self.sim, self.fleet, self.http, self.dice = sim, fleet, http, dice
        self.presses: list[Press] = []
        self.counts = fleet.tally.counts

    async def say(self, who: Player, text: str, conversation: str, file: tuple[str, bytes] | None = None) -> bool:
        """Say something, with a file (its name and content) where one is sent along; whether the bot took it (202)."""
        activity = self._activity(who, conversation) | {"type": "message", "text": text}
        if file:
            activity["attachments"] = [self.sim.connector.drive.give(*file, self.sim.url)]
        return await self._deliver(activity) is not None

    async def press(
        self, who: Player, verb: str, data: Mapping[str, Any], message: str, conversation: str, **inputs: str
    ) -> Press:
        """Press a button with that data; `again` among the ways decides how it is delivered."""
        at = self.sim.clock.now()
        action = {"type": "Action.Execute", "verb": verb, "data": {**data, **inputs}}
        activity = self._activity(who, conversation) | {
            "type": "invoke",
            "name": "adaptiveCard/action",
            "value": {"action": action, "trigger": "manual"},
            "replyToId": message,
        }
        sent = Press(
            verb=verb,
            who=who,
            request=str(data.get("id", "")),
            conversation=conversation,
            at=at,
            taken=False,
            answer={},
        )
        self.presses.append(sent)
        place = len(self.presses) - 1
        answer = await self._deliver(activity)
        done = Press(**{**vars(sent), "answer": answer, "taken": taken(verb, who.name, answer)})
        self.presses[place] = done
        return done

    async def answer_file(self, who: Player, value: Mapping[str, Any], message: str) -> None:
        """Take a file that was offered in the personal chat, or decline it, as `value` says."""
        activity = self._activity(who, who.chat) | {"type": "invoke", "name": "fileConsent/invoke", "value": value}
        await self._deliver(activity | {"replyToId": message})

    def _activity(self, who: Player, conversation: str) -> dict[str, Any]:
        chat = self.sim.connector.chats[conversation]
        return {
            "id": uuid.UUID(int=self.dice.getrandbits(128)).hex,
            "channelId": "msteams",
            "serviceUrl": self.sim.url,
            "from": {"id": who.mri, "name": who.name, "aadObjectId": who.id},
            "recipient": {"id": f"28:{APP_ID}", "name": "Watchkeeper"},
            "conversation": {"id": conversation, "conversationType": chat.kind, "tenantId": chat.tenant},
            "channelData": {"tenant": {"id": chat.tenant}},
            "localTimezone": "Europe/Berlin",
            "locale": "en-GB",
        }

    async def _deliver(self, activity: dict[str, Any]) -> dict[str, Any] | None:
        """Deliver until it is answered; the answer's body, or None where nobody ever answered."""
        self.counts["turns"] += 1
        for _ in range(DELIVERIES):
            answer = await self._once(activity)
            if answer is not None:
                self.counts["turns answered"] += 1
                if self.dice.random() < 0.06:
                    await self._doubled(activity)
                return answer
            self.counts["turns redelivered, no answer"] += 1
            await asyncio.sleep(self.dice.uniform(0.3, 1.5))
            if self.dice.random() < 0.3:
                activity = activity | {"id": uuid.UUID(int=self.dice.getrandbits(128)).hex}
        self.counts["turns given up"] += 1
        return None

    async def _doubled(self, activity: dict[str, Any]) -> None:
        """Teams delivers again what was answered, at times with a new id."""
        self.counts["turns redelivered, answered before"] += 1
        fresh = {"id": uuid.UUID(int=self.dice.getrandbits(128)).hex} if self.dice.random() < 0.5 else {}
        await self._once(activity | fresh)

    async def _once(self, activity: dict[str, Any]) -> dict[str, Any] | None:
        if not (bots := self.fleet.up()):
            return None
        token = self.sim.signer.sign(audience=APP_ID, service_url=activity["serviceUrl"], claims=_fresh())
        headers = {"Authorization": f"Bearer {token}"}
        try:
            url = f"{self.dice.choice(bots).url}/api/messages"
            response = await self.http.post(url, json=activity, headers=headers, timeout=PATIENCE)
        except httpx.HTTPError:
            return None
        if response.status_code not in {200, 202}:
            self.counts[f"turns answered with {response.status_code}"] += 1
            return None
        body = response.json() if response.content else {}
        return body if isinstance(body, dict) else {}


def _fresh() -> dict[str, int]:
    """When a token holds: its verifier goes by the machine's clock, which no test moves."""
    now = int(time.time())
    return {"nbf": now - 60, "exp": now + 3600}
