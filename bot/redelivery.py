"""Knows a turn again that was delivered before, by its id or by its meaning (design section 3.2).

Two phases: *claimed* for a short lease, so that a turn whose process died is taken up again, then *done* with its
answer. This saves work; what protects is the state machine of the requests.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable
from typing import Any

import structlog

from bot.errors import StoreError
from bot.state.store import Claimed, Store
from bot.turn import Actor, Answer, Click, Shown, Turn

log = structlog.get_logger()

CLAIM_SECONDS = 20.0
PAUSE = 0.25


class Redelivery:
    """Claims and answers of turns. `still_working()` is what a press gets whose first delivery is still worked on."""

    def __init__(self, store: Callable[[], Store], still_working: Callable[[], str]) -> None:
        self._store = store
        self._still_working = still_working

    async def claim(self, customer: str, name: str, *, wait: float) -> Claimed:
        """Claim a turn; while another process is at it, wait that many seconds for its answer or its end."""
        waited = 0.0
        while True:
            claim = await self._store().claim(customer, name, CLAIM_SECONDS)
            if claim.state != "busy" or waited >= wait:
                return claim
            await asyncio.sleep(PAUSE)
            waited += PAUSE

    async def keep(self, customer: str, name: str, answer: Answer, seconds: float) -> None:
        """Keep the answer of a claimed turn; without it a redelivery does the work again, which is safe."""
        value: dict[str, Any] = {"text": answer.text}
        if answer.shown:
            value |= {"card": answer.shown.card, "summary": answer.shown.summary}
        try:
            await self._store().finish(customer, name, value, seconds)
        except StoreError as error:
            log.warning("answer_not_kept", error=str(error))

    async def give_back(self, customer: str, name: str) -> None:
        """Forget a claim whose work failed, so that the next press is a new try."""
        try:
            await self._store().abandon(customer, name)
        except StoreError as error:
            log.warning("claim_not_given_back", error=str(error))

    def again(self, claim: Claimed, turn: Turn) -> Answer:
        """What a redelivery gets: an invoke the same answer once more, a message nothing (it was answered)."""
        if not turn.invoke:
            return Answer()
        if claim.state == "busy":
            return Answer(text=self._still_working())
        value = claim.answer
        shown = Shown(card=value["card"], summary=value["summary"]) if "card" in value else None
        return Answer(shown=shown, text=str(value.get("text", "")))


def delivery(turn: Turn) -> str:
    """The name of one delivered activity."""
    return "turn:" + _digest(turn.conversation.address, turn.id)


def meaning(actor: Actor, click: Click) -> str:
    """The name of what a press means: the same person, button, record, revision and words."""
    inputs = json.dumps(dict(click.inputs), sort_keys=True)
    return "click:" + _digest(actor.tenant, actor.id, click.verb, click.id, str(click.rev), inputs)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
