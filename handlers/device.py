"""/device NAME: one device, what runs on it and what may be done."""

import asyncio

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.devices import TO_FIND, find_device, first_word
from bot.errors import UsageError
from bot.isolation import network_of
from bot.responses import requests
from bot.roles import Role
from cards.device import DeviceView, Isolation, OpenRequest, device_card
from handlers.device_offers import offers_for
from handlers.network import shown
from handlers.reading import Sources

READ_SECONDS = 10.0
MOST_ACTIONS = 1000  # so many that an isolation does not hide behind months of daily scans


def _parse(words: str) -> str:
    name, rest = first_word(words)
    if not name:
        raise UsageError("error.no_device", usage="/device NAME")
    return f"{name} {rest}".strip()


async def _run(context: Context, name: str) -> Reply:
    machine = await find_device(context, name, "device")
    defender, sources = context.defender, Sources(READ_SECONDS, context)
    users, alerts, actions = await asyncio.gather(
        sources.read("users", defender.logon_users(machine.id)),
        sources.read("alerts", defender.machine_alerts(machine.id)),
        sources.read("actions", defender.machine_actions(machine_id=machine.id, top=MOST_ACTIONS)),
    )
    pending = await requests.still_open(context.services, context.customer, machine.id)
    isolation = Isolation(state="unknown") if actions is None else shown(network_of(actions))
    offers = await offers_for(context, machine, actions)
    view = DeviceView(
        machine=machine,
        isolation=isolation,
        users=None if users is None else tuple(users),
        alerts=None if alerts is None else tuple(alerts),
        actions=None if actions is None else tuple(actions),
        requests=tuple(OpenRequest(id=r.id, response=r.response, state=r.state.value) for r in pending),
        offers=offers.first,
        more=bool(offers.rest or offers.typed),
        unread=sources.unread,
        lacking=sources.lacking,
        tenant=context.customer,
    )
    return Reply(shown=device_card(context.look, view))


COMMAND = Command(
    name="device",
    usage="/device NAME",
    examples=("/device LAPTOP-042", "/device it"),
    role=Role.READER,
    parse=_parse,
    run=_run,
    aliases=("machine",),
    menu=True,
    needs=(*TO_FIND, Defender.logon_users, Defender.machine_alerts, Defender.machine_actions),
)
