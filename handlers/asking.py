"""Asking for a response from a button: as if its command were typed, with all that is checked then."""

from bot.command import Context, Reply
from bot.errors import NotAllowed, Stale
from handlers.proposing import Asked, check_reason


async def ask_for(context: Context, name: str, asked: Asked) -> Reply:
    """Have the response's command run. Raises Stale for one that is not there, NotAllowed, UsageError."""
    response = context.services.responses.get(name)
    command = next((one for one in context.features.commands if one.name == name), None)
    if response is None or command is None:
        raise Stale("error.unknown_button")
    context.require(response.asks, NotAllowed("error.role", role=response.asks.word, command=response.name))
    check_reason(response, asked.reason, command.usage)
    reply: Reply = await command.run(context, asked)
    return reply
