"""A machine action as the target of a response: found by its id, told apart by what it does and where."""

import re

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.models import MachineAction
from bot.errors import Missing, NotFound, Stale, UsageError
from bot.responses.declared import Response
from bot.responses.models import Evidence, Fact, Target
from cards.text import plain, plain_word
from handlers.aiming import Aim

ACTION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


async def _find(context: Context, word: str, _command: str, _rest: str) -> Target:
    action = await _read(context, word)
    if not action.is_active:
        raise Stale("error.action_is_over", status=action.status or "")
    return Target(id=action.id, name=_name(context, action), kind="action")


async def _read(context: Context, word: str) -> MachineAction:
    if not ACTION_ID.fullmatch(word):
        raise UsageError("error.no_action_id")
    try:
        return await context.defender.machine_action(word.lower())
    except Missing as error:
        raise NotFound("error.no_such_action", id=word) from error


def _name(context: Context, action: MachineAction) -> str:
    kind, device = plain_word(context.look, "action", action.type), action.computer_dns_name or action.machine_id or "?"
    return plain(context.look, "action.on", action=kind, device=device)


async def _gather(context: Context, target: Target, _response: Response) -> Evidence:
    action = await _read(context, target.id)
    facts = (
        Fact(key="action", value=plain_word(context.look, "action", action.type)),
        Fact(key="device", value=action.computer_dns_name or action.machine_id or ""),
        Fact(key="action-status", value=plain_word(context.look, "status", action.status)),
        Fact(key="started-by", value=action.requestor or ""),
        Fact(key="comment", value=(action.requestor_comment or "")[:200]),
        Fact(key="started", at=action.created),
    )
    return Evidence(read_at=context.now, facts=tuple(fact for fact in facts if fact.value or fact.at))


ACTION = Aim(
    kind="action",
    hint="ACTION-ID",
    find=_find,
    gather=_gather,
    needs=(Defender.machine_action,),
    missing="error.no_action_id",
)
