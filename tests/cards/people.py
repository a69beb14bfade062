"""Requests about users, mail and submissions as cards in their main states."""

from typing import Any

from bot.responses.models import Attempt, Evidence, Fact, Request, State, Target
from bot.turn import Shown
from cards.request import request_card
from tests.cards.samples import LOOK, X, ago, approved, request, step, story

ANNA = "a0000000-0000-4000-8000-000000000021"
MESSAGE = "2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19"


def user_evidence(x: X, *warnings: Fact, **changes: str) -> Evidence:
    """What is told of a user."""
    values = {
        "user-name": x("Anna Berg"),
        "user-job": x("Accountant, Finance"),
        "user-enabled": "yes",
        "user-risk": "high",
        "user-risk-state": "atRisk",
        "user-alerts": x("Atypical travel of anna.berg (#2972)"),
        "user-devices": x("laptop-042, phone-7"),
        **changes,
    }
    facts = tuple(Fact(key=key, value=value) for key, value in values.items())
    return Evidence(read_at=ago(minutes=10), facts=facts, warnings=warnings)


def of_user(x: X, response: str, **changes: Any) -> dict[str, Any]:
    """What is the same in each request about a user."""
    return {
        "response": response,
        "family": response,
        "target": Target(id=ANNA, name=x("anna.berg@contoso.com"), kind="user"),
        "parameters": {},
        "reason": x("Signed in from two countries within an hour."),
        "evidence": user_evidence(x),
        "inverse": "",
        **changes,
    }


def sent(x: X, state: State, status: str, response: str, **changes: Any) -> Request:
    """One that was sent, and what came of it."""
    ended = {"ended": ago(minutes=1)} if state is not State.SENT else {}
    values = {
        "state": state,
        "attempts": (Attempt(number=1, began=ago(minutes=5)),),
        "sent_at": ago(minutes=5),
        "checked": ago(minutes=1),
        "status": status,
        "story": story(x, step(ago(minutes=5), "accepted", action="", who="")),
        **ended,
    }
    return approved(x, **{**of_user(x, response), **values, **changes})


def users(x: X) -> dict[str, Request]:
    """Requests about users."""
    admin = user_evidence(
        x,
        Fact(key="user-last-admin", value=x("anna.berg@contoso.com")),
        Fact(key="user-admin", value=x("Global Administrator")),
        Fact(key="user-priority", value=x("anna.berg@contoso.com")),
        Fact(key="user-synced", value=x("anna.berg@contoso.com")),
        **{"user-roles": x("Global Administrator")},
    )
    unread = Evidence(
        read_at=ago(minutes=10),
        facts=(Fact(key="user-enabled"), Fact(key="user-alerts")),
        warnings=(Fact(key="user-roles-unread", value=x("anna.berg@contoso.com")),),
    )
    low = {"service": "graph", "permission": "User.EnableDisableAccount.All, User.Read.All"}
    role = {**low, "directory_role": "Privileged Authentication Administrator", "code": "", "message": ""}
    return {
        "block": request(x, **of_user(x, "block-signin", inverse="unblock-signin")),
        "block-admin": request(x, **of_user(x, "block-signin", evidence=admin)),
        "block-unread": request(x, **of_user(x, "block-signin", evidence=unread)),
        "blocked": sent(x, State.SUCCEEDED, "InForce", "block-signin", inverse="unblock-signin"),
        "block-refused": sent(x, State.FAILED, "", "block-signin", trouble="trouble.role_too_low", trouble_values=role),
        "block-lost": sent(x, State.FAILED, "NotInForce", "block-signin"),
        "unblocked": sent(x, State.SUCCEEDED, "InForce", "unblock-signin", inverse="block-signin"),
        "sessions": request(x, **of_user(x, "revoke-sessions")),
        "sessions-ended": sent(x, State.SUCCEEDED, "InForce", "revoke-sessions"),
        "password": request(x, **of_user(x, "reset-password")),
        "password-reset": sent(x, State.SUCCEEDED, "", "reset-password"),
        "compromised": request(x, **of_user(x, "confirm-compromised", inverse="dismiss-risk")),
        "compromised-sent": sent(x, State.SENT, "isProcessing", "confirm-compromised"),
        "dismissed": sent(x, State.SUCCEEDED, "dismissed", "dismiss-risk", inverse="confirm-compromised"),
        "renamed": sent(
            x,
            State.FAILED,
            "",
            "block-signin",
            attempts=(),
            sent_at=None,
            trouble="trouble.user_renamed",
            trouble_values={"name": x("anna.berg@contoso.com"), "now": x("anna.wolf@contoso.com")},
            story=story(x, step(ago(minutes=5), "changed")),
        ),
    }


def mails(x: X) -> dict[str, Request]:
    """Requests about mail and what is sent in."""
    letter = {
        "target": Target(id=f"{MESSAGE}/anna@contoso.com", name=x("Re: *unpaid* invoice #4711"), kind="mail"),
        "parameters": {"recipientEmailAddress": x("anna@contoso.com"), "action": "hardDelete"},
        "evidence": Evidence(
            read_at=ago(minutes=10),
            facts=(
                Fact(key="mail-recipient", value=x("anna@contoso.com")),
                Fact(key="mail-sender", value=x("billing@example.test")),
                Fact(key="mail-location", value="inbox_folder"),
                Fact(key="mail-threats", value=x("phish")),
                Fact(key="mail-received", at=ago(hours=5)),
            ),
        ),
    }
    url = x("https://login.example.test/a_b*c?id=1")
    address = {
        "target": Target(id=url, name=url, kind="submission"),
        "family": "submission",
        "parameters": {"category": "phishing"},
        "evidence": Evidence(
            read_at=ago(minutes=10),
            facts=(Fact(key="submission-what", value=url), Fact(key="submission-goes", value="microsoft")),
        ),
        "approvals_needed": 0,
        "decisions": (),
    }
    ordered = {"result": {"bulkId": "0b1c2d3e-0000-4000-8000-000000000001"}}
    found = {"result": {"submission-category": "phishing", "submission-detail": "threatsFound"}}
    attempt = (Attempt(number=1, began=ago(minutes=5), action="49c5ef5b-1f65-444a-e6b9-08d772ea2059"),)
    return {
        "purge": request(x, **{**of_user(x, "remediate-mail"), **letter}),
        "purged": sent(x, State.HANDED_OVER, "accepted", "remediate-mail", **letter, **ordered),
        "submitted": sent(x, State.SENT, "running", "submit-url", **address, attempts=attempt, reason=""),
        "submission-over": sent(x, State.SUCCEEDED, "succeeded", "submit-url", **address, **found, attempts=attempt),
    }


def every(x: X) -> dict[str, Shown]:
    """The cards by name."""
    made = {f"user-{name}": one for name, one in users(x).items()} | {
        f"mail-{name}": one for name, one in mails(x).items()
    }
    return {name: request_card(LOOK, one) for name, one in made.items()}
