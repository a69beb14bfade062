"""The soak's judge of the Action center's cards, on a small world with one item that waits."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

import pytest

import bot.simulator.proposals as portal
from bot.simulator.cases import Scene
from bot.simulator.connector import Message
from bot.simulator.incidents import Alert
from tests.soak.center_played import Proposals
from tests.soak.small_world import TENANT, World, activity
from tests.soak.trouble import Tally
from tests.soak.world import INCIDENTS, REQUESTS

WAITS = "**Waits for approval** in Microsoft's Action center. It is decided there: no public API can decide."
NOBODY = "Defender does not say who decided."


class Waiting(World):
    """A file that waits on a device, with its card."""

    def __init__(self) -> None:
        super().__init__()
        self.alert = self.propose()
        self.center_card = self.show(self.shown(), REQUESTS[TENANT])

    def propose(self, kind: str = "file") -> Alert:
        scene = Scene(self.customer, self.device, "user", self.clock.now(), self.sim.world.random)
        alert = portal.propose(scene, portal.Plan(), kind)
        self.tell(alert)
        self.center.look(self.clock.now())
        return alert

    def tell(self, alert: Alert) -> None:
        """Its incident has a card, so that nothing else is found."""
        incident = self.customer.incidents[alert.incident_id]
        shown = activity(
            "T", f"**{incident.severity.title()} severity**, active", {"Incident": incident.id, "Alerts": "1"}
        )
        self.show(shown, INCIDENTS[TENANT])

    def shown(self, stand: str = WAITS, more: str = "", alert: Alert | None = None) -> dict:  # type: ignore[type-arg]
        file = next(one for one in (alert or self.alert).evidence if "fileDetails" in one)["fileDetails"]
        facts = {"Device": self.device.name, "Alert": "T, High", "SHA-256": file["sha256"]}
        return activity(f"File {file['fileName']}", stand, facts, more)  # type: ignore[no-any-return]

    def decide(self, *, approve: bool = True) -> None:
        portal.decide(self.customer, self.alert, self.clock.now(), approve=approve)
        self.pass_by(60)

    def looked_at(self, times: int) -> None:
        """The bot reads alerts so often, every two minutes."""
        for _ in range(times):
            self.evidence.looks.append((TENANT, self.clock.now()))
            self.pass_by(120)

    def pass_by(self, seconds: float) -> None:
        self.clock.move(seconds)
        self.sim.tick(self.customer)
        self.center.look(self.clock.now())


def untold(world: Waiting) -> None:
    world.propose()
    world.looked_at(6)


def said_twice(world: Waiting) -> None:
    world.show(world.shown(), REQUESTS[TENANT])


def still_waits(world: Waiting) -> None:
    world.decide()


def other_outcome(world: Waiting) -> None:
    world.decide(approve=False)
    world.edit(world.center_card, world.shown("**No longer waits.** Defender says: remediated.", NOBODY))


def decided_already(world: Waiting) -> None:
    world.edit(world.center_card, world.shown("**No longer waits.** Defender says: remediated.", NOBODY))


def by_somebody(world: Waiting) -> None:
    world.decide()
    said = f"{NOBODY} It was approved by Anna Approver."
    world.edit(world.center_card, world.shown("**No longer waits.** Defender says: remediated.", said))


def nobody_left_out(world: Waiting) -> None:
    world.decide()
    world.edit(world.center_card, world.shown("**No longer waits.** Defender says: remediated."))


def each_of_a_burst(world: Waiting) -> None:
    alerts = [world.propose() for _ in range(11)]
    world.center.bursts.append({alert.id for alert in alerts})
    for alert in alerts:
        world.show(world.shown(alert=alert), REQUESTS[TENANT])


def told_anew_in_the_same_alert(world: Waiting) -> None:
    """What waits again where it waited before keeps its card."""
    world.decide()
    portal.wait_again(world.customer, world.alert, world.clock.now())
    world.center.look(world.clock.now())
    world.show(world.shown(), REQUESTS[TENANT])


CENTER_BREACHES: list[tuple[str, Callable[[Waiting], object]]] = [
    ("Action center items lost", untold),
    ("Action center cards wrong", said_twice),
    ("Action center cards wrong", told_anew_in_the_same_alert),
    ("Action center cards wrong", still_waits),
    ("Action center cards wrong", other_outcome),
    ("Action center cards wrong", decided_already),
    ("Action center cards wrong", by_somebody),
    ("Action center cards wrong", nobody_left_out),
    ("Action center cards wrong", each_of_a_burst),
]


@pytest.mark.parametrize(("rule", "breach"), CENTER_BREACHES, ids=[breach.__name__ for _, breach in CENTER_BREACHES])
def test_a_breach_about_the_action_center_is_found(rule: str, breach: Callable[[Waiting], object]):
    """Each thing that must not be is found under its name, and under no other."""
    world = Waiting()
    breach(world)
    assert set(world.findings()) == {rule}


def all_is_told(world: Waiting) -> Message:
    return world.center_card


def decided_and_told(world: Waiting) -> None:
    world.decide()
    world.edit(world.center_card, world.shown("**No longer waits.** Defender says: remediated.", NOBODY))


def many_in_one_card(world: Waiting) -> None:
    alerts = [world.propose() for _ in range(14)]
    world.center.bursts.append({alert.id for alert in alerts})
    world.show(activity("Many began to wait in the Action center", "14 wait for approval", {}), REQUESTS[TENANT])
    world.looked_at(10)


def over_too_soon(world: Waiting) -> None:
    """Nobody looked often enough while it waited: some looks may have failed."""
    alert = world.propose()
    world.looked_at(5)
    portal.decide(world.customer, alert, world.clock.now(), approve=True)
    world.pass_by(60)


def new_in_another_alert(world: Waiting) -> None:
    """The same thing waits again, in another alert: a card of its own."""
    decided_and_told(world)
    world.clock.move(timedelta(hours=1).total_seconds())
    again = world.propose()
    files = [next(one for one in alert.evidence if "fileDetails" in one) for alert in (world.alert, again)]
    stale = next(key for key, item in world.center.items.items() if again.id in item.alerts)
    del world.center.items[stale]
    files[1]["fileDetails"] = files[0]["fileDetails"]
    world.center.look(world.clock.now())
    world.show(world.shown(), REQUESTS[TENANT])


@pytest.mark.parametrize(
    "well",
    [all_is_told, decided_and_told, many_in_one_card, over_too_soon, new_in_another_alert],
    ids=lambda well: well.__name__,
)
def test_what_is_told_well_is_no_breach(well: Callable[[Waiting], object]):
    """One card for each item, or one for many, which says what the service says."""
    world = Waiting()
    well(world)
    assert world.findings() == {}


def test_an_investigation_that_a_request_follows_is_decided_in_the_end():
    """What it waits for is approved in the portal, so that the request can end; nobody else's is."""
    world = Waiting()
    other = world.propose("process")
    attempts = [{"number": 1, "action": world.alert.investigation_id}]
    played = Proposals(world.sim, world.center, Random(1), Tally())  # noqa: S311 - nothing is left to chance here
    played.decide_for([(TENANT, {"response": "investigate", "state": "sent", "attempts": attempts})])
    world.pass_by(60)
    states = [world.customer.investigations[alert.investigation_id or ""].state for alert in (world.alert, other)]
    assert states == ["SuccessfullyRemediated", "PendingApproval"]
