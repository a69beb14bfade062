"""Requests for several devices at once, and a user whose account is blocked, for the gallery."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.responses.models import Evidence, Fact, Member, Request, State, Step, Target
from bot.responses.reminding import LASTS, WAITS
from bot.turn import Look, Shown
from cards.reminder import reminder_card

X = Callable[[str], str]
KINDS = ("RunAntiVirusScan", "LiveResponse")
NAMES = ("desk-07", "kiosk-01", "laptop-042", "srv-files")


def several(x: X, request: Callable[..., Request], now: datetime) -> dict[str, Request]:
    """Before the decision, on its way, and at its end with what went wrong on some."""
    before = {
        "target": Target(id="devices-1", name=x("all:high-risk"), kind="devices"),
        "members": members(x, now, (State.PROPOSED,) * 4),
        "evidence": Evidence(read_at=now, warnings=(Fact(key="devices-missing", value="2"),)),
    }
    unread = {"evidence": Evidence(read_at=now, warnings=lacking(x)), "members": fifty(x, now, read=False)}
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
        "several-many": request(x, **{**before, "members": fifty(x, now)}),
        "several-unread": request(x, **{**before, **unread}),
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
            value="High" if n == 3 else "Normal",
            last_seen=now - (timedelta(days=9) if n == 3 else timedelta(hours=n + 1)),
            users=None if n == 0 else (x("megan.bowen"), x("svc-files"))[n % 2 :],
            warnings=odd(x)[n],
            state=state,
            trouble="trouble.missing" if state is State.FAILED else "",
            trouble_values={"service": "defender"} if state is State.FAILED else {},
        )
        for n, state in enumerate(states)
    )


def odd(x: X) -> tuple[tuple[Fact, ...], ...]:
    """What must not be overlooked of the first devices: nothing, a server's priority account, isolated, a server."""
    busy = Fact(key="devices-running", value="RunAntiVirusScan")
    return (
        (busy,),
        (),
        (Fact(key="user-priority", value=x("megan.bowen")), Fact(key="devices-network-isolated")),
        (Fact(key="devices-servers"), Fact(key="devices-of-value"), Fact(key="devices-silent")),
    )


def fifty(x: X, now: datetime, *, read: bool = True) -> tuple[Member, ...]:
    """As many devices as a request may be for, each odd in many ways; or none of which anything was read."""
    keys = ("devices-of-value", "devices-servers", "devices-silent", "devices-network-isolated", "devices-gone")
    much = (
        *(Fact(key="user-priority", value=x(name)) for name in ("megan.bowen", "patti.fernandez")),
        *(Fact(key=key) for key in keys),
        *(Fact(key="devices-running", value=x(kind)) for kind in KINDS),
    )
    return tuple(
        Member(
            target=Target(id=f"{n:02}" * 20, name=x(f"laptop-{n:03}.contoso.com")),
            request=f"WK-7QX2M-{n + 1:02}",
            risk="High",
            value="High",
            last_seen=now - timedelta(days=8),
            users=(x("megan.bowen"), x("patti.fernandez"), x("adele.vance"), x("svc")) if read and n % 5 else None,
            warnings=(much if n % 5 else much[2:]) if read else (),
        )
        for n in range(50)
    )


def lacking(x: X) -> tuple[Fact, ...]:
    """The permission is missing, and the actions could not be read."""
    return Fact(key="devices-users-lacking", value=x("User.Read.All")), Fact(key="devices-actions-unread")


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
