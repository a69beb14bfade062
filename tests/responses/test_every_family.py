"""Every family of the registry under everything that may happen to it, by the bot's real clients.

The people, processes and crashes of `Lifecycle` are played here with one family of responses at a time, its inverse
pairs in any order and overlap, on two targets, by the side of one other response; what is true at the services is read
from the simulated company itself. `HYPOTHESIS_PROFILE=soak` plays longer.
"""

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import stamina
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from bot.policy.models import Effects, Policy, PolicyFile
from bot.responses.models import Member, Request, State, Target
from bot.responses.requests import flight_key
from bot.simulator import Fault
from bot.simulator.actions import AlreadyRunningError, Order
from handlers.responses import RESPONSES
from tests.responses.people import ADELE, ALEX, MEGAN
from tests.responses.subjects import EFFECTS, NOTHING_LASTS, asked_for, furnish
from tests.responses.test_request_lifecycle import (
    COUNTS,
    FATES,
    PEOPLE,
    REPEATS,
    UNLISTED,
    WORKERS,
    Lifecycle,
    pressed,
)
from tests.responses.town import Town

PROFILES = {
    "default": settings(max_examples=40, stateful_step_count=20),
    "soak": settings(max_examples=1500, stateful_step_count=40),
}
PROFILE = PROFILES.get(os.environ.get("HYPOTHESIS_PROFILE", ""), PROFILES["default"])
BY_NAME = {response.name: response for response in RESPONSES}
PLAYED = sorted(set(BY_NAME) - {"submit-file"})
"""All but the one that needs what another has fetched."""
SILENT = [
    Fault(kind="timeout", seconds=25),
    Fault(kind="reset"),
    Fault(kind="error", status=500),
    Fault(kind="html"),
]
LOST = [*(replace(fault, acted=True) for fault in SILENT * 2), *SILENT, *[Fault(kind="accept")] * 4]
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
READING = [*SILENT, *REFUSED[:5], Fault(kind="slow", seconds=12), Fault(kind="slow", seconds=22), Fault(kind="garbage")]
POLICIES = [None, None, Effects(approvals=2), Effects(veto_minutes=20), Effects(approvals=0, i_accept_the_risk=True)]
"""What the company's policy says of the family's response: nothing, two people, or it runs unless somebody objects."""
WHICH = st.sampled_from([0, 0, 0, 1])
NAMES = st.integers(0, 40)
FINISHED = {
    State.SUCCEEDED: "Succeeded",
    State.FAILED: "Failed",
    State.TIMED_OUT: "TimeOut",
    State.CANCELLED: "Cancelled",
}
ANY_END = frozenset({"live", "investigation"})
"""Groups whose request can fail although its machine action succeeded: by what the script says."""


def family_of(name: str) -> list[str]:
    """A response, what undoes it, and the others of which one at a time is under way."""
    mine = BY_NAME[name]
    return [name, *sorted(o.name for o in RESPONSES if o.family == mine.family and o.name in PLAYED and o.name != name)]


class Families(Lifecycle):
    """Two targets of a kind, one family and one response beside it, four people, two workers, all services."""

    @initialize(
        four_eyes=st.sampled_from([True, True, False]),
        name=st.sampled_from(PLAYED),
        beside=st.sampled_from(PLAYED),
        ruled=st.sampled_from(POLICIES),
        who=PEOPLE,
    )
    def begin(self, four_eyes, name, beside, ruled, who):
        self.stage = Town(BY_NAME, four_eyes=four_eyes)
        if ruled:
            self.stage.policy = Policy(file=PolicyFile(response={name: ruled}), source="policy.toml", mark="1")
        furnish(self.stage)
        inverse = [one for one in (BY_NAME[name].inverse, name) if one]
        self.names = [name, name, *inverse, *family_of(name)[:4], beside]
        self.workers = [self.stage.process() for _ in range(2)]
        self.run(self._act("approve", MEGAN, self._asked(ADELE, name, 0)))
        self._asked(who, self.names[2], 0)
        self._asked(MEGAN, self.names[3], 1)

    def _asked(self, who, name: str, which: int, times: int = 1) -> str:
        subject = self.run(asked_for(self.stage, BY_NAME[name], which))
        more = {"target": subject.target, "parameters": subject.parameters, "values": subject.values}
        found = [self.run(self.stage.desk().propose(self.stage.proposal(who, name, **more)))[0] for _ in range(times)]
        assert len({request.id for request in found}) == 1
        return found[0].id

    def _approved(self, response: str, device: int) -> str:
        key = self._asked(ADELE, response, device)
        for who in (MEGAN, ALEX):
            self.run(self._act("approve", who, key))
        return key

    def _name(self, number: int) -> str:
        return self.names[number % len(self.names)]

    # What people do: the decisions are those of Lifecycle.

    @rule(who=PEOPLE, name=NAMES, which=WHICH, again=st.booleans())
    def propose(self, who, name, which, again):
        self._asked(who, self._name(name), which, 1 + again)

    @rule(name=NAMES, which=WHICH, fault=st.sampled_from([*LOST, *REFUSED]), unlisted=UNLISTED)
    def all_goes_its_way_but_the_sending(self, name, which, fault, unlisted):
        """Asked, approved and sent, and the service does what it does."""
        self.sending_meets_trouble(fault, unlisted)
        self.run(self.stage.work(self._approved(self._name(name), which), self.workers[0]))

    @rule(which=WHICH, first=NAMES, second=NAMES, unlisted=UNLISTED, worker=WORKERS)
    def opposites(self, which, first, second, unlisted, worker):
        """One and another are approved one after the other, and what is accepted is listed late."""
        for number in (first, second):
            self.sending_meets_trouble(Fault(kind="accept"), unlisted)
            self._approved(self._name(number), which)
        self.work(worker)

    @rule(which=WHICH, number=NAMES, fault=st.sampled_from(SILENT), worker=WORKERS)
    def the_last_word(self, which, number, fault, worker):
        """One is lost, what undoes it is approved, and then somebody presses "send again" on the one that was lost."""
        self.sending_meets_trouble(fault, 0.0)
        name = self._name(number)
        key = self._approved(name, which)
        self._send_again_beside(key, lambda: self._approved(BY_NAME[name].inverse or name, which), worker)

    @rule(name=NAMES, which=WHICH, fault=st.sampled_from(LOST), unlisted=UNLISTED, count=COUNTS, after=st.booleans())
    def sender_dies(self, name, which, fault, unlisted, count, after):
        """The worker dies on its way through a sending that meets trouble."""
        self.sending_meets_trouble(fault, unlisted)
        self._work_and_die(self._approved(self._name(name), which), 0, count, after=after)

    @precondition(lambda self: any(BY_NAME[name].many for name in self.names))
    @rule(who=PEOPLE, name=NAMES)
    def propose_for_several(self, who, name):
        """One request for both devices."""
        fitting = [one for one in self.names if BY_NAME[one].many]
        response = BY_NAME[fitting[name % len(fitting)]]
        subjects = [self.run(asked_for(self.stage, response, which)) for which in (0, 1)]
        more = {
            "target": Target(id="devices:both", name="2 devices", kind="devices"),
            "parameters": subjects[0].parameters,
            "members": [Member(target=subject.target, request="") for subject in subjects],
        }
        self.run(self.stage.desk().propose(self.stage.proposal(who, response.name, **more)))

    # What the services, the devices and other people do.

    @rule(fault=st.sampled_from([*LOST, *REFUSED]), unlisted=UNLISTED)
    def sending_meets_trouble(self, fault, unlisted):
        """The next call that changes something is refused, or lost, or accepted and only its answer lost."""
        fault = replace(fault, unlisted=unlisted) if fault.acted or fault.kind == "accept" else fault
        self.stage.weather.changing.append(fault)

    @rule(fault=st.sampled_from(READING))
    def reading_fails(self, fault):
        self.stage.weather.reading.append(fault)

    @rule(which=WHICH, type_=st.sampled_from(["Isolate", "Unisolate"]), scope=st.sampled_from(["Full", "Selective"]))
    def portal(self, which, type_, scope):
        """Somebody uses the portal, which shows in no record of ours."""
        if any(BY_NAME[name].family == "isolation" for name in self.names):
            target = self.stage.devices[which]
            self.touched.add(target.id)
            order = Order(type=type_, scope=scope if type_ == "Isolate" else None, comment="portal", requestor="admin")
            with suppress(AlreadyRunningError):
                self.stage.sim.dispatcher.submit(self.stage.sim.first, target, order)

    @rule(device=WHICH, online=st.booleans(), fate=FATES, repeat=REPEATS)
    def service_and_devices_change(self, device, online, fate, repeat):
        target, dispatcher = self.stage.devices[device], self.stage.sim.dispatcher
        dispatcher.advance(self.stage.sim.first)
        self.stage.sim.first.set_online(target, self.stage.clock.now(), online=online)
        for type_ in {action.type for action in self.stage.sim.first.actions.values()} or {"Isolate"}:
            dispatcher.fates[target.id, type_] = fate
        dispatcher.repeat = repeat

    # What must hold at any time.

    @invariant()
    def each_request_holds(self):
        found = self.run(self.stage.requests())
        for request in found:
            assert_decided(request, self.stage.accepted(request.id))
            woken = request.step_due() is not None
            assert request.final or woken, f"nothing wakes {request.id}:\n{self._tale(request, {request.id: request})}"
        self._trail_holds([decided_by_people(request) for request in found])

    @invariant()
    def one_accepted_action_for_each_attempt(self):
        """By what the services took, whatever they answered."""
        calls = Counter((one.key, one.number, one.operation) for one in self.stage.accepted())
        assert not [call for call, count in calls.items() if count > 1]

    # What must be true when everything has come to rest.

    def whole_truth(self) -> None:
        found = {request.id: request for request in self.run(self.stage.requests())}
        for request in found.values():
            waits = request.final or self._waits_for_a_person(request, found) or self._runs_on(request)
            assert waits, f"{request.id} is left behind as {request.state}:\n{self._tale(request, found)}"
            self._says_what_is_true(request)
            if not request.batch:
                self._is_shown(request)
        self._ended_as_approved(found)
        self._in_the_order_of_presses(found)
        self._members_are_true(found)

    @staticmethod
    def _waits_for_a_person(request: Request, found: Mapping[str, Request]) -> bool:
        """Whether nobody knows what became of it, or of one of its devices, so that a person has to decide."""
        ones = [found[member.request] for member in request.members if member.request in found]
        return State.UNKNOWN in {one.state for one in ones or [request]}

    def _runs_on(self, request: Request) -> bool:
        """Whether the service itself still waits for a device that never comes back, for it was offboarded."""
        action = self.stage.sim.first.actions.get(request.attempt.action if request.attempt else "")
        gone = any(device.offboarded for device in self.stage.sim.first.devices.values())
        return request.state is State.SENT and gone and (action is None or not action.final)

    def _says_what_is_true(self, request: Request) -> None:
        accepted = self.stage.accepted(request.id)
        if request.state in {State.REJECTED, State.EXPIRED, State.WITHDRAWN, State.PROPOSED, State.APPROVED}:
            assert not accepted, f"the card says {request.state}, the service took {accepted}"
        if request.members or not request.attempt:
            return
        if request.state is State.FAILED and not request.attempt.action and not request.sent_at:
            assert not accepted, f"the card says that it was refused, the service took {accepted}"
        action = self.stage.sim.first.actions.get(request.attempt.action)
        if action and request.state in FINISHED and BY_NAME[request.response].target == "device":
            judged = request.state is State.FAILED and BY_NAME[request.response].group in ANY_END
            assert judged or action.status == FINISHED[request.state], "the card tells another end than the service"
        if request.state in {State.SUCCEEDED, State.HANDED_OVER}:
            assert accepted or request.attempt.adopted, "it claims what nobody accepted"

    def _ended_as_approved(self, found: Mapping[str, Request]) -> None:
        """The last of a family that was accepted for a target, and is shown as done, is what is in force."""
        last: dict[str, Request] = {}
        for one in self.stage.accepted():
            last |= dict.fromkeys(keys_of(found[one.key]), found[one.key])
        newest = [one for one in last.values() if all(last[key] is one for key in keys_of(one))]
        for request in newest:
            done = request.state is State.SUCCEEDED and request.response not in NOTHING_LASTS
            if done and request.target.id not in self.touched:
                so = EFFECTS[request.response](self.stage.sim.first, request)
                assert so, f"{request.id} is shown as done, and it is not so:\n{self._tale(request, found)}"

    def _in_the_order_of_presses(self, found: Mapping[str, Request]) -> None:
        """Of two that undo each other, the one that was last said is the one that was last done."""
        sent = [(one, found[one.key]) for one in self.stage.accepted()]
        for (one, before), (two, after) in combinations(sent, 2):
            if opposed(before, after):
                said = pressed(before, one.at) <= pressed(after, two.at)
                assert said, f"{after.id} was sent after {before.id}, and said before:\n{self._tale(after, found)}"

    def _tale(self, request: Request, found: Mapping[str, Request]) -> str:
        """What happened to its target in its family, for whoever reads of a failure."""
        told = [
            f"{one.id} {one.response} {dict(one.parameters)} {one.state} adopted {[a.adopted for a in one.attempts]}"
            for one in found.values()
            if flight_key(one) == flight_key(request)
        ]
        calls = [f"{one.at:%H:%M:%S} {one.key}/{one.number} {one.operation}" for one in self.stage.accepted()]
        steps = [f"{s.at:%H:%M:%S} {s.key} {dict(s.values)}" for s in request.story]
        return "\n".join((*told, *calls, *steps))

    def _members_are_true(self, found: Mapping[str, Request]) -> None:
        """What a line says is so; a request of somebody else's for something else is never told as done."""
        for request in found.values():
            for member in request.members:
                if member.request in found and request.final:
                    one = found[member.request]
                    otherwise = one.parameters != request.parameters
                    assert member.state == (State.FAILED if otherwise else one.state), (
                        f"a line of {request.state} says {member.state}, it is {one.state}"
                    )


def keys_of(request: Request) -> list[str]:
    """The names of what a request acts on: one, or each value of a list."""
    return [f"{value}:{request.family}" for value in request.values] or [flight_key(request)]


def opposed(one: Request, other: Request) -> bool:
    """Whether either turns back, or replaces, what the other does to the same."""
    first, second = BY_NAME[one.response], BY_NAME[other.response]
    inverse = {first.inverse, second.inverse}
    turned = first.name in inverse or second.name in inverse or inverse == {first.inverse} != {""}
    same = flight_key(one) == flight_key(other) and (not first.each or one.parameters == other.parameters)
    return turned and same and first.name != second.name


def decided_by_people(request: Request) -> Request:
    """The same without what the policy decided, and without what was decided for all devices of a batch together."""
    since = request.created if request.batch else datetime.min.replace(tzinfo=UTC)
    own = tuple(d for d in request.decisions if d.who.tenant and d.at > since)
    return request.model_copy(update={"decisions": own})


def assert_decided(request: Request, accepted: list) -> None:
    """Nothing reaches a service without the approvals it needs, and none of them is the requester's."""
    approvers = {(d.who.tenant, d.who.id) for d in request.approvals}
    assert len(approvers) == len(request.approvals)
    assert not request.four_eyes or not any(d.who.same(request.requester) for d in request.approvals)
    objected = any(d.what in {"rejected", "withdrawn"} for d in request.decisions)
    by_policy = any(d.what == "approved by policy" for d in request.decisions) and not objected
    assert by_policy or len(approvers) >= request.approvals_needed or not (accepted or request.attempts)
    resent = sum(d.what == "sent again" for d in request.decisions)
    assert len({one.number for one in accepted}) <= 1 + resent, "more was accepted than people approved"


def test_nothing_that_happens_breaks_the_promises_of_any_family():
    """At most once for each approved attempt, never lost, and what a card says at the end is so at the service."""
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    with stamina.set_testing(True, attempts=2, cap=True):
        run_state_machine_as_test(Families, settings=settings(PROFILE, deadline=None, suppress_health_check=quiet))
