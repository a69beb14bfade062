"""How a response is decided where no rule of the policy looks at the case: for /policy and /help."""

from bot.command import Context
from bot.policy.models import EMPTY
from bot.policy.rule import without_rules
from bot.responses.declared import Response
from cards.policy import Decided


def decided(context: Context, response: Response) -> Decided:
    """How it is decided in general, and whether that is as it declares."""
    services = context.services
    ruling = without_rules(services.policy.file, response, four_eyes=services.four_eyes)
    declared = without_rules(EMPTY, response, four_eyes=services.four_eyes)
    return Decided(name=response.name, group=response.group, ruling=ruling, changed=ruling != declared)
