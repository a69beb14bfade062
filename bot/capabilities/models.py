"""What is known of a tenant's plans and permissions, and how a response can stand with it. A leaf: no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict

PLANS: Mapping[str, str] = {
    "MDE_SMB": "Defender for Business",
    "WINDEFATP": "Defender for Endpoint Plan 2",
    "AAD_PREMIUM": "Entra ID P1",
    "AAD_PREMIUM_P2": "Entra ID P2",
    "INTUNE_A": "Intune",
    "ATP_ENTERPRISE": "Defender for Office 365 Plan 1",
    "THREAT_INTELLIGENCE": "Defender for Office 365 Plan 2",
}
"""The service plans that matter here (graph-api.md section 1.9), as people call them."""
TRIED_AGAIN = timedelta(days=1)
"""For how long a refusal counts; then it is tried again."""
MOST_REFUSALS = 50


class Refusal(BaseModel):
    """What a service refused for want of a plan or of a permission; `message` is its own sentence, cut."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: str
    operation: str
    kind: str
    permission: str = ""
    message: str = ""
    at: datetime


class Known(BaseModel):
    """What was learnt of one tenant. None: never learnt; `roles` has only the services whose token could be read.

    `plans_trouble` says why the plans could not be read the last time: `permission`, `plan`, `busy` or `outage`.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    plans: frozenset[str] | None = None
    plans_at: datetime | None = None
    plans_trouble: str = ""
    roles: Mapping[str, frozenset[str]] = {}
    roles_at: datetime | None = None
    refusals: tuple[Refusal, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The plans that matter here, as people call them."""
        return names_of(self.plans or ())

    def can_tell(self) -> bool:
        """Whether the plans say what the tenant lacks: not where none of them is one that we know."""
        return bool(self.plans and self.plans & PLANS.keys())


@dataclass(frozen=True, kw_only=True)
class Offered:
    """The tenant has it, or it takes no plan."""


@dataclass(frozen=True, kw_only=True)
class Unsure:
    """The pages do not tell whether this plan has it, or the plan could not be learnt: it is offered."""


@dataclass(frozen=True, kw_only=True)
class LacksPlan:
    """The tenant's plan lacks it; any one of `plans` has it."""

    plans: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class LacksPermission:
    """Our token for `service` does not carry `permission`."""

    service: str
    permission: str


@dataclass(frozen=True, kw_only=True)
class RefusedLately:
    """The service refused it at `at`, with `message`; it is tried again from `until` on."""

    service: str
    message: str
    at: datetime
    until: datetime


Standing: TypeAlias = Offered | Unsure | LacksPlan | LacksPermission | RefusedLately


def names_of(plans: Iterable[str]) -> tuple[str, ...]:
    """Service plans as people call them, in the order of `PLANS`; those that are not known there are left out."""
    held = set(plans)
    return tuple(name for plan, name in PLANS.items() if plan in held)
