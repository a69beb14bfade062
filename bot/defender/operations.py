"""How a call of Defender's API is declared; the table of each group of calls is made with these. A leaf."""

from bot.http import Operation
from bot.limits import DEFENDER_USUAL, Limit

SERVICE = "defender"


def reading(
    name: str,
    path: str,
    permission: str,
    page: str,
    limits: tuple[Limit, ...] = DEFENDER_USUAL,
    shares: str = "",
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
    permission: str,
    page: str,
    limits: tuple[Limit, ...] = DEFENDER_USUAL,
    method: str = "POST",
) -> Operation:
    """A call that changes something, and so is not made again unless it surely was not accepted."""
    return Operation(
        service=SERVICE,
        name=name,
        method=method,
        path=path,
        permissions=(permission,),
        page=page,
        reads=False,
        limits=limits,
    )
