"""Whom a response to a user is aimed at, and what an approver is told of that user."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from bot.command import Context
from bot.errors import Ambiguous, NotFound, NotInPlan, UsageError
from bot.policy.models import Policy, PolicyFile
from bot.responses.declared import Response
from bot.responses.models import Evidence, Target
from bot.responses.ruling import facts_of
from bot.roles import Role
from bot.simulator import Fault
from bot.simulator.directory import PLAYGROUND
from bot.simulator.staff import GLOBAL_ADMINISTRATOR
from bot.simulator.tokens import GRAPH
from bot.simulator.world import Group, Person
from bot.turn import Actor, Conversation, Look, Turn
from handlers.responses import block_signin, confirm_compromised, dismiss_risk, revoke_sessions
from handlers.user_aim import AIM
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import START, TENANT

PATTI = PLAYGROUND["user-id-4"]
BOSS = "p.o'brien@fabrikam.example"


@dataclass
class Desk:
    """A stage, and somebody who asks at it."""

    stage: HttpStage
    actor: str = "nobody"
    policy: Policy = field(default_factory=Policy)

    @property
    def context(self) -> Context:
        here = Conversation(id="a:1", kind="personal", tenant=TENANT, service_url="http://127.0.0.1", bot_id="28:bot")
        actor = Actor(id=self.actor, tenant=TENANT, name="Adele", mri="29:1")
        return Context(
            turn=Turn(kind="message", id="1", actor=actor, conversation=here),
            actor=actor,
            role=Role.OPERATOR,
            customer=TENANT,
            conversation=here,
            look=Look(now=START),
            services=replace(self.stage.services(), policy=self.policy),
            features=None,
        )

    async def found(self, word: str, command: str = "block-signin", rest: str = "why") -> str:
        """The sign-in name of whom the word means."""
        return (await AIM.find(self.context, word, command, rest)).name

    async def told(self, person: Person, response: Response = block_signin.RESPONSE) -> Evidence:
        """What an approver is told of a person."""
        target = await AIM.find(self.context, person.upn, "revoke-sessions", "")
        return await AIM.gather(self.context, target, response)

    def person(self, account: str) -> Person:
        return self.stage.sim.first.directory.find(f"{account}@fabrikam.example")


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    modules = (block_signin, confirm_compromised, dismiss_risk, revoke_sessions)
    async with staged_over_http((module.RESPONSE for module in modules), plan="premium") as stage:
        yield Desk(stage)


def values(evidence: Evidence, key: str) -> list[str]:
    return [fact.value for fact in evidence.facts if fact.key == key]


def warned(evidence: Evidence) -> list[str]:
    return [fact.key for fact in evidence.warnings]


async def test_a_user_is_found_by_what_people_type(desk: Desk):
    """By id, by sign-in name in any case, by mail address, by the whole name, by the account or how a name begins."""
    megan = desk.person("m.oakleaf")
    desk.person("t.brook").mail = "tom@fabrikam.example"
    for word in (megan.id, megan.upn, megan.upn.upper(), "Megan Oakleaf", "m.oakleaf", "oakl"):
        assert await desk.found(word) == megan.upn, word
    assert await desk.found("TOM@fabrikam.example") == "t.brook@fabrikam.example"
    assert await desk.found(BOSS) == BOSS


async def test_several_are_asked_about(desk: Desk):
    """A first name that two have becomes a choice; each line names one by id and keeps the rest."""
    with pytest.raises(Ambiguous) as asked:
        await desk.found("megan", rest="seen in a leak")
    lines = [line for line, _, _ in asked.value.choices]
    assert [label for _, label, _ in asked.value.choices] == ["Megan Bowen", "Megan Oakleaf"]
    assert lines[1] == f"block-signin {desk.person('m.oakleaf').id} seen in a leak"


async def test_a_whole_name_goes_before_a_beginning(desk: Desk):
    """Who is called exactly so is meant, though the names of others begin so."""
    desk.person("k.müller").name = "Megan"
    assert await desk.found("megan") == desk.person("k.müller").upn


async def test_nobody_is_said_plainly(desk: Desk):
    """An unknown name, address or id."""
    for word in ("zzz", "zzz@fabrikam.example", "00000000-0000-4000-8000-00000000ffff"):
        with pytest.raises(NotFound):
            await desk.found(word)


async def test_nobody_locks_the_own_account(desk: Desk):
    """Block sign-in and reset password are refused on oneself; ending the own sessions is not."""
    mine = desk.person("m.oakleaf")
    desk.actor = mine.id.upper()
    for command in ("block-signin", "reset-password"):
        with pytest.raises(UsageError) as refused:
            await desk.found(mine.upn, command)
        assert refused.value.key == "error.not_yourself"
    assert await desk.found(mine.upn, "revoke-sessions") == mine.upn
    assert "user-asks" in warned(await desk.told(mine, revoke_sessions.RESPONSE))


async def test_an_ordinary_user_has_no_warning(desk: Desk):
    """What is known is told: the name, the department, that sign-in is allowed, and that nothing is open."""
    one = desk.person("k.müller")
    told = await desk.told(one)
    assert warned(told) == []
    assert values(told, "user-name") == ["Käthe Müller"]
    assert values(told, "user-enabled") == ["yes"]
    assert values(told, "user-risk") == [], "the plan does not tell"
    one.enabled = False
    assert values(await desk.told(one), "user-enabled") == ["no"]


async def test_an_administrator_is_called_out(desk: Desk):
    """By an own role and through a group; the roles are named."""
    for account, role in (("j.stone", "Exchange Administrator"), ("h.meadow", "Helpdesk Administrator")):
        told = await desk.told(desk.person(account))
        assert values(told, "user-roles") == [role]
        assert [(fact.key, fact.value) for fact in told.warnings] == [("user-admin", role)]


async def test_the_last_global_administrator_is_called_out_first(desk: Desk):
    """Only where no other enabled user holds the role, and only for what locks the user out."""
    directory = desk.stage.sim.first.directory
    assert warned(await desk.told(PATTI))[:2] == ["user-last-admin", "user-admin"]
    assert "user-last-admin" not in warned(await desk.told(PATTI, revoke_sessions.RESPONSE))
    other = desk.person("k.müller")
    other.roles = {GLOBAL_ADMINISTRATOR}
    assert "user-last-admin" not in warned(await desk.told(PATTI))
    other.enabled = False
    assert "user-last-admin" in warned(await desk.told(PATTI)), "who is blocked does not count"
    directory.groups["g"] = Group(id="g", name="Admins", roles={GLOBAL_ADMINISTRATOR})
    assert "user-last-admin" not in warned(await desk.told(PATTI)), "a group may have others in it"


async def test_roles_that_cannot_be_read_are_called_out(desk: Desk):
    """Nobody takes an administrator for an ordinary user because a permission is missing."""
    desk.stage.sim.first.roles[GRAPH].discard("RoleManagement.Read.Directory")
    assert warned(await desk.told(desk.person("j.stone"))) == ["user-roles-unread"]


async def test_the_priority_account_and_the_synced_one_are_called_out(desk: Desk):
    """The policy names the one; the directory says of the other that it comes from on-premises."""
    desk.policy = Policy(file=PolicyFile(priority_accounts=(BOSS,)))
    assert warned(await desk.told(desk.person("p.o'brien"))) == ["user-priority"]
    assert warned(await desk.told(desk.person("t.brook"))) == ["user-synced"]


async def test_the_policy_knows_a_user_by_the_main_mail_address_as_well(desk: Desk):
    """Who is listed by it is not missed because people are asked for by their sign-in names."""
    one = desk.person("p.o'brien")
    one.mail = "Pat.OBrien@fabrikam.example"
    desk.policy = Policy(file=PolicyFile(priority_accounts=("pat.obrien@fabrikam.example",)))
    read = await desk.told(one)
    (facts,) = facts_of(Target(id=one.id, name=one.upn, kind="user"), read)
    assert facts.people == (BOSS, "Pat.OBrien@fabrikam.example")
    assert warned(read) == ["user-priority"]


async def test_open_alerts_are_told(desk: Desk):
    """Open alerts that name the user stand with their incident; resolved ones do not."""
    customer = desk.stage.sim.first
    alert = next(
        a for a in customer.alerts.values() if any("userAccount" in e and e["userAccount"] for e in a.evidence)
    )
    named = next(e["userAccount"]["userPrincipalName"] for e in alert.evidence if e.get("userAccount"))
    alert.evidence = [e for e in alert.evidence if e["@odata.type"].endswith(".userEvidence")] or [
        {"@odata.type": "#microsoft.graph.security.userEvidence", "userAccount": {"userPrincipalName": named}}
    ]
    one = customer.directory.find(named)
    for each in customer.alerts.values():
        each.status = "resolved"
    assert values(await desk.told(one), "user-alerts") == ["none"]
    alert.status = "inProgress"
    assert values(await desk.told(one), "user-alerts") == [f"{alert.title} (#{alert.incident_id})"]
    alert.status, alert.title = "new", "x" * 400
    assert values(await desk.told(one), "user-alerts") == [f"{'x' * 400} (#{alert.incident_id})"]


async def test_risk_is_told_where_the_plan_has_it(desk: Desk):
    """With Entra ID P2 the level and the state; who was never at risk has none."""
    desk.stage.sim.first.plan = "plan2"
    told = await desk.told(desk.person("m.oakleaf"), dismiss_risk.RESPONSE)
    assert (values(told, "user-risk"), values(told, "user-risk-state")) == (["high"], ["atRisk"])
    assert values(await desk.told(desk.person("k.müller")), "user-risk") == ["none"]


async def test_a_plan_without_risk_says_so_before_anybody_decides(desk: Desk):
    """Without Entra ID P2 a verdict is refused when it is asked for, not after an approval."""
    for command in ("confirm-compromised", "dismiss-risk"):
        with pytest.raises(NotInPlan):
            await desk.found("k.müller", command)
    desk.stage.sim.first.plan = "plan2"
    assert await desk.found("k.müller", "dismiss-risk") == desk.person("k.müller").upn


async def test_what_cannot_be_read_is_unknown_not_absent(desk: Desk):
    """Where the directory fails while the evidence is gathered, the card does not say that all is well."""
    target = await AIM.find(desk.context, "k.müller", "revoke-sessions", "")
    desk.stage.sim.faults.add("graph.users.get", Fault(kind="error", status=503, times=9))
    desk.stage.sim.faults.add("graph.alerts.list", Fault(kind="error", status=503, times=9))
    told = await AIM.gather(desk.context, target, block_signin.RESPONSE)
    assert values(told, "user-enabled") == [""]
    assert values(told, "user-alerts") == [""]
