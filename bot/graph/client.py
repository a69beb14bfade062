"""What the rest of the bot asks of Microsoft Graph. The HTTP side stands in `http.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.graph.domains.client import Domains
from bot.graph.intune.client import Intune
from bot.graph.mail.client import Mail
from bot.graph.models import OPEN_ALERT_STATUSES, GraphAlert, Incident, SecureScore, SubscribedSku
from bot.graph.people.client import People
from bot.graph.submissions.client import Submissions


@dataclass(frozen=True, kw_only=True)
class IncidentChanges:
    """What changed since a moment, oldest change first, each incident once in its newest form, without alerts.

    `until` is the moment to go on from (it was read up to and including there, so the next answer repeats what changed
    at exactly that moment). `more` is true where a bound stopped the reading: ask again from `until` at once.
    """

    incidents: tuple[Incident, ...]
    until: datetime
    more: bool


class Graph(Intune, People, Mail, Submissions, Domains, Protocol):
    """One customer's Graph. Each method raises `ServiceError`s of bot.errors with service `graph` or `login`."""

    async def incidents_changed_since(
        self, since: datetime, *, statuses: Sequence[str] = (), page: int = 50, max_items: int = 1000
    ) -> IncidentChanges:
        """Incidents that changed at or after the moment, of these statuses or all.

        The bound is checked only between two moments, so a call always gets further: where many incidents carry the
        very same time, all of them are returned together.
        """

    async def incidents(
        self,
        *,
        statuses: Sequence[str] = (),
        severities: Sequence[str] = (),
        assigned_to: str = "",
        top: int = 50,
    ) -> list[Incident]:
        """Incidents, the last changed first, at most `top`, without alerts."""

    async def incident(self, incident_id: str) -> Incident:
        """The incident with its alerts; raises `Missing`."""

    async def open_incident_count(self) -> int:
        """How many incidents are neither resolved nor merged away."""

    async def alerts(
        self, *, statuses: Sequence[str] = OPEN_ALERT_STATUSES, severities: Sequence[str] = (), top: int = 100
    ) -> list[GraphAlert]:
        """Alerts of all products, the last changed first, at most `top`."""

    async def alert(self, alert_id: str) -> GraphAlert:
        """The alert with its evidence; raises `Missing`."""

    async def secure_scores(self, top: int = 1) -> list[SecureScore]:
        """The scores of the last `top` days (90 are kept), newest first."""

    async def subscribed_skus(self) -> list[SubscribedSku]:
        """What the tenant has bought, with its service plans."""

    async def member_groups(self, user_id: str, group_ids: Sequence[str]) -> set[str]:
        """Those of the groups that the person belongs to, directly or through another group."""
