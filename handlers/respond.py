"""/respond DEVICE: all that can be done to a device, as forms; what takes a script or a path is named."""

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.devices import TO_FIND, find_device, first_word
from bot.errors import UsageError
from bot.roles import Role
from cards.respond import RespondView, respond_card
from handlers.device_offers import offers_for
from handlers.reading import Sources

READ_SECONDS = 10.0
MOST_ACTIONS = 1000
USAGE = "/respond DEVICE"


def _parse(words: str) -> str:
    name, rest = first_word(words)
    if not name:
        raise UsageError("error.no_device", usage=USAGE)
    return f"{name} {rest}".strip()


async def _run(context: Context, name: str) -> Reply:
    machine = await find_device(context, name, "respond")
    reading = context.defender.machine_actions(machine_id=machine.id, top=MOST_ACTIONS)
    actions = await Sources(READ_SECONDS, context).read("actions", reading)
    offers = await offers_for(context, machine, actions)
    view = RespondView(machine=machine.id, name=machine.name, offers=(*offers.first, *offers.rest), typed=offers.typed)
    return Reply(shown=respond_card(context.look, view))


COMMAND = Command(
    name="respond",
    usage=USAGE,
    examples=("/respond LAPTOP-042", "/respond it"),
    role=Role.OPERATOR,
    parse=_parse,
    run=_run,
    needs=(*TO_FIND, Defender.machine_actions),
)
