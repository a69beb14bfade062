"""What a person may ask for at a device: what fits it, is in the tenant's plan, and is not asked for already."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.capabilities import learning
from bot.capabilities.standing import offerable, standing_of
from bot.command import Context
from bot.defender.models import Machine, MachineAction
from bot.isolation import network_of
from bot.policy.rule import without_rules
from bot.responses import requests
from bot.responses.declared import Response
from bot.responses.models import DEVICE
from cards.device import Offer

ON_CARD = frozenset({"device", "file"})
"""The groups that stand on cards; those of live response take a script or a path, and are typed."""
FIRST = ("isolate", "release", "contain", "scan", "investigate")
"""What stands on the device's own card, where it fits."""
UNMANAGED = frozenset({"contain", "tag", "untag", "value"})
WINDOWS = frozenset({"restrict", "unrestrict", "quarantine", "offboard"})
OF_NETWORK = {
    "isolated": "isolate",
    "being isolated": "isolate",
    "not isolated": "release",
    "being released": "release",
}


@dataclass(frozen=True, kw_only=True)
class Offers:
    """`first` and `rest` are forms on cards, `typed` names of commands."""

    first: tuple[Offer, ...]
    rest: tuple[Offer, ...]
    typed: tuple[str, ...]


async def offers_for(context: Context, machine: Machine, actions: Sequence[MachineAction] | None) -> Offers:
    """All offers at a device; `actions` are its machine actions, None where they could not be read."""
    asked = {one.response for one in await requests.still_open(context.services, context.customer, machine.id)}
    learnt = await learning.known(context.services, context.customer)
    fit = [
        response
        for response in context.services.responses.values()
        if response.target == DEVICE
        and context.role >= response.asks
        and (response.each or response.name not in asked)
        and offerable(standing_of(learnt, response, context.now))
        and _fits(machine, response)
        and response.name not in _pointless(machine, actions)
    ]
    shown = [one for one in fit if one.group in ON_CARD]
    first = sorted((one for one in shown if one.name in FIRST), key=lambda one: FIRST.index(one.name))
    return Offers(
        first=tuple(_offer(context, one) for one in first),
        rest=tuple(_offer(context, one) for one in shown if one not in first),
        typed=tuple(one.name for one in fit if one not in shown),
    )


def _offer(context: Context, response: Response) -> Offer:
    """The form; what the policy says of the response, its rules aside, tells whether somebody must approve."""
    services = context.services
    ruling = without_rules(services.policy.file, response, four_eyes=services.four_eyes)
    return Offer(
        response=response.name,
        needs_reason=response.needs_reason,
        needs_approval=not ruling.at_once,
        choices=response.parameters,
        typed=response.typed,
    )


def _fits(machine: Machine, response: Response) -> bool:
    """Whether such a device takes it; where the service does not tell, it may."""
    unmanaged = bool(machine.onboarding_status) and not machine.is_onboarded
    if unmanaged:
        return response.name in UNMANAGED
    other = bool(machine.os_platform) and not (machine.os_platform or "").casefold().startswith("windows")
    return response.name != "contain" and not (other and response.name in WINDOWS)


def _pointless(machine: Machine, actions: Sequence[MachineAction] | None) -> set[str]:
    """Of each pair what would change nothing, as far as that is known."""
    pointless = set() if machine.machine_tags else {"untag"}
    if actions is None:
        return pointless
    pointless.add(OF_NETWORK.get(network_of(actions).state, ""))
    pointless.add("restrict" if _restricted(actions) else "unrestrict")
    return pointless


def _restricted(actions: Sequence[MachineAction]) -> bool:
    """Whether the last of its restrictions and liftings that succeeded or goes on was a restriction."""
    kinds = ("restrictcodeexecution", "unrestrictcodeexecution")
    counting = [one for one in actions if one.kind in kinds and (one.is_active or one.state == "succeeded")]
    last = max(counting, key=lambda one: (one.created is not None, one.created), default=None)
    return last is not None and last.kind == kinds[0]
