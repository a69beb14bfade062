"""The policy and cases that were tried, as cards in their main states."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.policy.models import EMPTY, Case, Facts, Policy, PolicyFile
from bot.policy.rule import explained, without_rules
from bot.responses.declared import How, Response
from bot.responses.models import Decision, State
from bot.responses.terms import Terms, Why
from bot.roles import Role
from bot.turn import Shown
from cards.help import CommandHelp, ResponseHelp, command_help_card, help_card, help_group_card
from cards.policy import CaseView, Decided, policy_card, policy_test_card
from cards.request import request_card
from tests.cards.samples import LOOK, NOW, X, ago, approved, person, request, step


async def nothing(*_args: Any) -> Any:
    """No card calls a service."""
    raise AssertionError


def response(name: str, **more: Any) -> Response:
    values = {"family": name, "how": How(send=nothing, find=nothing), "calls": (), "risk": "high"}
    return Response(**{"name": name, "asks": Role.OPERATOR, **values, **more})


RESPONSES = (
    response("scan", risk="low", approvals=0),
    response("tag", risk="low", approvals=0),
    response("isolate"),
    response("release"),
    response("contain"),
    response("offboard"),
    response("quarantine", group="file"),
    response("run-script", group="live"),
    response("block-signin", group="user", target="user"),
    response("restart", group="intune", target="managed", risk="medium"),
    response("wipe", group="intune", target="managed", approvals=2),
)


def policy(x: X) -> Policy:
    """One with everything in it."""
    rules = [
        {
            "name": x("domain controllers")[:60],
            "when": {"tags": [x("domain-controller")[:60]], "risks": ["medium", "high"]},
            "then": {"forbidden": x("They are handled on site.")[:300]},
        },
        {
            "name": "at night",
            "when": {"responses": ["isolate"], "severities": ["high"], "hours": "19:00-07:00", "days": ["mon", "tue"]},
            "then": {"veto_minutes": 10},
        },
        {
            "name": "test machines",
            "when": {"tags": ["lab"], "groups": ["device"], "requesters": ["approver", "admin"]},
            "then": {"preapproved": True, "i_accept_the_risk": True},
        },
        {
            "name": "priority accounts",
            "when": {"priority_account": True, "targets": ["device", "user"], "risk_scores": ["high"]},
            "then": {"approvals": 2, "send_within_minutes": 30, "requester_may": False, "asks": "approver"},
        },
        {"name": "the rest", "then": {"decide_within_minutes": 120}},
    ]
    data = {
        "zone": "Europe/Berlin",
        "priority_accounts": [x("ceo@contoso.com")[:60]],
        "response": {
            "offboard": {"asks": "approver", "approvals": 2, "decide_within_minutes": 240},
            "restart": {"veto_minutes": 15},
            "contain": {"forbidden": x("The network team does that.")[:300]},
            "release": {"requester_may": True},
        },
        "rule": rules,
    }
    return Policy(file=PolicyFile.model_validate(as_in_a_file(data)), source=x("policy.toml"), mark="m")


def as_in_a_file(data: Any) -> Any:
    """The same without halves of surrogate pairs, which no file in UTF-8 can hold."""
    if isinstance(data, str):
        return data.encode("utf-8", "replace").decode()
    if isinstance(data, dict):
        return {name: as_in_a_file(value) for name, value in data.items()}
    return [as_in_a_file(value) for value in data] if isinstance(data, list) else data


def decided(of: Policy, *, four_eyes: bool = True) -> list[Decided]:
    """Each response under that policy."""
    made = []
    for one in RESPONSES:
        ruling = without_rules(of.file, one, four_eyes=four_eyes)
        changed = ruling != without_rules(EMPTY, one, four_eyes=four_eyes)
        made.append(Decided(name=one.name, group=one.group, ruling=ruling, changed=changed))
    return made


def tried(
    x: X, name: str = "isolate", facts: Facts | None = None, of: Policy | None = None, machines: int = 1, **more: Any
) -> Shown:
    """A case, as /policy test shows it."""
    one = next(response for response in RESPONSES if response.name == name)
    values = {"response": one, "requester": Role.OPERATOR, "now": NOW, "kind": one.target, "facts": facts or Facts()}
    case = Case(**{**values, **more})
    verdicts, ruling = explained(of or policy(x), case)
    view = CaseView(
        response=name,
        target=x("laptop-042.contoso.com"),
        kind=one.target,
        requester=case.requester,
        me="requester" not in more,
        at=case.now,
        zone="Europe/Berlin",
        facts=case.facts,
        verdicts=verdicts,
        ruling=ruling,
        machines=machines,
    )
    return policy_test_card(LOOK, view)


def tried_on_several(x: X) -> Shown:
    """A case for three devices of which one must not be touched and two are decided alike."""
    one = next(response for response in RESPONSES if response.name == "isolate")
    plain = without_rules(EMPTY, one)
    banned = replace(plain, forbidden=x("Please call.")[:300], why=terms().why)
    each = [(x("laptop-042"), plain), (x("srv-files"), banned), (x("kiosk-01"), plain)]
    view = CaseView(
        response="isolate",
        target=x("all:high-risk"),
        kind=one.target,
        requester=Role.OPERATOR,
        me=True,
        at=NOW,
        zone="Europe/Berlin",
        facts=Facts(),
        verdicts=(),
        ruling=banned,
        each=each,
    )
    return policy_test_card(LOOK, view)


def of_devices() -> Policy:
    """Its rule asks two things of a device, which a user is not."""
    rule = {"name": "old ones", "when": {"tags": ["old"], "device_values": ["high"]}, "then": {"approvals": 2}}
    return Policy(file=PolicyFile.model_validate({"rule": [rule]}), source="policy.toml", mark="m")


def facts(x: X, **more: Any) -> Facts:
    """An ordinary device."""
    values = {"tags": frozenset({x("finance")}), "value": "normal", "risk": "high", "severity": "high"}
    return Facts(**{**values, "people": (x("ben.wolf"),), **more})


def terms(**more: Any) -> Terms:
    """Those of a rule."""
    why = (Why(key="policy.why.rule", values={"number": "2", "name": "at night"}),)
    return Terms(**{"why": why, "policy": "rule 2: at night", "mark": "m", "asked_as": "operator", **more})


def every(x: X) -> dict[str, Shown]:
    """Each card by its name."""
    whole, none = policy(x), Policy()
    night = NOW.replace(hour=21)
    return {
        "policy": policy_card(LOOK, whole, decided(whole), four_eyes=True),
        "policy-none": policy_card(LOOK, none, decided(none, four_eyes=False), four_eyes=False),
        "policy-test": tried(x, facts=facts(x)),
        "policy-test-night": tried(x, facts=facts(x), now=night),
        "policy-test-forbidden": tried(x, facts=facts(x, tags=frozenset({x("domain-controller")[:60]}))),
        "policy-test-at-once": tried(x, facts=facts(x, tags=frozenset({"lab"})), requester=Role.APPROVER),
        "policy-test-unread": tried(x),
        "policy-test-user": tried(x, "block-signin", requester=Role.READER),
        "policy-test-no-device": tried(x, "block-signin", of=of_devices()),
        "policy-test-intune": tried(x, "restart", facts=facts(x, tags=frozenset({"old"})), of=of_devices(), machines=2),
        "policy-test-intune-unread": tried(x, "wipe", of=of_devices()),
        "policy-test-own": tried(x, "release", facts=facts(x, risk="low", severity="none", tags=frozenset())),
        "policy-test-several": tried_on_several(x),
        "policy-test-declared": tried(x, "scan", facts=facts(x), of=none),
    }


def helps() -> dict[str, Shown]:
    """Help with the responses in their groups; names and forms are the registry's, so nothing comes from outside."""
    of = policy(str)
    by_name = {one.name: one for one in decided(of)}
    lacks = {"contain": {"lacks": "plan"}, "tag": {"lacks": "permission", "needs": "Machine.ReadWrite.All"}}
    lacks["quarantine"] = {"lacks": "refused"}
    listed = [
        CommandHelp(
            name=name,
            usage=f"/{name} DEVICE REASON",
            examples=(f"/{name} LAPTOP-042 a reason",),
            role=Role.OPERATOR,
            response=ResponseHelp(decided=one, inverse="release" if name == "isolate" else "", **lacks.get(name, {})),
        )
        for name, one in by_name.items()
    ]
    device = CommandHelp(name="device", usage="/device NAME", role=Role.READER)
    group = [one for one in listed if one.response.group == "device"]
    return {
        "help-operator": help_card(LOOK, Role.OPERATOR, [device, *listed]),
        "help-group": help_group_card(LOOK, Role.OPERATOR, "device", [*group, device]),
        "help-response": command_help_card(LOOK, next(one for one in listed if one.name == "isolate")),
        "help-response-changed": command_help_card(LOOK, next(one for one in listed if one.name == "offboard")),
        "help-response-lacking": command_help_card(LOOK, next(one for one in listed if one.name == "tag")),
    }


def requests(x: X) -> dict[str, Shown]:
    """Requests that the policy ruled, as their own cards."""
    veto = terms(runs_at=NOW + timedelta(minutes=9), veto_minutes=10)
    by_policy = Decision(what="approved by policy", who=person(x, "rule 2: at night"), at=ago(minutes=1))
    lapsed = step(ago(minutes=1), "approved_by_policy", policy=x("rule 2: at night"))
    first = request(x).story
    at_once = {"state": State.APPROVED, "approvals_needed": 0, "send_by": NOW + timedelta(minutes=60)}
    why = x("They are handled on site.")
    made = {
        "by-itself": request(x, terms=veto, approvals_needed=2),
        "by-itself-anew": request(x, terms=veto, story=(*first, step(ago(minutes=1), "veto_anew"))),
        "by-itself-over": request(x, terms=terms(), story=(*first, step(ago(minutes=1), "not_by_itself"))),
        "by-policy": approved(x, terms=veto, decisions=(by_policy,), story=(*first, lapsed)),
        "by-policy-unsent": approved(
            x, terms=veto, decisions=(by_policy,), story=first, state=State.EXPIRED, ended=NOW
        ),
        "preapproved": veto_free(request(x, **at_once, terms=terms(preapproved=True)), x),
        "forbidden": approved(
            x,
            state=State.FAILED,
            ended=NOW,
            terms=terms(),
            trouble="trouble.policy_forbids",
            trouble_values={"why": why},
            story=(*approved(x).story, step(NOW, "forbidden")),
        ),
    }
    return {f"request-{name}": request_card(LOOK, one) for name, one in made.items()}


def veto_free(one: Any, x: X) -> Any:
    """The same with the line that the policy approved it beforehand."""
    line = step(one.created, "preapproved", policy=x("rule 3: test machines"))
    return one.model_copy(update={"story": (*one.story, line)})
