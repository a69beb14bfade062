"""How a whole list is blocked in one call, and what became of each of its values (defender-api 14, import).

Some may fail inside an answer of 200. Where the answer was lost, the indicators are looked for by the request's mark.
"""

from collections.abc import Sequence
from datetime import timedelta

from bot.defender.client import Defender
from bot.defender.indicators.models import Imported, Indicator, IndicatorAction
from bot.defender.indicators.values import Value, recognise
from bot.errors import Missing, Unavailable
from bot.http_errors import unreadable
from bot.responses.declared import How, Remote
from bot.responses.how import SETTLING
from bot.responses.indicators import REMOVED, draft_of, read_first
from bot.responses.models import Request, State, Work, WorkState
from bot.wire import folded

MADE, FAILED, LOST, CLEARED = "list-made", "list-failed", "list-lost", "list-cleared"
"""The facts of a result: how many are in force, were refused, are not known of, were removed."""
NAMED = 12
"""So many of those that failed are named on the card; the rest is counted."""
PATIENCE = timedelta(minutes=4)
"""How long indicators that are not listed yet are waited for, before those that are there are all that is known."""


def importing(action: IndicatorAction) -> How:
    """All values of the request as indicators of that action, in one call."""

    async def send(remote: Remote, request: Request, comment: str) -> Work:
        drafts = [draft_of(request, value, action, comment) for value in values_of(request)]
        return answered(request, await remote.defender.import_indicators(drafts))

    async def find(remote: Remote, request: Request) -> list[Work]:
        listed = await remote.defender.indicators_titled(f"[{request.id}/")
        held = {_key(one.indicator_type, one.indicator_value) for one in listed if one.does == folded(action)}
        missing = [value for value in values_of(request) if _key(value.type, value.text) not in held]
        if len(missing) == len(request.values) or (missing and not _waited(request)):
            return []
        return [_work(request, len(request.values) - len(missing), missing=[value.shown for value in missing])]

    return How(send=send, find=find, needs=(Defender.indicators_titled,))


def clearing() -> How:
    """None is left of the indicators that bear the mark of the request whose id is the target's."""

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        found = await read_first(made_by(remote, request.target.id))
        if not found:
            return Work(status=REMOVED, state="succeeded", same=True)
        try:
            await remote.defender.delete_indicators([one.id for one in found])
        except Missing:  # all or none: somebody removed one of them in this moment, so they are listed anew
            raise Unavailable("defender", "delete-indicators", sent=False, code="changed") from None
        result = {CLEARED: str(len(found))}
        return Work(status=REMOVED, state="succeeded", ours=True, result=result)

    async def find(remote: Remote, request: Request) -> list[Work]:
        left = await made_by(remote, request.target.id)
        return [] if left else [Work(status=REMOVED, state="succeeded", same=True)]

    async def look(remote: Remote, request: Request) -> Work:
        left = await made_by(remote, request.target.id)
        return Work(status=REMOVED, state="active" if left else "succeeded")

    return How(send=send, find=find, look=look, needs=(Defender.indicators_titled,), settles=SETTLING)


async def made_by(remote: Remote, key: str) -> list[Indicator]:
    """The active indicators that bear a request's mark."""
    return await remote.defender.indicators_titled(f"[{key}/")


def values_of(request: Request) -> list[Value]:
    """The list that a request is for."""
    return [recognise(text) for text in request.values]


def answered(request: Request, results: Sequence[Imported]) -> Work:
    """What the service said of each value. Raises Unavailable (sent) where it did not speak of all of them."""
    if len(results) != len(request.values):
        raise unreadable("defender", "import-indicators", f"{len(results)} results for {len(request.values)} values")
    failed = [(one.indicator or "?", one.failure_reason or "?") for one in results if one.is_failed]
    return _work(request, len(results) - len(failed), failed)


def _work(request: Request, made: int, failed: Sequence[tuple[str, str]] = (), missing: Sequence[str] = ()) -> Work:
    """So many are in force; these failed, and of those that are missing nothing is known."""
    counts = {MADE: made, FAILED: len(failed), LOST: len(missing)}
    named = {f"list-failure-{n:02}": f"{text[:80]}: {why[:120]}" for n, (text, why) in enumerate(failed[:NAMED], 1)}
    if missing:
        named["list-missing"] = ", ".join(text[:60] for text in missing[:NAMED])
    state: WorkState = "succeeded" if made == len(request.values) else "partly done" if made else "failed"
    return Work(
        status=f"{made}/{len(request.values)}",
        state=state,
        kind="import",
        ours=True,
        result={**{name: str(count) for name, count in counts.items() if count or name == MADE}, **named},
    )


def _waited(request: Request) -> bool:
    """Whether it was searched for long enough that what is not listed by now is not on its way any more."""
    since, checked = request.unknown_since, request.checked
    return request.state is State.UNKNOWN and bool(since and checked and checked - since >= PATIENCE)


def _key(kind: str | None, value: str | None) -> tuple[str, str]:
    return folded(kind), (value or "").casefold()
