"""Teams out of order for a while: what was to be shown is shown once it is back."""

from collections import deque
from datetime import timedelta

import pytest

from bot.errors import Unavailable
from tests.responses.fake_teams import Mishap
from tests.responses.people import ADELE, TENANT
from tests.responses.stage import Stage


@pytest.mark.parametrize(("unanswered", "hours"), [(2, 0.2), (3, 1), (5, 10)])
async def test_an_outage_loses_no_card(unanswered, hours):
    """An open request's card stands some time after an outage in which no POST was carried out."""
    stage = Stage()
    down = Unavailable("teams", "send", sent=True, status=503)
    stage.teams.mishaps["post"] = deque(Mishap(down) for _ in range(unanswered))
    request, _ = await stage.desk().propose(stage.proposal(ADELE))
    end = stage.clock.now() + timedelta(hours=hours)
    while stage.clock.now() < end:
        await stage.work(request.id)
        due = await stage.store.due(TENANT, end)
        stage.clock.move(max(1.0, (due[0].at - stage.clock.now()).total_seconds()) if due else 3600)
    assert stage.teams.messages
