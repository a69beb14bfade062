"""Who holds which role: by id, by group, for five minutes, and never because a question was not answered."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from bot.clock import ManualClock
from bot.errors import Missing, MissingPermission, PersonError, ServiceError, Throttled, Unauthorised, Unavailable
from bot.roles import Role, RoleBook
from bot.state.memory import MemoryStore
from bot.turn import Actor

TENANT = "t1"
HOLDERS = {
    Role.READER: frozenset({"READERS"}),
    Role.OPERATOR: frozenset({"operators"}),
    Role.APPROVER: frozenset({"approvers", "person-9"}),
    Role.ADMIN: frozenset({"admins"}),
}
DOWN = Unavailable("graph", "member-groups", status=503)


class Groups:
    """Graph's answer to which groups a person is in."""

    def __init__(self, *groups: str, error: ServiceError | None = None) -> None:
        self.groups = set(groups)
        self.error = error
        self.asked = 0

    async def member_groups(self, user_id: str, group_ids: Sequence[str]) -> set[str]:
        self.asked += 1
        if self.error:
            raise self.error
        return {group for group in group_ids if group.casefold() in {g.casefold() for g in self.groups}}


def person(name: str = "person-1", *, guest: bool = False, tenant: str = TENANT) -> Actor:
    return Actor(id=name, tenant=tenant, name="Me", mri="29:me", guest=guest)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, tzinfo=UTC))


@pytest.fixture
def book(clock) -> RoleBook:
    return RoleBook(HOLDERS, MemoryStore(clock))


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ((), Role.NONE),
        (("readers",), Role.READER),
        (("Operators", "readers"), Role.OPERATOR),
        (("approvers",), Role.APPROVER),
        (("readers", "admins"), Role.ADMIN),
        (("others",), Role.NONE),
    ],
)
async def test_highest_role_counts(book, groups, role):
    """A person has the highest role that any of their groups gives, whatever the case of the ids."""
    assert (await book.held(person(), Groups(*groups))).role is role


async def test_own_id_gives_a_role(book):
    """A role can be given to a person's own id; it holds while Graph is away too, and the doubt is kept."""
    assert (await book.held(person("PERSON-9"), Groups())).role is Role.APPROVER
    held = await book.held(person("person-9"), Groups(error=DOWN))
    assert held.role is Role.APPROVER
    assert held.doubt


async def test_answer_is_kept_five_minutes(book, clock):
    """Graph is asked once in five minutes, and who left a group has lost the role after that."""
    graph = Groups("admins")
    for _ in range(10):
        assert (await book.held(person(), graph)).role is Role.ADMIN
        clock.move(29.9)
    assert graph.asked == 1
    graph.groups.clear()
    clock.move(2)
    assert (await book.held(person(), graph)).role is Role.NONE
    assert graph.asked == 2


async def test_failure_is_not_kept(book):
    """A question that was not answered gives no role, says that it is in doubt, and is asked again the next time."""
    graph = Groups("admins", error=DOWN)
    held = await book.held(person(), graph)
    assert held.role is Role.NONE
    assert isinstance(held.doubt, PersonError)
    graph.error = None
    assert (await book.held(person(), graph)).role is Role.ADMIN


@pytest.mark.parametrize(
    "error",
    [
        MissingPermission("graph", "member-groups", permission="User.Read.All", status=403),
        Throttled("graph", "member-groups", retry_after=9, status=429),
        Unauthorised("login", "token", status=401),
    ],
)
async def test_doubt_says_what_is_wrong(book, error):
    """The doubt is the service's own error where that tells what to do."""
    held = await book.held(person(), Groups(error=error))
    assert (held.role, held.doubt) == (Role.NONE, error)


async def test_person_unknown_to_the_directory_has_no_role(book):
    """A person whom the directory does not know is in none of its groups; that is no doubt."""
    held = await book.held(person(), Groups("admins", error=Missing("graph", "member-groups", status=404)))
    assert (held.role, held.doubt) == (Role.NONE, None)


@pytest.mark.parametrize("who", [person(guest=True), person("")])
async def test_guests_and_nobody_hold_none(book, who):
    """A guest, or somebody without an id, holds no role and is not asked about."""
    graph = Groups("admins")
    assert (await book.held(who, graph)).role is Role.NONE
    assert graph.asked == 0


async def test_answers_of_two_tenants_are_two(book):
    """The same object id in two tenants is asked for in each, and each answer is its own."""
    assert (await book.held(person(tenant="a"), Groups("admins"))).role is Role.ADMIN
    assert (await book.held(person(tenant="b"), Groups("readers"))).role is Role.READER
    assert (await book.held(person(tenant="a"), Groups())).role is Role.ADMIN


async def test_changed_settings_are_asked_anew(clock):
    """When the settings name other groups, an older answer does not count."""
    store = MemoryStore(clock)
    graph = Groups("admins", "bosses")
    assert (await RoleBook({Role.READER: frozenset({"admins"})}, store).held(person(), graph)).role is Role.READER
    assert (await RoleBook({Role.ADMIN: frozenset({"bosses"})}, store).held(person(), graph)).role is Role.ADMIN


async def test_no_role_configured_nobody_may(clock):
    """Where the settings name nobody, everybody has no role, and Graph is not asked."""
    graph = Groups("admins")
    held = await RoleBook({role: frozenset() for role in HOLDERS}, MemoryStore(clock)).held(person(), graph)
    assert (held.role, graph.asked) == (Role.NONE, 0)
