"""/unsubscribe [digest]: this conversation gets nothing any more by itself, or no digest; commands still work."""

from bot.audit import Entry
from bot.command import Command, Context, Reply
from bot.errors import UsageError
from bot.roles import Role
from bot.subscribers import find, save
from cards.subscription import digest_ended_card, unsubscribed_card

USAGE = "/unsubscribe [digest]"


def _parse(words: str) -> str:
    what = words.strip().casefold()
    if what not in ("", "digest"):
        raise UsageError("error.usage", usage=USAGE)
    return what


async def _run(context: Context, what: str) -> Reply:
    subscription = await find(context.services, context.customer, context.conversation.id)
    if subscription is not None and (subscription.digest or not what):
        left = subscription.model_copy(update={"digest": "", "digest_zone": ""})
        over = not what or left.empty
        entry = Entry(
            at=context.now,
            what="unsubscribed",
            who=f"{context.actor.tenant}/{context.actor.id}",
            subject=f"conversation:{context.conversation.id}",
            more={"digest": True} if what else {},
        )
        ended = left.model_copy(update={"ended": "unsubscribed"}) if over else left
        await save(context.services, ended, entry)
    return Reply(shown=digest_ended_card(context.look) if what else unsubscribed_card(context.look))


COMMAND = Command(
    name="unsubscribe",
    usage=USAGE,
    examples=("/unsubscribe", "/unsubscribe digest"),
    role=Role.ADMIN,
    parse=_parse,
    run=_run,
    slow=False,
)
