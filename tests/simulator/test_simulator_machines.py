"""Devices, investigations, scores and alerts of a device, with the odd cases of the reference pages."""

import pytest

from bot.simulator.directory import SECOND_TENANT


async def test_both_prefixes_serve_the_same(api):
    """`/api` and `/api/v1.0` are one API."""
    assert await api.rows("/api/machines") == await api.rows("/api/v1.0/machines")


async def test_a_machine_by_id_and_by_name(api, sim):
    """A device is found by id and by computer name in any case; an unknown one is 404 ResourceNotFound."""
    device = sim.first.device("o'brien-pc")
    by_id = (await api.get(f"/api/machines/{device.id}")).json()
    by_name = (await api.get("/api/machines/O'Brien-PC")).json()
    assert by_id == by_name
    assert by_id["id"] == device.id
    missing = await api.get("/api/machines/123123123")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "ResourceNotFound"
    assert missing.json()["error"]["message"] == "Machine 123123123 was not found"


async def test_of_two_devices_with_one_name_the_one_seen_last_answers(big, company):
    """A name that two devices carry leads to the newer one, while the list has both."""
    names = [row["computerDnsName"] for row in await big.rows("/api/machines")]
    twice = next(name for name in names if names.count(name) == 2)
    rows = await big.rows("/api/machines", **{"$filter": f"computerDnsName eq '{twice}'"})
    newest = max(company.first.devices.values(), key=lambda one: (one.name == twice, one.last_seen))
    assert len(rows) == 2
    assert (await big.get(f"/api/machines/{twice}")).json()["id"] == newest.id


async def test_nothing_says_that_a_device_is_isolated(api, sim):
    """The isolation of a device is the same secret before and after: no field of the machine changes with it."""
    device = sim.first.device("o'brien-pc")
    before = (await api.get(f"/api/machines/{device.id}")).json()
    device.isolated = not device.isolated
    assert (await api.get(f"/api/machines/{device.id}")).json() == before
    assert not [name for name in before if "isol" in name.casefold()]


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("riskScore eq 'High'", lambda one: one.risk == "High"),
        ("riskScore+eq+'High'", lambda one: one.risk == "High"),
        ("RiskScore eq 'High'", lambda one: one.risk == "High"),
        ("riskScore eq null", lambda one: one.risk is None),
        (
            "healthStatus ne 'Active' and exposureLevel eq 'High'",
            lambda one: one.health != "Active" and one.exposure == "High",
        ),
        ("startswith(computerDnsName,'fab-lt')", lambda one: one.name.startswith("fab-lt")),
        ("machineTags/any(tag: tag eq 'lab*')", lambda one: "lab*" in one.tags),
        ("rbacGroupId eq 140", lambda one: one.group_id == 140),
        ("osPlatform eq 'Windows10' or osPlatform eq 'Linux'", lambda one: one.os in {"Windows10", "Linux"}),
    ],
)
async def test_documented_filters(big, company, text, test):
    """Each documented field can be filtered and lets exactly the right devices through."""
    rows = await big.rows("/api/machines", **{"$filter": text.replace("+", " ")})
    wanted = {one.id for one in company.first.devices.values() if test(one)}
    assert {row["id"] for row in rows} == wanted
    assert wanted


@pytest.mark.parametrize(
    "query",
    [
        "$filter=firstSeen gt 2020-01-01",
        "$filter=isolated eq true",
        "$filter=riskScore eq High",
        "$filter=lastSeen gt '2020-01-01'",
        "$top=10001",
        "$top=-1",
        "$top=x",
        "$skip=x",
        "$orderby=lastSeen",
        "$select=id",
    ],
)
async def test_undocumented_queries_are_400(api, query):
    """What the pages do not offer is 400 ODataError."""
    answer = await api.get(f"/api/machines?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ODataError")


async def test_paging_steps_through_all(big, company):
    """`$top` and `$skip` cut the list; beyond its end it is empty."""
    seen = []
    for start in range(0, 150, 50):
        seen += await big.rows("/api/machines", **{"$top": "50", "$skip": str(start)})
    assert len(seen) == len({row["id"] for row in seen}) == len(company.first.devices) == 120
    assert await big.rows("/api/machines", **{"$skip": "9999"}) == []


async def test_a_cut_list_carries_a_next_link(big, company):
    """Where the page size cuts, `@odata.nextLink` leads on; switched off, the list is cut all the same."""
    company.quirks.page_size = 50
    rows, link, pages = [], f"{company.url}/api/machines?$top=110", 0
    while link:
        body = (await big.get(link.removeprefix(company.url))).json()
        rows, link, pages = rows + body["value"], body.get("@odata.nextLink"), pages + 1
    assert (len({row["id"] for row in rows}), pages) == (110, 3)
    company.quirks.next_links = False
    body = (await big.get("/api/machines")).json()
    assert (len(body["value"]), "@odata.nextLink" in body) == (50, False)


async def test_no_devices_at_all(api, sim):
    """With no recent machines the list is 404 as documented, or empty in the other mode."""
    sim.first.devices.clear()
    answer = await api.get("/api/machines")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
    sim.quirks.empty_machines_404 = False
    assert await api.rows("/api/machines") == []


async def test_fields_vary_as_section_23_says(big):
    """Across a company both spellings and types occur: group ids, onboarding, optional fields, fractions."""
    rows = await big.rows("/api/machines")
    assert {type(row["rbacGroupId"]) for row in rows} == {int, str}
    assert {"onboarded", "Onboarded"} <= {row["onboardingStatus"] for row in rows}
    assert {"deviceValue" in row for row in rows} == {True, False}
    assert any(row.get("deviceValue", "") is None for row in rows)
    assert any(len(row["lastSeen"].rpartition(".")[2]) == 8 for row in rows)
    singles = [(await big.get(f"/api/machines/{row['id']}")).json() for row in rows[:12]]
    assert {"@odata.context" in single for single in singles} == {True, False}


async def test_logon_users(big, company):
    """The people of a device come with domain and account; unknown devices are 404."""
    device = next(one for one in company.first.devices.values() if one.users)
    rows = await big.rows(f"/api/machines/{device.id}/logonusers")
    assert [row["accountName"] for row in rows] == [user.account for user in device.users]
    assert rows[0]["id"] == f"fabrikam\\{rows[0]['accountName']}"
    assert (await big.get("/api/machines/nobody/logonusers")).status_code == 404


async def test_alerts_of_a_device(big, company):
    """A device's alerts speak this API's words; evidence comes with `$expand`; `$count` is a bare number."""
    alert = next(one for one in company.first.alerts.values() if one.machine_id and one.status == "new")
    base = f"/api/machines/{alert.machine_id}/alerts"
    rows = await big.rows(base)
    row = next(row for row in rows if row["id"] == alert.id)
    assert (row["status"], row["incidentId"]) == ("New", int(alert.incident_id))
    assert row["evidence"] == []
    assert any(row["evidence"] for row in await big.rows(base, **{"$expand": "evidence"}))
    open_ = await big.get(f"{base}/$count?$filter=status ne 'Resolved'")
    assert open_.json() == sum(row["status"] != "Resolved" for row in rows)


async def test_investigations(big, company):
    """They are filtered by state, found by their own id and by the alert's, and some wait up to seven days."""
    waiting = await big.rows("/api/investigations", **{"$filter": "state eq 'PendingApproval'"})
    assert waiting
    age = company.clock.now() - company.first.investigations[waiting[0]["id"]].started
    assert 0 < age.total_seconds() <= 7 * 86_400
    by_alert = (await big.get(f"/api/investigations/{waiting[0]['triggeringAlertId']}")).json()
    assert by_alert["id"] == waiting[0]["id"]
    missing = await big.get("/api/investigations/1")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "ResourceNotFound")


async def test_a_proposal_expires_after_seven_days(big, company, clock):
    """What waits for a decision is over after a week: the investigation ends, and its evidence is declined."""
    (one, *_) = [one for one in company.first.investigations.values() if one.state == "PendingApproval"]
    clock.move(7 * 86_400)
    big.tokens.clear()
    assert (await big.get(f"/api/investigations/{one.id}")).json()["state"] == "TerminatedBySystem"
    assert await big.rows("/api/investigations", **{"$filter": "state eq 'PendingApproval'"}) == []
    statuses = {item["remediationStatus"] for item in company.first.alerts[one.alert_id].evidence}
    assert "declined" in statuses
    assert "pendingApproval" not in statuses


@pytest.mark.parametrize("verb", ["approve", "reject", "cancel", "actions"])
async def test_no_route_approves_anything(big, verb):
    """There is no call that decides about an investigation: every such path is 404."""
    one = (await big.rows("/api/investigations"))[0]["id"]
    assert (await big.post(f"/api/investigations/{one}/{verb}", {})).status_code == 404
    assert (await big.get("/api/actioncenter/pending")).status_code == 404


async def test_scores(api):
    """Both scores are a time and a number."""
    for path in ("/api/exposureScore", "/api/configurationScore"):
        body = (await api.get(path)).json()
        assert set(body) == {"@odata.context", "time", "score"}


async def test_customers_do_not_see_each_other(api, sim, http):
    """A device of one customer is 404 for a token of the other, even where both have one of that name."""
    mine = sim.first.device("frontdesk-01")
    theirs = sim.second.device("frontdesk-01")
    assert mine.id != theirs.id
    assert (await api.get(f"/api/machines/{theirs.id}")).status_code == 404
    assert (await api.get("/api/machines/frontdesk-01")).json()["id"] == mine.id
    other = type(api)(sim, http, SECOND_TENANT)
    assert (await other.get("/api/machines/frontdesk-01")).json()["id"] == theirs.id


async def test_an_error_body_has_code_message_and_target(api):
    """Every error is `{error: {code, message, target}}`."""
    body = (await api.get("/api/nowhere")).json()
    assert set(body["error"]) == {"code", "message", "target"}
