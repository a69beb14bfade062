"""What the policy makes of the users of several devices: the strictest of all, unread is no answer, then as it was."""

import pytest

from bot.policy.load import parsed
from bot.policy.models import Policy
from bot.responses.models import Evidence, Member, Request, State, Target
from tests.responses.people import ADELE, ALEX, MEGAN
from tests.responses.stage import Stage

CEO = 'priority_accounts = ["ceo@contoso.com"]\n[[rule]]\nname = "board"\nwhen.priority_account = true\n'
TWICE = f"{CEO}then.approvals = 2\n"
NEVER = f'{CEO}then.forbidden = "Call first."\n'
NOBODY: tuple[str, ...] = ()


def staged(text: str) -> Stage:
    stage = Stage()
    put(stage, text)
    return stage


def put(stage: Stage, text: str) -> None:
    """Another policy, as a restart brings it."""
    stage.policy = Policy(file=parsed(text, stage.responses), source="policy.toml", mark=str(hash(text)))


async def asked(stage: Stage, *users: tuple[str, ...] | None) -> Request:
    """Adele's request for the first devices, whom these use."""
    members = tuple(
        Member(target=Target(id=device.id, name=device.name), users=known)
        for device, known in zip(stage.devices, users, strict=True)
    )
    target = Target(id="devices-1", name="all:high-risk", kind="devices")
    request, _ = await stage.desk().propose(stage.proposal(ADELE, target=target, members=members))
    return request


@pytest.mark.parametrize(
    ("users", "approvals"),
    [
        ((("bob",), ("ann",)), 1),
        ((("bob",), NOBODY), 1),
        ((("bob",), ("ceo",)), 2),
        ((("ceo",), ("bob",)), 2),
        ((("bob",), None), 2),
        ((None, None), 2),
    ],
)
async def test_one_priority_account_makes_the_whole_stricter(users, approvals):
    """One device for which the rule asks more makes all of them ask more; users who were not read may be anybody."""
    assert (await asked(staged(TWICE), *users)).approvals_needed == approvals


async def test_a_single_device_is_ruled_the_same():
    """The rule of several is that of one: read, and unread."""
    for users, approvals in ((("bob",), 1), (("ceo",), 2), (None, 2)):
        stage = staged(TWICE)
        read = Evidence(read_at=stage.clock.now(), users=users)
        request, _ = await stage.desk().propose(stage.proposal(ADELE, evidence=read))
        assert request.approvals_needed == approvals
        assert (await asked(staged(TWICE), users, ("bob",))).approvals_needed == approvals


async def test_who_logs_on_after_the_asking_changes_nothing_for_one_or_several():
    """Both keep what was read, and the terms it was asked under; the next asking sees the new user."""
    stage = staged(TWICE)
    several = await asked(stage, ("bob",), ("ann",))
    one, _ = await stage.desk().propose(
        stage.proposal(ALEX, "scan", evidence=Evidence(read_at=stage.clock.now(), users=("bob",)))
    )
    put(stage, f"{TWICE}# the CEO has logged on to both meanwhile, which nobody reads again\n")
    approved = await stage.desk().approve(several.id, MEGAN)
    assert (approved.state, [member.users for member in approved.members]) == (State.APPROVED, [("bob",), ("ann",)])
    await stage.until_quiet()
    assert {(await stage.request(key)).state for key in (several.id, one.id)} == {State.SUCCEEDED}


async def test_what_a_new_policy_forbids_is_left_out_where_it_is_so():
    """The ban came after the decision: the device of a priority account is left out, and one that was not read."""
    stage = staged("")
    request = await asked(stage, ("bob",), ("ceo",))
    await stage.desk().approve(request.id, MEGAN)
    put(stage, NEVER)
    await stage.until_quiet()
    final = await stage.request(request.id)
    assert [(one.state, one.trouble) for one in final.members] == [
        (State.SUCCEEDED, ""),
        (State.FAILED, "trouble.policy_forbids"),
    ]
    assert [action.machine_id for action in stage.own()] == [stage.devices[0].id]


async def test_a_device_has_its_users_on_its_own_card():
    """The request of each device keeps who was seen there, and unread where nobody read it."""
    stage = staged("")
    request = await asked(stage, ("bob",), None)
    await stage.desk().approve(request.id, MEGAN)
    await stage.work(request.id)
    seen = [(await stage.request(f"{request.id}-0{n}")).evidence for n in (1, 2)]
    assert [read and read.users for read in seen] == [("bob",), None]
