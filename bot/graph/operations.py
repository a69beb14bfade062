"""How a call of Graph's API is declared; the table of each group of calls is made with these. A leaf."""

from bot.http import Operation
from bot.limits import Limit

SERVICE = "graph"


def reading(
    name: str, path: str, permission: str, page: str, limits: tuple[Limit, ...] = (), shares: str = ""
) -> Operation:
    """A GET: a repetition does no harm. `page` is the documented page."""
    return Operation(
        service=SERVICE,
        name=name,
        method="GET",
        path=path,
        permissions=(permission,),
        page=page,
        limits=limits,
        shares=shares,
    )


def changing(
    name: str,
    path: str,
    permissions: tuple[str, ...],
    page: str,
    *,
    empty: int,
    method: str = "POST",
    limits: tuple[Limit, ...] = (),
    shares: str = "",
) -> Operation:
    """A call that changes something, and so is not made again unless it surely was not accepted.

    `empty` is the status by which the service says without a body that all went well.
    """
    return Operation(
        service=SERVICE,
        name=name,
        method=method,
        path=path,
        permissions=permissions,
        page=page,
        reads=False,
        limits=limits,
        shares=shares,
        empty=frozenset({empty}),
    )
