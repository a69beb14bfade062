"""What the tenant has bought, and what that leaves of the responses (graph-api.md sections 1.9 and 6.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.capabilities.models import Known, LacksPlan, names_of
from bot.capabilities.standing import standing_of
from bot.doctor.findings import Finding, ok, unknown, warning
from bot.doctor.patient import Patient
from bot.errors import MissingPermission, ServiceError
from bot.graph.http import SKUS
from bot.graph.models import SubscribedSku
from bot.http import read_all, values_of
from bot.responses.declared import Response

DEVICES = frozenset({"MDE_SMB", "WINDEFATP"})
"""One of these is needed for anything on a device."""


async def plan_findings(patient: Patient, customer: str) -> list[Finding]:
    """One line: the plans that matter here."""
    try:
        answer = await patient.read(customer, SKUS)
        skus = read_all(SKUS, SubscribedSku, values_of(SKUS, answer))
    except ServiceError as error:
        return [_unread(error, customer)]
    return [told(skus, patient.features.responses, customer, patient.clock.now())]


def _unread(error: ServiceError, customer: str) -> Finding:
    means, do = f"What the tenant has bought could not be read ({error.status or error.code}).", "Ask again."
    if isinstance(error, MissingPermission):
        means = "Without the permission LicenseAssignment.Read.All (optional) the bot cannot read what the tenant has."
        do = "Grant it if you want to see the plan here. A response that the plan lacks says so when it is used."
    return unknown("plan.bought", "The plan is not known.", means=means, do=do, customer=customer)


def told(skus: Sequence[SubscribedSku], responses: Sequence[Response], customer: str, now: datetime) -> Finding:
    """What the tenant has, of the plans that matter here, and which responses that leaves out."""
    plans = {plan.service_plan_name or "" for sku in skus for plan in sku.service_plans if plan.works}
    known = Known(plans=frozenset(plans))
    lacking = {
        one.name: stands.plans for one in responses if isinstance(stands := standing_of(known, one, now), LacksPlan)
    }
    facts = {
        "service_plans": sorted(plans),
        "skus": sorted(sku.sku_part_number or "" for sku in skus),
        "responses_lacking": sorted(lacking),
    }
    if not plans & DEVICES:
        return warning(
            "plan.bought",
            f"No Defender for Business or Endpoint Plan 2 among what works in this tenant: {_list(known.names)}.",
            means="Devices, their scores and all responses may be refused as not in the plan.",
            do="See Microsoft 365 admin center > Billing > Licenses. Servers and add-ons are not told apart here.",
            customer=customer,
            facts=facts,
        )
    says = f"The tenant has {_list(known.names)}. Of {len(responses)} responses {_lacking(lacking)}."
    return ok("plan.bought", says, customer=customer, facts=facts)


def _lacking(lacking: Mapping[str, frozenset[str]]) -> str:
    """The responses that the plan lacks, by what has them."""
    if not lacking:
        return "the plan lacks none"
    needs: dict[str, list[str]] = {}
    for name, plans in sorted(lacking.items()):
        needs.setdefault(" or ".join(names_of(plans)), []).append(f"/{name}")
    return f"the plan lacks {len(lacking)}: " + "; ".join(f"{_list(names)} ({plan})" for plan, names in needs.items())


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing that is known here"
