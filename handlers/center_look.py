"""One look at what waits in the Action center: what two services list, and how a thing that they do not list stands."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from bot.center import PENDING, UNLISTED, CenterItem
from bot.coverage import note_read
from bot.defender.client import Defender
from bot.defender.models import Investigation
from bot.errors import Missing, MissingPermission, NotInPlan, ServiceError
from bot.graph.client import Graph
from bot.graph.models import GraphAlert
from bot.services import Services
from bot.wire import folded
from handlers.center_items import Seen, entities, processes, with_investigations, word_in
from handlers.center_steps import GOES_ON, Standing

log = structlog.get_logger()
T = TypeVar("T")

MOST_ALERTS = 1000
"""So many open alerts are read, those that changed last; the service lets nobody skip further (graph-api 2.8)."""
MOST_ASKED = 30
NEEDS = (Graph.alerts, Graph.alert, Defender.investigations, Defender.investigation)
"""The calls of a look."""


@dataclass
class Looked:
    """What was read. None: could not be read, with the `troubles` by source (as `bot.sources` names them)."""

    alerts: Sequence[GraphAlert] | None
    investigations: Sequence[Investigation] | None
    troubles: dict[str, ServiceError] = field(default_factory=dict)

    @property
    def cut(self) -> bool:
        """Whether there are more open alerts than were read."""
        return self.alerts is not None and len(self.alerts) >= MOST_ALERTS

    @property
    def tells(self) -> bool:
        """Whether a conversation's first summary can be made of it: things were read, or cannot be for good."""
        return self.alerts is not None or isinstance(self.troubles.get("alerts"), MissingPermission | NotInPlan)

    def waiting(self) -> dict[str, Seen]:
        """All that is seen waiting, by key."""
        named = with_investigations(entities(self.alerts or ()), self.investigations)
        return {**named, **processes(self.alerts or (), self.investigations, named.values())}


async def look(services: Services, customer: str) -> Looked:
    """Read both lists; what came of it is written down for the coverage."""
    graph, defender = services.graph(customer), services.defender(customer)
    alerts, investigations = await asyncio.gather(
        _tried(graph.alerts(top=MOST_ALERTS)), _tried(defender.investigations(state="PendingApproval"))
    )
    looked = Looked(
        alerts=None if isinstance(alerts, ServiceError) else alerts,
        investigations=None if isinstance(investigations, ServiceError) else investigations,
    )
    for source, read in (("alerts", alerts), ("investigations", investigations)):
        error = read if isinstance(read, ServiceError) else None
        if error:
            looked.troubles[source] = error
        await note_read(services, customer, source, error)
    return looked


class Standings:
    """How things stand that are in no list; each alert and investigation is asked for once, and so many in all."""

    def __init__(self, services: Services, customer: str, looked: Looked) -> None:
        self._graph = services.graph(customer)
        self._defender = services.defender(customer)
        self._looked = looked
        self._listed = {alert.id: alert for alert in looked.alerts or ()}
        self._alerts: dict[str, GraphAlert | ServiceError] = {}
        self._investigations: dict[str, Investigation | ServiceError] = {}
        self._left = MOST_ASKED

    def words(self, item: CenterItem) -> dict[str, str]:
        """How a thing stands in those of its alerts that were listed."""
        listed = [alert.id for alert in item.alerts if alert.id in self._listed]
        words = {key: word_in(self._listed[key], item.id) for key in listed}
        return {key: word for key, word in words.items() if word}

    async def of(self, item: CenterItem) -> Standing:
        """How an item stands. Where its source could not be listed, nothing is asked: the rest would fail as well."""
        if item.shape == "investigation":
            return await self._of_investigation(item)
        if self._looked.alerts is None:
            return Standing(unread=True)
        words, unread = {}, False
        for alert in item.alerts:
            if alert.word not in {PENDING, *GOES_ON} and item.shape == "entity":
                words[alert.id] = alert.word
                continue
            word = await self._in_alert(alert.id, item)
            unread = unread or word is None
            words |= {alert.id: word} if word is not None else {}
        return Standing(words=words, unread=unread)

    async def _in_alert(self, alert_id: str, item: CenterItem) -> str | None:
        """The word of an alert; one that is listed without the thing is asked for by itself before that is believed."""
        if alert_id in self._listed and (word := _word(self._listed[alert_id], item)):
            return word
        alert = await self._alert(alert_id)
        if isinstance(alert, Missing):
            return UNLISTED
        return None if isinstance(alert, ServiceError) else _word(alert, item) or UNLISTED

    async def _alert(self, alert_id: str) -> GraphAlert | ServiceError:
        if alert_id not in self._alerts:
            self._alerts[alert_id] = await self._asked(self._graph.alert, alert_id)
        return self._alerts[alert_id]

    async def _of_investigation(self, item: CenterItem) -> Standing:
        if self._looked.investigations is None:
            return Standing(unread=True)
        number = item.investigation
        if number not in self._investigations:
            self._investigations[number] = await self._asked(self._defender.investigation, number)
        found = self._investigations[number]
        if isinstance(found, Missing):
            return Standing(words={"": UNLISTED})
        if isinstance(found, ServiceError):
            return Standing(unread=True)
        return Standing(words={"": folded(found.state)}, who=found.cancelled_by or "")

    async def _asked(self, call: Callable[[str], Awaitable[T]], key: str) -> T | ServiceError:
        if self._left <= 0:
            return ServiceError("graph", "later")
        self._left -= 1
        return await _tried(call(key))


def _word(alert: GraphAlert, item: CenterItem) -> str:
    return word_in(alert, item.id) if item.shape == "entity" else folded(alert.investigation_state)


async def _tried(reading: Awaitable[T]) -> T | ServiceError:
    try:
        return await reading
    except ServiceError as error:
        log.info("action_center_not_read", error=str(error))
        return error
