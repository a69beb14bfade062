"""How large a soak is and how fast its clock runs: from the environment (SEED, REQUESTS, INCIDENTS, KILLS, QUICK)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from tests.soak.trouble import SHARE


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Sizes, times and speeds.

    Times are of the machine: for asking (`request_seconds`), for the incidents' arrival, for the last of them to be
    seen (`tail_seconds`), for what waits in the Action center alone (`center_seconds`), how long somebody watches a
    card (`patience`), and the most that all may take to end (`settle_seconds`). The clock of the bot and of the service
    has four speeds: while requests are played, while incidents are, while things wait in the Action center, and while
    all comes to its end. Time limits of the network, leases in Redis and the sweep of the jobs stay real.
    """

    seed: int
    requests: int = 500
    request_kills: int = 30
    redis_restarts: int = 5
    incidents: int = 1000
    incident_kills: int = 20
    proposals: int = 90
    bursts: int = 3
    center_kills: int = 2
    request_seconds: float = 480
    incident_seconds: float = 420
    center_seconds: float = 60
    tail_seconds: float = 40
    patience: float = 40
    settle_seconds: float = 300
    quiet: int = 10
    request_speed: float = 10
    incident_speed: float = 5
    center_speed: float = 30
    settle_speed: float = 60
    sending_share: float = SHARE
    by_hand: float = 0.01
    replicas: int = 2
    left_alone: bool = True

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Plan":
        """The plan that the environment asks for; the full one by default."""
        plan = cls(seed=int(environ.get("SEED") or secrets.randbelow(1_000_000)))
        if environ.get("QUICK") not in {None, "", "0"}:
            plan = plan.quick()
        requests = int(environ.get("REQUESTS") or plan.requests)
        incidents = int(environ.get("INCIDENTS") or plan.incidents)
        kills = int(environ.get("KILLS") or plan.request_kills + plan.incident_kills)
        return replace(
            plan,
            requests=requests,
            incidents=incidents,
            request_kills=kills - kills * 2 // 5,
            incident_kills=kills * 2 // 5,
            request_seconds=plan.request_seconds * requests / plan.requests,
            incident_seconds=plan.incident_seconds * incidents / plan.incidents,
        )

    def quick(self) -> "Plan":
        """A soak of about a minute; calls that start an action fail more often, so that few of them show enough."""
        return replace(
            self,
            requests=40,
            request_kills=2,
            redis_restarts=1,
            incidents=40,
            incident_kills=1,
            proposals=18,
            bursts=1,
            center_kills=0,
            request_seconds=12,
            incident_seconds=8,
            center_seconds=20,
            tail_seconds=0,
            patience=6,
            incident_speed=15,
            settle_seconds=90,
            quiet=2,
            sending_share=0.3,
            by_hand=0.15,
            left_alone=False,
        )
