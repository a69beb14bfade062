"""Indicators, and what is known of files, addresses and domains: as defender-api.md sections 3, 13 and 14 say."""

from datetime import timedelta

import pytest

from bot.simulator.file_facts import files
from bot.simulator.tokens import DEFENDER, GRAPH

SHA1 = "3395856ce81f2b7382dee72602f798b642f14140"
PATH = "/api/indicators"


def entry(**more):
    """The body of an indicator that the service takes."""
    return {
        "indicatorValue": "bad.example",
        "indicatorType": "DomainName",
        "action": "Block",
        "title": "a title",
        "description": "a description",
        **more,
    }


def refusal(answer):
    """The status and the code of an error."""
    return answer.status_code, answer.json()["error"]["code"]


async def test_an_indicator_is_made_then_changed(api, clock):
    """The same type and value, in any case, is the same indicator: it keeps its id and its maker."""
    made = (await api.post(PATH, entry(severity="High"))).json()
    clock.move(60)
    changed = (await api.post(PATH, entry(indicatorValue="BAD.example", action="Warn", title="again"))).json()
    assert (changed["id"], changed["createdBy"]) == (made["id"], made["createdBy"])
    assert (changed["action"], changed["title"], changed["severity"]) == ("Warn", "again", "High")
    assert changed["lastUpdateTime"] > made["lastUpdateTime"]
    assert len(await api.rows(PATH, **{"$filter": "indicatorValue eq 'bad.example'"})) == 1


async def test_the_company_has_some_of_each_origin(api, sim):
    """A person's, applications' and one with an action of before 2022 are listed; one that expired is not."""
    rows = await api.rows(PATH)
    assert {row["sourceType"] for row in rows} == {"User", "AadApp"}
    assert "AlertAndBlock" in {row["action"] for row in rows}
    (person,) = [row for row in rows if row["sourceType"] == "User"]
    assert person["createdBy"] == f"patti@{sim.first.domain}"
    assert person["indicatorValue"] in files(sim.first)
    assert len(rows) == len(sim.first.entries.held) - 1


async def test_what_expired_is_not_listed_and_not_there(api, clock):
    """After its time an indicator is neither listed nor deleted, and the value may be given to a new one."""
    expires = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = (await api.post(PATH, entry(expirationTime=expires))).json()
    clock.move(86_400)
    api.tokens.clear()
    assert await api.rows(PATH, **{"$filter": "indicatorValue eq 'bad.example'"}) == []
    assert (await api.call("DELETE", f"{PATH}/{made['id']}")).status_code == 404
    assert (await api.post(PATH, entry())).json()["id"] != made["id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"indicatorValue": None}, "MissingRequiredParameter"),
        ({"title": ""}, "MissingRequiredParameter"),
        ({"Title": "x"}, "InvalidRequestBody"),
        ({"title": 7}, "InvalidRequestBody"),
        ({"action": "AlertAndBlock"}, "InvalidInput"),
        ({"action": "Alert"}, "InvalidInput"),
        ({"action": "block"}, "InvalidInput"),
        ({"action": "Audit"}, "InvalidInput"),
        ({"action": "Audit", "generateAlert": False}, "InvalidInput"),
        ({"severity": "Severe"}, "InvalidInput"),
        ({"indicatorType": "Email"}, "InvalidInput"),
        ({"expirationTime": "2020-12-12T00:00:00Z"}, "InvalidInput"),
        ({"expirationTime": "tomorrow"}, "InvalidRequestBody"),
        ({"rbacGroupNames": "a,b"}, "InvalidRequestBody"),
        ({"indicatorType": "FileSha1", "indicatorValue": "abc"}, "InvalidHashValue"),
        ({"indicatorType": "FileSha256", "indicatorValue": SHA1}, "InvalidHashValue"),
        ({"indicatorType": "CertificateThumbprint", "indicatorValue": "z" * 40}, "InvalidHashValue"),
        ({"indicatorType": "IpAddress", "indicatorValue": "10.0.0.0/8"}, "InvalidIpAddress"),
        ({"indicatorType": "IpAddress", "indicatorValue": "bad.example"}, "InvalidIpAddress"),
        ({"indicatorValue": "not a domain"}, "InvalidDomainName"),
        ({"indicatorType": "Url", "indicatorValue": "bad.example"}, "InvalidUrl"),
    ],
)
async def test_a_bad_indicator_is_refused_with_its_code(api, sim, body, code):
    """Each fault has the code that section 3 names, and nothing is made."""
    before = len(sim.first.entries.held)
    assert refusal(await api.post(PATH, entry(**body))) == (400, code)
    assert len(sim.first.entries.held) == before


async def test_an_audit_with_alerts_is_taken(api):
    """`Audit` goes with generateAlert true."""
    answer = await api.post(PATH, entry(action="Audit", generateAlert=True))
    assert answer.json()["action"] == "Audit"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("indicatorType eq 'DomainName' and indicatorValue eq 'bad.example'", 1),
        ("startswith(title,'[WK-1')", 1),
        ("action eq 'AlertAndBlock'", 1),
        ("generateAlert eq true", 0),
        ("createdBy eq 'nobody'", 0),
        ("creationTimeDateTimeUtc ge 2026-11-23T00:00:00Z", 1),
        ("expirationTime eq null and severity eq 'Informational' and indicatorType eq 'DomainName'", 1),
        ("rbacGroupNames/any(name: name eq 'lab')", 1),
    ],
)
async def test_the_list_is_filtered_by_the_documented_fields(api, text, count):
    """Every field that the page names can be asked about."""
    await api.post(PATH, entry(title="[WK-1/1] x", rbacGroupNames=["lab"]))
    assert len(await api.rows(PATH, **{"$filter": text})) == count


async def test_the_description_cannot_be_filtered(api):
    """What the page does not name is an ODataError."""
    answer = await api.get(PATH, params={"$filter": "description eq 'x'"})
    assert refusal(answer) == (400, "ODataError")


async def test_an_app_of_the_smaller_permission_sees_its_own(api, sim):
    """With Ti.ReadWrite others' indicators are not listed, not deleted and not changed; its own are."""
    rows = await api.rows(PATH)
    sim.first.roles[DEFENDER] -= {"Ti.ReadWrite.All"}
    sim.first.roles[DEFENDER] |= {"Ti.ReadWrite"}
    api.tokens.clear()
    assert await api.rows(PATH) == []
    own = (await api.post(PATH, entry())).json()
    assert [row["id"] for row in await api.rows(PATH)] == [own["id"]]
    assert (await api.call("DELETE", f"{PATH}/{rows[0]['id']}")).status_code == 404
    theirs = entry(indicatorValue=rows[0]["indicatorValue"], indicatorType=rows[0]["indicatorType"])
    assert (await api.post(PATH, theirs)).status_code == 403


async def test_without_either_permission_it_is_forbidden(api, sim):
    """A token without Ti.ReadWrite or Ti.ReadWrite.All is refused."""
    sim.first.roles[DEFENDER] -= {"Ti.ReadWrite.All"}
    assert refusal(await api.get(PATH)) == (403, "Forbidden")


async def test_a_full_tenant_takes_no_more_but_changes(api, sim, clock):
    """At 15,000 active ones a new indicator is refused, an existing one may change, and one that expires makes room."""
    sim.first.entries.crowd(15_000, clock.now())
    assert refusal(await api.post(PATH, entry())) == (400, "BadRequest")
    known = next(iter(sim.first.entries.active(clock.now())))
    changes = entry(indicatorValue=known.value, indicatorType=known.type, expirationTime="2026-11-23T10:00:00Z")
    assert (await api.post(PATH, changes)).status_code == 200
    clock.move(3600)
    api.tokens.clear()
    assert (await api.post(PATH, entry())).status_code == 200


async def test_the_switch_fills_a_tenant(api, sim, clock):
    """The control route makes as many indicators as it is told."""
    await api.http.post("/_simulator/behaviour", json={"indicators": 40, "tenant": sim.first.id})
    assert len(sim.first.entries.active(clock.now())) == 40


async def test_an_import_says_of_each_what_became_of_it(api, sim):
    """Failures of single entries stand inside a 200, the rest is made."""
    bodies = [entry(), entry(indicatorType="IpAddress", indicatorValue="1.2.3.4/8"), entry(indicatorValue="b.example")]
    answer = await api.post(f"{PATH}/import", {"Indicators": bodies})
    results = answer.json()["value"]
    assert answer.status_code == 200
    assert [one["isFailed"] for one in results] == [False, True, False]
    assert results[1]["failureReason"]
    assert results[1]["id"] is None
    assert {one["id"] for one in results if one["id"]} <= set(sim.first.entries.held)


@pytest.mark.parametrize(("path", "name", "item"), [("import", "Indicators", {}), ("BatchDelete", "IndicatorIds", "1")])
async def test_batches_have_a_size(api, path, name, item):
    """More than 500 is MaximumBatchSizeExceeded, whose message holds both numbers; none at all is refused."""
    answer = await api.post(f"{PATH}/{path}", {name: [item] * 501})
    assert refusal(answer) == (400, "MaximumBatchSizeExceeded")
    assert "501" in answer.json()["error"]["message"]
    assert "500" in answer.json()["error"]["message"]
    assert (await api.post(f"{PATH}/{path}", {name: []})).status_code == 400


async def test_one_is_deleted_once(api):
    """204 without a body, then 404."""
    made = (await api.post(PATH, entry())).json()
    gone = await api.call("DELETE", f"{PATH}/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert refusal(await api.call("DELETE", f"{PATH}/{made['id']}")) == (404, "ResourceNotFound")


async def test_several_are_deleted_together_or_not_at_all(api, sim):
    """An unknown id among them is 404, a malformed one 400, and then all stay."""
    ids = [(await api.post(PATH, entry(indicatorValue=f"{n}.example"))).json()["id"] for n in range(3)]
    assert (await api.post(f"{PATH}/BatchDelete", {"IndicatorIds": [*ids, "999999"]})).status_code == 404
    assert (await api.post(f"{PATH}/BatchDelete", {"IndicatorIds": [*ids, "x"]})).status_code == 400
    assert set(ids) <= set(sim.first.entries.held)
    assert (await api.post(f"{PATH}/BatchDelete", {"IndicatorIds": ids})).status_code == 204
    assert not set(ids) & set(sim.first.entries.held)


async def test_a_file_of_the_evidence_is_known(api, sim):
    """By SHA-1 and by SHA-256 the same file answers, with the names that its alerts give it."""
    seen = next(iter(files(sim.first).values()))
    facts = (await api.get(f"/api/files/{seen.key}")).json()
    assert facts["sha256"] == seen.sha256
    assert (await api.get(f"/api/files/{seen.sha256}")).json() == facts
    stats = (await api.get(f"/api/files/{seen.key}/stats?lookBackHours=24")).json()
    devices = await api.rows(f"/api/files/{seen.key}/machines")
    assert stats["organizationPrevalence"] == len(devices) > 0
    assert stats["topFileNames"] == seen.names
    alerts = await api.rows(f"/api/files/{seen.key}/alerts")
    assert [alert["id"] for alert in alerts] == [alert.id for alert in seen.alerts]
    assert {alert["machineId"] for alert in alerts} <= {device["id"] for device in devices}


async def test_a_file_of_windows_is_signed_by_microsoft(big, company):
    """rundll32.exe is Microsoft's, validly signed and everywhere."""
    seen = next(seen for seen in files(company.first).values() if "rundll32.exe" in seen.names)
    facts = (await big.get(f"/api/files/{seen.key}")).json()
    assert (facts["filePublisher"], facts["isValidCertificate"]) == ("Microsoft Corporation", True)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/api/files/{SHA1}", (404, "ResourceNotFound")),
        (f"/api/files/{SHA1}/stats", (404, "ResourceNotFound")),
        ("/api/files/xyz", (400, "InvalidHashValue")),
        (f"/api/files/{'a' * 64}/machines", (400, "InvalidHashValue")),
        (f"/api/files/{'a' * 64}/alerts", (400, "InvalidHashValue")),
        ("/api/ips/300.1.1.1/stats", (400, "InvalidIpAddress")),
        ("/api/domains/nonsense/stats", (400, "InvalidDomainName")),
        ("/api/ips/1.2.3.4/stats?lookBackHours=721", (400, "InvalidInput")),
    ],
)
async def test_what_is_unknown_or_malformed_has_its_code(api, path, expected):
    """An unknown file is 404; a bad hash, address or domain is 400 with its code; devices are asked by SHA-1 only."""
    assert refusal(await api.get(path)) == expected


async def test_what_nobody_saw_is_told_as_zero(api):
    """Devices of an unknown file are an empty list, an unknown address or domain has prevalence 0."""
    assert await api.rows(f"/api/files/{SHA1}/machines") == []
    assert await api.rows(f"/api/files/{SHA1}/alerts") == []
    for path in ("/api/ips/192.0.2.77/stats", "/api/ips/2001:db8::7/stats", "/api/domains/never.example/stats"):
        assert (await api.get(path)).json()["organizationPrevalence"] == 0


async def test_addresses_of_the_evidence_were_seen(big, company):
    """An address and a domain that alerts name have devices and times."""
    items = [item for alert in company.first.alerts.values() for item in alert.evidence]
    address = next(item["ipAddress"] for item in items if item.get("ipAddress"))
    for path in (f"/api/ips/{address}/stats", "/api/domains/login.example.test/stats"):
        stats = (await big.get(path)).json()
        assert stats["organizationPrevalence"] > 0
        assert stats["orgFirstSeen"] <= stats["orgLastSeen"]


DOCUMENTED = {
    "indicator": (
        "id indicatorValue indicatorType action application source sourceType createdBy createdBySource lastUpdatedBy"
        " creationTimeDateTimeUtc expirationTime lastUpdateTime severity title description recommendedActions"
        " rbacGroupNames rbacGroupIds generateAlert externalID educateUrl category historicalDetection"
        " createdByDisplayName notificationId notificationBody bypassDurationHours lookBackPeriod version"
        " certificateInfo additionalInfo"
    ),
    "file": (
        "@odata.context sha1 sha256 globalPrevalence globalFirstObserved globalLastObserved size fileType isPeFile"
        " filePublisher fileProductName signer issuer signerHash isValidCertificate determinationType"
        " determinationValue"
    ),
    "file stats": (
        "@odata.context sha1 organizationPrevalence orgFirstSeen orgLastSeen globallyPrevalence globalFirstObserved"
        " globalLastObserved topFileNames"
    ),
    "ip stats": "@odata.context ipAddress organizationPrevalence orgFirstSeen orgLastSeen",
    "domain stats": "@odata.context host organizationPrevalence orgFirstSeen orgLastSeen",
}


async def test_no_field_is_invented(api, sim):
    """Every field that is sent stands in section 13 or 14."""
    sha1 = next(iter(files(sim.first)))
    forms = {
        "file": [(await api.get(f"/api/files/{sha1}")).json()],
        "file stats": [(await api.get(f"/api/files/{sha1}/stats")).json()],
        "ip stats": [(await api.get("/api/ips/192.0.2.1/stats")).json()],
        "domain stats": [(await api.get("/api/domains/bad.example/stats")).json()],
        "indicator": await api.rows(PATH),
    }
    for name, shown in forms.items():
        assert {key for form in shown for key in form} <= set(DOCUMENTED[name].split()), name


async def test_the_own_domains_are_listed(api, sim):
    """Graph names the company's domains, the initial one among them, to who may read them."""
    rows = await api.rows("/v1.0/domains")
    assert [row["id"] for row in rows] == [sim.first.domain, "fabrikam.onmicrosoft.com"]
    assert [row["isVerified"] for row in rows] == [True, True]
    sim.first.roles[GRAPH] -= {"Domain.Read.All"}
    api.tokens.clear()
    assert (await api.get("/v1.0/domains")).status_code == 403
