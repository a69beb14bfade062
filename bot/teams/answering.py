"""Running a turn and giving its answer back: beside the pressed card, or as a message.

What fails is logged with a reference that the person sees, too: a fault of a service or of the store as a warning, what
nobody foresaw as an error. The caller never gets a 500: Teams does not redeliver
because of one, it only shows "unable to reach app", and what must not be lost stands in our own records.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.schema import Activity

from bot.errors import BotError, Rejected
from bot.teams.adapter import TeamsAdapter, activity_of
from bot.teams.connector import Connector
from bot.teams.inbound import Inbound
from bot.teams.outbound import encode, invoke_answer, invoke_error
from bot.teams.turns import CARD_INVOKE, FILE_INVOKE, is_card_action, turn_of
from bot.turn import Answer, Turn

OnTurn = Callable[[Turn], Awaitable[Answer]]
Failed = Callable[[Turn, str], str]
Said = Callable[[Turn], None]

log = structlog.get_logger()


class Answering:
    """`on_turn` does the work; `failed(turn, reference)` is the plain text for when it raises.

    `said(turn)` is called when the answer to a message is out: a crash before that leaves the turn to its redelivery.
    """

    def __init__(
        self, adapter: TeamsAdapter, connector: Connector, on_turn: OnTurn, failed: Failed, said: Said
    ) -> None:
        self._adapter = adapter
        self._connector = connector
        self._on_turn = on_turn
        self._failed = failed
        self._said = said

    async def run(self, inbound: Inbound, claims: Mapping[str, Any]) -> tuple[int, bytes]:
        """Run an admitted activity through the SDK. Returns the HTTP status and body, which is JSON or empty.

        202: taken. 200: a pressed button, answered in the body. 501: an invoke that is none of ours, the status that
        Microsoft's SDKs give it.
        """

        async def logic(context: TurnContext) -> None:
            await self._turn(context, inbound)

        response = await self._adapter.run(activity_of(inbound), claims, logic)
        return (202, b"") if response is None else (int(response.status), response.body or b"")

    async def _turn(self, context: TurnContext, inbound: Inbound) -> None:
        if inbound.type != "invoke":
            await self._message_turn(turn_of(inbound))
        elif inbound.name == FILE_INVOKE:
            await self._message_turn(turn_of(inbound))
            await _respond(context, b"")
        elif inbound.name != CARD_INVOKE:
            log.info("invoke_unknown", name=inbound.name[:100])
        elif is_card_action(inbound):
            await _respond(context, await self._invoke_turn(turn_of(inbound)))
        else:
            body = invoke_error(400, "BadRequest", "The value of the invoke is not an Action.Execute.")
            await _respond(context, encode(body))

    async def _invoke_turn(self, turn: Turn) -> bytes:
        """The body of the answer. An answer that cannot be sent counts as a failed turn."""
        try:
            return _encoded(await self._on_turn(turn))
        except Exception as error:  # noqa: BLE001 - the last line of defence: the person must get an answer
            return _encoded(Answer(text=self._note(turn, error)))

    async def _message_turn(self, turn: Turn) -> None:
        try:
            answer = await self._on_turn(turn)
        except Exception as error:  # noqa: BLE001 - the last line of defence: the person must get an answer
            answer = Answer(text=self._note(turn, error))
            if turn.kind not in {"message", "click"}:
                return  # nobody asked anything, so nobody waits for an apology
        await self._say(turn, answer)
        self._said(turn)

    async def _say(self, turn: Turn, answer: Answer) -> None:
        """Post the answer where the turn came from; a conversation that cannot be written to is only logged."""
        if turn.kind == "removed" or (answer.shown is None and not answer.text):
            return
        try:
            await self._connector.say(turn.conversation, answer.shown, answer.text)
        except Exception as error:  # noqa: BLE001 - the turn's work is done, so the caller must not see a 500
            note = self._note(turn, error, "answer_not_confirmed")
            if answer.shown is not None and isinstance(error, Rejected):
                await self._say(turn, Answer(text=note))  # the card was at fault: no JSON, too large, not valid

    def _note(self, turn: Turn, error: Exception, foreseen: str = "turn_failed") -> str:
        """Log a failure and make the text that names it to the person; `foreseen` is its event where it is no bug."""
        reference = uuid.uuid4().hex[:8]
        ours = isinstance(error, Rejected) or not isinstance(error, BotError)  # Rejected: our card was at fault
        (log.error if ours else log.warning)(
            "turn_failed" if ours else foreseen,
            reference=reference,
            turn=turn.id,
            kind=turn.kind,
            tenant=turn.conversation.tenant,
            exc_info=error,
        )
        return self._failed(turn, reference)


def _encoded(answer: Answer) -> bytes:
    body = invoke_answer(answer)
    return b"" if body is None else encode(body)


async def _respond(context: TurnContext, body: bytes) -> None:
    """Leave the invoke's answer with the SDK, already as JSON: it copies deeply what it is given."""
    answer = Activity(type="invokeResponse", value=InvokeResponse(status=200, body=body))
    await context.send_activity(answer)
