"""/devices [high-risk|medium-risk|exposed|inactive|threats|isolated|all] [text]: the devices, in pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.command import Command, Context, Reply
from bot.defender.client import Defender
from bot.defender.models import Machine
from bot.errors import UsageError
from bot.graph.client import Graph
from bot.isolation import TYPES, by_device
from bot.roles import Role
from cards.device import isolation_line
from cards.devices import DeviceList, DeviceRow, devices_card
from cards.text import Safe, count, escape, say
from handlers.device_filters import FILTERS
from handlers.network import shown
from handlers.paging import page_of, split_page
from handlers.reading import noted

RISKS = {"high": 0, "medium": 1, "low": 2, "informational": 3, "none": 4}
DERIVED = ("threats", "isolated")
NAMES = ("high-risk", "medium-risk", "exposed", "inactive", "threats", "isolated", "all")
MOST_ACTIONS = 5000


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The filter ("" for none), the text that names must contain, and the page."""

    filter: str
    text: str
    page: int


def _parse(words: str) -> Asked:
    words, page = split_page(words)
    first, _, rest = words.partition(" ")
    name = first.casefold()
    if name.startswith("-") or (name.endswith("-risk") and name not in NAMES):
        raise UsageError("error.unknown_filter", said=first, known=", ".join(NAMES), usage=USAGE)
    if name in NAMES:
        return Asked(filter=name, text=rest.strip(), page=page)
    return Asked(filter="", text=words, page=page)


async def _run(context: Context, asked: Asked) -> Reply:
    machines = await noted(context, "devices", context.defender.machines())
    labels: Mapping[str, Safe] = {}
    note: Safe | None = None
    if asked.filter == "threats":
        labels, note = await _threats(context), say(context.look, "devices.note.threats")
    elif asked.filter == "isolated":
        labels, note = await _isolated(context), say(context.look, "devices.note.isolated")
    fits = FILTERS.get(asked.filter) or (lambda machine: asked.filter not in DERIVED or machine.id in labels)
    text = asked.text.casefold()
    found = sorted((m for m in machines if fits(m) and text in m.name.casefold()), key=_gravest_first)
    return Reply(shown=devices_card(context.look, _list(context, asked, found, labels, note)))


def _list(
    context: Context, asked: Asked, found: Sequence[Machine], labels: Mapping[str, Safe], note: Safe | None
) -> DeviceList:
    rows, page, pages = page_of(found, asked.page)
    return DeviceList(
        filter=asked.filter,
        text=asked.text,
        page=page,
        pages=pages,
        total=len(found),
        rows=tuple(DeviceRow(machine=machine, label=labels.get(machine.id)) for machine in rows),
        note=note,
        tenant=context.customer,
    )


def _gravest_first(machine: Machine) -> tuple[int, str]:
    return (RISKS.get(machine.risk, 5), machine.name.casefold())


async def _threats(context: Context) -> dict[str, Safe]:
    """Devices named by open alerts of Defender for Endpoint (graph-api 1.1)."""
    alerts = await noted(context, "alerts", context.graph.alerts(top=1000))
    counts: dict[str, int] = {}
    for alert in alerts:
        for machine in {e.mde_device_id for e in alert.evidence if e.is_device and e.mde_device_id}:
            counts[machine] = counts.get(machine, 0) + 1
    return {machine: escape(count(context.look, "devices.alerts", n)) for machine, n in counts.items()}


async def _isolated(context: Context) -> dict[str, Safe]:
    """Devices that are not known to be on the network: isolated, about to change, or unknown after a time-out."""
    actions = await noted(context, "machine-actions", context.defender.machine_actions(types=TYPES, top=MOST_ACTIONS))
    return {
        machine: isolation_line(context.look, shown(network))
        for machine, network in by_device(actions).items()
        if network.state != "not isolated"
    }


USAGE = "/devices [high-risk|medium-risk|exposed|inactive|threats|isolated|all] [TEXT]"

COMMAND = Command(
    name="devices",
    usage=USAGE,
    examples=("/devices high-risk", "/devices isolated", "/devices all laptop"),
    role=Role.READER,
    parse=_parse,
    run=_run,
    aliases=("machines",),
    menu=True,
    needs=(Defender.machines, Defender.machine_actions, Graph.alerts),
)
