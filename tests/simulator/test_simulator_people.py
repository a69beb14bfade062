from datetime import timedelta

import pytest

from bot.simulator.directory import PLAYGROUND
from bot.simulator.faults import Fault
from bot.simulator.graph_people import GLOBAL_ADMINISTRATOR, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, SETTLES
from bot.simulator.tokens import GRAPH
from bot.simulator.world import Person
from tests.simulator.documented import CONTEXT, documented, keys_of

USERS = "/v1.0/users"
RISKY = "/v1.0/identityProtection/riskyUsers"
ROLES = "/v1.0/roleManagement/directory/roleAssignments"
BLOCK = {"accountEnabled": False}
PASSWORD = {"passwordProfile": {"password": "Only-4-this-test", "forceChangePasswordNextSignIn": True}}


def person(sim, account: str) -> Person:
    found = sim.first.directory.find(f"{account}@fabrikam.example")
    assert found
    return found


@pytest.fixture
def p2(sim) -> None:
    """The company has Entra ID P2."""
    sim.first.plan = "plan2"


async def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_user_is_found_by_id_and_by_name(api, sim):
    """Both paths lead to the same user; nobody is 404 in the directory's words."""
    one = person(sim, "m.oakleaf")
    for name in (one.id, one.upn, one.upn.upper()):
        assert (await api.get(f"{USERS}/{name}")).json()["id"] == one.id
    assert await code(await api.get(f"{USERS}/nobody@fabrikam.example")) == (404, "Request_ResourceNotFound")


async def test_only_what_is_selected_is_returned(api, sim):
    """Without `$select` there is no accountEnabled; with it there is, and nothing that was not asked for."""
    one = person(sim, "m.oakleaf")
    assert "accountEnabled" not in (await api.get(f"{USERS}/{one.id}")).json()
    chosen = (await api.get(f"{USERS}/{one.id}?$select=accountEnabled,onPremisesSyncEnabled")).json()
    assert set(chosen) == {"@odata.context", "id", "accountEnabled", "onPremisesSyncEnabled"}
    assert (await api.get(f"{USERS}/{one.id}?$select=shoeSize")).status_code == 400


async def test_names_are_filtered_without_regard_to_case(api):
    """`startswith` and `eq` of the directory take any case; what may not be filtered is 400."""
    rows = await api.rows(USERS, **{"$filter": "startswith(displayName,'megan') or startswith(mail,'MEGAN')"})
    assert sorted(row["displayName"] for row in rows) == ["Megan Bowen", "Megan Oakleaf"]
    assert len(await api.rows(USERS, **{"$filter": "mail eq 'P.O''BRIEN@fabrikam.example'"})) == 1
    assert (await api.get(f"{USERS}?$filter=startswith(jobTitle,'x')")).status_code == 400


async def test_sign_in_is_blocked_and_unblocked(api, sim):
    """A PATCH is 204 without a body, and the directory shows it."""
    one = person(sim, "m.oakleaf")
    for wanted in (False, True):
        answer = await api.call("PATCH", f"{USERS}/{one.id}", json={"accountEnabled": wanted})
        assert (answer.status_code, answer.content) == (204, b"")
        assert one.enabled is wanted
        shown = (await api.get(f"{USERS}/{one.id}?$select=accountEnabled")).json()
        assert shown["accountEnabled"] is wanted


async def test_a_password_is_set_and_not_kept(api, sim):
    """The new password counts and ends the sessions; it is nowhere in the simulated world."""
    one = person(sim, "m.oakleaf")
    assert (await api.call("PATCH", f"{USERS}/{one.id}", json=PASSWORD)).status_code == 204
    assert (one.passwords, one.must_change, one.valid_from) == (1, True, sim.clock.now())
    assert "Only-4-this-test" not in repr(vars(one))


@pytest.mark.parametrize(
    "body", [{}, {"jobTitle": "x"}, {"accountEnabled": "no"}, {"passwordProfile": {"password": "weak"}}, []]
)
async def test_a_change_that_is_not_understood_is_400(api, sim, body):
    """An empty body, an unknown property, a wrong type and a weak password are refused, and nothing changes."""
    one = person(sim, "m.oakleaf")
    assert (await api.call("PATCH", f"{USERS}/{one.id}", json=body)).status_code == 400
    assert (one.enabled, one.passwords) == (True, 0)


@pytest.mark.parametrize(
    ("lost", "body"),
    [
        ("User.EnableDisableAccount.All", BLOCK),
        ("User.Read.All", BLOCK),
        ("User-PasswordProfile.ReadWrite.All", PASSWORD),
    ],
)
async def test_each_change_has_its_permission(api, sim, lost, body):
    """Without its own permission a change is 403 Authorization_RequestDenied, whatever else the app may do."""
    sim.first.roles[GRAPH].discard(lost)
    answer = await api.call("PATCH", f"{USERS}/{person(sim, 'm.oakleaf').id}", json=body)
    assert await code(answer) == (403, "Authorization_RequestDenied")


@pytest.mark.parametrize("account", ["j.stone", "h.meadow"])
@pytest.mark.parametrize("body", [BLOCK, PASSWORD])
async def test_an_administrator_is_sensitive(api, sim, account, body):
    """What is sensitive to an administrator, also to one through a group, needs a role of the app as well."""
    one = person(sim, account)
    answer = await api.call("PATCH", f"{USERS}/{one.id}", json=body)
    assert await code(answer) == (403, "Authorization_RequestDenied")
    assert (await api.post(f"{USERS}/{one.id}/revokeSignInSessions")).status_code == 200, "which is not sensitive"
    sim.first.app_roles.add(PRIVILEGED_AUTHENTICATION_ADMINISTRATOR)
    assert (await api.call("PATCH", f"{USERS}/{one.id}", json=body)).status_code == 204


@pytest.mark.parametrize("name", ["revokeSignInSessions", "microsoft.graph.revokeSignInSessions"])
async def test_sessions_end(api, sim, name):
    """It is answered 200 with true, whatever the page says; a switch answers as the page does."""
    one = person(sim, "m.oakleaf")
    answer = await api.post(f"{USERS}/{one.id}/{name}")
    assert (answer.status_code, answer.json()["value"]) == (200, True)
    assert one.valid_from == sim.clock.now()
    sim.quirks.revoke_204 = True
    assert (await api.post(f"{USERS}/{one.id}/{name}")).status_code == 204
    assert (await api.post(f"{USERS}/nobody/{name}")).status_code == 404


async def test_who_holds_which_role(api, sim):
    """Assignments name role and holder; holders come along when asked for, users and groups alike."""
    rows = await api.rows(ROLES)
    assert all("principal" not in row for row in rows)
    rows = await api.rows(ROLES, **{"$expand": "principal"})
    held = {(row["principal"]["displayName"], row["principal"]["@odata.type"].rpartition(".")[2]) for row in rows}
    assert held == {("Patti Fernandez", "user"), ("Jo Stone", "user"), ("Help desk", "group")}
    patti = await api.rows(ROLES, **{"$filter": f"principalId eq '{PLAYGROUND['user-id-4'].id}'"})
    assert [row["roleDefinitionId"] for row in patti] == [GLOBAL_ADMINISTRATOR]


async def test_risky_users_are_of_p2(api, sim):
    """Without Entra ID P2 all of it is 403 Forbidden with a word about the licence."""
    one = person(sim, "m.oakleaf")
    for answer in (
        await api.get(f"{RISKY}/{one.id}"),
        await _second_later(api, sim, "GET", RISKY),
        await _second_later(api, sim, "POST", f"{RISKY}/dismiss", {"userIds": [one.id]}),
    ):
        assert await code(answer) == (403, "Forbidden")
        assert "licensed" in answer.json()["error"]["message"]


async def _second_later(api, sim, method: str, path: str, body=None):
    sim.clock.move(1.1)
    return await api.call(method, path, json=body) if body else await api.call(method, path)


@pytest.mark.parametrize(
    ("action", "level", "state"),
    [("confirmCompromised", "high", "confirmedCompromised"), ("dismiss", "none", "dismissed")],
)
async def test_a_verdict_is_processed_for_a_while(api, sim, p2, action, level, state):
    """It is 204; until it is processed the user stands as before and isProcessing is true."""
    one = person(sim, "t.brook")
    answer = await api.post(f"{RISKY}/{action}", {"userIds": [one.id]})
    assert (answer.status_code, answer.content) == (204, b"")
    shown = (await _second_later(api, sim, "GET", f"{RISKY}/{one.id}")).json()
    assert (shown["isProcessing"], shown["riskLevel"], shown["riskState"]) == (True, "medium", "atRisk")
    sim.clock.move(SETTLES.total_seconds())
    shown = (await api.get(f"{RISKY}/{one.id}")).json()
    assert (shown["isProcessing"], shown["riskLevel"], shown["riskState"]) == (False, level, state)


async def test_who_was_never_at_risk_is_not_there(api, sim, p2):
    """Such a user is 404, and an administrator's word makes one of them."""
    one = person(sim, "k.müller")
    assert (await api.get(f"{RISKY}/{one.id}")).status_code == 404
    assert (
        await _second_later(api, sim, "POST", f"{RISKY}/confirmCompromised", {"userIds": [one.id]})
    ).status_code == 204
    assert (await _second_later(api, sim, "GET", f"{RISKY}/{one.id}")).status_code == 200


async def test_one_call_a_second_and_no_word_of_how_long(api, sim, p2):
    """Identity Protection takes one call a second from all apps together; its 429 has no Retry-After."""
    assert (await api.get(RISKY)).status_code == 200
    refused = await api.get(RISKY)
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    sim.clock.move(timedelta(seconds=2).total_seconds())
    assert (await api.get(RISKY)).status_code == 200


async def test_a_change_can_be_made_and_its_answer_lost(api, sim):
    """A fault after the act leaves the change in the directory."""
    one = person(sim, "m.oakleaf")
    sim.faults.add("graph.users.update", Fault(kind="error", status=503, acted=True))
    assert (await api.call("PATCH", f"{USERS}/{one.id}", json=BLOCK)).status_code == 503
    assert not one.enabled


async def test_no_field_is_invented(api, sim, p2):
    """Every field of a user, a role's holder and a risky user is in the documentation's samples or text."""
    select = "userType,department,createdDateTime,onPremisesSyncEnabled,accountEnabled,signInSessionsValidFromDateTime"
    one = person(sim, "m.oakleaf")
    one.valid_from = sim.clock.now()
    for query in ("", f"?$select={select}"):
        assert set((await api.get(f"{USERS}/{one.id}{query}")).json()) - CONTEXT <= documented("user")
    assert keys_of(await api.rows(ROLES, **{"$expand": "principal"})) <= documented("roleAssignment") | documented(
        "user"
    )
    assert set((await api.get(f"{RISKY}/{one.id}")).json()) - CONTEXT == documented("riskyUser")
