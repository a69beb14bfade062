"""The four roles, cumulative, and who holds them.

Ids in the settings are those of people or of Entra groups. People are matched by id; membership of groups is asked of
Graph (`api/directoryobject-checkmembergroups`), kept five minutes at most, and a question that cannot be answered
gives no role.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import structlog

from bot.errors import Missing, PersonError, ServiceError, Unavailable
from bot.graph.client import Graph
from bot.state.store import Store
from bot.turn import Actor

log = structlog.get_logger()

KEPT_SECONDS = 300.0
NEEDS = (Graph.member_groups,)


class Role(IntEnum):
    """What a person may do; each includes those below it."""

    NONE = 0
    READER = 1
    OPERATOR = 2
    APPROVER = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """The role's name in lower case, as people read it."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Held:
    """The role that a person holds for sure. `doubt` says why it may be a higher one: the groups could not be asked."""

    role: Role
    doubt: Exception | None = None


class RoleBook:
    """Says which role a person holds. `holders` are the ids (people or groups) that the settings name for each role."""

    def __init__(self, holders: Mapping[Role, frozenset[str]], store: Store) -> None:
        self._holders = {role: frozenset(i.casefold() for i in ids) for role, ids in holders.items()}
        self._store = store

    async def held(self, actor: Actor, graph: Graph, kept: Mapping[str, Any] | None = None) -> Held:
        """The highest role the person holds, by their own id or by a group in the person's own directory.

        A guest holds none. If Graph cannot be asked, only roles given to the person's own id count. `kept` is what the
        store has under `kept_name` in the person's own tenant, if that was read already.
        """
        if not actor.id or actor.guest:
            return Held(role=Role.NONE)
        groups = sorted({i for ids in self._holders.values() for i in ids})
        try:
            mine = await self._memberships(actor, groups, graph, kept)
        except ServiceError as error:
            log.warning("groups_unknown", person=actor.id, error=str(error))
            return Held(role=self._highest({actor.id.casefold()}), doubt=_doubt(error))
        return Held(role=self._highest({actor.id.casefold(), *mine}))

    def _highest(self, ids: set[str]) -> Role:
        return max((role for role, holders in self._holders.items() if holders & ids), default=Role.NONE)

    async def _memberships(
        self, actor: Actor, groups: list[str], graph: Graph, kept: Mapping[str, Any] | None
    ) -> set[str]:
        if not groups:
            return set()
        name = kept_name(actor)
        kept = kept or await self._store.get_value(actor.tenant, name)
        if kept is not None and kept.get("asked") == groups:
            return set(kept["of"])
        try:
            found = {i.casefold() for i in await graph.member_groups(actor.id, groups)}
        except Missing:
            return set()  # the directory does not know the person, so they are in none of its groups
        await self._store.put_value(actor.tenant, name, {"asked": groups, "of": sorted(found)}, KEPT_SECONDS)
        return found


def kept_name(actor: Actor) -> str:
    """The name of the value that keeps a person's groups."""
    return f"groups:{actor.id}"


def _doubt(error: ServiceError) -> Exception:
    """What to tell a person whose role could not be read; that a change may have been made is never true here."""
    return PersonError("error.role_unread") if isinstance(error, Unavailable) else error
