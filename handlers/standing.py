"""What a tenant's plan and our permissions leave of the responses: asked before anything is offered or asked for."""

from bot.capabilities.learning import checked, known, learn_in_time
from bot.capabilities.models import LacksPermission, LacksPlan, RefusedLately, Standing, Unsure, names_of
from bot.capabilities.standing import standing_of
from bot.command import Context
from bot.errors import PersonError
from bot.permissions import APIS
from bot.responses.declared import Response
from bot.responses.models import Evidence, Fact
from cards.status_view import PlanView

INSISTING_SECONDS = 600.0
"""For how long who was told that something lacks may ask for it all the same, by asking once more."""


async def admit(context: Context, response: Response) -> None:
    """Let a response pass that the tenant has, as far as is known.

    Raises PersonError that says which plan has it, which permission is missing and where it is granted, or what the
    service said. Who asks once more within ten minutes passes: it is the service that decides, and we may be wrong.
    """
    learnt, found = await checked(context.services, context.customer, response)
    refusal = _said(response, found, learnt.names)
    if refusal is None:
        return
    store, name = context.services.store, f"insist:{context.actor.id}:{response.name}"
    if await store.get_value(context.customer, name):
        await learn_in_time(context.services, context.customer)  # so that the call carries what was granted just now
        return
    await store.put_value(context.customer, name, {"asked": True}, INSISTING_SECONDS)
    raise refusal


def _said(response: Response, found: Standing, has: tuple[str, ...]) -> PersonError | None:
    match found:
        case LacksPlan(plans=plans):
            held, having = ", ".join(has), " / ".join(names_of(plans)) or ", ".join(sorted(plans))
            return PersonError("error.lacks-plan", command=response.name, has=held, plans=having)
        case LacksPermission(service=service, permission=permission):
            api = APIS[service]
            return PersonError("error.lacks-permission", command=response.name, permission=permission, api=api)
        case RefusedLately(service=service, message=message, at=at):
            values = {"command": response.name, "service": APIS[service], "at": at, "message": message}
            return PersonError("error.refused-lately", **values)
        case _:
            return None


async def marked(context: Context, response: Response, evidence: Evidence) -> Evidence:
    """The same, with a warning where the pages do not say whether the tenant's plan has the response."""
    learnt = await known(context.services, context.customer)
    if not learnt.can_tell() or not isinstance(standing_of(learnt, response, context.now), Unsure):
        return evidence
    return evidence.model_copy(update={"warnings": (*evidence.warnings, Fact(key="plan-unsure"))})


async def plan_of(context: Context) -> PlanView | None:
    """What the tenant has and which responses that leaves out; None where it was never learnt. Raises StoreDown."""
    learnt = await known(context.services, context.customer)
    if learnt.plans is None and not learnt.plans_trouble:
        return None
    lacking: list[str] = []
    refused: list[str] = []
    forbidden: dict[str, list[str]] = {}
    for name, response in sorted(context.services.responses.items()):
        match standing_of(learnt, response, context.now):
            case LacksPlan():
                lacking.append(name)
            case RefusedLately():
                refused.append(name)
            case LacksPermission(permission=permission):
                forbidden[permission] = [*forbidden.get(permission, []), name]
    names = None if learnt.plans is None else learnt.names
    return PlanView(names=names, trouble=learnt.plans_trouble, lacking=lacking, refused=refused, forbidden=forbidden)
