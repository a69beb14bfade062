"""Saved lists of devices, by which a response is asked for several of them at once."""

from collections.abc import Mapping, Sequence

import structlog

from bot.audit import Entry
from bot.command import Context
from bot.errors import Conflict, NotFound, Stale, UsageError
from bot.state.store import Change, Record
from bot.wire import MACHINE_ID

log = structlog.get_logger()

KIND = "devicelist"
MOST_LISTS = 50
MOST_DEVICES = 50
TRIES = 5


async def every(context: Context) -> list[tuple[str, Mapping[str, str]]]:
    """The customer's lists by name, each with its devices (id -> the name it had)."""
    records = await context.services.store.newest(context.customer, KIND, limit=MOST_LISTS)
    return sorted((str(record.data["name"]), _devices(record)) for record in records)


async def ids(context: Context, name: str) -> set[str]:
    """The ids of a list's devices. Raises NotFound."""
    return set(await devices(context, name))


async def devices(context: Context, name: str) -> Mapping[str, str]:
    """A list's devices (id -> the name it had). Raises NotFound."""
    record = await context.services.store.get(context.customer, KIND, name.casefold())
    if record is None:
        raise NotFound("error.no_such_list", name=name)
    return _devices(record)


def _devices(record: Record) -> dict[str, str]:
    """A list's devices; what is no device's id is dropped, and the log says so."""
    found = record.data.get("devices")
    kept = {str(key): str(name) for key, name in found.items()} if isinstance(found, Mapping) else {}
    devices = {key.lower(): name for key, name in kept.items() if MACHINE_ID.fullmatch(key)}
    if len(devices) < len(kept):
        log.warning("list_with_malformed_devices", count=len(kept) - len(devices))
    return devices


async def change(context: Context, name: str, add: Mapping[str, str] | None = None, remove: Sequence[str] = ()) -> None:
    """Add devices to a list, which is made where there is none, or take some out. Raises UsageError, NotFound."""
    for _ in range(TRIES):
        record = await context.services.store.get(context.customer, KIND, name.casefold())
        if record is None and not add:
            raise NotFound("error.no_such_list", name=name)
        if record is None and len(await every(context)) >= MOST_LISTS:
            raise UsageError("error.too_many_lists", most=MOST_LISTS)
        kept = _devices(record) if record else {}
        after = {key: one for key, one in {**kept, **(add or {})}.items() if key not in remove}
        if len(after) > MOST_DEVICES:
            raise UsageError("error.too_many_devices", count=len(after), most=MOST_DEVICES)
        if await _written(context, name, record, after):
            return
    raise Stale("error.try_again")


async def _written(context: Context, name: str, record: Record | None, kept: Mapping[str, str]) -> bool:
    """Write a list with its audit entry, or delete it where it is empty; whether nobody else came first."""
    entry = Entry(
        at=context.now,
        what="list changed" if kept else "list deleted",
        who=f"{context.actor.tenant}/{context.actor.id}",
        subject=f"list:{name}",
        more={"devices": sorted(kept)} if kept else {},
    )
    data = {"v": 1, "name": name, "devices": dict(kept)} if kept else None
    written = Change(kind=KIND, id=name.casefold(), rev=record.rev if record else 0, data=data)
    try:
        await context.services.ledger.commit(context.customer, [written], [entry])
    except Conflict:
        return False
    return True
