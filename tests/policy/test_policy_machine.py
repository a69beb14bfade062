"""Requests under policies that change, with people who approve, object and withdraw at any time, and lost cards.

A state machine of hypothesis plays it. What must hold is written here without the policy's own code: nothing reaches
the service that neither enough people approved nor a time to object let pass.
"""

import asyncio
import os
from collections.abc import Awaitable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from bot.errors import PersonError, Unavailable
from bot.policy.load import parsed
from bot.policy.models import Policy
from bot.responses.models import Evidence, Request, State
from tests.responses.fake_teams import Mishap
from tests.responses.people import ADELE, ALEX, MEGAN, PATTI
from tests.responses.processes import Killed
from tests.responses.stage import Stage

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
PROFILE = settings(max_examples=1000 if SOAK else 40, stateful_step_count=60 if SOAK else 25, deadline=None)
NO_SERVERS = '[[rule]]\nname = "servers"\nwhen.tags = ["server"]\nthen.forbidden = "By hand."\n'
POLICIES = {
    "none": "",
    "veto": "[response.isolate]\nveto_minutes = 10\n",
    "veto two": "[response.isolate]\nveto_minutes = 20\napprovals = 2\n",
    "two": "[response.isolate]\napprovals = 2\ndecide_within_minutes = 30\n",
    "three": "[response.isolate]\napprovals = 3\n",
    "lab": '[[rule]]\nname = "lab"\nwhen.tags = ["lab"]\nthen.preapproved = true\nthen.i_accept_the_risk = true\n',
    "own": "[response.isolate]\nrequester_may = true\n",
    "no servers": NO_SERVERS,
    "veto, no servers": NO_SERVERS + "[response.isolate]\nveto_minutes = 10\n",
}
VETO = {"veto": 10, "veto two": 20, "veto, no servers": 10}
NEEDED = {"two": 2, "three": 3, "veto two": 2}
TAGS = st.sampled_from([("server",), ("lab",), ("desk",), None])
PEOPLE = st.sampled_from([ADELE, MEGAN, ALEX, PATTI])
MINUTES = st.sampled_from([0.2, 1, 4, 9, 10, 16, 31])


class Policies(RuleBasedStateMachine):
    """One device, four people, a worker that may die, and a policy that changes with each restart."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.made: dict[str, tuple[str, tuple[str, ...] | None, datetime]] = {}
        self.said_no: set[str] = set()
        self.sent_under: dict[str, str] = {}

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(name=st.sampled_from(sorted(POLICIES)))
    def begin(self, name):
        self.stage = Stage()
        self.restart(name)

    @rule(name=st.sampled_from(sorted(POLICIES)))
    def restart(self, name):
        self.name = name
        file = parsed(POLICIES[name], self.stage.responses)
        self.stage.policy = Policy(file=file, source=name, mark=name)

    @rule(who=PEOPLE, tags=TAGS, unheard=st.booleans())
    def ask(self, who, tags, unheard):
        evidence = Evidence(read_at=self.stage.clock.now(), tags=tags, users=("bob",))
        proposal = self.stage.proposal(who, evidence=evidence, unheard=unheard)
        with suppress(PersonError):
            request, new = self.run(self.stage.desk().propose(proposal))
            if new:
                self.made[request.id] = (self.name, tags, self.stage.clock.now())

    @rule(who=PEOPLE, what=st.sampled_from(["approve", "approve", "approve", "reject", "withdraw"]))
    def decide(self, who, what):
        for request in self.run(self.stage.requests())[-1:]:
            with suppress(PersonError):
                more = {"reject": ("no",)}.get(what, ())
                self.run(getattr(self.stage.desk(), what)(request.id, who, *more))
                if what != "approve":
                    self.said_no.add(request.id)

    @rule(minutes=MINUTES, looks=st.booleans())
    def time_passes(self, minutes, looks):
        """`looks`: the bot is there meanwhile; else it was away for so long."""
        for _ in range(10 if looks else 1):
            self.stage.clock.move(minutes * 60 / (10 if looks else 1))
            if looks:
                self.work()

    @rule(count=st.integers(1, 3))
    def teams_is_down(self, count):
        self.stage.teams.mishaps["post"].extend(Mishap(Unavailable("teams", "send", sent=False)) for _ in range(count))

    @rule(count=st.integers(1, 12))
    def worker_dies(self, count):
        process = self.stage.process()
        process.arm(count, "die after")
        self.work(process)

    @rule()
    def work(self, process=None):
        for request in self.run(self.stage.requests()):
            with suppress(Killed):
                self.run(self.stage.work(request.id, process))
        for action in self.stage.own():
            self.sent_under.setdefault(action.comment.split("/")[0].removeprefix("["), self.name)

    def requests(self) -> list[Request]:
        return self.run(self.stage.requests())

    @invariant()
    def nothing_runs_that_nobody_let(self):
        """Each action was approved by enough others, or could be rejected for long enough, or needed nobody."""
        for request in self.requests():
            if not self.stage.own(request.id):
                continue
            name, tags, _ = self.made[request.id]
            if name == "lab" and tags == ("lab",):
                continue
            people = {d.who.id for d in request.decisions if d.what == "approved"}
            if name != "own":
                assert request.requester.id not in people
            by_policy = [d for d in request.decisions if d.what == "approved by policy"]
            assert by_policy or len(people) >= NEEDED.get(name, 1), request

    @invariant()
    def what_runs_by_itself_left_its_time(self):
        """Nobody's silence counts before the time was over, nor where the policy gave none."""
        for request in self.requests():
            name, _, created = self.made[request.id]
            for decision in request.decisions:
                if decision.what == "approved by policy":
                    assert decision.at >= created + timedelta(minutes=VETO[name])
                    assert any(post.message for post in request.posts)

    @invariant()
    def a_no_is_a_no(self):
        """What was rejected, withdrawn or ran out was not sent, and never is."""
        for request in self.requests():
            never = request.state in (State.REJECTED, State.WITHDRAWN)
            if request.id in self.said_no or never or (request.state is State.EXPIRED and not request.attempts):
                assert not self.stage.own(request.id)

    @invariant()
    def nothing_is_sent_twice_or_against_a_ban(self):
        """One action for each request, and none on a server under a policy that leaves servers alone."""
        for request in self.requests():
            own = self.stage.own(request.id)
            assert len(own) <= 1
            if own and request.id in self.sent_under:
                banned = self.made[request.id][1] in (("server",), None) and "no servers" in self.sent_under[request.id]
                assert not banned

    def teardown(self) -> None:
        """In the end nothing is left open."""
        if hasattr(self, "stage"):
            self.stage.teams.mishaps["post"].clear()
            self.run(self.stage.until_quiet(timedelta(hours=30)))
            assert [request.state for request in self.requests() if not request.final] == []
            self.nothing_runs_that_nobody_let()
            self.a_no_is_a_no()
        self.loop.close()


def test_no_order_of_things_gets_past_the_policy():
    """Whatever people, clocks, crashes, lost cards and restarts with other policies do, in any order."""
    run_state_machine_as_test(
        Policies, settings=settings(PROFILE, suppress_health_check=list(HealthCheck), print_blob=True)
    )
