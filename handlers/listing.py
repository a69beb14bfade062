"""/list [NAME [add|remove DEVICE,.. | delete]]: saved lists of devices, to ask for a response on all of them."""

from dataclasses import dataclass

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.devices import first_word
from bot.errors import NotAllowed, NotFound, UsageError
from bot.roles import Role
from cards.device_lists import list_card, lists_card
from handlers import device_lists
from handlers.bulk import one_named

USAGE = "/list [NAME [add DEVICE,.. | remove DEVICE,.. | delete]]"
LONGEST_NAME = 40
ACTS = ("", "add", "remove", "delete")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The list's name, what is to be done with it, and the devices as they were named."""

    name: str
    act: str
    devices: tuple[str, ...]


def _parse(words: str) -> Asked:
    name, rest = first_word(words)
    act, _, named = rest.partition(" ")
    devices = tuple(one.strip() for one in named.split(",") if one.strip())
    wrong = act.casefold() not in ACTS or bool(devices) != (act.casefold() in ("add", "remove"))
    if wrong or len(name) > LONGEST_NAME or not all(c.isalnum() or c in "-_." for c in name):
        raise UsageError("error.usage", usage=USAGE)
    return Asked(name=name, act=act.casefold(), devices=devices)


async def _run(context: Context, asked: Asked) -> Reply:
    if not asked.name:
        return Reply(shown=lists_card(context.look, await device_lists.every(context)))
    if asked.act:
        context.require(Role.OPERATOR, NotAllowed("error.role", role=Role.OPERATOR.word, command="list"))
        await _change(context, asked)
    if asked.act == "delete":
        return Reply(shown=lists_card(context.look, await device_lists.every(context)))
    try:
        devices = await device_lists.devices(context, asked.name)
    except NotFound:
        if not asked.act:
            raise
        devices = {}  # the last device was taken out, and the list with it
    return Reply(shown=list_card(context.look, asked.name, sorted(devices.values())))


async def _change(context: Context, asked: Asked) -> None:
    if asked.act == "add":
        machines = await context.defender.machines()
        found = [one_named(machines, name) for name in asked.devices]
        await device_lists.change(context, asked.name, add={one.id: one.name for one in found})
        return
    kept = await device_lists.devices(context, asked.name)
    wanted = {one.casefold() for one in asked.devices}
    gone = [key for key, name in kept.items() if asked.act == "delete" or {key, name.casefold()} & wanted]
    if not gone:
        raise NotFound("error.no_such_device", name=", ".join(asked.devices))
    await device_lists.change(context, asked.name, remove=gone)


COMMAND = Command(
    name="list",
    usage=USAGE,
    examples=("/list", "/list kiosks add KIOSK-01,KIOSK-02", "/list kiosks remove KIOSK-02"),
    role=Role.READER,
    parse=_parse,
    run=_run,
    aliases=("lists",),
    needs=(Defender.machines,),
)
