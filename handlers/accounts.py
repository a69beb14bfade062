"""Whose account a mail address is, by every name that a policy may list it under."""

import asyncio
from collections.abc import Sequence

from bot.command import Context
from bot.errors import Missing
from bot.graph.client import Graph
from bot.graph.people.models import DirectoryUser
from bot.responses.models import Fact
from handlers.aiming import READ_SECONDS
from handlers.reading import Sources

NEEDS = (Graph.user, Graph.users_by_mail)
UNTOLD = "mail-account-unread"


async def accounts_of(context: Context, address: str) -> tuple[str, ...] | None:
    """The address and the sign-in names and main addresses of whose it is; None where nobody can tell.

    The pages name a call for a sign-in name and one for a main address, and none for the other addresses of a mailbox:
    such a one may be anybody's. Where the policy lists no account, or this very address, nobody is asked.
    """
    policy = context.services.policy
    if not policy.file.priority_accounts or policy.is_priority(address):
        return (address,)
    sources = Sources(READ_SECONDS, context)
    by_name, by_mail = await asyncio.gather(
        sources.read("user", _signing_in_as(context, address)),
        sources.read("user", context.graph.users_by_mail(address)),
    )
    names = names_of((*(by_name or ()), *(by_mail or ())))
    if any(map(policy.is_priority, names)):
        return (address, *names)
    return None if by_name is None or by_mail is None or not names else tuple(dict.fromkeys((address, *names)))


async def _signing_in_as(context: Context, name: str) -> list[DirectoryUser]:
    try:
        return [await context.graph.user(name)]
    except Missing:
        return []


def names_of(users: Sequence[DirectoryUser]) -> tuple[str, ...]:
    """What a policy may list them under, each once."""
    every = (name for user in users for name in (user.user_principal_name, user.mail) if name)
    return tuple(dict.fromkeys(every))


def untold(address: str, accounts: Sequence[str] | None) -> tuple[Fact, ...]:
    """A warning that nobody could tell whose address it is."""
    return (Fact(key=UNTOLD, value=address),) if accounts is None else ()
