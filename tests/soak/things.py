"""What something is done to: found among what the customers have, or made for it where it is used up by that."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from bot.simulator.actions import AlreadyRunningError, Order
from bot.simulator.server import Simulator
from bot.simulator.world import Customer, Device
from tests.soak.acts import Act, Given
from tests.soak.board import Board
from tests.soak.cards_read import Seen
from tests.soak.world import ADDRESSES, LISTS, REQUESTS, UPLOADS, VALUES, enroll, made_device, named, of

TIMES: Mapping[str, int] = {"leaving": 1, "enrolled": 2}
"""For how many wishes a device is there that is gone afterwards."""
READY = 0.6
"""How often something is chosen that is not yet so."""
WAITS = timedelta(hours=1)
OF_THE_BOT = 0.3
"""How often an action of the bot's own is to be cancelled, where one waits."""
QUEUED = ("RunAntiVirusScan", "CollectInvestigationPackage", "RestrictCodeExecution", "StopAndQuarantineFile")
TO_CANCEL = "to be cancelled"


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Its id at the service, how it may be typed, and by which name its request's card shows it."""

    id: str
    typed: tuple[str, ...]
    shown: str


class Things:
    """Everything by its kind (`Act.on`)."""

    def __init__(self, sim: Simulator, board: Board, dice: Random) -> None:
        self.sim, self.board, self.dice = sim, board, dice
        self._used: Counter[str] = Counter()

    def choose(self, tenant: str, act: Act, given: Given) -> Thing | None:
        """One that fits; more often than not one for which it is not so already. None: there is none now."""
        customer = self.sim.world.customers[tenant]
        found = _FINDERS[act.on](self, customer)
        if act.on in TIMES:
            found = [one for one in found if self._used[one.id] < TIMES[act.on]]
        holds = act.holds
        if holds and act.on not in {"list", "upload"} and self.dice.random() < READY:
            found = [one for one in found if not holds(customer, one.id, given)] or found
        if not found:
            return None
        chosen = self.dice.choice(found)
        self._used[chosen.id] += 1
        return chosen

    def devices(self, customer: Customer, kind: str = "pc") -> list[Thing]:
        """Devices that Defender knows: of the `pc`s, of those that are not onboarded, of those that leave."""
        named = [one for one in customer.devices.values() if f"-{kind}-" in one.name]
        return [_device(one) for one in named if not one.offboarded]

    def leaving(self, customer: Customer) -> list[Thing]:
        """A device that may be taken out of Defender; there is always another."""
        found = [one for one in self.devices(customer, "off") if not self._used[one.id]]
        if not found:
            found = [_device(self._new(customer, "off"))]
        return [Thing(id=one.id, typed=(one.shown,), shown=one.shown) for one in found]

    def enrolled(self, customer: Customer) -> list[Thing]:
        """The same of a device that may be taken out of Intune."""
        there = [one for one in customer.intune.devices.values() if "-out-" in one.name]
        there = [one for one in there if self._used[one.id] < TIMES["enrolled"]]
        if not there:
            known = (*customer.intune.devices.values(), *customer.intune.gone.values())
            there = [enroll(self.sim, customer, named(customer, "out", sum("-out-" in one.name for one in known)))]
        return [Thing(id=one.id, typed=(one.name,), shown=one.name) for one in there]

    def managed(self, customer: Customer) -> list[Thing]:
        """The pcs as Intune knows them."""
        listed = [one for one in customer.intune.devices.values() if "-pc-" in one.name]
        return [Thing(id=one.id, typed=(one.name, one.id), shown=one.name) for one in listed]

    def users(self, customer: Customer) -> list[Thing]:
        """Those who decide nothing here."""
        people = [one for one in customer.directory.people.values() if one.upn.startswith("user-")]
        return [Thing(id=one.id, typed=(one.upn,), shown=one.upn) for one in people]

    def lists_made(self, customer: Customer) -> list[Thing]:
        """Requests by which lists were blocked, by their cards."""
        done = self._done(customer, r"Block \d+ values")
        return [Thing(id=id_, typed=(id_,), shown=id_) for id_ in done]

    def fetched(self, customer: Customer) -> list[Thing]:
        """Files that were fetched, by the request's id; the service knows them by the action's."""
        done = self._done(customer, "Fetch ")
        return [
            Thing(id=f"{seen.facts.get('Defender action', '')}/invoice.exe", typed=(id_,), shown="invoice.exe")
            for id_, seen in done.items()
        ]

    def _done(self, customer: Customer, title: str) -> dict[str, Seen]:
        """Requests of a kind that are shown as done."""
        places = {REQUESTS[customer.id], *(player.chat for player in of(customer.id))}
        return self.board.look().told("succeeded", title, places)

    def letters(self, customer: Customer) -> list[Thing]:
        """Delivered messages."""
        return [
            Thing(id=key, typed=(key.replace("/", " "),), shown=one.subject)
            for key, one in customer.mailroom.letters.items()
            if one.subject.startswith("Soak")
        ]

    def messages(self, customer: Customer) -> list[Thing]:
        """Messages by the ids that Graph has for them."""
        people = [one for one in customer.directory.people.values() if one.upn.startswith("user-")]
        found = [(one, f"AAMkADU3MWUxOTU0LWNl{number}{one.upn[5:7]}") for one in people for number in range(3)]
        return [
            Thing(id=f"{one.id}/{message}", typed=(f"{one.upn} {message}",), shown=one.upn) for one, message in found
        ]

    def stored(self, customer: Customer) -> list[Thing]:
        """What was put into the library here."""
        return [Thing(id=name, typed=(name,), shown=name) for name in customer.library if name in UPLOADS]

    def queued(self, customer: Customer) -> list[Thing]:
        """A machine action that waits: one of the bot's own, or one that somebody began in the portal for this."""
        waiting = [one for one in customer.actions.values() if not one.final and one.comment.startswith("[WK-")]
        listed = [one for one in waiting if one.listed_from <= self.sim.clock.now()]
        if listed and self.dice.random() < OF_THE_BOT:
            chosen = self.dice.choice(listed)
            return [Thing(id=chosen.id, typed=(chosen.id,), shown=chosen.computer_name)]
        device = self.dice.choice([one for one in customer.devices.values() if "-queue-" in one.name])
        order = Order(type=self.dice.choice(QUEUED), scope="Quick", comment=TO_CANCEL, requestor="patti@example.com")
        try:
            action = self.sim.dispatcher.submit(customer, device, order)
        except AlreadyRunningError:
            action = self.sim.dispatcher.submit(customer, self._new(customer, "queue"), order)
        action.stuck_until = self.sim.clock.now() + WAITS
        return [Thing(id=action.id, typed=(action.id,), shown=action.computer_name)]

    def _new(self, customer: Customer, kind: str) -> Device:
        number = sum(f"-{kind}-" in one.name for one in customer.devices.values())
        return made_device(self.sim, customer, named(customer, kind, number))


def plain(*names: str) -> Callable[[Things, Customer], list[Thing]]:
    """What is called as it is typed."""
    return lambda _things, _customer: [Thing(id=name, typed=(name,), shown=name) for name in names]


def _listed(_things: Things, _customer: Customer) -> list[Thing]:
    """Lists of values; how the bot names them is its own business."""
    return [Thing(id="", typed=(" ".join(values),), shown=f"{len(values)} values") for values in LISTS]


_FINDERS: Mapping[str, Callable[[Things, Customer], list[Thing]]] = {
    "device": Things.devices,
    "stranger": lambda things, customer: things.devices(customer, "guest"),
    "leaving": Things.leaving,
    "queued": Things.queued,
    "enrolled": Things.enrolled,
    "managed": Things.managed,
    "user": Things.users,
    "value": plain(*VALUES),
    "list": _listed,
    "list made": Things.lists_made,
    "letter": Things.letters,
    "message": Things.messages,
    "address": plain(*ADDRESSES),
    "fetched": Things.fetched,
    "upload": plain(*UPLOADS),
    "stored": Things.stored,
}


def _device(one: Device) -> Thing:
    return Thing(id=one.id, typed=(one.id, one.name), shown=one.name)
