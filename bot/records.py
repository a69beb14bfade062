"""Reading and writing records with cards: the typed models on top of the store, and the retry on a lost race."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from bot.audit import Entry, Ledger
from bot.errors import Conflict
from bot.posts import Shownable
from bot.state.store import Change, Record, Store

log = structlog.get_logger()

M = TypeVar("M", bound=Shownable)
B = TypeVar("B", bound=BaseModel)

TRIES = 30


async def read(store: Store, customer: str, kind: str, key: str, model: type[M]) -> tuple[M, Record] | None:
    """A record as its model, with the store's revision; None where there is none."""
    record = await store.get(customer, kind, key)
    return (model.model_validate(record.data), record) if record else None


async def newest(store: Store, customer: str, kind: str, model: type[M], *, limit: int = 1000) -> list[M]:
    """Records of a kind, the latest written first."""
    return readable(await store.newest(customer, kind, limit=limit), model)


def readable(records: Iterable[Record], model: type[B]) -> list[B]:
    """The records as models. One that this version cannot read is logged and left out: it must not stop the others."""
    found = []
    for record in records:
        try:
            found.append(model.model_validate(record.data))
        except ValidationError:
            log.error("record_unreadable", kind=record.kind, id=record.id)  # noqa: TRY400 - the text would hold its data
    return found


def write(kind: str, model: Shownable, now: datetime, before: Record | None = None) -> Change:
    """The change that writes a model over what was read before (None: it must not exist yet)."""
    return Change(
        kind=kind,
        id=model.id,
        rev=before.rev if before else 0,
        was=before.state if before else "",
        state=model.stage,
        data=model.model_dump(mode="json"),
        due=model.due(now),
        keep=model.keep,
    )


async def mutate(
    ledger: Ledger,
    customer: str,
    kind: str,
    key: str,
    model: type[M],
    now: datetime,
    change: Callable[[M], M],
    entries: Sequence[Entry] = (),
) -> M | None:
    """Read, change and write a record, again if somebody else wrote in between; `change` may raise to stop.

    Returns the model as written, or None where there is no such record.
    """
    for _ in range(TRIES):
        found = await read(ledger.store, customer, kind, key, model)
        if not found:
            return None
        current, record = found
        wanted = change(current)
        if wanted == current:
            return current
        try:
            await ledger.commit(customer, [write(kind, wanted, now, record)], entries)
        except Conflict:
            continue
        return wanted
    raise Conflict(f"{kind} {key}: too many writers")
