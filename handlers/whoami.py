"""/whoami: who the bot takes you for, and what you may do."""

from bot.command import Command, Context, Reply
from bot.roles import Role
from cards.whoami import WhoAmI, whoami_card


async def _run(context: Context, _words: str) -> Reply:
    who = WhoAmI(
        name=context.actor.name,
        role=context.role,
        object_id=context.actor.id,
        tenant=context.actor.tenant,
        customer=context.customer,
        conversation_kind=context.conversation.kind,
        unread=context.doubt is not None,
    )
    return Reply(shown=whoami_card(context.look, who))


COMMAND = Command(
    name="whoami",
    usage="/whoami",
    examples=("/whoami",),
    role=Role.NONE,
    parse=str,
    run=_run,
    menu=True,
    slow=False,
)
