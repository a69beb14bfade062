"""Requests under everything that may happen to them, in any order: people, faults, crashes, other people's actions.

A state machine of hypothesis plays it. What must hold stands in `Lifecycle`'s invariants and in `whole_truth`.
`HYPOTHESIS_PROFILE=soak` plays longer.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bot.errors import PersonError, Rejected, Throttled, Unavailable
from bot.posts import Post
from bot.responses.models import Request, State
from bot.simulator import Fault
from bot.simulator.actions import Order
from handlers.responses import isolate
from tests.responses.fake_teams import Mishap
from tests.responses.people import ADELE, ALEX, MEGAN, PATTI, TENANT, place
from tests.responses.processes import Killed, Process
from tests.responses.stage import RESPONSES, TYPES, Stage

PROFILES = {
    "default": settings(max_examples=150, stateful_step_count=30),
    "soak": settings(max_examples=1000, stateful_step_count=60),
}
PROFILE = PROFILES.get(os.environ.get("HYPOTHESIS_PROFILE", ""), PROFILES["default"])
PEOPLE = st.sampled_from([ADELE, MEGAN, ALEX, PATTI])
DEVICES = st.sampled_from([0, 0, 0, 1])
COUNTS = st.integers(1, 30)
WORKERS = st.integers(0, 1)
PICK_ANY = 26
PICKS = st.integers(0, 30)
APPROVERS = st.sampled_from([MEGAN, ALEX])
OTHER_DECISIONS = st.sampled_from(["reject", "withdraw", "resend", "give_up", "approve"])
FATES = st.sampled_from(["Succeeded", "Succeeded", "Failed"])
REPEATS = st.sampled_from(["refuse", "existing", "duplicate"])
UNLISTED = st.sampled_from([0.0, 20.0, 120.0, 120.0, 180.0])
POSTS = {"isolate": "machines.isolate", "release": "machines.unisolate", "scan": "machines.runAntiVirusScan"}
SILENT = [
    Fault(kind="timeout", seconds=25),
    Fault(kind="reset"),
    Fault(kind="error", status=500),
    Fault(kind="html"),
]
REFUSED = [
    Fault(kind="throttled", retry_after=7),
    Fault(kind="throttled"),
    Fault(kind="expired"),
    Fault(kind="forbidden"),
    Fault(kind="plan"),
    Fault(kind="error", status=404),
    Fault(kind="error", status=400, code="InvalidInput"),
    Fault(kind="error", status=400, code="ActiveRequestAlreadyExists"),
]
FAULTS = [
    *(replace(fault, acted=True) for fault in SILENT * 3),
    *SILENT,
    *[Fault(kind="accept")] * 4,
    *REFUSED,
]
READING = [*SILENT, *REFUSED[:4], Fault(kind="slow", seconds=12), Fault(kind="slow", seconds=22)]
MISHAPS = [
    Mishap(Throttled("teams", "send", status=429, retry_after=3)),
    Mishap(Unavailable("teams", "send", sent=False)),
    Mishap(Unavailable("teams", "send", sent=True, status=502)),
    Mishap(Unavailable("teams", "send", sent=True, status=502), acted=True),
    Mishap(Rejected("teams", "send", status=400)),
]


class Lifecycle(RuleBasedStateMachine):
    """Two devices, four people, two workers, and a service that does what services do."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.held: list[tuple[Process, asyncio.Task]] = []
        self.touched: set[str] = set()

    def run(self, work: Awaitable[Any]) -> Any:
        """Do it in this play's own loop."""
        return self.loop.run_until_complete(work)

    @initialize(four_eyes=st.booleans(), approvals=st.sampled_from([1, 1, 2]))
    def begin(self, four_eyes, approvals):
        declared = RESPONSES | {"isolate": replace(isolate.RESPONSE, approvals=approvals)}
        self.stage = Stage(four_eyes=four_eyes, responses=declared)
        self.workers = [self.stage.process() for _ in range(2)]
        for who, response, device in ((ADELE, "isolate", 0), (PATTI, "release", 0), (PATTI, "isolate", 1)):
            request, _ = self.run(self.stage.desk().propose(self.stage.proposal(who, response, device)))
            if device == 0:
                self.run(self._act("approve", MEGAN, request.id))

    # What people do.

    @rule(who=PEOPLE, response=st.sampled_from(sorted(TYPES)), device=DEVICES, again=st.booleans())
    def propose(self, who, response, device, again):
        async def both():
            asked = [self.stage.desk().propose(self.stage.proposal(who, response, device)) for _ in range(1 + again)]
            made = await asyncio.gather(*asked)
            assert len({request.id for request, _ in made}) == 1

        self.run(both())

    @rule(who=PEOPLE, other=APPROVERS, pick=PICKS, how=st.sampled_from(["", "twice", "both"]))
    def approve(self, who, other, pick, how):
        self._decide("approve", who, other, self._key(pick, State.PROPOSED), how)

    @rule(what=OTHER_DECISIONS, who=APPROVERS, pick=PICKS, how=st.sampled_from(["", "twice", "both"]))
    def decide_otherwise(self, what, who, pick, how):
        who = ADELE if what == "withdraw" else who
        self._decide(what, who, ALEX, self._key(pick), how)

    @precondition(lambda self: self._key(0, State.UNKNOWN))
    @rule(
        what=st.sampled_from(["resend", "give_up"]), who=PEOPLE, pick=PICKS, how=st.sampled_from(["", "twice", "both"])
    )
    def decide_on_unknown(self, what, who, pick, how):
        self._decide(what, who, MEGAN, self._key(pick, State.UNKNOWN), how)

    def _decide(self, what: str, who, other, key: str, how: str) -> None:
        if key and how == "both":
            self.run(self._at_once(self._act(what, who, key), self._act(what, other, key)))
        elif key:
            for _ in range(1 + (how == "twice")):
                self.run(self._act(what, who, key))

    @rule(response=st.sampled_from(sorted(TYPES)), device=DEVICES, fault=st.sampled_from(FAULTS), unlisted=UNLISTED)
    def all_goes_its_way_but_the_sending(self, response, device, fault, unlisted):
        """Asked, approved and sent, and the service does what it does."""
        self.sending_meets_trouble(response, fault, unlisted)
        self.run(self.stage.work(self._approved(response, device), self.workers[0]))

    def _approved(self, response: str, device: int) -> str:
        request, _ = self.run(self.stage.desk().propose(self.stage.proposal(ADELE, response, device)))
        for who in (MEGAN, ALEX):
            self.run(self._act("approve", who, request.id))
        return request.id

    @rule(device=DEVICES, order=st.permutations(["isolate", "release"]), unlisted=UNLISTED, worker=WORKERS)
    def opposites(self, device, order, unlisted, worker):
        """One and its opposite are approved one after the other, and what is accepted is listed late."""
        for response in order:
            self.sending_meets_trouble(response, Fault(kind="accept"), unlisted)
            self._approved(response, device)
        self.work(worker)

    @rule(device=DEVICES, order=st.permutations(["isolate", "release"]), fault=st.sampled_from(SILENT), worker=WORKERS)
    def the_last_word(self, device, order, fault, worker):
        """One is lost, its opposite is approved, and then somebody presses "send again" on the one that was lost."""
        self.sending_meets_trouble(order[0], fault, 0.0)
        self._send_again_beside(self._approved(order[0], device), lambda: self._approved(order[1], device), worker)

    def _send_again_beside(self, key: str, approve: Callable[[], Any], worker: int) -> None:
        for _ in range(2):
            self.run(self.stage.work(key, self.workers[worker]))
            self.stage.clock.move(301)
        approve()
        self.run(self._act("resend", MEGAN, key))

    @rule(response=st.sampled_from(sorted(TYPES)), device=DEVICES, unlisted=UNLISTED, count=COUNTS, after=st.booleans())
    def sender_dies(self, response, device, unlisted, count, after):
        """The worker dies on its way through a sending that is accepted and listed late."""
        self.sending_meets_trouble(response, Fault(kind="accept"), unlisted)
        key = self._approved(response, device)
        self._work_and_die(key, 0, count, after=after)

    @rule(who=PEOPLE, pick=PICKS, count=st.integers(1, 6), after=st.booleans())
    def approve_and_die(self, who, pick, count, after):
        """The process that takes the click dies with it; the click is delivered again to another."""
        if key := self._key(pick):
            process = self.stage.process()
            process.arm(count, "die after" if after else "die before")
            for one in (process, None):
                with suppress(Killed):
                    self.run(self._act("approve", who, key, one))

    async def _act(self, what: str, who, key: str, process: Process | None = None) -> None:
        desk = self.stage.desk(process)
        more = {"reject": ["no"]}.get(what, [])
        with suppress(PersonError):
            await getattr(desk, what)(key, who, *more)

    @staticmethod
    async def _at_once(*acts) -> None:
        await asyncio.gather(*acts)

    @rule(pick=PICKS, known=st.booleans(), number=st.integers(1, 3))
    def click_elsewhere(self, pick, known, number):
        """A click comes from a message: one that stands, or one of which the record does not know."""
        key = self._key(pick)
        mine = [name for name, m in self.stage.teams.messages.items() if m.shown.summary == key]
        if key and mine and known:
            post = Post(key="card", place=place(), message=mine[number % len(mine)], state="live", shown=1)
            self.run(self.stage.desk().adopt(key, post))
        elif key:
            self.run(self.stage.desk().show_here(key, Post(key="card", place=place())))

    # What processes do.

    @rule(worker=WORKERS)
    def work(self, worker):
        """One worker does all that is due."""
        for due in self.run(self.stage.store.due(TENANT, self.stage.clock.now() + timedelta(milliseconds=1))):
            self.run(self.stage.work(due.id, self.workers[worker]))

    @rule(worker=WORKERS, rounds=st.integers(1, 6))
    def time_passes_and_work_is_done(self, worker, rounds):
        for _ in range(rounds):
            self.stage.clock.move(16)
            self.work(worker)

    @rule(pick=PICKS)
    def work_together(self, pick):
        """Two workers, and a second job in one of them, are at the same request."""
        if key := self._key(pick):
            processes = [*self.workers, self.workers[0]]
            self.run(self._at_once(*(self.stage.work(key, process) for process in processes)))

    @rule(pick=PICKS, worker=WORKERS, count=COUNTS, after=st.booleans())
    def work_and_die(self, pick, worker, count, after):
        """A worker dies at any await, before or after the effect; another one takes its place."""
        if key := self._key(pick):
            self._work_and_die(key, worker, count, after=after)

    def _work_and_die(self, key: str, worker: int, count: int, *, after: bool) -> None:
        process = self.workers[worker]
        process.arm(count, "die after" if after else "die before")
        with suppress(Killed):
            self.run(self.stage.work(key, process))
        self.workers[worker] = self.stage.process()

    @precondition(lambda self: len(self.held) < 2)
    @rule(pick=PICKS, count=COUNTS, after=st.booleans())
    def work_and_stop(self, pick, count, after):
        """A worker is stopped at any await (SIGSTOP, a frozen machine) and goes on later, knowing nothing of it."""
        if key := self._key(pick):
            process = self.stage.process()
            process.arm(count, "hold after" if after else "hold before")
            self.run(self._start(key, process))

    async def _start(self, key: str, process: Process) -> None:
        task = asyncio.ensure_future(self.stage.work(key, process))
        for _ in range(300):
            await asyncio.sleep(0)
        process.disarm()
        self.held.append((process, task))

    @precondition(lambda self: self.held)
    @rule(kill=st.booleans())
    def go_on(self, kill):
        process, task = self.held.pop(0)
        process.dead = kill
        self.run(self._end(process, task))

    @staticmethod
    async def _end(process: Process, task: asyncio.Task) -> None:
        process.let_go()
        with suppress(Killed):
            await task

    @rule(seconds=st.sampled_from([1, 4, 15, 16, 21, 31, 61, 120, 301, 600, 3601]))
    def time_passes(self, seconds):
        self.stage.clock.move(seconds)

    # What the service, the devices and other people do.

    @rule(response=st.sampled_from(sorted(POSTS)), fault=st.sampled_from(FAULTS), unlisted=UNLISTED)
    def sending_meets_trouble(self, response, fault, unlisted):
        """It is refused, or lost, or accepted and only its answer lost; an accepted action may be listed late."""
        fault = replace(fault, unlisted=unlisted) if fault.acted or fault.kind == "accept" else fault
        self.stage.sim.faults.add(f"defender.{POSTS[response]}", fault)

    @rule(name=st.sampled_from(["list", "get", "cancel"]), fault=st.sampled_from(READING))
    def reading_fails(self, name, fault):
        self.stage.sim.faults.add(f"defender.machineactions.{name}", fault)

    @rule(call=st.sampled_from(["post", "edit"]), mishap=st.sampled_from(MISHAPS))
    def teams_fails(self, call, mishap):
        self.stage.teams.mishaps[call].append(mishap)

    @rule(device=DEVICES, type_=st.sampled_from(["Isolate", "Unisolate"]), scope=st.sampled_from(["Full", "Selective"]))
    def portal(self, device, type_, scope):
        """Somebody uses the portal, which shows in no record of ours."""
        target = self.stage.devices[device]
        self.touched.add(target.id)
        order = Order(type=type_, scope=scope if type_ == "Isolate" else None, comment="portal", requestor="admin")
        with suppress(Exception):
            self.stage.sim.dispatcher.submit(self.stage.sim.first, target, order)

    @rule(device=DEVICES, online=st.booleans(), response=st.sampled_from(sorted(TYPES)), fate=FATES, repeat=REPEATS)
    def service_and_devices_change(self, device, online, response, fate, repeat):
        target = self.stage.devices[device]
        self.stage.sim.dispatcher.advance(self.stage.sim.first)
        self.stage.sim.first.set_online(target, self.stage.clock.now(), online=online)
        self.stage.sim.dispatcher.fates[target.id, TYPES[response]] = fate
        self.stage.sim.dispatcher.repeat = repeat

    def _key(self, pick: int, state: State | None = None) -> str:
        """One of the requests: in that state, or else one that is not over, or any."""
        found = self.run(self.stage.requests())
        wanted = [r for r in found if (r.state is state if state else not r.final)]
        found = found if pick > PICK_ANY and not state else (wanted or ([] if state is State.UNKNOWN else found))
        return found[pick % len(found)].id if found else ""

    # What must hold at any time.

    @invariant()
    def each_request_holds(self):
        found = self.run(self.stage.requests())
        for request in found:
            assert_approved(request, len(self.stage.own(request.id)))
            woken = request.step_due()
            assert woken == request.remind_at if request.final else woken, "what is not over is woken, a reminder, too"
        end = self.stage.clock.now() + timedelta(days=400)
        woken = {due.id for due in self.run(self.stage.store.due(TENANT, end))}
        assert woken >= {request.id for request in found if not request.final}
        self._trail_holds(found)

    @invariant()
    def one_accepted_action_for_each_attempt(self):
        """By the mark in the service's own ledger, which forgets nothing."""
        entries = self.stage.sim.world.ledger.created(comment="[WK-")
        marks = Counter(entry.comment.partition(" ")[0] for entry in entries)
        assert not [mark for mark, count in marks.items() if count > 1]

    @invariant()
    def one_active_action_of_a_family_on_a_device(self):
        self.stage.sim.dispatcher.advance(self.stage.sim.first)
        active = Counter((a.machine_id, a.family) for a in self.stage.own() if not a.final)
        assert not [where for where, count in active.items() if count > 1]

    @invariant()
    def nothing_is_sent_beside_another(self):
        """Where an action of the family is active on the device, whosever it is, no call is made."""
        assert not self.stage.defender.blind

    def _trail_holds(self, found: list[Request]) -> None:
        rows = self.run(self.stage.store.audit(TENANT))
        assert self.stage.ledger.first_broken(rows) == ""
        done = Counter((e["subject"], e["what"], e["who"]) for e in (json.loads(text) for _, text, _ in rows))
        people = Counter(
            {act: count for act, count in done.items() if act[2] != "watchkeeper" and act[1] != "proposed"}
        )
        decided: Counter = Counter()
        for request in found:
            decided.update((f"request:{request.id}", d.what, f"{d.who.tenant}/{d.who.id}") for d in request.decisions)
        assert people == decided, f"each decision stands in the trail, once: {people - decided}, {decided - people}"

    # What must be true when everything has come to rest.

    def teardown(self):
        if hasattr(self, "stage"):
            self._come_to_rest()
            self.whole_truth()
        self.loop.close()

    def _come_to_rest(self) -> None:
        self.stage.sim.faults.clear()
        for queue in self.stage.teams.mishaps.values():
            queue.clear()
        for process, task in self.held:
            self.run(self._end(process, task))
        for device in self.stage.devices:
            if not device.online:
                self.stage.sim.first.set_online(device, self.stage.clock.now(), online=True)
        self.run(self.stage.until_quiet())
        self.stage.sim.dispatcher.advance(self.stage.sim.first)

    def whole_truth(self) -> None:
        found = self.run(self.stage.requests())
        for request in found:
            assert request.final or request.state is State.UNKNOWN, "a request was left behind"
            self._says_what_is_true(request)
            self._is_shown(request)
        for device in self.stage.devices:
            self._ended_in_order(device, {request.id: request for request in found})

    def _says_what_is_true(self, request: Request) -> None:
        actions = {action.id: action for action in self.stage.own(request.id)}
        ends = {
            State.SUCCEEDED: "Succeeded",
            State.FAILED: "Failed",
            State.TIMED_OUT: "TimeOut",
            State.CANCELLED: "Cancelled",
        }
        followed = request.attempt.action if request.attempt else ""
        if followed:
            action = self.stage.sim.first.actions[followed]
            assert action.status == ends[request.state]
            assert action.type == TYPES[request.response]
            assert action.machine_id == request.target.id
            assert request.attempt.adopted == (followed not in actions)
            assert set(actions) <= {followed}, "an action of ours that its card does not follow"
        elif request.state is not State.GIVEN_UP:
            assert not actions, f"the card says {request.state}, the service has {actions}"

    def _is_shown(self, request: Request) -> None:
        messages = self.stage.teams.messages
        for post in request.posts:
            assert post.state in ("live", "pointer", "unsure", "gone")
            shown = messages[post.message].shown.card if post.message else {}
            if post.state == "live":
                assert (shown["content"], shown["state"]) == (request.content, request.state.value)
            if post.state == "pointer":
                assert shown == {"pointer": True}
        known = {post.message for post in request.posts}
        stray = {name for name, m in messages.items() if m.shown.summary == request.id} - known
        upsets = sum(process.upset for process in self.stage.processes)
        assert len(stray) <= upsets + self.stage.teams.lost, "a second card that nothing explains"

    def _ended_in_order(self, device, found: dict[str, Request]) -> None:
        entries = self.stage.sim.world.ledger.created(machine_id=device.id, comment="[WK-")
        sent = [e for e in entries if e.type in ("Isolate", "Unisolate")]
        order = [pressed(found[e.comment[1:].partition("/")[0]], e.at) for e in sent]
        assert order == sorted(order), "sent in another order than people said"
        done = [e for e in sent if self.stage.sim.first.actions[e.action_id].status == "Succeeded"]
        if device.id not in self.touched:
            assert device.isolated == (bool(done) and done[-1].type == "Isolate")


def pressed(request: Request, at: datetime) -> datetime:
    """When it was last said, before that moment, that it be sent: by an approval, "send again", or the asking."""
    says = {"approved", "approved by policy", "sent again"}
    return max((d.at for d in request.decisions if d.what in says and d.at <= at), default=request.created)


def assert_approved(request: Request, accepted: int) -> None:
    """Nothing reaches the service without the approvals it needs, and none of them is the requester's."""
    approvers = {(d.who.tenant, d.who.id) for d in request.approvals}
    assert len(approvers) == len(request.approvals)
    assert not request.four_eyes or not any(d.who.same(request.requester) for d in request.approvals)
    assert len(approvers) >= request.approvals_needed or not (accepted or request.attempts)
    assert accepted <= 1, "one action for each request: a second attempt finds what became of the first"


def test_nothing_that_happens_breaks_the_promises():
    """At most once, in the order of approval, never lost, and each card says at the end what is true."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(Lifecycle, settings=settings(PROFILE, deadline=None, suppress_health_check=quiet))
