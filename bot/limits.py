"""How often Microsoft's services and Teams may be asked, as data. A leaf."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Used:
    """How much of one limit a customer's calls have used: `used` of `most` in the last `window` seconds.

    `api` names the calls that share the limit, such as `defender machines`.
    """

    api: str
    window: float
    used: int
    most: int


DEFENDER_USUAL = (Limit(100, 60.0), Limit(1500, 3600.0))
"""R1 of the Defender pages: 100 calls a minute and 1,500 an hour, for each API and tenant (defender-api 3)."""

GRAPH_SECURITY = (Limit(150, 60.0),)
"""Alerts and secure scores together, per app and tenant (graph-api 2.5)."""

GRAPH_IDENTITY_PROTECTION = (Limit(1, 1.0),)
"""Risky users and risk detections, per tenant for all apps; a refusal names no time to wait (graph-api 2.5)."""

INTUNE_READS = (Limit(2000, 20.0),)
INTUNE_WRITES = (Limit(200, 20.0),)
"""Devices of Intune, per app and tenant (graph-api 2.5)."""

CONVERSATION = (Limit(1, 0.3), Limit(6, 2.0), Limit(50, 30.0), Limit(1600, 3600.0))
"""Cards of one conversation, evenly, with room for answers to people.

Teams allows 7 in 1 s, 8 in 2 s, 60 in 30 s and 1,800 in an hour (teams-platform 5.1).
"""
