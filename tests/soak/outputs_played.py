"""What a session of live response left is asked for: shown, or as a file; by who may have it, and by who may not."""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import Any

from bot.simulator.files import CONSENT
from bot.simulator.server import Simulator
from tests.soak.board import Board
from tests.soak.talking import Talk
from tests.soak.world import REQUESTS, Player, of

ASKED = 0.25
"""How often somebody asks for what a session left."""
AS_FILE, TAKEN = 0.5, 0.8
"""How often as a file; how often a file that is offered is taken."""
BY_ANOTHER, ELSEWHERE = 0.3, 0.2
"""How often somebody else asks for it, too; how often it is asked for in the channel before."""
OFFER_SECONDS = 12.0


class Outputs:
    """Everything by chance comes from `dice`."""

    def __init__(self, sim: Simulator, talk: Talk, board: Board, dice: Random) -> None:
        self.sim, self.talk, self.board, self.dice = sim, talk, board, dice

    async def after(self, asker: Player, id_: str) -> None:
        """Who asked for a request or decided on it asks for it now and then, once its card offers it."""
        found = self.board.look().newest(id_)
        if not found or f"output {id_}" not in found[1].runs or self.dice.random() >= ASKED:
            return
        others = [player for player in of(asker.tenant) if player is not asker and not self._decided(player, id_)]
        theirs = [asker, *(player for player in of(asker.tenant) if self._decided(player, id_))]
        if others and self.dice.random() < BY_ANOTHER:
            await self._ask(self.dice.choice(others), f"/output {id_} file")
        who = self.dice.choice(theirs)
        if self.dice.random() < ELSEWHERE:
            await self.talk.say(who, f"/output {id_}", REQUESTS[who.tenant])
        await self._ask(who, f"/output {id_} file" if self.dice.random() < AS_FILE else f"/output {id_}")

    def _decided(self, player: Player, id_: str) -> bool:
        return any((press.who, press.request, press.taken) == (player, id_, True) for press in self.talk.presses)

    async def _ask(self, who: Player, line: str) -> None:
        """Ask in the personal chat; an offered file is taken, or not."""
        self.talk.counts["asked for what a session left"] += 1
        since = len(self.sim.connector.records)
        await self.talk.say(who, line, who.chat)
        for _ in range(int(OFFER_SECONDS / 0.2)):
            await asyncio.sleep(0.2)
            if offer := self._offered(since, who):
                value = self.sim.connector.drive.answer(offer[1], self.sim.url, accept=self.dice.random() < TAKEN)
                await self.talk.answer_file(who, value, offer[0])
                return

    def _offered(self, since: int, who: Player) -> tuple[str, Mapping[str, Any]] | None:
        """The message that offers this person a file."""
        for record in self.sim.connector.records[since:]:
            kinds = {one.get("contentType") for one in record.activity.get("attachments", ())}
            if record.operation == "post" and record.conversation == who.chat and CONSENT in kinds:
                return record.message, record.activity
        return None
