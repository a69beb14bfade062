"""Who and what the ids in audit entries are, as far as requests name them: entries themselves hold ids only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.records import readable
from bot.responses.models import Person, Request
from bot.state.store import Store

MOST = 500
KIND = "request"


@dataclass(frozen=True, kw_only=True)
class Names:
    """`people` by `who` (tenant/id, in lower case), `machines` by machine id, `devices`: request id -> machine id."""

    people: Mapping[str, str]
    machines: Mapping[str, str]
    devices: Mapping[str, str]

    def person(self, who: str) -> str:
        """The name of who did something, empty where none is known."""
        return self.people.get(who.casefold(), "")


async def names_of(store: Store, customer: str) -> Names:
    """What the newest requests name. Raises StoreDown."""
    return named(readable(await store.newest(customer, KIND, limit=MOST), Request))


def named(requests: Iterable[Request]) -> Names:
    """What these requests name; where two differ, the first counts: hand in the newest first."""
    people: dict[str, str] = {}
    machines: dict[str, str] = {}
    devices: dict[str, str] = {}
    for request in requests:
        for person in _people(request):
            people.setdefault(f"{person.tenant}/{person.id}".casefold(), person.name)
        machines.setdefault(request.target.id, request.target.name)
        devices[request.id] = request.target.id
    return Names(people=people, machines=machines, devices=devices)


def _people(request: Request) -> tuple[Person, ...]:
    return (request.requester, *(decision.who for decision in request.decisions))
