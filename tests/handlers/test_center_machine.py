"""Whatever happens in the portal, to the services and to the process: one card for each thing, and none that lies."""

import asyncio
from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.errors import Conflict, ServiceError, StoreDown
from bot.simulator.incidents import Alert
from bot.simulator.proposals import wait_again
from handlers import center_watch
from handlers.center_items import entities, entity_key
from tests.handlers.center_stage import START, CenterStage

SOURCES = ("alerts", "alert", "investigations", "investigation")


class ActionCenter(RuleBasedStateMachine):
    """Things wait, are decided, expire, come back; lists fail; rounds crash before and after their commit."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = CenterStage()
        self.alerts: list[Alert] = []
        self.shown_since: dict[str, datetime] = {}
        self.loop = asyncio.new_event_loop()
        self._do(self.stage.subscribe())
        self._do(self.stage.look())

    def _do(self, work):
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.loop.close()

    @rule(kind=st.sampled_from(["file", "process", "registry", "url"]))
    def begins(self, kind: str) -> None:
        self.alerts.append(self.stage.propose(kind))

    @precondition(lambda self: self.alerts)
    @rule(which=st.integers(0, 99))
    def begins_in_another_alert(self, which: int) -> None:
        """The very same thing, in an alert more."""
        old = self.alerts[which % len(self.alerts)]
        self.stage.clock.move(1)
        new = self.stage.propose("file")
        new.evidence = [{**item} for item in old.evidence]
        for item in new.evidence:
            waits = item["remediationStatus"] not in ("none", "active")
            item["remediationStatus"] = "pendingApproval" if waits else item["remediationStatus"]
        self.alerts.append(new)

    @precondition(lambda self: self.alerts)
    @rule(which=st.integers(0, 99), approve=st.booleans())
    def is_decided(self, *, which: int, approve: bool) -> None:
        alert = self.alerts[which % len(self.alerts)]
        if any(item["remediationStatus"] == "pendingApproval" for item in alert.evidence):
            self.stage.decide(alert, approve=approve)

    @precondition(lambda self: self.alerts)
    @rule(which=st.integers(0, 99))
    def comes_back(self, which: int) -> None:
        wait_again(self.stage.sim.first, self.alerts[which % len(self.alerts)], self.stage.clock.now())

    @precondition(lambda self: self.alerts)
    @rule(which=st.integers(0, 99))
    def is_resolved(self, which: int) -> None:
        """The alert leaves the list of open ones, whatever waits in it."""
        self.alerts[which % len(self.alerts)].status = "resolved"

    @precondition(lambda self: self.alerts)
    @rule(which=st.integers(0, 99))
    def is_hidden(self, which: int) -> None:
        """The services deny an alert, or list it again."""
        alert = self.alerts[which % len(self.alerts)].id
        self.stage.portal.hidden ^= {alert}
        self.shown_since[alert] = self.stage.clock.now()

    @rule(source=st.sampled_from(SOURCES))
    def fails(self, source: str) -> None:
        self.stage.portal.down[source] = ServiceError("graph", source, status=503)

    @rule()
    def works_again(self) -> None:
        self.stage.portal.down = {}

    @rule(seconds=st.sampled_from([20.0, 60.0, 200.0, 86_400.0, 600_000.0]))
    def looks(self, seconds: float) -> None:
        self._do(self.stage.look(seconds))

    @rule(late=st.booleans())
    def crashes(self, *, late: bool) -> None:
        """The round's process dies before its commit, or after it with nothing posted; another one takes over."""
        self._do(self._crash(late=late))

    async def _crash(self, *, late: bool) -> None:
        real = self.stage.store.commit

        async def commit(*args, **more):
            if late:
                await real(*args, **more)
            raise StoreDown("the process dies here")

        self.stage.store.commit = commit
        self.stage.clock.move(60)
        try:
            await center_watch.poll(self.stage.services, self.stage.tenant)
        except (StoreDown, Conflict):
            self.stage.queue.clear()
        finally:
            self.stage.store.commit = real
        await self.stage.sweep()
        await self.stage.work()

    @invariant()
    def each_thing_has_one_card(self) -> None:
        """No thing stands on two cards that both say that it waits, and no card says decided of what waits."""
        items = self._do(self.stage.items())
        waits = self._waiting()
        for item in items:
            cards = [post for post in item.posts if post.key == "card" and post.state in ("wanted", "live")]
            assert len(cards) <= 1
            if item.state != "waiting" and item.shape == "entity" and item.id in waits and item.ended:
                assert item.ended <= waits[item.id]
            for post in cards:
                message = next((one for one in self.stage.teams.messages if one.id == post.message), None)
                if message and post.shown == item.content:
                    assert ("No longer" in message.cards[-1] or "Not in the list" in message.cards[-1]) == (
                        item.state != "waiting"
                    )

    def _waiting(self):
        """What waits and is not denied, by the simulator's own truth: the bot's name for it, and since when."""
        found = {}
        for alert in self.stage.sim.first.alerts.values():
            graph = self.stage.portal.truth(alert)
            since = max(alert.waits_since or alert.created, self.shown_since.get(alert.id, START))
            keys = [entity_key(item, graph) for item in graph.evidence if item.waits_for_approval]
            found |= {key: since for key in keys if alert.id not in self.stage.portal.hidden}
        return found

    def after_all(self) -> None:
        """When all works again, two more looks bring every card up to what the portal holds."""
        self.stage.portal.down, self.stage.portal.hidden = {}, set()
        for seconds in (60.0, 200.0, 400.0):
            self._do(self.stage.sweep())
            self._do(self.stage.look(seconds))
        items = {item.id: item for item in self._do(self.stage.items())}
        listed = entities(self._do(self.stage.portal.alerts(top=1000)))
        for key in listed:
            item = items[key]
            assert item.state == "waiting"
            assert item.summarised or any(post.message for post in item.posts)
        waiting = {key for key, item in items.items() if item.state == "waiting" and item.shape == "entity"}
        assert waiting <= set(self._waiting())


class Checked(ActionCenter):
    """The same, with what must hold at the end."""

    def teardown(self) -> None:
        try:
            self.after_all()
        finally:
            super().teardown()


TestActionCenter = Checked.TestCase
TestActionCenter.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
