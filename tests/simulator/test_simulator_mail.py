import base64

import pytest

from bot.simulator.tokens import GRAPH
from tests.simulator.documented import documented, keys_of

MAIL = "/v1.0/security/collaboration/analyzedEmails"
SENT_IN = "/beta/security/threatSubmission"
DAYS = "startTime=2026-10-01&endTime=2026-11-23"
_TYPE = "#microsoft.graph.security."
BODIES = {
    "emailThreats": {
        "@odata.type": f"{_TYPE}emailUrlThreatSubmission",
        "category": "phishing",
        "recipientEmailAddress": "u@fabrikam.example",
        "messageUrl": "https://graph.microsoft.com/beta/users/u/messages/m",
    },
    "urlThreats": {
        "@odata.type": f"{_TYPE}urlThreatSubmission",
        "category": "notJunk",
        "webUrl": "https://login.example.test/",
    },
    "fileThreats": {
        "@odata.type": f"{_TYPE}fileContentThreatSubmission",
        "category": "malware",
        "fileName": "a.exe",
        "fileContent": base64.b64encode(b"MZ").decode(),
    },
}


@pytest.fixture
def mail(big):
    """A company with Defender for Office 365 Plan 2, and what calls it."""
    big.sim.first.plan = "plan2"
    return big


def body(row: dict, action: str = "moveToJunk", **more) -> dict:
    named = {name: row[name] for name in ("networkMessageId", "recipientEmailAddress")}
    return {
        "displayName": "by a test",
        "severity": "low",
        "action": action,
        "analyzedEmails": [named],
        "remediateSendersCopy": False,
        **more,
    }


async def test_delivered_mail_is_what_alerts_name(mail):
    """Each message of an alert is there, found by its id and recipient, in the documented shape."""
    rows = (await mail.get(f"{MAIL}?{DAYS}")).json()["value"]
    assert rows
    one = rows[0]
    condition = (
        f"networkMessageId eq '{one['networkMessageId']}' and recipientEmailAddress eq '{one['recipientEmailAddress']}'"
    )
    (found,) = (
        await mail.get(
            f"{MAIL}?{DAYS}", params={"$filter": condition, "startTime": "2026-10-01", "endTime": "2026-11-23"}
        )
    ).json()["value"]
    assert found == one
    assert found["latestDelivery"]["location"] == "inbox_folder"
    assert (await mail.get(MAIL)).status_code == 400, "without days"


async def test_a_remedy_is_taken_and_never_answered_for(mail):
    """It is 202 without a body and with a Location; after a while the message lies elsewhere."""
    one = (await mail.get(f"{MAIL}?{DAYS}")).json()["value"][0]
    answer = await mail.post(f"{MAIL}/remediate", body(one))
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["Location"].startswith(
        'https://security.microsoft.com/action-center/history?filters={"bulkId":["'
    )
    assert f"tid={mail.sim.first.id}" in answer.headers["Location"]
    mail.sim.clock.move(60)
    rows = (await mail.get(f"{MAIL}?{DAYS}")).json()["value"]
    assert {row["latestDelivery"]["location"] for row in rows if row["id"] == one["id"]} == {"junkFolder"}


async def test_a_remedy_that_is_not_understood_is_refused(mail):
    """An action that is listed as unsupported, a wrong severity, no message and an unknown one are refused."""
    one = (await mail.get(f"{MAIL}?{DAYS}")).json()["value"][0]
    unknown = {"networkMessageId": "x", "recipientEmailAddress": "y"}
    for wrong in (
        body(one, "moveToQuarantine"),
        body(one, severity="extreme"),
        body(one, analyzedEmails=[]),
        body(one, displayName=""),
    ):
        assert (await mail.post(f"{MAIL}/remediate", wrong)).status_code == 400
    assert (await mail.post(f"{MAIL}/remediate", body(one, analyzedEmails=[unknown]))).status_code == 404
    assert mail.sim.first.mailroom.remedies == []


async def test_which_plan_analysed_mail_needs_is_a_switch(big):
    """The pages do not say: Business Premium is refused here with a word about the licence, unless switched off."""
    refused = await big.get(f"{MAIL}?{DAYS}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Forbidden")
    assert "licensed" in refused.json()["error"]["message"]
    big.sim.quirks.mail_plan = ""
    assert (await big.get(f"{MAIL}?{DAYS}")).status_code == 200


@pytest.mark.parametrize("sort", sorted(BODIES))
async def test_a_submission_runs_and_ends(api, sort):
    """It is 201 and running; asked often enough it has succeeded, with a result; the list has it too."""
    made = await api.post(f"{SENT_IN}/{sort}", BODIES[sort])
    assert (made.status_code, made.json()["status"]) == (201, "running")
    seen = [(await api.get(f"{SENT_IN}/{sort}/{made.json()['id']}")).json() for _ in range(3)]
    assert [one["status"] for one in seen] == ["running", "running", "succeeded"]
    assert seen[-1]["result"]["category"] == "phishing"
    assert "fileContent" not in seen[-1]
    assert [one["id"] for one in await api.rows(f"{SENT_IN}/{sort}", **{"$filter": "source eq 'administrator'"})] == [
        made.json()["id"]
    ]


@pytest.mark.parametrize("sort", sorted(BODIES))
async def test_a_submission_that_is_not_understood_is_400(api, sort):
    """A type of another sort, an unknown category and a missing field are refused."""
    good = BODIES[sort]
    required = next(name for name in good if name not in {"@odata.type", "category"})
    for wrong in (good | {"@odata.type": f"{_TYPE}x"}, good | {"category": "odd"}, good | {required: ""}):
        assert (await api.post(f"{SENT_IN}/{sort}", wrong)).status_code == 400
    assert (await api.get(f"{SENT_IN}/{sort}/none")).status_code == 404


async def test_submissions_are_beta_alone(api):
    """v1.0 has no such thing."""
    assert (await api.post("/v1.0/security/threatSubmission/urlThreats", BODIES["urlThreats"])).status_code == 404


@pytest.mark.parametrize(
    ("lost", "method", "path"),
    [
        ("SecurityAnalyzedMessage.ReadWrite.All", "POST", f"{MAIL}/remediate"),
        ("ThreatSubmission.ReadWrite.All", "POST", f"{SENT_IN}/urlThreats"),
    ],
)
async def test_changes_need_their_permission(api, sim, lost, method, path):
    """Without it a change is 403 Forbidden."""
    sim.first.roles[GRAPH].discard(lost)
    answer = await api.call(method, path, json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "Forbidden")


async def test_no_field_is_invented(mail):
    """Every field of a message and of a submission is in the documentation's samples or text."""
    (one, *_) = (await mail.get(f"{MAIL}?{DAYS}")).json()["value"]
    assert keys_of(one) <= documented("analyzedEmail")
    for sort, body in BODIES.items():
        made = (await mail.post(f"{SENT_IN}/{sort}", body)).json()
        seen = [(await mail.get(f"{SENT_IN}/{sort}/{made['id']}")).json() for _ in range(3)]
        assert keys_of([made, *seen]) <= documented("threatSubmission")
