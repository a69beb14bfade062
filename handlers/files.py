"""A person's answer to a file that was offered to them (`bot.files`): hand it over, or forget it."""

from bot import files
from bot.command import Button, Context, Reply
from bot.roles import Role
from bot.turn import Click
from cards.file import file_declined_card, file_handed_card
from handlers.outputs import fetch_output


async def _take(context: Context, click: Click) -> Reply:
    stored = await files.take(context, click, fetch_output)
    return Reply(shown=file_handed_card(context.look, stored.name))


async def _decline(context: Context, click: Click) -> Reply:
    return Reply(shown=file_declined_card(context.look, await files.decline(context, click)))


BUTTONS = (
    Button(verb="upload", role=Role.READER, run=_take, slow=True, once=True),
    Button(verb="decline-upload", role=Role.READER, run=_decline, once=True),
)
