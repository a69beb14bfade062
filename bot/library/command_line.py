"""`python -m bot library sync`: our scripts into the live response library of each customer.

Exit codes: 0 all is there (now), 1 something is lacking (with --check) or could not be brought there, 2 it could not
begin. The settings are the bot's own; of them only the app's identity and the tenants are needed.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.auth import DEFENDER_SCOPE, BearerAuth, TokenSource
from bot.clock import SystemClock
from bot.defender.http import HttpDefender
from bot.errors import MissingPermission, ServiceError, Throttled
from bot.http import Api, new_client
from bot.library.sync import ABOUT, TO_UPLOAD, Copy, FolderError, Found, copies, sync
from bot.settings import Settings, examined

library = typer.Typer(no_args_is_help=True, help="The live response library: the bot's own scripts in it.")
LACKING, UNABLE = 1, 2
NEEDED = ("APP_", "MANAGED_IDENTITY", "ALLOWED_TENANTS", "DEFENDER_URL", "LOGIN_URL", "SECRETS_DIR")


@library.callback()
def _library() -> None:
    """The live response library: the bot's own scripts in it."""


@library.command("sync")
def sync_command(
    folder: Annotated[Path | None, typer.Option("--from", help="Take signed copies from this folder.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Only compare.")] = False,  # noqa: FBT002 - a flag
    customer: Annotated[str, typer.Option(metavar="ID", help="Only this customer's tenant.")] = "",
    simulated: Annotated[bool, typer.Option("--simulated", help="The `make run` that is up.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Compare the scripts with each customer's library and upload what differs."""
    settings = _settings(simulated=simulated)
    try:
        wanted = copies(folder)
    except FolderError as error:
        raise _stop(str(error)) from None
    customers = sorted({customer.strip().lower()} if customer.strip() else settings.allowed_tenants)
    raise typer.Exit(asyncio.run(_all(settings, customers, wanted, check=check)))


def _settings(*, simulated: bool) -> Settings:
    settings, lines = examined("run" if simulated else "serve", os.environ)
    missing = [line for line in lines if any(name in line for name in NEEDED)]
    if missing or not settings.app_id or not settings.allowed_tenants:
        raise _stop("\n".join(missing or ["APP_ID and ALLOWED_TENANTS are needed."]))
    return settings


def _stop(words: str) -> typer.Exit:
    typer.echo(words, err=True)
    return typer.Exit(code=UNABLE)


async def _all(settings: Settings, customers: Sequence[str], wanted: Sequence[Copy], *, check: bool) -> int:
    tokens = TokenSource(
        client_id=settings.app_id,
        credential=settings.credential(),
        login_url=settings.login_url,
        clock=SystemClock(),
    )
    code = 0
    try:
        async with new_client(proxies=not settings.development) as http:
            for customer in customers:
                auth = BearerAuth(tokens, customer, DEFENDER_SCOPE)
                api = Api(http, base_url=settings.defender_url, auth=auth, customer=customer)
                code = max(code, await one_customer(HttpDefender(api), customer, wanted, check=check))
    finally:
        await tokens.close()
    return code


async def one_customer(defender: HttpDefender, customer: str, wanted: Sequence[Copy], *, check: bool) -> int:
    """One customer's library; says what stood there and what was done. Returns the exit code."""
    typer.echo(f"{customer}:")
    try:
        found = await sync(defender, wanted, check=check)
    except ServiceError as error:
        typer.echo(f"  {_trouble(error)}")
        return LACKING
    for one in found:
        typer.echo(f"  {one.copy.script.file} {ABOUT[one.state]}{_done(one, check=check)}")
    return LACKING if check and any(one.state in TO_UPLOAD for one in found) else 0


def _done(found: Found, *, check: bool) -> str:
    if found.state not in TO_UPLOAD:
        return "."
    return ": to be uploaded." if check else ": uploaded."


def _trouble(error: ServiceError) -> str:
    match error:
        case MissingPermission(permission=permission):
            return f"The permission {permission or 'Library.Manage'} is not granted; doctor says where to grant it."
        case Throttled():
            return "Defender asks to wait: please try again in a minute."
    return f"It could not be finished ({error}). What is there already stays; please try again."
