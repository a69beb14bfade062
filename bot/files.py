"""Hands a file to a person: offered in their personal chat, uploaded to their OneDrive when they agree.

Reference: teams-platform 7.4. The file waits in Redis for an hour at most, under an id that nobody can guess. The
answer that comes back is the client's word, so all that decides (whose it is, where it was offered, which role it
needs) is read from what was kept, and the role is asked anew. Bots can hand over files in personal chats only.

What must not be kept at all (what a device printed, or a file of it) is offered by its `source`, and fetched once more
when the person agrees.
"""

import asyncio
import base64
import re
import secrets
import zlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

import structlog
from pydantic import BaseModel, ConfigDict

from bot.audit import Entry
from bot.command import Context
from bot.errors import NotAllowed, ServiceError, Stale, UsageError
from bot.roles import Role
from bot.teams.client import FileOffer, StoredFile
from bot.turn import Click

log = structlog.get_logger()

KEPT_SECONDS = 3600.0
MOST_BYTES = 4 * 1024 * 1024
"""Who makes a file cuts it to this, and says so."""
LONGEST_NAME = 120
ID = re.compile(r"[0-9a-f]{32}")
State = Literal["offered", "uploaded", "declined"]


Fetch = Callable[[Context, str], Awaitable[bytes]]
"""Fetches the file of a `source` for the person of the turn, if they may have it."""


class Offered(BaseModel):
    """A file that waits for its person; `content` is empty where it has a `source`, and once it is over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    id: str
    name: str
    person: str
    conversation: str
    role: int
    size: int
    at: datetime
    state: State = "offered"
    content: str = ""
    source: str = ""


async def offer(context: Context, name: str, content: bytes, description: str, role: Role, source: str = "") -> str:
    """Ask the person of this turn whether they want the file; returns its id.

    `description` is a plain sentence; whoever takes the file must still hold `role` then. With a `source` the content
    is not kept, and fetched again. Raises UsageError outside of a personal chat, ValueError for an empty or too large
    file, ServiceError of Teams.
    """
    need_personal_chat(context)
    if not 0 < len(content) <= MOST_BYTES or len(name) > LONGEST_NAME:
        raise ValueError("a file that is empty, too large or has too long a name cannot be handed over")
    kept = Offered(
        id=secrets.token_hex(16),
        name=name,
        person=_who(context),
        conversation=context.conversation.id,
        role=role.value,
        size=len(content),
        at=context.now,
        content="" if source else await asyncio.to_thread(_packed, content),
        source=source,
    )
    await _keep(context, kept)
    card = FileOffer(id=kept.id, name=name, description=description, size=len(content))
    message = await context.services.teams.offer_file(context.conversation, card)
    await context.services.store.put_value(context.customer, _card(kept.id), {"message": message}, KEPT_SECONDS)
    return kept.id


def need_personal_chat(context: Context) -> None:
    """Raise UsageError where a file cannot be handed over."""
    if context.conversation.kind != "personal":
        raise UsageError("error.file_personal")


async def take(context: Context, click: Click, fetch: Fetch | None = None) -> StoredFile:
    """The person agreed: put the file where Teams said, show it, and forget it here.

    Raises Stale for what is not, or no longer, theirs to take; NotAllowed; ServiceError of SharePoint, and what `fetch`
    raises.
    """
    kept = await _theirs(context, click)
    context.require(Role(kept.role), NotAllowed("error.role_button", role=Role(kept.role).word))
    url = click.inputs.get("uploadUrl", "")
    await context.services.teams.upload_file(url, await _content(context, kept, fetch))
    await _note(context, kept, "file handed over")
    await _over(context, kept, "uploaded", click)
    stored = StoredFile(
        name=click.inputs.get("name", kept.name),
        content_url=click.inputs.get("contentUrl", ""),
        unique_id=click.inputs.get("uniqueId", ""),
        file_type=click.inputs.get("fileType", ""),
    )
    try:
        await context.services.teams.show_file(context.conversation, stored)
    except ServiceError as error:  # it is there all the same, and the answer says so
        log.warning("file_not_shown", file=kept.id, error=str(error))
    return stored


async def _content(context: Context, kept: Offered, fetch: Fetch | None) -> bytes:
    if not kept.source:
        return await asyncio.to_thread(_unpacked, kept.content)
    if fetch is None:
        raise Stale("error.file_gone")
    return await fetch(context, kept.source)


async def decline(context: Context, click: Click) -> str:
    """The person does not want it: forget it here. Returns the file's name. Raises Stale."""
    kept = await _theirs(context, click)
    await _note(context, kept, "file declined")
    await _over(context, kept, "declined", click)
    return kept.name


async def _theirs(context: Context, click: Click) -> Offered:
    """The file, if it was offered to this person in this conversation and still waits."""
    known = ID.fullmatch(click.id)
    value = await context.services.store.get_value(context.customer, f"file:{click.id}") if known else None
    kept = Offered.model_validate(value) if value else None
    if kept is None or (kept.person, kept.conversation) != (_who(context), context.conversation.id):
        raise Stale("error.file_gone")
    if kept.state != "offered":
        raise Stale("error.file_over")
    return kept


async def _over(context: Context, kept: Offered, state: State, click: Click) -> None:
    """Keep only that it is over, and take the card away that asked."""
    await _keep(context, kept.model_copy(update={"state": state, "content": ""}))
    card = await context.services.store.get_value(context.customer, _card(kept.id))
    message = str(card["message"]) if card else click.message
    if not message:
        return
    try:
        await context.services.teams.take_back(context.conversation, message)
    except ServiceError as error:  # a card that stays answers that it is over
        log.warning("file_card_not_deleted", file=kept.id, error=str(error))


async def _keep(context: Context, kept: Offered) -> None:
    left = KEPT_SECONDS - (context.services.clock.now() - kept.at).total_seconds()
    value = kept.model_dump(mode="json")
    await context.services.store.put_value(context.customer, f"file:{kept.id}", value, max(left, 1.0))


async def _note(context: Context, kept: Offered, what: str) -> None:
    entry = Entry(at=context.now, what=what, who=_who(context), subject=f"file:{kept.id}", more={"bytes": kept.size})
    await context.services.ledger.commit(context.customer, [], [entry])


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def _unpacked(content: str) -> bytes:
    return zlib.decompress(base64.b64decode(content))


def _who(context: Context) -> str:
    return f"{context.actor.tenant}/{context.actor.id}"


def _card(key: str) -> str:
    return f"file:{key}:card"
