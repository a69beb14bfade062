"""The words of /subscribe: what is wanted, how grave, and when the digest comes."""

import re
from dataclasses import dataclass, replace

from bot.errors import UsageError
from bot.incidents import SEVERITIES
from bot.zones import find_zone

USAGE = "/subscribe [incidents [from SEVERITY]] [requests] [actions] [digest at HH:MM [ZONE]]"
TIME = re.compile(r"([01]?\d|2[0-3])(?:[:.]([0-5]\d))?")
KINDS = ("incidents", "requests", "actions", "digest")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The lowest severity of incidents ("" for none), whether requests are wanted, and when the digest (HH:MM).

    `actions`: what waits in the Action center, where no requests (which bring it along) are wanted. None: leave it as
    it is. `zone` is an IANA name, empty for the person's own.
    """

    incidents: str | None = None
    requests: bool | None = None
    actions: bool | None = None
    digest: str | None = None
    zone: str = ""


EVERYTHING = Asked(incidents=SEVERITIES[0], requests=True, actions=True)


def parse(words: str) -> Asked:
    """Nothing said means incidents, requests and actions. Who names one wants no other of these; a digest stays.

    Who names the digest alone leaves the rest as it is. Raises UsageError.
    """
    left = words.casefold().split()
    if not left:
        return EVERYTHING
    wanted: dict[str, str] = {}
    while left:
        kind = left.pop(0)
        if kind not in KINDS:
            raise UsageError("error.usage", usage=USAGE)
        end = next((n for n, word in enumerate(left) if word in KINDS), len(left))
        wanted[kind], left = " ".join(left[:end]), left[end:]
    digest, zone = _digest(wanted["digest"]) if "digest" in wanted else (None, "")
    if set(wanted) == {"digest"}:
        return Asked(digest=digest, zone=zone)
    if wanted.get("requests") or wanted.get("actions"):
        raise UsageError("error.usage", usage=USAGE)
    incidents = _severity(wanted["incidents"]) if "incidents" in wanted else ""
    asked = Asked(incidents=incidents, requests="requests" in wanted, actions="actions" in wanted)
    return replace(asked, digest=digest, zone=zone)


def _severity(words: str) -> str:
    """The lowest severity, of `from SEVERITY`; none said means all."""
    if not words:
        return SEVERITIES[0]
    word, _, severity = words.partition(" ")
    if word != "from":
        raise UsageError("error.usage", usage=USAGE)
    if severity not in SEVERITIES:
        raise UsageError("error.unknown_severity", said=severity, known=", ".join(SEVERITIES))
    return severity


def _digest(words: str) -> tuple[str, str]:
    """The time of day and the zone, of `at HH:MM [ZONE]`."""
    word, _, zone = words.removeprefix("at ").partition(" ")
    time = TIME.fullmatch(word)
    if not time:
        raise UsageError("error.no_time", usage=USAGE)
    zone = zone.removeprefix("in ").strip()
    return f"{int(time[1]):02}:{time[2] or '00'}", find_zone(zone) if zone else ""
