"""Answers that take longer than a moment: a working card at once, the answer in its place when it is there.

The working card is a record too: if the process dies, its job turns the card into "interrupted, please try again", so
that no card says "working" for ever (design section 3).
"""

from datetime import datetime, timedelta
from typing import Literal

import structlog

from bot.errors import Conflict, ServiceError, StoreError, Throttled, Unavailable
from bot.posts import Place, Post, Shownable
from bot.records import mutate, write
from bot.services import Services
from bot.state.store import Change
from bot.turn import Shown, Turn

log = structlog.get_logger()

KIND = "reply"
PATIENCE = timedelta(seconds=75)
KEPT_SECONDS = 3600.0
EDIT_TRIES = 4
FORGET_TRIES = 5


class SlowReply(Shownable):
    """A working card: the line it answers, and until when the answer must have come."""

    line: str
    state: Literal["working", "interrupted"] = "working"
    until: datetime

    @property
    def keep(self) -> float | None:
        """A working card's record is of no use after an hour."""
        return KEPT_SECONDS

    def step_due(self) -> datetime | None:
        """When to give up waiting for the answer."""
        return self.until if self.state == "working" else None


async def start(services: Services, customer: str, turn: Turn, line: str, shown: Shown) -> str:
    """Post the working card and write it down; returns its message id. Raises ServiceError.

    A card that could not be written down is still edited at the end; only a crash would leave it.
    """
    message = await services.teams.post(turn.conversation, shown)
    post = Post(
        key="card",
        place=Place.of(turn.conversation),
        message=message,
        shown=1,
        state="live",
        locale=turn.locale,
        zone=turn.zone,
    )
    now = services.clock.now()
    reply = SlowReply(id=message, customer=customer, line=line, until=now + PATIENCE, posts=(post,))
    try:
        await services.ledger.commit(customer, [write(KIND, reply, now)])
    except StoreError as error:
        log.warning("slow_reply_not_written", message=message, error=str(error))
    return message


async def end(services: Services, customer: str, turn: Turn, message: str, shown: Shown) -> None:
    """Put the answer in the working card's place and forget the record; on failure the job says "interrupted"."""
    for attempt in range(EDIT_TRIES):
        try:
            await services.teams.edit(turn.conversation, message, shown)
            break
        except Throttled as error:
            await services.clock.sleep(min(error.retry_after or 2.0, 10.0))
        except Unavailable as error:
            log.warning("slow_answer_not_shown", message=message, attempt=attempt, error=str(error))
            await services.clock.sleep(1.0)
        except ServiceError as error:
            log.warning("slow_answer_not_shown", message=message, attempt=attempt, error=str(error))
            return
    else:
        return
    try:
        await _forget(services, customer, message)
    except StoreError as error:
        log.warning("slow_reply_not_forgotten", message=message, error=str(error))


async def _forget(services: Services, customer: str, message: str) -> None:
    for _ in range(FORGET_TRIES):
        record = await services.store.get(customer, KIND, message)
        if record is None:
            return
        try:
            await services.ledger.commit(customer, [Change(kind=KIND, id=message, rev=record.rev, data=None)])
        except Conflict:
            continue
        return


async def step(services: Services, customer: str, key: str) -> None:
    """The time is over: the process that worked on the answer is gone."""

    def interrupted(reply: SlowReply) -> SlowReply:
        return reply.model_copy(update={"state": "interrupted", "content": reply.content + 1})

    await mutate(services.ledger, customer, KIND, key, SlowReply, services.clock.now(), interrupted)
