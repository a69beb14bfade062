"""What a card says of how a request stands fits what it is about: no device, and no service, that it has not."""

import pytest

from bot.responses.declared import Response
from bot.responses.models import DEVICE, Request, State, Target
from bot.turn import Look
from cards.request import request_card
from handlers.responses import RESPONSES
from tests.responses.people import START, request

ON_DEVICES = {DEVICE, "managed", "action", "library"}
"""Kinds of targets of which, or of whose effects, a device may be spoken."""
OF_DEFENDER = {DEVICE, "indicator", "values", "library", "action"}
NOT_SHARED = {State.TIMED_OUT, State.CANCELLED, State.PARTLY, State.SUCCEEDED, State.HANDED_OVER}
"""Ends that machine actions alone have, or that responses of other kinds tell in words of their own."""
TROUBLES = {
    "trouble.not_found": {},
    "trouble.missing": {"service": "graph"},
    "trouble.other_action": {"type": "riskyUser", "who": "?", "id": ""},
}
TROUBLED = (State.APPROVED, State.UNKNOWN, State.FAILED)
ELSEWHERE = [response for response in RESPONSES if response.target not in ON_DEVICES]


def standing(response: Response, state: State, trouble: str = "") -> str:
    """The first lines of the card, below its title."""
    made: Request = request(
        response=response.name,
        family=response.family,
        target=Target(id="x", name="x", kind=response.target),
        state=state,
        status="Accepted",
        trouble=trouble,
        trouble_values=TROUBLES.get(trouble, {}),
        unknown_since=START if state is State.UNKNOWN else None,
        approvals_needed=0 if state is State.APPROVED else 1,
    )
    card = request_card(Look(now=START), made).card
    return " ".join(item["text"] for item in card["body"][0]["items"][1:])


@pytest.mark.parametrize("response", ELSEWHERE, ids=lambda response: response.name)
def test_a_card_speaks_of_what_it_is_about(response: Response):
    """A user, a message or an address is no device, and Entra ID or Microsoft 365 is not Defender."""
    said = [standing(response, state) for state in State if state not in NOT_SHARED]
    said += [standing(response, state, trouble) for state in TROUBLED for trouble in TROUBLES]
    assert not [text for text in said if "device" in text.casefold()]
    if response.target not in OF_DEFENDER:
        assert not [text for text in said if "Defender" in text]


@pytest.mark.parametrize("response", [one for one in RESPONSES if one.target == "managed"], ids=lambda one: one.name)
def test_intune_is_not_called_defender(response: Response):
    """What Intune carries out is looked for in Intune."""
    said = [standing(response, state, trouble) for state in TROUBLED for trouble in TROUBLES]
    assert not any("Defender" in text for text in said)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"type": "Isolate", "who": "anna", "id": "7"},
            "Waits: anna started Isolate (action 7), which is not over yet.",
        ),
        ({"type": "wipe", "who": "?", "id": ""}, "Waits for what was started elsewhere and is not over yet: Wipe."),
        ({"type": "Isolate", "who": "?", "id": "7"}, "is not over yet: Isolate."),
    ],
)
def test_what_is_waited_for_is_named_as_far_as_it_is_known(values: dict[str, str], said: str):
    """No question mark stands for a person, and no empty brackets for a number."""
    made = request(state=State.APPROVED, trouble="trouble.other_action", trouble_values=values)
    assert said in str(request_card(Look(now=START), made).card)
