"""The four roles, cumulative, and who holds them.

Ids in the settings are those of people or of Entra groups. People are matched by id; membership of groups is asked of
Graph (`api/directoryobject-checkmembergroups`), kept five minutes at most, and a question that cannot be answered
gives no role.
"""

from collections.abc import Mapping
from enum import IntEnum

import structlog

from bot.errors import ServiceError
from bot.graph.client import Graph
from bot.state.store import Store
from bot.turn import Actor

log = structlog.get_logger()

KEPT_SECONDS = 300.0


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


class RoleBook:
    """Says which role a person holds. `holders` are the ids (people or groups) that the settings name for each role."""

    def __init__(self, holders: Mapping[Role, frozenset[str]], store: Store) -> None:
        self._holders = {role: frozenset(i.casefold() for i in ids) for role, ids in holders.items()}
        self._store = store

    async def role(self, actor: Actor, graph: Graph) -> Role:
        """The highest role the person holds, by their own id or by a group in the person's own directory.

        A guest holds none. If Graph cannot be asked, only roles given to the person's own id count.
        """
        if not actor.id or actor.guest:
            return Role.NONE
        mine = {actor.id.casefold()}
        groups = sorted({i for ids in self._holders.values() for i in ids})
        mine |= await self._memberships(actor, groups, graph)
        return max((role for role, ids in self._holders.items() if ids & mine), default=Role.NONE)

    async def _memberships(self, actor: Actor, groups: list[str], graph: Graph) -> set[str]:
        if not groups:
            return set()
        name = f"groups:{actor.id}"
        kept = await self._store.get_value(actor.tenant, name)
        if kept is not None and kept.get("asked") == groups:
            return set(kept["of"])
        try:
            found = {i.casefold() for i in await graph.member_groups(actor.id, groups)}
        except ServiceError as error:
            log.warning("groups_unknown", person=actor.id, error=str(error))
            return set()
        await self._store.put_value(actor.tenant, name, {"asked": groups, "of": sorted(found)}, KEPT_SECONDS)
        return found
