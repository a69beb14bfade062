"""Incidents, alerts, Secure Score and group membership as Graph answers them, with the documented odd cases."""

import pytest

from bot.simulator.directory import ADMINS, APPROVERS, DAY_SHIFT, EVERYONE, OPERATORS, PLAYGROUND, READERS
from bot.simulator.tokens import GRAPH

INCIDENTS = "/v1.0/security/incidents"
ALERTS = "/v1.0/security/alerts_v2"
PREFER = {"Prefer": "include-unknown-enum-members"}


async def codes(api, path):
    answer = await api.get(path)
    return answer.status_code, answer.json().get("error", {}).get("code")


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("severity eq 'high'", lambda one: one.severity == "high"),
        ("severity eq 'High' or severity eq 'medium'", lambda one: one.severity in {"high", "medium"}),
        (
            "status ne 'resolved' and not (severity eq 'low')",
            lambda one: one.status != "resolved" != one.severity != "low",
        ),
        ("assignedTo eq null", lambda one: one.assigned_to is None),
        ("classification eq 'truePositive'", lambda one: one.classification == "truePositive"),
        ("status in ('redirected','awaitingAction')", lambda one: one.status in {"redirected", "awaitingAction"}),
    ],
)
async def test_documented_incident_filters(big, company, text, test):
    """Each documented field of an incident can be filtered, with and, or, not and parentheses."""
    rows = await pages(big, INCIDENTS, {"$filter": text})
    wanted = {one.id for one in company.first.incidents.values() if test(one)}
    assert {row["id"] for row in rows} == wanted
    assert wanted


async def pages(api, path, params):
    rows, answer = [], await api.get(path, params=params, headers=PREFER)
    while True:
        assert answer.status_code == 200, answer.text
        body = answer.json()
        rows += body["value"]
        if "@odata.nextLink" not in body:
            return rows
        answer = await api.get(body["@odata.nextLink"].removeprefix(api.sim.url), headers=PREFER)


@pytest.mark.parametrize(
    "query",
    [
        "$filter=displayName eq 'x'",
        "$filter=id eq '1001'",
        "$filter=severity eq 'huge'",
        "$filter=severity eq high",
        "$filter=lastUpdateDateTime gt '2026-01-01'",
        "$top=51",
        "$top=0",
        "$orderby=title",
        "$orderby=lastUpdateDateTime sideways",
        "$expand=evidence",
        "$search=x",
    ],
)
async def test_undocumented_incident_queries_are_400(api, query):
    """Other fields, pages above 50 and unknown options are 400."""
    assert await codes(api, f"{INCIDENTS}?{query}") == (400, "BadRequest")


async def test_the_polling_recipe_works(big, company, clock):
    """A cursor on lastUpdateDateTime, oldest first, finds exactly what changed since."""
    query = {"$orderby": "lastUpdateDateTime asc", "$top": "50"}
    rows = (await big.get(INCIDENTS, params=query)).json()["value"]
    times = [row["lastUpdateDateTime"] for row in rows]
    assert (len(rows), times) == (50, sorted(times))
    cursor = (await pages(big, INCIDENTS, query))[-1]["lastUpdateDateTime"]
    clock.move(10)
    changed = company.scenario.step("new_incident", company.first.id)
    found = await pages(big, INCIDENTS, {**query, "$filter": f"lastUpdateDateTime gt {cursor}"})
    assert [row["id"] for row in found] == [changed["incident"]]


async def test_filter_with_expand_fails_on_crowded_incidents(big, company):
    """`$filter` with `$expand=alerts` is 500 where an incident has many alerts; each alone works."""
    crowded = max(company.first.incidents.values(), key=lambda one: len(company.first.alerts_of(one)))
    query = f"$filter=createdDateTime eq {shown(crowded)}"
    assert await codes(big, f"{INCIDENTS}?{query}&$expand=alerts") == (500, "UnknownError")
    assert await codes(big, f"{INCIDENTS}?{query}") == (200, None)
    assert await codes(big, f"{INCIDENTS}?$expand=alerts&$top=1") == (200, None)
    single = (await big.get(f"{INCIDENTS}/{crowded.id}?$expand=alerts")).json()
    assert len(single["alerts"]) >= 30
    company.quirks.expand_alerts_500 = False
    assert await codes(big, f"{INCIDENTS}?{query}&$expand=alerts") == (200, None)


def shown(incident):
    digits = f"{incident.created.microsecond:06d}{(incident.created.microsecond * 7 + incident.created.second) % 10}"
    return f"{incident.created:%Y-%m-%dT%H:%M:%S}.{digits}Z"


async def test_next_links_lead_through_all(big, company):
    """Every incident comes once over the pages; the count is on the first page only; headers decide each page."""
    first = (await big.get(INCIDENTS, params={"$count": "true", "$top": "7"})).json()
    assert first["@odata.count"] == len(company.first.incidents)
    second = (await big.get(first["@odata.nextLink"].removeprefix(company.url))).json()
    assert "@odata.count" not in second
    rows = await pages(big, INCIDENTS, {"$top": "7"})
    assert len({row["id"] for row in rows}) == len(rows) == len(company.first.incidents)


async def test_a_forgotten_or_foreign_next_link_is_410(big, company, http):
    """A link whose token is gone, or that another customer uses, is 410."""
    link = (await big.get(INCIDENTS, params={"$top": "5"})).json()["@odata.nextLink"].removeprefix(company.url)
    other = type(big)(company, http, company.second.id)
    assert (await other.get(link)).status_code == 410
    assert (await big.get(link)).status_code == 200
    company.pages.clear()
    assert (await big.get(link)).status_code == 410


async def test_pages_may_repeat_rows(big, company):
    """In that mode each next page begins with the last row of the page before."""
    company.quirks.repeat_rows = True
    rows = [row["id"] for row in await pages(big, INCIDENTS, {"$top": "25"})]
    assert len(rows) == len(set(rows)) + 2


async def test_gated_enum_members_are_masked(big, company):
    """Without the Prefer header members after unknownFutureValue come back as that word."""
    waiting = [
        one
        for one in company.first.alerts.values()
        if any(item["remediationStatus"] == "pendingApproval" for item in one.evidence)
    ]
    path = f"{ALERTS}/{waiting[0].id}"
    masked, plain = (await big.get(path)).json(), (await big.get(path, headers=PREFER)).json()
    assert "unknownFutureValue" in {item["remediationStatus"] for item in masked["evidence"]}
    assert "pendingApproval" in {item["remediationStatus"] for item in plain["evidence"]}
    assert masked["investigationState"] == plain["investigationState"] == "pendingApproval"
    sentinel = next(one for one in company.first.alerts.values() if one.source == "microsoftSentinel")
    assert (await big.get(f"{ALERTS}/{sentinel.id}")).json()["serviceSource"] == "unknownFutureValue"
    awaiting = next(one for one in company.first.incidents.values() if one.status == "awaitingAction")
    assert (await big.get(f"{INCIDENTS}/{awaiting.id}")).json()["status"] == "unknownFutureValue"
    assert (await big.get(f"{INCIDENTS}/{awaiting.id}", headers=PREFER)).json()["status"] == "awaitingAction"


async def test_what_waits_is_never_older_than_a_week(big, company):
    """Evidence that waits for a decision is at most seven days old; older evidence shows as declined."""
    alerts = list(company.first.alerts.values())
    statuses = {item["remediationStatus"] for one in alerts for item in one.evidence}
    assert {"pendingApproval", "declined"} <= statuses
    for one in alerts:
        if any(item["remediationStatus"] == "pendingApproval" for item in one.evidence):
            assert (company.clock.now() - one.created).days < 7


async def test_a_merged_incident_names_the_surviving_one(big, company):
    """A merged incident is `redirected` with redirectIncidentId, has no alerts, and its alerts are at the other."""
    gone = next(one for one in company.first.incidents.values() if one.redirect)
    row = (await big.get(f"{INCIDENTS}/{gone.id}?$expand=alerts")).json()
    assert (row["status"], row["redirectIncidentId"], row["alerts"]) == ("redirected", gone.redirect, [])
    assert (await big.get(f"{INCIDENTS}/{gone.redirect}")).json()["redirectIncidentId"] is None


async def test_one_incident_and_its_alerts(api):
    """An incident is found by id, its alerts by expanding or by path; an unknown one is 404."""
    row = (await api.get(f"{INCIDENTS}?$top=1")).json()["value"][0]
    assert "alerts" not in row
    expanded = (await api.get(f"{INCIDENTS}/{row['id']}?$expand=alerts")).json()
    below = (await api.get(f"{INCIDENTS}/{row['id']}/alerts")).json()["value"]
    assert expanded["alerts"] == below
    assert {alert["incidentId"] for alert in below} == {row["id"]}
    assert await codes(api, f"{INCIDENTS}/999") == (404, "NotFound")
    assert await codes(api, f"{INCIDENTS}/{row['id']}?$expand=comments") == (400, "BadRequest")


async def test_select_leaves_the_chosen_properties(api):
    """`$select` gives the id and what was asked for."""
    row = (await api.get(f"{INCIDENTS}?$select=severity,status")).json()["value"][0]
    assert set(row) == {"id", "severity", "status"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("$filter=investigationState eq 'pendingApproval'", 400),
        ("$filter=title eq 'x'", 400),
        ("$filter=serviceSource eq 'microsoftDefenderForOffice365'", 200),
        ("$skip=501", 400),
        ("$skip=500", 200),
        ("$top=5000", 200),
    ],
)
async def test_odd_limits_of_alerts(api, query, status):
    """The state of an investigation cannot be filtered, `$skip` ends at 500, and a large `$top` is cut, not refused."""
    assert (await api.get(f"{ALERTS}?{query}")).status_code == status


async def test_alerts_are_cut_at_a_thousand(api, sim):
    """A page never holds more than 1000 alerts, whatever `$top` says."""
    one = next(iter(sim.first.alerts.values()))
    sim.first.alerts.update({f"da{number}": one for number in range(1100)})
    body = (await api.get(f"{ALERTS}?$top=5000")).json()
    assert (len(body["value"]), "@odata.nextLink" in body) == (1000, True)


async def test_alerts_by_evidence(big, company):
    """Alerts can be found by the device or the user in their evidence."""
    named = [item.get("deviceDnsName") for one in company.first.alerts.values() for item in one.evidence]
    name = max((name for name in named if name), key=lambda name: "'" in name)
    literal = name.replace("'", "''")
    query = f"evidence/any(e: e/microsoft.graph.security.deviceEvidence/deviceDnsName eq '{literal}')"
    rows = await pages(big, ALERTS, {"$filter": query})
    wanted = [
        one.id
        for one in company.first.alerts.values()
        if any(item.get("deviceDnsName") == name for item in one.evidence)
    ]
    assert sorted(row["id"] for row in rows) == sorted(wanted)
    assert wanted


async def test_secure_scores_are_newest_first(big):
    """Ninety days are kept, newest first, so that `$top` counts days."""
    rows = (await big.get("/v1.0/security/secureScores")).json()["value"]
    days = [row["createdDateTime"] for row in rows]
    assert (len(rows), days) == (90, sorted(days, reverse=True))
    (today,) = (await big.get("/v1.0/security/secureScores?$top=1")).json()["value"]
    assert today == rows[0]
    assert 0 < today["currentScore"] < today["maxScore"]


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ("user-id-0", [APPROVERS]),
        ("user-id-1", [APPROVERS, DAY_SHIFT]),
        ("user-id-2", [OPERATORS]),
        ("user-id-3", [READERS]),
        ("user-id-4", [ADMINS]),
        ("user-id-5", []),
    ],
)
async def test_membership(api, person, expected):
    """The call checkMemberGroups says which groups the Playground's people are in, through the nested group too."""
    groups = [READERS, OPERATORS, APPROVERS, ADMINS, DAY_SHIFT, "no-such-group"]
    path = f"/v1.0/users/{PLAYGROUND[person].id}/checkMemberGroups"
    answer = await api.post(path, {"groupIds": groups})
    assert (answer.status_code, answer.json()["value"]) == (200, expected)


async def test_membership_by_name_and_its_limits(api):
    """A UPN works too; more than 20 groups and a bad body are 400; an unknown person is 404."""
    by_name = "/v1.0/users/alexw@example.com/checkMemberGroups"
    assert (await api.post(by_name, {"groupIds": [EVERYONE]})).json()["value"] == [EVERYONE]
    for body in ({"groupIds": ["x"] * 21}, {"groupIds": "x"}, {}, [], {"groupIds": [1]}):
        answer = await api.post(by_name, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Request_BadRequest")
    unknown = await api.post("/v1.0/users/nobody/checkMemberGroups", {"groupIds": [EVERYONE]})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "Request_ResourceNotFound")


async def test_membership_needs_both_permissions(api, sim):
    """Without GroupMember.Read.All membership is 403 Authorization_RequestDenied."""
    sim.first.roles[GRAPH].discard("GroupMember.Read.All")
    answer = await api.post(f"/v1.0/users/{PLAYGROUND['user-id-0'].id}/checkMemberGroups", {"groupIds": []})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Authorization_RequestDenied")


async def test_a_missing_permission_is_403(api, sim):
    """Without its permission a security call is 403 Forbidden."""
    sim.first.roles[GRAPH].clear()
    assert await codes(api, INCIDENTS) == (403, "Forbidden")


async def test_ids_of_a_request_come_back(api):
    """`client-request-id` is echoed, `request-id` stands in the header and in the body of an error."""
    answer = await api.get(f"{INCIDENTS}/999", headers={"client-request-id": "abc-1"})
    inner = answer.json()["error"]["innerError"]
    assert answer.headers["client-request-id"] == inner["client-request-id"] == "abc-1"
    assert answer.headers["request-id"] == inner["request-id"]
    assert "date" in inner


async def test_nothing_else_is_served(api):
    """What does not exist in v1.0 is not there: no pending actions, no delta, no isolation."""
    for path in ("/v1.0/security/actionCenter", f"{INCIDENTS}/delta", "/v1.0/security/investigations"):
        assert (await api.get(path)).status_code == 404


async def test_times_have_up_to_seven_digits(big):
    """Times are ISO 8601 in UTC with seven digits where there is a fraction."""
    rows = (await big.get(f"{ALERTS}?$top=50")).json()["value"]
    fractions = {len(row["createdDateTime"].partition(".")[2].rstrip("Z")) for row in rows}
    assert max(fractions) == 7
