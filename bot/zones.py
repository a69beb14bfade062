"""Time zones as people name them. A leaf; the names are those of the `tzdata` package, the same on every machine."""

from functools import cache
from importlib.resources import files

from rapidfuzz import fuzz, process

from bot.errors import UsageError

ALIKE = 75.0


@cache
def names() -> dict[str, str]:
    """Every IANA name by its folded form."""
    listed = (files("tzdata") / "zones").read_text(encoding="utf-8").split()
    return {name.casefold(): name for name in listed}


def find_zone(said: str) -> str:
    """The IANA name that is meant, in any case, with blanks for underscores. Raises UsageError with the nearest one."""
    folded = "_".join(said.casefold().split())
    known = names()
    if folded in known:
        return known[folded]
    if any(sign.isdigit() for sign in folded):  # "UTC+2" is no zone whose clocks change, and "UTC" is not near to it
        raise UsageError("error.unknown_zone", said=said)
    places = {name.rpartition("/")[2]: name for name in known}
    scored = [
        (found[1], whole[found[0]])
        for whole in ({name: name for name in known}, places)
        if (found := process.extractOne(folded, list(whole), scorer=fuzz.ratio, score_cutoff=ALIKE))
    ]
    if scored:
        near = known[max(scored, key=lambda one: one[0])[1]]
        raise UsageError("error.unknown_zone_near", said=said, near=near)
    raise UsageError("error.unknown_zone", said=said)
