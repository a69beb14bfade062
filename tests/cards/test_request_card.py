from datetime import timedelta

import pytest

from bot.responses.models import FINAL, Decision, Member, State, Target
from bot.responses.terms import Terms
from cards.error import ENTRA
from cards.request import _stand_key, request_card
from handlers.responses import RESPONSES, isolate
from tests.cards import samples, walk
from tests.cards.samples import LOOK, MACHINE, NOW

REQUESTS = samples.requests(str)
DECIDING = {"undo", "approve", "reject", "withdraw", "resend", "giveup", "propose"}


def card_of(request):
    return request_card(LOOK, request).card


def deciding(request) -> list[str]:
    return [verb for verb in walk.verbs(card_of(request)) if verb in DECIDING]


def test_every_state_has_a_sample():
    """The samples show each state there is."""
    assert {request.state for request in REQUESTS.values()} == set(State)


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_buttons_fit_the_state(name):
    """A card offers only what the state allows: a decision while proposed, nothing while it is under way."""
    request = REQUESTS[name]
    expected = {
        State.PROPOSED: ["approve", "reject", "approve", "withdraw"],
        State.UNKNOWN: ["resend", "giveup"] if request.trouble else ["giveup"],
        State.SUCCEEDED: ["propose"] if request.inverse else [],
        State.PARTLY: ["undo"] if request.inverse else [],
    }
    assert deciding(request) == expected.get(request.state, [])


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_buttons_name_the_request_and_the_revision_that_was_seen(name):
    """Each deciding button carries the request's id and its content revision, so that a stale click is seen."""
    request = REQUESTS[name]
    for action in walk.actions(card_of(request)):
        if action.get("verb") in DECIDING - {"propose"}:
            assert (action["data"]["id"], action["data"]["rev"]) == (request.id, request.content)


@pytest.mark.parametrize("approvals", [0, 1], ids=["preapproved", "approved"])
def test_the_button_that_undoes_asks_for_what_the_inverse_needs(approvals):
    """Where the inverse is refused without a reason, there is a field for one, also where nobody was asked before."""
    known = {one.name: one for one in RESPONSES}
    for name, response in known.items():
        more = {"approvals_needed": min(approvals, response.approvals), "back": {"X": "y"} if response.back else {}}
        more |= {"response": name, "family": response.family, "inverse": response.inverse}
        card = card_of(REQUESTS["succeeded"].model_copy(update=more))
        forms = [node for node in walk.nodes(card) if {"undo", "propose"} & set(verbs_in(node))]
        asked = {node["id"].partition(".")[0] for form in forms for node in form["body"] if "id" in node}
        assert not response.inverse or "reason" in asked or not known[response.inverse].needs_reason, name


def verbs_in(node) -> list[str]:
    """The verbs of a form's own buttons."""
    return [one.get("verb", "") for one in node.get("actions", ())] if node.get("type") == "AdaptiveCard" else []


def test_rejecting_needs_a_reason():
    """Reject unfolds a required field `reason`; a comment on an approval is not asked for."""
    fields = [node for node in walk.nodes(card_of(REQUESTS["proposed"])) if node.get("type") == "Input.Text"]
    assert [(field["id"], field.get("isRequired", False)) for field in fields] == [("reason", True), ("comment", False)]


def test_who_rejects_may_say_what_they_would_agree_to():
    """The form lists the choices of the response, with "nothing else" chosen beforehand."""
    choices = isolate.RESPONSE.parameters
    card = request_card(LOOK, REQUESTS["proposed"], choices).card
    (asked,) = [node for node in walk.nodes(card) if node.get("type") == "Input.ChoiceSet"]
    assert (asked["id"], asked.get("value", "")) == ("instead.IsolationType", "")
    assert [choice["value"] for choice in asked["choices"]] == ["", "Full", "Selective"]


def test_what_an_approver_would_agree_to_can_be_asked_for():
    """After such a rejection the card says it and offers a button; after any other there is none."""
    request = REQUESTS["rejected"]
    decision = request.decisions[-1].model_copy(update={"instead": {"IsolationType": "Selective"}})
    suggested = request.model_copy(update={"decisions": (decision,)})
    assert "again" in walk.verbs(card_of(suggested))
    assert "would agree to: Kind of isolation: Selective" in walk.text_of(card_of(suggested))
    assert "again" not in walk.verbs(card_of(request))


def test_the_inverse_is_offered_when_it_succeeded():
    """After an isolation that succeeded the same device can be released, with a reason."""
    offers = [action for action in walk.actions(card_of(REQUESTS["succeeded"])) if action.get("verb") == "propose"]
    assert [action["data"]["id"] for action in offers] == [f"release:{MACHINE}"]


def test_sending_again_is_offered_only_after_the_search():
    """While the bot still looks for the action, sending again would double it: it is not offered."""
    assert deciding(samples.unknown(str, unknown_since=NOW - timedelta(minutes=4, seconds=59))) == ["giveup"]
    assert deciding(samples.unknown(str, unknown_since=NOW - timedelta(minutes=5))) == ["resend", "giveup"]


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_success_is_claimed_only_when_the_service_said_so(name):
    """Succeeded stands under the title only of a request that ended so; before, the card says what is not known."""
    request = REQUESTS[name]
    top = walk.text_of(card_of(request)["body"][0])
    assert ("Succeeded" in top) == (request.state is State.SUCCEEDED)
    if request.state in {State.SENDING, State.SENT, State.UNKNOWN}:
        assert "not known yet" in top or "not confirmed" in top or "Unknown" in top
    if request.state not in FINAL:
        assert "done" not in top.casefold()


def test_nothing_was_sent_is_said_only_where_nothing_was():
    """Given up and timed out leave it open whether it happened; rejected, withdrawn and expired do not."""
    for name, request in REQUESTS.items():
        if request.attempts:
            assert "Nothing was sent" not in walk.text_of(card_of(request)), name
    assert "may still have accepted it" in walk.text_of(card_of(REQUESTS["given-up"]))


def test_unread_evidence_is_said_not_shown_as_none():
    """What could not be read is said to be unread or unknown; no empty list stands in its place."""
    facts = {
        fact["title"]: fact["value"]
        for node in walk.nodes(card_of(REQUESTS["proposed-unread"]))
        for fact in node.get("facts", ())
    }
    for title in ("Users", "Open alerts", "Running now", "Last time"):
        assert facts[title] == "could not be read"
    assert facts["Risk"] == facts["Last contact"] == "unknown"


def test_an_approver_reads_who_why_what_and_how_to_undo():
    """The card of an open question has all that a decision needs, the question first."""
    text = walk.text_of(card_of(REQUESTS["proposed"]))
    wanted = [
        "Decide: Isolate laptop-042.contoso.com",
        "until 23 Nov 14:55 CET",
        "Anna Fischer",
        "Ben opened an attachment",
        "ben.wolf",
        "Ransomware",
        "23 Nov 11:05 CET (3 h ago)",
        "14 Oct 15:05 CEST",
        "loses its network",
        "Release lets it back",
    ]
    places = [text.find(part) for part in wanted]
    assert -1 not in places
    assert places == sorted(places)


def test_four_eyes_switched_off_is_said():
    """Where the requester may decide alone, the card says so."""
    assert "Four eyes is off" in walk.text_of(card_of(REQUESTS["proposed-selective"]))
    assert "Four eyes" not in walk.text_of(card_of(REQUESTS["proposed"]))


def test_the_story_names_who_decided_and_why():
    """After the end the card still says who asked, who approved with what words, and the service's own id."""
    text = walk.text_of(card_of(REQUESTS["succeeded"]))
    for part in ("Anna Fischer asked", "Omar Haddad approved", "Ben confirmed it", samples.ACTION):
        assert part in text


def test_a_decision_that_no_story_tells_is_told():
    """A record without a story line for its decision still shows the decision."""
    assert "Omar Haddad approved" in walk.text_of(card_of(samples.approved(str, story=())))


def test_a_long_story_is_cut_and_counted():
    """The newest lines are shown, the earlier ones counted."""
    assert "Earlier: 29 more" in walk.text_of(card_of(REQUESTS["long-story"]))


def test_a_scan_waits_for_nobody():
    """A response without approval never says that it waits for a decision."""
    text = walk.text_of(card_of(REQUESTS["scan-approved"]))
    assert "Needs no approval" in text
    assert "decision" not in text


def test_a_waiting_device_is_named_as_the_reason():
    """While the service reports Pending, the card says that it waits for the device and since when that is silent."""
    assert "Waits for the device" in walk.text_of(card_of(REQUESTS["sent-pending"]))
    silent = samples.sent(str, evidence=None)
    assert "When it last made contact is unknown" in walk.text_of(card_of(silent))


def test_no_open_alert_has_no_severity():
    """The highest severity stands beside open alerts; where there are none there is no row for it."""
    for severity, shown in {"high": True, "none": False, "": False}.items():
        card = request_card(LOOK, samples.request(str, evidence=samples.facts(str, severity=severity)))
        assert ("Highest severity" in str(card.card)) is shown


SEVERAL = (Member(target=Target(id="a" * 40, name="pc")),)
YES = Decision(what="approved", who=samples.person(str, "Omar"), at=NOW)
SEARCHED = {"unknown_since": NOW - timedelta(minutes=5)}


@pytest.mark.parametrize(
    ("state", "more", "key"),
    [
        ("proposed", {}, "proposed"),
        ("proposed", {"terms": Terms(runs_at=NOW)}, "by-itself"),
        ("proposed", {"terms": Terms(preapproved=True), "members": SEVERAL, "approvals_needed": 0}, "proposed"),
        ("approved", {}, "approved"),
        ("approved", {"terms": Terms(preapproved=True), "approvals_needed": 0}, "preapproved"),
        ("approved", {"terms": Terms(runs_at=NOW), "members": SEVERAL}, "approved"),
        ("approved", {"approvals_needed": 0}, "unattended"),
        ("sending", {"terms": Terms(preapproved=True), "approvals_needed": 0}, "sending"),
        ("unknown", {}, "unknown"),
        ("unknown", SEARCHED, "unknown-stays"),
        ("unknown", {"trouble": "trouble.not_found"}, "unknown-stays"),
        ("unknown", {"unknown_since": NOW - timedelta(minutes=4, seconds=59)}, "unknown"),
        ("sent", {"approvals_needed": 0}, "sent"),
        ("sent", {"members": SEVERAL}, "spread"),
        ("sent", {"members": SEVERAL, "approvals_needed": 0}, "spread-unasked"),
        ("failed", {"status": "Failed"}, "failed"),
        ("failed", {"status": "Failed", "trouble": "trouble.policy_forbids"}, "forbidden"),
        ("failed", {"members": SEVERAL}, "none-done"),
        ("failed", {}, "refused"),
        ("failed", {"story": (samples.step(NOW, "changed"),)}, "changed"),
        ("failed", {"status": "Failed", "story": (samples.step(NOW, "changed"),)}, "failed"),
        ("rejected", {"trouble": "trouble.policy_forbids"}, "rejected"),
        ("timed out", {}, "timedout"),
        ("timed out", {"members": SEVERAL}, "none-confirmed"),
        ("succeeded", {"story": (samples.step(NOW, "changed"),)}, "succeeded"),
        ("succeeded", {"members": SEVERAL}, "all-done"),
        ("partly done", {"members": SEVERAL}, "partlydone"),
        ("expired", {}, "expired"),
        ("expired", {"send_by": NOW}, "expired-unsent"),
        ("expired", {"decisions": (YES,)}, "expired-unsent"),
        ("expired", {"decisions": (YES,), "approvals_needed": 2}, "expired"),
        ("withdrawn", {"send_by": NOW, "decisions": (YES,)}, "withdrawn"),
    ],
)
def test_where_it_stands_is_said_in_the_words_for_that(state, more, key):
    """The special case where it is one, else the state itself."""
    assert _stand_key(LOOK, samples.request(str, state=State(state), **more)) == key


@pytest.mark.parametrize(
    ("trouble", "again"),
    [
        *((name, True) for name in ("device_renamed", "device_anew", "renamed", "other_user", "user_renamed")),
        *((name, True) for name in ("role_too_low", "permission", "needs_approval", "indicator_changed")),
        *((name, False) for name in ("plan", "rejected", "missing", "library_changed", "indicators_full")),
    ],
)
def test_what_can_be_put_right_is_asked_for_anew(trouble, again):
    """Nothing was sent, and somebody can change what stood in the way; only a permission has its page beside it."""
    for state in (State.FAILED, State.WITHDRAWN):
        card = card_of(samples.request(str, state=state, trouble=f"trouble.{trouble}"))
        assert ("again" in walk.verbs(card)) is (again and state is State.FAILED)
        granted = [one for one in walk.actions(card) if one.get("url") == ENTRA]
        assert bool(granted) is (trouble == "permission" and state is State.FAILED)


@pytest.mark.parametrize(
    ("state", "more", "verbs"),
    [
        ("succeeded", {}, ["propose"]),
        ("succeeded", {"inverse": ""}, []),
        ("succeeded", {"inverse": "", "back": {"Tag": "x"}}, []),
        ("succeeded", {"back": {"Tag": "x"}}, ["undo"]),
        ("succeeded", {"members": SEVERAL}, ["undo"]),
        ("partly done", {"members": SEVERAL}, ["undo"]),
        ("partly done", {}, []),
        ("failed", {"status": "Failed", "back": {"Tag": "x"}}, []),
        ("rejected", {}, []),
        ("rejected", {"decisions": (YES.model_copy(update={"instead": {"IsolationType": "Full"}}), YES)}, []),
        ("rejected", {"decisions": (YES, YES.model_copy(update={"instead": {"IsolationType": "Full"}}))}, ["again"]),
        ("expired", {"decisions": (YES.model_copy(update={"instead": {"IsolationType": "Full"}}),)}, []),
    ],
)
def test_what_is_offered_afterwards(state, more, verbs):
    """What would be agreed to, else what undoes it; of several devices, and of what takes a value, as one undoing."""
    request = samples.request(str, state=State(state), **more)
    assert [verb for verb in walk.verbs(card_of(request)) if verb in {"propose", "undo", "again"}] == verbs
