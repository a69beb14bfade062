"""The client for users, roles and risk: what it sends, what it takes for done, and what a refusal means."""

import asyncio
import json
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest
import stamina

from bot.errors import Missing, MissingPermission, NotInPlan, Rejected, Throttled, Unavailable
from bot.graph.http import HttpGraph
from bot.graph.mail import http as mail
from bot.graph.people import http as people
from bot.graph.people.models import GLOBAL_ADMINISTRATOR
from bot.graph.submissions import http as submissions
from bot.http import Operation
from tests.bot.wire_help import Script, api, error_body, graph, ok

USER = {"id": "87d349ed-44d7-43e1-9a83-5f2406dee5bd", "userPrincipalName": "AdeleV@contoso.com", "accountEnabled": True}


@pytest.fixture(autouse=True)
def no_waiting():
    """Retries happen, their pauses do not."""
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


def said(request: httpx.Request) -> dict:
    return json.loads(request.content)


async def test_a_user_is_always_selected():
    """The default properties lack accountEnabled, so what is needed is named."""
    service = Script(ok(USER))
    user = await graph(service).user("adelev@contoso.com")
    assert (user.id, user.name, user.account_enabled) == (USER["id"], "AdeleV@contoso.com", True)
    assert service.requests[0].url.path == "/v1.0/users/adelev@contoso.com"
    assert "accountEnabled" in service.requests[0].url.params["$select"].split(",")


async def test_odd_names_stay_in_their_place():
    """A name with a slash, a quote or dots neither changes the path nor ends the filter."""
    service = Script(ok({"value": []}))
    await graph(service).users_named("O'Brien' or id ne '")
    condition = service.requests[0].url.params["$filter"]
    assert "startswith(displayName,'O''Brien'' or id ne ''')" in condition
    assert condition.count(" or ") == 5 + 4
    with pytest.raises(Missing):
        await graph(service).user("..")
    await graph(Script(ok(USER))).user("a/b?c")
    assert len(service.requests) == 1


async def test_sign_in_is_one_patch():
    """Only accountEnabled is sent, and a 204 without a body is its answer."""
    service = Script(httpx.Response(204))
    await graph(service).set_account_enabled("u-1", enabled=False)
    (request,) = service.requests
    assert (request.method, request.url.path, said(request)) == ("PATCH", "/v1.0/users/u-1", {"accountEnabled": False})


async def test_a_password_goes_out_once_and_must_be_changed():
    """It is in the body alone; a call without an answer is not made again, and the error does not hold it."""
    service = Script(httpx.ReadTimeout("gone"))
    with pytest.raises(Unavailable) as lost:
        await graph(service).set_password("u-1", "Pass-word-1")
    (request,) = service.requests
    assert said(request) == {"passwordProfile": {"password": "Pass-word-1", "forceChangePasswordNextSignIn": True}}
    assert lost.value.sent
    assert "Pass-word-1" not in repr(lost.value.__dict__) + str(lost.value) + str(request.url)


@pytest.mark.parametrize("answer", [httpx.Response(204), ok({"@odata.context": "x", "value": True})])
async def test_sessions_end_by_either_answer(answer):
    """The page says 204, the service says 200 with true: both are done."""
    service = Script(answer)
    await graph(service).revoke_sessions("u-1")
    assert (service.requests[0].method, service.requests[0].content) == ("POST", b"")


async def test_a_false_answer_is_none():
    """200 with false is a refusal, not a success."""
    with pytest.raises(Rejected):
        await graph(Script(ok({"value": False}))).revoke_sessions("u-1")


@pytest.mark.parametrize(
    "answer", [httpx.Response(200), httpx.Response(200, text="<html>"), httpx.Response(204, text="x")]
)
async def test_a_proxys_page_is_no_success(answer):
    """Only the documented 204 may be without a body; anything else leaves open what happened."""
    with pytest.raises(Unavailable) as doubt:
        await graph(Script(answer)).set_account_enabled("u-1", enabled=False)
    assert doubt.value.sent


async def test_roles_name_their_holders():
    """A role is known by its template id, a holder by its name; a group is told apart."""
    rows = [
        {
            "id": "1",
            "roleDefinitionId": GLOBAL_ADMINISTRATOR,
            "principalId": "p",
            "principal": {"@odata.type": "#microsoft.graph.user", "userPrincipalName": "patti@contoso.com"},
        },
        {
            "id": "2",
            "roleDefinitionId": "0" * 8,
            "principalId": "g",
            "principal": {"@odata.type": "#microsoft.graph.group", "displayName": "Help desk"},
        },
    ]
    service = Script(ok({"value": rows}))
    found = await graph(service).role_assignments()
    assert [(one.role, one.principal_name, one.is_group) for one in found] == [
        ("Global Administrator", "patti@contoso.com", False),
        ("0" * 8, "Help desk", True),
    ]
    assert service.requests[0].url.params["$expand"] == "principal"


async def test_a_user_without_risk_is_none():
    """404 says that Identity Protection knows nothing of the user; a sample of its fields is read."""
    missing = httpx.Response(404, json=error_body("ResourceNotFound"))
    assert await graph(Script(missing)).risky_user("u-1") is None
    shown = {"id": "u-1", "isProcessing": False, "riskLevel": "high", "riskState": "atRisk"}
    user = await graph(Script(ok(shown))).risky_user("u-1")
    assert (user.state, user.is_processing) == ("atrisk", False)


async def test_a_verdict_names_the_user():
    """Both verdicts are one POST with the user's id."""
    service = Script(httpx.Response(204))
    await graph(service).confirm_compromised("u-1")
    await graph(service).dismiss_risk("u-1")
    assert [request.url.path.rpartition("/")[2] for request in service.requests] == ["confirmCompromised", "dismiss"]
    assert {json.dumps(said(request)) for request in service.requests} == {'{"userIds": ["u-1"]}'}


async def test_refusals_are_told_apart():
    """A missing permission, a missing licence, and a 429 that names no time."""
    denied = httpx.Response(403, json=error_body("Authorization_RequestDenied", "Insufficient privileges."))
    with pytest.raises(MissingPermission) as lacking:
        await graph(Script(denied)).set_account_enabled("u-1", enabled=True)
    assert lacking.value.permission == "User.EnableDisableAccount.All, User.Read.All"
    licence = httpx.Response(403, json=error_body("Forbidden", "Your tenant is not licensed for this feature."))
    with pytest.raises(NotInPlan):
        await graph(Script(licence)).risky_user("u-1")
    with pytest.raises(Throttled) as early:
        await graph(Script(httpx.Response(429, json=error_body("TooManyRequests")))).dismiss_risk("u-1")
    assert early.value.retry_after is None


async def test_alerts_of_a_user_are_asked_for_by_evidence():
    """One filter for each open status, with the documented lambda, and the name as a literal."""
    service = Script(ok({"value": [{"id": "a"}]}))
    assert [one.id for one in await graph(service).user_alerts("o'b@contoso.com")] == ["a", "a"]
    conditions = sorted(request.url.params["$filter"] for request in service.requests)
    named = (
        "evidence/any(e: e/microsoft.graph.security.userEvidence/userAccount/userPrincipalName eq 'o''b@contoso.com')"
    )
    assert conditions == [f"status eq '{status}' and {named}" for status in ("inProgress", "new")]


async def test_each_method_makes_the_calls_that_stand_beside_it():
    """The operations of `CALLS`, from which permissions follow, are those that a method carries out."""
    done: list[Operation] = []

    async def note(_customer: str, operation: Operation, _left: float) -> None:
        done.append(operation)

    answer = ok({"id": "a", "value": [], "riskState": "none"})
    made = api(Script(answer), budget=note, base="https://graph.test/v1.0")
    client, now = HttpGraph(made), datetime(2026, 11, 23, tzinfo=UTC)
    given = {
        "set_account_enabled": lambda: client.set_account_enabled("u", enabled=True),
        "set_password": lambda: client.set_password("u", "p"),
        "role_assignments": client.role_assignments,
        "analyzed_email": lambda: client.analyzed_email("m", "r", now, now),
        "remediate_mail": lambda: client.remediate_mail("m", "r", "moveToJunk", name="n"),
        "submit_url": lambda: client.submit_url("https://a.test/", "spam"),
        "submit_mail": lambda: client.submit_mail("u", "m", "r", "spam"),
        "submit_file": lambda: client.submit_file("f", b"x", "spam"),
        "submission": lambda: asyncio.gather(*(client.submission(sort, "s") for sort in ("mail", "url", "file"))),
        "submissions": lambda: asyncio.gather(*(client.submissions(sort, now) for sort in ("mail", "url", "file"))),
    }
    for group in (people, mail, submissions):
        for name, operations in group.CALLS.items():
            done.clear()
            await given.get(name, partial(getattr(client, name), "u"))()
            assert tuple(dict.fromkeys(done)) == operations, name
