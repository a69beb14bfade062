"""/unsubscribe: this conversation gets nothing any more by itself; commands still work."""

from bot.audit import Entry
from bot.command import Command, Context, Reply
from bot.roles import Role
from bot.subscribers import find, save
from cards.subscription import unsubscribed_card


async def _run(context: Context, _words: str) -> Reply:
    subscription = await find(context.services, context.customer, context.conversation.id)
    if subscription is not None:
        entry = Entry(
            at=context.now,
            what="unsubscribed",
            who=f"{context.actor.tenant}/{context.actor.id}",
            subject=f"conversation:{context.conversation.id}",
        )
        ended = subscription.model_copy(update={"ended": "unsubscribed"})
        await save(context.services, ended, entry)
    return Reply(shown=unsubscribed_card(context.look))


COMMAND = Command(
    name="unsubscribe",
    usage="/unsubscribe",
    examples=("/unsubscribe",),
    role=Role.ADMIN,
    parse=str,
    run=_run,
    slow=False,
)
