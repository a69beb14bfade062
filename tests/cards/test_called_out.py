"""What is called out of several devices before the decision: gravest first, the rest counted, nothing silently left."""

import pytest

from bot.responses.models import Evidence, Fact, Member, State, Target
from bot.responses.terms import Terms, Why
from cards.called_out import GROUPS, called_out
from cards.elements import LARGEST, measure
from cards.request import request_card
from handlers.responses import isolate
from tests.cards import samples, several, walk
from tests.cards.samples import LOOK, NOW

HUGE = "*[x](" * 2000


def huge(_default: str) -> str:
    return HUGE


def device(n: int, *warnings: Fact, users: tuple[str, ...] | None = ("ben",), name: str = "") -> Member:
    target = Target(id=f"{n:02}" * 20, name=name or f"pc-{n:02}.contoso.com")
    return Member(target=target, last_seen=NOW, users=users, warnings=warnings)


def priority(*accounts: str) -> list[Fact]:
    return [Fact(key="user-priority", value=account) for account in accounts]


def asked(*members: Member, x=str, **changes):
    target = Target(id="devices-1", name="all:high-risk", kind="devices")
    return samples.request(x, **{"target": target, "members": members, "evidence": Evidence(read_at=NOW), **changes})


def said(*members: Member) -> list[str]:
    """The lines that call something out."""
    return [line.text for line in called_out(LOOK, asked(*members))]


def test_a_priority_account_is_called_out_by_device():
    """Each device that a priority account uses has a line with both names."""
    assert said(device(1, *priority("megan")), device(2), device(3, *priority("megan", "adele"))) == [
        "**pc-01: megan is a priority account**",
        "**pc-03: megan, adele are priority accounts**",
    ]


def test_no_priority_account_is_left_out_silently():
    """Where many devices have one, the first are named by line, the others counted."""
    lines = said(*(device(n, *priority("megan")) for n in range(1, 14)))
    assert len(lines) == 6
    assert lines[-1] == "**8 devices more with priority accounts**: pc-06, pc-07, pc-08, pc-09, pc-10, 3 more"


def test_unread_users_are_counted_never_silent():
    """Nobody is taken for read: how many, which, and where to look."""
    lines = said(device(1, users=None), device(2, users=()), device(3, users=None))
    assert len(lines) == 1
    assert lines[0].startswith("Users of 2 devices were not read: pc-01, pc-03.")
    assert "Users of 1 device were not read: pc-01" in said(device(1, users=None))[0]


def test_a_request_of_an_older_version_says_that_nothing_was_read():
    """Its devices have neither users nor warnings, which is said and fails nothing."""
    old = Member.model_validate({"target": {"id": "a" * 40, "name": "pc-01"}, "risk": "High"})
    assert said(old)[0].startswith("Users of 1 device were not read: pc-01.")


@pytest.mark.parametrize("key", GROUPS)
def test_what_is_odd_has_one_line_for_all_it_holds_for(key):
    """Devices of which the same holds stand in one line, five of them by name."""
    fact = Fact(key=key, value="LiveResponse" if key == "devices-running" else "")
    (line,) = said(*(device(n, fact) for n in range(1, 8)), device(9))
    assert "2 more" in line
    assert "pc-05" in line
    assert "pc-06" not in line
    assert "pc-09" not in line
    assert ("pc-01 (Live response)" in line) is (key == "devices-running")


def test_the_gravest_stands_first():
    """A priority account, then unread users, then the groups in their order; the rows below follow the same order."""
    facts = [Fact(key=key, value="x") for key in reversed(GROUPS)]
    members = (device(1), device(2, *facts), device(3, users=None), device(4, *priority("megan")), device(5, facts[0]))
    lines = said(*members)
    assert lines[0].startswith("**pc-04")
    assert lines[1].startswith("Users of 1 device")
    assert [line.partition(":")[0] for line in lines[2:]] == [one_of(key).partition(":")[0] for key in GROUPS]
    text = walk.text_of(request_card(LOOK, asked(*members)).card)
    rows = [text.index(f"pc-{n:02}.contoso.com") for n in (4, 3, 2, 5, 1)]
    assert rows == sorted(rows)


def one_of(key: str) -> str:
    return said(device(1, Fact(key=key, value="x")))[0]


def test_who_uses_a_device_stands_in_its_row():
    """Users, nobody known, and not read are three different things."""
    text = walk.text_of(request_card(LOOK, asked(device(1), device(2, users=()), device(3, users=None))).card)
    assert text.count("users: ben") == 1
    assert text.count("users: nobody known") == 1
    assert text.count("users: could not be read") == 1


@pytest.mark.parametrize("state", [state for state in State if state is not State.PROPOSED])
def test_nothing_is_called_out_after_the_decision(state):
    """Later the card tells what was done; who was to be called before is no news then."""
    assert called_out(LOOK, asked(device(1, *priority("megan")), state=state)) == []


def test_every_device_is_named_before_the_decision():
    """Fifty devices: each has a row or stands among the rest, so that nobody approves what they were not shown."""
    members = several.fifty(str, NOW)
    text = walk.text_of(request_card(LOOK, asked(*members)).card)
    assert all(member.target.name in text for member in members)


def test_the_worst_that_can_be_asked_for_fits_into_a_message():
    """Fifty devices with hostile names, users and actions, odd in each way there is, ruled by a policy: under 60 KB."""
    members = tuple(
        one.model_copy(
            update={
                "users": one.users and (HUGE,) * 8,
                "warnings": (*priority(*[HUGE] * 8), *[Fact(key=key, value=HUGE) for key in GROUPS * 3]),
            }
        )
        for one in several.fifty(huge, NOW)
    )
    facts = tuple(Fact(key=key, value=HUGE) for key in ("devices-users-lacking", "devices-missing"))
    more = (Fact(key="devices-actions-unread"), Fact(key="plan-unsure"))
    why = tuple(Why(key="policy.why.rule", values={"number": str(n), "name": HUGE}) for n in range(6))
    request = asked(
        *members,
        x=huge,
        evidence=Evidence(read_at=NOW, warnings=(*facts, *more)),
        terms=Terms(why=why),
        approvals_needed=2,
        four_eyes=False,
    )
    size = measure(request_card(LOOK, request, isolate.RESPONSE.parameters).card)
    assert 30_000 < size < LARGEST
