"""The target of mail responses: one delivered message, by its network message id and its recipient."""

import asyncio
import re
from datetime import timedelta

from bot.command import Context
from bot.devices import first_word
from bot.errors import NotFound, UsageError
from bot.graph.client import Graph
from bot.graph.mail.models import AnalyzedEmail
from bot.responses.declared import Parameter, Response
from bot.responses.mail import REACH
from bot.responses.models import Evidence, Fact, Target
from handlers.accounts import NEEDS, accounts_of, untold
from handlers.aiming import READ_SECONDS, Aim, called_out, last_time
from handlers.reading import Sources

MAIL = "mail"
RECIPIENT = "recipientEmailAddress"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@/<>\"]{1,64}@[^\s@/<>\"]{1,255}")


def address(text: str) -> str:
    """A mail address as it is sent on, in lower case. Raises UsageError."""
    found = text.strip().strip("<>").removeprefix("mailto:").casefold()
    if not _ADDRESS.fullmatch(found):
        raise UsageError("error.no_mail_address", said=text)
    return found


TO_RECIPIENT = Parameter(name=RECIPIENT, hint="RECIPIENT", check=address)
"""Whose copy of the message is meant; it becomes a part of the target."""


async def find(context: Context, word: str, command: str, rest: str) -> Target:
    """The message as it was delivered to that recipient. Raises NotFound, UsageError, ServiceError."""
    del command  # there is one message or none: no choice to make
    network_id, _, named = word.partition("/")
    recipient = address(named or first_word(rest)[0])
    if not _GUID.fullmatch(network_id):
        raise UsageError("error.no_message_id", said=word)
    found = await _delivered(context, network_id.lower(), recipient)
    if found is None:
        raise NotFound("error.no_such_mail", recipient=recipient)
    return Target(id=f"{network_id.lower()}/{recipient}", name=found.subject or network_id.lower(), kind=MAIL)


async def _delivered(context: Context, network_id: str, recipient: str) -> AnalyzedEmail | None:
    since, until = context.now - REACH, context.now + timedelta(days=1)
    return await context.graph.analyzed_email(network_id, recipient, since, until)


async def gather(context: Context, target: Target, response: Response) -> Evidence:
    """From whom, to whom, where it lies now and what Defender thinks of it."""
    network_id, _, recipient = target.id.partition("/")
    found, people = await asyncio.gather(
        Sources(READ_SECONDS, context).read("mail", _delivered(context, network_id, recipient)),
        accounts_of(context, recipient),  # whose account it touches, which the policy may ask about
    )
    before = await last_time(context, target, response)
    facts = [Fact(key="mail-recipient", value=recipient), *_facts(found)]
    return Evidence(
        read_at=context.now,
        users=people,
        facts=tuple(facts),
        warnings=(*called_out(context, people or ()), *untold(recipient, people)),
        last_time=before[0],
        last_time_at=before[1],
    )


def _facts(found: AnalyzedEmail | None) -> list[Fact]:
    if found is None:
        return [Fact(key="mail-sender"), Fact(key="mail-location")]
    facts = [
        Fact(key="mail-sender", value=found.sender),
        Fact(key="mail-location", value=found.location),
        Fact(key="mail-threats", value=", ".join(found.threat_types)),
    ]
    return [*facts, Fact(key="mail-received", at=found.logged_date_time)] if found.logged_date_time else facts


AIM = Aim(
    kind=MAIL,
    hint="MESSAGE-ID",
    find=find,
    gather=gather,
    needs=(Graph.analyzed_email, *NEEDS),
    missing="error.no_message_id_named",
)
"""`MESSAGE-ID RECIPIENT`: the recipient is the first parameter of the response, for it is typed after the id."""
