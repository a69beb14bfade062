"""Each response of the registry, from the asking to its end, by the bot's real clients at the simulated services."""

from contextlib import suppress
from functools import partial

import pytest
import stamina

from bot.responses.declared import Response
from bot.responses.models import State
from bot.simulator import Fault
from handlers.responses import RESPONSES
from tests.responses.people import ADELE, ALEX, MEGAN
from tests.responses.processes import Killed
from tests.responses.subjects import EFFECTS, NOTHING_LASTS, asked_for, furnish
from tests.responses.town import Town

BY_NAME = {response.name: response for response in RESPONSES}
each_response = pytest.mark.parametrize("response", RESPONSES, ids=lambda one: one.name)


@pytest.fixture
def town():
    """Services that answer at once."""
    with stamina.set_testing(True, attempts=2, cap=True):
        made = Town(BY_NAME)
        furnish(made)
        yield made


async def asked_and_approved(town: Town, response: Response, which: int = 0) -> str:
    """Asked for and approved by whom it needs; the request's id."""
    subject = await asked_for(town, response, which)
    more = {"target": subject.target, "parameters": subject.parameters, "values": subject.values}
    request, _ = await town.desk().propose(town.proposal(ADELE, response.name, **more))
    for who in (MEGAN, ALEX)[: response.approvals]:
        await town.desk().approve(request.id, who)
    return request.id


async def carried_out(town: Town, response: Response) -> str:
    """The same, followed to its end."""
    key = await asked_and_approved(town, response)
    await town.until_quiet()
    return key


PREPARED = {
    "unblock": "block",
    "unblock-list": "block-list",
    "submit-file": "get-file",
    "release": "isolate",
    "unrestrict": "restrict",
    "untag": "tag",
    "unblock-signin": "block-signin",
    "restore-file": "quarantine-file",
    "restore-registry-key": "remove-registry-key",
    "start-service": "stop-service",
    "enable-driver": "disable-driver",
    "restore-task": "remove-task",
}
"""What must have been done before something can be undone, or handed on."""


@each_response
async def test_what_is_shown_as_done_is_done(town, response):
    """It ends as done or handed over, its effect is at the service, and exactly one call of it was accepted."""
    if before := PREPARED.get(response.name):
        await carried_out(town, BY_NAME[before])
    key = await carried_out(town, response)
    request = await town.request(key)
    assert request.state in {State.SUCCEEDED, State.HANDED_OVER}, (request.trouble, request.trouble_values)
    assert len(town.accepted(key)) == 1, town.accepted(key)
    if response.name not in NOTHING_LASTS:
        assert EFFECTS[response.name](town.sim.first, request)


@each_response
@pytest.mark.parametrize("trouble", ["the answer is lost", "the process dies", "it was never taken"])
async def test_what_may_have_been_taken_is_not_sent_again(town, response, trouble):
    """A call whose answer never came is made once, whoever lost it; what is shown at the end is so or is unknown."""
    if before := PREPARED.get(response.name):
        await carried_out(town, BY_NAME[before])
    if trouble == "the process dies":
        town.after_call = partial(die_once, town)
    else:
        town.weather.changing.append(Fault(kind="reset", acted=trouble == "the answer is lost"))
    key = await asked_and_approved(town, response)
    with suppress(Killed):
        await town.work(key)
    await town.until_quiet()
    request = await town.request(key)
    assert len(town.accepted(key)) == (trouble != "it was never taken")
    assert request.state in {State.UNKNOWN, State.SUCCEEDED, State.HANDED_OVER, State.FAILED}
    if request.state is State.SUCCEEDED and response.name not in NOTHING_LASTS:
        assert EFFECTS[response.name](town.sim.first, request)
    if trouble == "it was never taken" and request.state is not State.UNKNOWN:
        assert request.attempt.adopted, "shown as done, and nobody took it"


def die_once(town: Town) -> None:
    """The process dies right after its call."""
    town.after_call = lambda: None
    raise Killed


def test_the_truth_of_each_response_is_known():
    """Whoever adds a response says here how one sees at the service that it came about."""
    names = {response.name for response in RESPONSES}
    assert names - set(EFFECTS) - NOTHING_LASTS == set()
    assert not set(EFFECTS) & NOTHING_LASTS
