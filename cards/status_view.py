"""What /status knows: plain values, as they were read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.auditreport import AuditReport
from bot.limits import Used
from bot.pulse import Beat, Pulse
from bot.sources import SourceState
from bot.subscriptions import Subscription


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Records whose time has come: how many (`more`: at least so many), how many for long, since when the oldest."""

    due: int = 0
    overdue: int = 0
    oldest: datetime | None = None
    more: bool = False


@dataclass(frozen=True, kw_only=True)
class PlanView:
    """What the tenant has. `names` None: it could not be read, and `trouble` says why (see `SourceState`).

    Names of responses: `lacking` are not in the plan, `refused` were refused by the service within a day, `forbidden`
    maps a permission that is not granted to those that need it.
    """

    names: Sequence[str] | None
    trouble: str = ""
    lacking: Sequence[str] = ()
    refused: Sequence[str] = ()
    forbidden: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StatusView:
    """How the bot does, for one customer.

    `me` is the process that answers and `started` when it began; `replicas` are those that said lately that they live.
    `redis_ms` is how long a write took. `watched`: somebody subscribed to incidents; `polled` is when they were last
    looked for and `behind` for how many seconds what Graph tells has not been read. `swept`: when jobs were last looked
    after. `here` is this conversation's subscription, `conversations` how many subscribe. `entries` counts the audit
    trail.
    """

    version: str
    me: str
    started: datetime | None
    replicas: Sequence[Pulse] = ()
    redis_ms: float
    swept: datetime | None
    sources: Sequence[SourceState] = ()
    watched: bool = False
    polled: datetime | None = None
    behind: float = 0.0
    queue: Queue = field(default_factory=Queue)
    last_post: datetime | None = None
    report: AuditReport | None = None
    beat: Beat = field(default_factory=Beat)
    here: Subscription | None = None
    conversations: int = 0
    budgets: Sequence[Used] = ()
    plan: PlanView | None = None
    head: str = ""
    entries: int = 0
    tenant: str = ""
    admin: bool = False
