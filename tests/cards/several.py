"""Requests for several devices at once, and a user whose account is blocked, for the gallery."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.responses.models import Evidence, Fact, Member, Request, State, Step, Target
from bot.responses.reminding import LASTS, WAITS
from bot.turn import Look, Shown
from cards.reminder import reminder_card

X = Callable[[str], str]
NAMES = ("desk-07", "kiosk-01", "laptop-042", "srv-files")


def several(x: X, request: Callable[..., Request], now: datetime) -> dict[str, Request]:
    """Before the decision, on its way, and at its end with what went wrong on some."""
    before = {
        "target": Target(id="devices-1", name=x("all:high-risk"), kind="devices"),
        "members": members(x, now, (State.PROPOSED,) * 4),
        "evidence": Evidence(read_at=now, warnings=(Fact(key="devices-servers", value=x("srv-files")),)),
    }
    under_way = members(x, now, (State.SENT, State.SUCCEEDED, State.UNKNOWN, State.APPROVED))
    ends = (State.SUCCEEDED, State.SUCCEEDED, State.FAILED, State.TIMED_OUT)
    spread = (Step(at=now - timedelta(minutes=3), key="story.spread"),)
    over = {
        "members": members(x, now, ends),
        "state": State.PARTLY,
        "ended": now,
        "story": spread,
        "inverse": "release",
    }
    return {
        "several-proposed": request(x, **before),
        "several-under-way": request(x, **{**before, "members": under_way, "state": State.SENT, "story": spread}),
        "several-unasked": request(
            x, **{**before, "members": under_way, "state": State.SENT, "story": spread, "approvals_needed": 0}
        ),
        "several-partly": request(x, **{**before, **over}),
        "user-proposed": request(x, **user(x, now)),
        "user-handed-over": request(x, **{**user(x, now), "state": State.HANDED_OVER, "ended": now}),
    }


def reminders(look: Look, x: X, request: Callable[..., Request], now: datetime) -> dict[str, Shown]:
    """What is said again below a request's card: of one device, and of several."""
    sent = {"state": State.SENT, "sent_at": now - timedelta(hours=2)}
    over = {"state": State.SUCCEEDED, "ended": now - timedelta(hours=24)}
    silent = members(x, now, (State.SUCCEEDED, State.SENT))
    devices = {
        "target": Target(id="devices-1", name=x("all:high-risk"), kind="devices"),
        "members": tuple(one.model_copy(update={"status": "Pending"}) for one in silent),
    }
    return {
        "reminder-waits": reminder_card(look, request(x, **sent), WAITS),
        "reminder-lasts": reminder_card(look, request(x, **over), LASTS),
        "reminder-waits-several": reminder_card(look, request(x, **sent, **devices), WAITS),
        "reminder-lasts-several": reminder_card(look, request(x, **over, **devices), LASTS),
    }


def members(x: X, now: datetime, states: tuple[State, ...]) -> tuple[Member, ...]:
    """One device in each of these states."""
    return tuple(
        Member(
            target=Target(id=f"{n}" * 40, name=x(NAMES[n])),
            request=f"WK-7QX2M-{n + 1:02}",
            risk="High",
            value="Normal",
            last_seen=now - timedelta(hours=n + 1),
            state=state,
            trouble="trouble.missing" if state is State.FAILED else "",
            trouble_values={"service": "defender"} if state is State.FAILED else {},
        )
        for n, state in enumerate(states)
    )


def user(x: X, now: datetime) -> dict[str, Any]:
    """What is asked about a person's account."""
    facts = (
        Fact(key="user-name", value=x("Adele Vance")),
        Fact(key="user-enabled", value="yes"),
        Fact(key="intune-last-sync", at=now - timedelta(hours=2)),
    )
    warned = (Fact(key="user-admin", value=x("Security Administrator")),)
    return {
        "response": "block-signin",
        "family": "signin",
        "target": Target(id="00000000-0000-0000-0000-0000000000a1", name=x("adele@contoso.com"), kind="user"),
        "parameters": {},
        "inverse": "unblock-signin",
        "evidence": Evidence(read_at=now, facts=facts, warnings=warned, last_time="succeeded", last_time_at=now),
    }
