"""`python -m bot audit export|verify`: the trail as a file, and whether a file or a trail in Redis holds.

Exit codes: 0 it holds, 1 it is broken, 2 it could not be read or checked. AUDIT_KEY and REDIS_URL come from the same
variables (or files in SECRETS_DIR) as the bot's; checking a file needs AUDIT_KEY alone.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from bot.audit import Entry, Ledger
from bot.audit.chain import Kind
from bot.audit.export import About, Csv, Ending, Export, Format, JsonLines
from bot.audit.names import names_of
from bot.audit.seals import Seals
from bot.audit.trail import Verdict, pages, seen, verify
from bot.audit.verify import Checked, Fault, Unreadable, verify_file
from bot.clock import SystemClock
from bot.errors import Conflict, StoreDown
from bot.settings import Settings, SettingsError, load_part
from bot.state.redis import RedisStore

audit = typer.Typer(no_args_is_help=True, help="The audit trail: export it, and check that it holds.")

BROKEN, UNREADABLE = 1, 2
SHORTEST_HEAD = 8
WORDS: dict[Kind, str] = {
    "changed": "changed: this entry is not as it was written",
    "changed or dropped": "changed, or entries right before it were dropped: it does not follow the one before",
    "dropped": "dropped: something is missing before this",
    "inserted": "inserted: this does not belong here",
    "reordered": "reordered: this stood elsewhere",
    "checkpoint": "the checkpoint, which stands for trimmed entries, is not one of ours",
    "head": "the head is not the newest entry's hash: entries at the end were dropped, or the head was changed",
}
STRANGE = (
    "Nothing in it fits this AUDIT_KEY. Either it was sealed with another key, or all of it was forged."
    " Please check that AUDIT_KEY is the bot's."
)
Customer = Annotated[str, typer.Option(help="The tenant id of the customer.")]
Noted = Annotated[str, typer.Option("--head", help="A head noted earlier (log, digest): it must be in the trail.")]


@audit.command("export")
def export_command(
    customer: Customer,
    file_format: Annotated[Format, typer.Option("--format", help="jsonl can be verified, csv cannot.")] = "jsonl",
    days: Annotated[int, typer.Option(min=0, help="Only the last so many days; 0 for all.")] = 0,
    output: Annotated[Path | None, typer.Option(help="The file to write; without it, standard output.")] = None,
) -> None:
    """Write a customer's audit trail as JSON lines or CSV. The export itself becomes an entry of the trail."""
    settings = _settings({"AUDIT_KEY", "REDIS_URL"})
    _run(_export(settings, customer, file_format, days, output))


@audit.command("verify")
def verify_command(
    file: Annotated[Path | None, typer.Option(help="An export as JSON lines.")] = None,
    customer: Customer = "",
    head: Noted = "",
) -> None:
    """Check an exported file, or the trails in Redis (of all customers, or of one), and name the first broken entry."""
    if head and len(head) < SHORTEST_HEAD:
        raise _stop(f"--head needs at least {SHORTEST_HEAD} characters.")
    if file is not None:
        _verify_export(_settings({"AUDIT_KEY"}), file, head)
    else:
        _run(_verify_trails(_settings({"AUDIT_KEY", "REDIS_URL"}), customer, head))


def _settings(needed: Collection[str]) -> Settings:
    try:
        return load_part(os.environ, needed)
    except SettingsError as error:
        raise _stop(str(error)) from None


def _stop(words: str, code: int = UNREADABLE) -> typer.Exit:
    typer.echo(words, err=True)
    return typer.Exit(code=code)


def _run(work: Coroutine[Any, Any, int]) -> None:
    try:
        code = asyncio.run(work)
    except StoreDown as failure:
        raise _stop(f"Redis cannot be reached ({failure}). Please check REDIS_URL and that the server runs.") from None
    if code:
        raise typer.Exit(code=code)


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Ledger]:
    url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    store = RedisStore.open(url)
    try:
        yield Ledger(store, settings.audit_key.get_secret_value())
    finally:
        await store.close()


async def _export(settings: Settings, customer: str, file_format: Format, days: int, output: Path | None) -> int:
    async with _opened(settings) as ledger:
        customer = await _known(ledger, customer)
        now = SystemClock().now()
        if (await verify(ledger.store, ledger.seals, customer)).checked:  # else an entry of ours might break the chain
            await _note(ledger, customer, file_format, days, now)
        verdict = await verify(ledger.store, ledger.seals, customer)
        if verdict.strange:
            raise _stop(STRANGE)
        since = now - timedelta(days=days) if days else None
        with _writing(output) as write:
            entries = await _write(ledger, customer, file_format, verdict, since, write)
    typer.echo(f"{entries} entries written{f' to {output}' if output else ''}.", err=True)
    if verdict.broken:
        typer.echo(f"But the trail is BROKEN. {_told(verdict)}", err=True)
    return BROKEN if verdict.broken else 0


async def _known(ledger: Ledger, customer: str) -> str:
    """The customer, if there is a trail of that name."""
    customer = customer.lower()
    if (await ledger.store.standing(customer)).length:
        return customer
    known = ", ".join(await ledger.store.customers()) or "none"
    raise _stop(f"There is no audit trail of the customer {customer}. Customers in this Redis: {known}.")


async def _note(ledger: Ledger, customer: str, file_format: Format, days: int, now: datetime) -> None:
    """Write down that it is exported; a Redis that is only read from (a replica, a backup) is exported all the same."""
    more = {"format": file_format, "days": days}
    entry = Entry(at=now, what="audit exported", who="command line", subject="audit:trail", more=more)
    try:
        await ledger.commit(customer, [], [entry])
    except (StoreDown, Conflict) as failure:
        typer.echo(f"The export could not be noted in the trail itself ({failure}).", err=True)


async def _write(
    ledger: Ledger,
    customer: str,
    file_format: Format,
    verdict: Verdict,
    since: datetime | None,
    write: Callable[[str], object],
) -> int:
    """Write the file piece by piece; returns how many entries it has."""
    export: Export = JsonLines(ledger.seals)
    if file_format == "csv":
        export = Csv(name=(await names_of(ledger.store, customer)).person)
    about = About(customer=customer, made=SystemClock().now(), since=since, checkpoint=verdict.checkpoint)
    write(export.begin(about))
    before = verdict.checkpoint.hash if verdict.checkpoint else ""
    entries = 0
    async for page in pages(ledger.store, customer):
        for row in page:
            entry = seen(row, before)
            before = row[2]
            if entries or since is None or entry.at is None or entry.at >= since:
                write(export.add(entry))
                entries += 1
    write(export.end(Ending(head=verdict.head, count=verdict.count, broken=verdict.broken)))
    return entries


@contextlib.contextmanager
def _writing(output: Path | None) -> Iterator[Callable[[str], object]]:
    """Where pieces are written to: a file that only its owner may read, or standard output."""
    if output is None:
        yield lambda text: sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
        return
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield lambda text: file.write(text.encode("utf-8", "replace"))
    except OSError as failure:
        raise _stop(f"{output} cannot be written ({failure.strerror}).") from None


async def _verify_trails(settings: Settings, customer: str, head: str) -> int:
    async with _opened(settings) as ledger:
        customers = [await _known(ledger, customer)] if customer else await ledger.store.customers()
        verdicts = {one: await verify(ledger.store, ledger.seals, one, head) for one in customers}
    for one, verdict in verdicts.items():
        typer.echo(f"{one}: {_told(verdict)}")
    if not verdicts:
        raise _stop("There is no audit trail in this Redis.")
    if all(verdict.strange for verdict in verdicts.values()):
        return UNREADABLE
    if head and not any(verdict.noted for verdict in verdicts.values()):
        typer.echo(_not_noted(head))
        return BROKEN
    return BROKEN if any(verdict.broken for verdict in verdicts.values()) else 0


def _told(verdict: Verdict) -> str:
    trimmed = verdict.checkpoint.count if verdict.checkpoint else 0
    before = f" ({trimmed} older ones were trimmed, a signed checkpoint stands for them)" if trimmed else ""
    if verdict.strange:
        return STRANGE
    if verdict.broken:
        where = f"at entry {verdict.broken.position}" if verdict.broken.position else "at the end"
        if verdict.broken.kind == "checkpoint":
            where = "at the beginning"
        return f"BROKEN {where}: {WORDS[verdict.broken.kind]}. {verdict.checked} entries before it hold{before}."
    return f"holds: {verdict.checked} entries{before}, head {verdict.head or 'none'}."


def _not_noted(head: str) -> str:
    return f"BROKEN: the head {head}, noted earlier, is not in it: entries were cut off, or an older copy was put back."


def _verify_export(settings: Settings, path: Path, head: str) -> None:
    try:
        with path.open("rb") as file:
            found = _checked(settings, file, head)
    except OSError as failure:
        raise _stop(f"{path} cannot be read ({failure.strerror}).") from None
    except Unreadable as why:
        raise _stop(f"{path} cannot be checked: {why}.") from None
    if isinstance(found, Fault):
        entry = f", entry {found.position}" if found.position else ""
        when = "The trail was broken when it was exported" if found.exported else "BROKEN"
        typer.echo(f"{when}: line {found.line}{entry}: {WORDS[found.kind]} ({found.why}).")
        raise typer.Exit(code=BROKEN)
    typer.echo(_holds(found))
    if head and not found.noted:
        typer.echo(_not_noted(head))
        raise typer.Exit(code=BROKEN)


def _checked(settings: Settings, file: BinaryIO, head: str) -> Checked | Fault:
    return verify_file(Seals(settings.audit_key.get_secret_value()), file, head)


def _holds(found: Checked) -> str:
    chosen = [f"chosen by: {found.filters}"] if found.filters else []
    chosen += [f"since {found.since}"] if found.since else []
    chosen += ["cut: older entries were left out"] if found.cut else []
    return "\n  ".join(
        [
            f"Holds: {found.entries} entries of the customer {found.customer}, exported {found.made}.",
            f"entries {found.first} to {found.last}" if found.entries else "no entry",
            f"head {found.head or 'none'}; the trail had {found.count} entries in all",
            *chosen,
        ]
    )
