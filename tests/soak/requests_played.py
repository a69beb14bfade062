"""Part A: people ask for responses and decide on them, in every way in which people and Teams do it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from bot.simulator.server import Simulator
from tests.soak.board import TAG, Board
from tests.soak.cards_read import OVER, Seen
from tests.soak.outputs_played import Outputs
from tests.soak.talking import Press, Talk
from tests.soak.things import Things
from tests.soak.wishes import Wish, Wishes
from tests.soak.world import BY_ITSELF, PLAYERS, REQUESTS, Player, of

AT_ONCE = {
    "double click": (("first", "approve"), ("first", "approve")),
    "two approvers": (("first", "approve"), ("second", "approve")),
    "approve against reject": (("first", "approve"), ("second", "reject")),
    "withdraw against approve": (("asker", "withdraw"), ("first", "approve")),
    "own request": (("asker", "approve"),),
}
"""Who presses what in the same moment."""
ASKED = 3
CARD_SECONDS = 25.0
DECIDED = 8
POWERLESS = 0.2
"""How often somebody who may not presses the button of an inverse before."""


class Requests:
    """Plays requests; everything by chance comes from `dice`, and of what follows from what was done from `more`."""

    def __init__(self, sim: Simulator, talk: Talk, board: Board, dice: Random, more: Random) -> None:
        self.sim, self.talk, self.board, self.dice = sim, talk, board, dice
        self.counts = talk.counts
        self.wishes: dict[str, Wish] = {}
        self.by_button: dict[str, Wish] = {}
        self.more = more
        self.choosing = Wishes(sim, Things(sim, board, dice), dice, more)
        self.outputs = Outputs(sim, talk, board, more)
        self.patience = 40.0

    async def play(self, number: int) -> None:
        """One request from the asking to its end, or until nobody waits for it any more."""
        wish = self.choosing.next(number)
        self.wishes[wish.tag] = wish
        self.counts["requests asked for"] += 1
        id_ = await self._ask(wish)
        if not id_:
            self.counts["requests that nobody saw a card of"] += 1
            return
        if wish.undoes and not self._tagged(id_):
            self.by_button[id_] = wish
        if not wish.act.alone:
            await self._decide(wish, id_)
        await self._see_through(id_, self.patience)
        await self.outputs.after(self._wish_of(id_).who, id_)

    async def _ask(self, wish: Wish) -> str:
        """Ask, again where no card comes; the id of the request that is shown for it, an older one perhaps."""
        self.counts[f"asked: {wish.act.family}"] += 1
        for _ in range(ASKED):
            before = set(self.board.look().shown)
            if not (wish.undoes and await self._press_back(wish)):
                await self.talk.say(wish.who, wish.line, wish.where, wish.file)
            for _ in range(int(CARD_SECONDS / 0.2)):
                await asyncio.sleep(0.2)
                if found := self._answer(wish, before):
                    return found
        return ""

    async def _press_back(self, wish: Wish) -> bool:
        """Ask for the inverse by the button of what was done; whether there is one."""
        cards = [(m, self.board.shown[m]) for m in self.board.cards("request", wish.undoes, wish.where)]
        found = [(m, verb, seen) for m, seen in cards for verb in ("undo", "propose") if verb in seen.data]
        if not found:
            return False
        message, verb, seen = found[-1]
        typed = {"reason": f"{wish.tag} looks bad", **wish.given}
        inputs = {name: value for name, value in typed.items() if name in seen.asks.get(verb, ())}
        if self.more.random() < POWERLESS:
            strangers = [p for p in PLAYERS if p.tenant != wish.tenant or not p.proposes]
            await self.talk.press(self.more.choice(strangers), verb, seen.data[verb], message, wish.where, **inputs)
        self.counts[f"inverses by a card's button ({verb})"] += 1
        await self.talk.press(wish.who, verb, seen.data[verb], message, wish.where, **inputs)
        return True

    def _answer(self, wish: Wish, before: set[str]) -> str:
        board = self.board.look()
        if tagged := board.tagged.get(wish.tag):
            return max(tagged)
        title = wish.names[0] if wish.names else wish.target.shown
        for message in board.shown.keys() - before:
            seen = board.shown[message]
            if board.where[message] == wish.where and seen.kind == "request" and title in seen.title:
                if wish.undoes and not TAG.search(seen.text):
                    return seen.id
                self.counts["asked again for what was asked already"] += 1
                return seen.id
        return ""

    async def _decide(self, wish: Wish, id_: str) -> None:
        await asyncio.sleep(self.dice.uniform(0.1, 2.5))
        wish = replace(self._wish_of(id_), way=wish.way)  # it may be somebody else's older one
        deciders = [p for p in of(wish.tenant) if p.decides]
        self.dice.shuffle(deciders)
        others = [p for p in deciders if p is not wish.who]
        first, second = others[0], others[-1]
        also = others[1 : wish.act.approvals]
        if wish.way == "left alone":
            return
        if wish.way in AT_ONCE:
            who = {"first": first, "second": second, "asker": wish.who}
            await asyncio.gather(*(self._press(who[name], verb, id_) for name, verb in AT_ONCE[wish.way]))
        elif wish.way == "reject":
            await self._insist(first, "reject", id_)
        elif wish.way == "withdraw":
            await self._insist(wish.who, "withdraw", id_)
        elif wish.way == "without the role":
            await self._press(self._powerless(wish), self.dice.choice(("approve", "reject")), id_)
        elif wish.way == "from elsewhere":
            await self._from_elsewhere(wish, id_)
        elif wish.way == "stale card":
            await self._stale(wish, first, second, id_)
        if wish.way not in {"reject", "withdraw"}:
            for who in (first, *also):
                await self._insist(who, "approve", id_)

    def _powerless(self, wish: Wish) -> Player:
        """Somebody of the customer who may not decide."""
        return self.dice.choice([p for p in of(wish.tenant) if not p.decides])

    async def _from_elsewhere(self, wish: Wish, id_: str) -> None:
        """Somebody of another customer presses: in this conversation, and in an own one."""
        stranger = self.dice.choice([p for p in PLAYERS if p.tenant != wish.tenant and p.decides])
        await self._press(stranger, "approve", id_)
        found = self.board.look().newest(id_)
        if found and "approve" in found[1].data:
            where = REQUESTS[stranger.tenant]
            await self.talk.press(stranger, "approve", found[1].data["approve"], found[0], where)

    async def _stale(self, wish: Wish, first: Player, second: Player, id_: str) -> None:
        """Buttons of a card that was decided meanwhile are pressed all the same."""
        found = self.board.look().newest(id_)
        await self._insist(first, "approve", id_)
        if found and {"approve", "reject", "withdraw"} <= set(found[1].data):
            message, seen = found
            where = self.board.where[message]
            await self.talk.press(second, "reject", seen.data["reject"], message, where, reason="too late")
            await self.talk.press(wish.who, "withdraw", seen.data["withdraw"], message, where)
            await self.talk.press(second, "approve", seen.data["approve"], message, where)

    async def _press(self, who: Player, verb: str, id_: str) -> Press | None:
        """Press a button of the newest card where that person sees one; None where there is none."""
        message, data = self._button(who, verb, id_)
        if not data:
            return None
        inputs = {"reason": "not this one"} if verb == "reject" else {}
        return await self.talk.press(who, verb, data, message, self.board.where[message], **inputs)

    def _button(self, who: Player, verb: str, id_: str) -> tuple[str, Mapping[str, Any]]:
        board = self.board.look()
        seen_by = [m for m in reversed(board.cards("request", id_)) if board.where[m] in {who.chat, *REQUESTS.values()}]
        message = next((m for m in seen_by if verb in board.shown[m].data), "")
        return message, board.shown[message].data[verb] if message else {}

    async def _insist(self, who: Player, verb: str, id_: str) -> bool:
        """Press until it was taken, or the button is gone; people look at the card in between."""
        for tried in range(DECIDED):
            pressed = await self._press(who, verb, id_)
            if pressed is None:
                return False
            if pressed.taken:
                return True
            await asyncio.sleep(self.dice.uniform(1, 2) * (1 + tried))
        self.counts["presses in vain"] += 1
        return False

    async def _see_through(self, id_: str, seconds: float) -> None:
        """Watch the card to its end; where it asks for a decision, somebody decides."""
        for _ in range(int(seconds / 0.5)):
            await asyncio.sleep(0.5)
            found = self.board.look().newest(id_)
            if found and found[1].stand in OVER:
                return
            if found and found[1].stand == "unknown":
                await self._unknown(id_, found[1])

    async def _unknown(self, id_: str, seen: Seen) -> None:
        """Send again, give up, or give up early, as people do; most wait until they are asked."""
        asked = "resend" in seen.data
        if not asked and self.dice.random() > 0.01:
            return
        verb = self.dice.choice(("resend", "giveup")) if asked else "giveup"
        wish = self._wish_of(id_)
        deciders = [p for p in of(wish.tenant) if p.decides and p is not wish.who]
        if await self._insist(self.dice.choice(deciders), verb, id_):
            self.counts[f"unknown: {'sent again' if verb == 'resend' else 'given up'}"] += 1

    def _wish_of(self, id_: str) -> Wish:
        return self._tagged(id_) or self.by_button.get(id_) or self._pressed_for(id_)

    def _tagged(self, id_: str) -> Wish | None:
        return next((self.wishes[tag] for tag, ids in self.board.tagged.items() if id_ in ids), None)

    def _pressed_for(self, id_: str) -> Wish:
        """Which press of an inverse's button a request without a reason comes from, by its card's title."""
        found = self.board.newest(id_)
        title = found[1].title if found else ""
        pressed = [wish for wish in self.wishes.values() if wish.undoes]
        return next(wish for wish in reversed(pressed) if wish.target.shown in title)

    async def settle(self) -> None:
        """Faults are over: decide on what is still unknown."""
        board = self.board.look()
        cards = {id_: board.newest(id_) for id_ in board.requests()}
        left = {id_: found[1] for id_, found in cards.items() if found and found[1].stand not in OVER}
        await asyncio.gather(*(self._finish(id_, seen) for id_, seen in left.items()))

    async def _look_at_each(self, id_: str, seen: Seen) -> None:
        """Several devices: have the cards of those shown that are not done, to decide there."""
        wish = self._wish_of(id_)
        who = next(p for p in of(wish.tenant) if p.decides)
        for line in seen.runs:
            if line.startswith("request ") and not self.board.cards("request", line.removeprefix("request ")):
                await self.talk.say(who, f"/{line}", REQUESTS[wish.tenant])

    async def _finish(self, id_: str, seen: Seen) -> None:
        if any(line.startswith("request ") for line in seen.runs):
            await self._look_at_each(id_, seen)
        elif seen.stand == "unknown" and "resend" in seen.data:
            await self._unknown(id_, seen)
        elif seen.stand == "proposed" and not self.choosing.leave_alone and not self._waits_alone(id_):
            await self._insist(self._wish_of(id_).who, "withdraw", id_)

    def _waits_alone(self, id_: str) -> bool:
        """Whether it runs by itself, and nobody means to object."""
        wish = self._wish_of(id_)
        return wish.act.name in BY_ITSELF and wish.way == "left alone"
