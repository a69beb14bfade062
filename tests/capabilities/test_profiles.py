"""Which responses the three profiles of the simulated company have, written down a second time, as data.

Sources: defender-api.md section 5, graph-api.md section 1.9. What stands in neither table is offered in every plan.
"""

import pytest

from bot.capabilities.models import Known, LacksPlan, Offered, Unsure, names_of
from bot.capabilities.standing import offerable, standing_of
from bot.simulator.world import PLANS
from handlers import RESPONSES
from tests.responses.people import START

INTUNE = frozenset({"intune-scan", "lock", "restart", "retire", "sync", "update-signatures", "wipe"})
PLAN_2_OF_ENDPOINT = frozenset({"collect", "quarantine", "restrict", "unrestrict"})
P2_OF_ENTRA = frozenset({"confirm-compromised", "dismiss-risk"})
LIVE = frozenset(
    {
        *("get-file", "put-file", "run-script", "quarantine-file", "restore-file", "kill-process"),
        *("remove-registry-key", "restore-registry-key", "remove-task", "restore-task"),
        *("stop-service", "start-service", "disable-driver", "enable-driver"),
        *("preview", "library-upload", "library-delete"),
    }
)
MAIL = frozenset({"remediate-mail", "submit-file", "submit-mail", "submit-url"})
LACKS = {
    "business": INTUNE | PLAN_2_OF_ENDPOINT | P2_OF_ENTRA | MAIL,
    "premium": PLAN_2_OF_ENDPOINT | P2_OF_ENTRA,
    "plan2": frozenset(),
}
UNSURE = {"business": LIVE, "premium": LIVE | MAIL, "plan2": frozenset()}
NEEDS_A_PLAN = INTUNE | PLAN_2_OF_ENDPOINT | P2_OF_ENTRA | LIVE | MAIL


@pytest.mark.parametrize("profile", PLANS)
def test_what_a_profile_has(profile):
    """Each response stands in each profile as the reference pages say, or as unsure where they do not say."""
    known = Known(plans=frozenset(PLANS[profile]))
    stands = {response.name: standing_of(known, response, START) for response in RESPONSES}
    assert {name for name, one in stands.items() if isinstance(one, LacksPlan)} == LACKS[profile]
    assert {name for name, one in stands.items() if isinstance(one, Unsure)} == UNSURE[profile]
    assert {name for name, one in stands.items() if offerable(one)} == stands.keys() - LACKS[profile]
    others = stands.keys() - LACKS[profile] - UNSURE[profile]
    assert all(stands[name] == Offered() for name in others)


def test_what_needs_a_plan_names_one_that_people_know():
    """The plans that a response needs have names for people, and only those of the table need one."""
    assert {response.name for response in RESPONSES if response.plans} == NEEDS_A_PLAN
    assert all(names_of(response.plans) for response in RESPONSES if response.plans)
    assert names_of({"INTUNE_A", "SOMETHING_ELSE"}) == ("Intune",)


@pytest.mark.parametrize("response", RESPONSES, ids=lambda one: one.name)
def test_nothing_is_held_back_where_nothing_is_known(response):
    """In a tenant that was never asked every response is offered."""
    assert offerable(standing_of(Known(), response, START))
