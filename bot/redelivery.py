"""Knows a turn again that was delivered before, by its id or by its meaning (design section 3.2).

Two phases: *claimed* for a short lease, which a process that lives renews, so that a turn whose process died is soon
taken up again; then *done*: an invoke with its answer, a message once its answer is out. This saves work; what protects
is the state machine of the requests.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from bot import bindings
from bot.conversations import note
from bot.errors import StoreError
from bot.state.store import Begun, Claimed, Store
from bot.turn import Actor, Answer, Click, Shown, Turn

log = structlog.get_logger()

CLAIM_SECONDS = 6.0
"""How long the claim of a process that died holds up a redelivery; one that lives renews it."""
LONGEST_CLAIM = 70.0
PAUSE = 0.25


class Redelivery:
    """Claims and answers of turns. `still_working()` is what a press gets whose first delivery is still worked on."""

    def __init__(
        self, store: Callable[[], Store], still_working: Callable[[], str], lease: float = CLAIM_SECONDS
    ) -> None:
        self._store = store
        self._lease = lease
        self._still_working = still_working
        self._renewals: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._renewing: set[asyncio.Task[None]] = set()

    async def claim(self, customer: str, name: str, *, wait: float) -> Claimed:
        """Claim a turn; while another process is at it, wait that many seconds for its answer or its end."""
        waited = 0.0
        while True:
            claim = await self._store().claim(customer, name, self._lease)
            if claim.state == "fresh":
                self._hold(customer, name, asyncio.get_running_loop().time() + LONGEST_CLAIM)
            if claim.state != "busy" or waited >= wait:
                return claim
            await asyncio.sleep(PAUSE)
            waited += PAUSE

    async def begin(self, turn: Turn, values: Sequence[str], *, wait: float) -> Begun:
        """Claim a delivered turn, with all that is read first; waits in the same way. Values are the tenant's."""
        where, waited = turn.conversation, 0.0
        while True:
            begun = await self._store().begin(
                where.tenant,
                delivery(turn),
                self._lease,
                note=note(where),
                record=(bindings.KIND, where.id),
                values=values,
            )
            if begun.claimed.state == "fresh":
                self._hold(where.tenant, delivery(turn), asyncio.get_running_loop().time() + LONGEST_CLAIM)
            if begun.claimed.state != "busy" or waited >= wait:
                return begun
            await asyncio.sleep(PAUSE)
            waited += PAUSE

    def _hold(self, customer: str, name: str, until: float) -> None:
        """Renew a claim of ours now and then, until it is let go. Few turns last so long that it comes to that."""
        self.let_go(customer, name)  # ours from before, where its claim ran out meanwhile
        loop = asyncio.get_running_loop()

        def renew() -> None:
            del self._renewals[customer, name]
            if loop.time() < until:
                task = loop.create_task(self._renew(customer, name))
                self._renewing.add(task)
                task.add_done_callback(self._renewing.discard)
                self._hold(customer, name, until)

        self._renewals[customer, name] = loop.call_later(self._lease / 3, renew)

    async def _renew(self, customer: str, name: str) -> None:
        try:
            await self._store().hold(customer, name, self._lease)
        except StoreError as error:
            log.warning("claim_not_renewed", error=str(error))

    def let_go(self, customer: str, name: str) -> None:
        """Renew a claim no more."""
        if handle := self._renewals.pop((customer, name), None):
            handle.cancel()

    def dropped(self, turn: Turn) -> None:
        """A delivered turn failed: its claim runs out, and a redelivery is a new try."""
        self.let_go(turn.conversation.tenant, delivery(turn))

    async def keep(self, customer: str, name: str, answer: Answer, seconds: float) -> None:
        """Keep the answer of a claimed turn; without it a redelivery does the work again, which is safe."""
        self.let_go(customer, name)
        value: dict[str, Any] = {"text": answer.text}
        if answer.shown:
            value |= {"card": answer.shown.card, "summary": answer.shown.summary}
        try:
            await self._store().finish(customer, name, value, seconds)
        except StoreError as error:
            log.warning("answer_not_kept", error=str(error))

    async def done(self, turn: Turn, answer: Answer, seconds: float) -> None:
        """Keep that a delivered turn was worked on, and the answer that its redelivery gets."""
        await self.keep(turn.conversation.tenant, delivery(turn), answer, seconds)

    async def give_back(self, customer: str, name: str) -> None:
        """Forget a claim whose work failed, so that the next press is a new try."""
        self.let_go(customer, name)
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
