"""What the tenant has bought, and what that leaves of the responses (graph-api.md sections 1.9 and 6.3)."""

from collections.abc import Mapping, Sequence

from bot.doctor.findings import Finding, ok, unknown, warning
from bot.doctor.patient import Patient
from bot.errors import MissingPermission, ServiceError
from bot.graph.http import SKUS
from bot.graph.models import SubscribedSku
from bot.http import read_all, values_of

DEVICES: Mapping[str, str] = {"MDE_SMB": "Defender for Business", "WINDEFATP": "Defender for Endpoint Plan 2"}
OTHERS: Mapping[str, str] = {
    "AAD_PREMIUM": "Entra ID P1",
    "AAD_PREMIUM_P2": "Entra ID P2",
    "INTUNE_A": "Intune",
    "ATP_ENTERPRISE": "Defender for Office 365 Plan 1",
    "THREAT_INTELLIGENCE": "Defender for Office 365 Plan 2",
}


async def plan_findings(patient: Patient, customer: str) -> list[Finding]:
    """One line: the plans that matter here."""
    try:
        answer = await patient.read(customer, SKUS)
        skus = read_all(SKUS, SubscribedSku, values_of(SKUS, answer))
    except ServiceError as error:
        return [_unread(error, customer)]
    return [told(skus, [response.name for response in patient.features.responses], customer)]


def _unread(error: ServiceError, customer: str) -> Finding:
    means, do = f"What the tenant has bought could not be read ({error.status or error.code}).", "Ask again."
    if isinstance(error, MissingPermission):
        means = "Without the permission LicenseAssignment.Read.All (optional) the bot cannot read what the tenant has."
        do = "Grant it if you want to see the plan here. A response that the plan lacks says so when it is used."
    return unknown("plan.bought", "The plan is not known.", means=means, do=do, customer=customer)


def told(skus: Sequence[SubscribedSku], responses: Sequence[str], customer: str) -> Finding:
    """What the tenant has, of the plans that matter here."""
    plans = {plan.service_plan_name or "" for sku in skus for plan in sku.service_plans if plan.works}
    known = [name for plan, name in {**DEVICES, **OTHERS}.items() if plan in plans]
    facts = {"service_plans": sorted(plans), "skus": sorted(sku.sku_part_number or "" for sku in skus)}
    if not plans & DEVICES.keys():
        return warning(
            "plan.bought",
            f"No Defender for Business or Endpoint Plan 2 among what works in this tenant: {_list(known)}.",
            means="Devices, their scores and all responses may be refused as not in the plan.",
            do="See Microsoft 365 admin center > Billing > Licenses. Servers and add-ons are not told apart here.",
            customer=customer,
            facts=facts,
        )
    says = f"The tenant has {_list(known)}. Responses in it: {_list([f'/{name}' for name in responses])}."
    return ok("plan.bought", says, customer=customer, facts=facts)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing that is known here"
