"""What waits in the Action center, what became of it, and the history, as cards in their main states."""

from typing import Any

from bot.center import UNLISTED, CenterAlert, CenterFact, CenterItem, CenterOffer, CenterRow, CenterSummary
from bot.turn import Shown
from cards.center import center_card, center_summary_card
from cards.past import PastEntry, PastList, exported_past_card, past_card
from tests.cards.samples import ACTION, LOOK, MACHINE, NOW, TENANT, X, ago

SHA256 = "b3a0c6f7e3a3d0f5f5a1fe4d6a9a4f6e2a0f7a94f0f2c7a5c1f7c5a3f1b2c3d4"


def item(x: X, **changes: Any) -> CenterItem:
    """A file on a device, in two alerts."""
    values: dict[str, Any] = {
        "id": "0123456789abcdef0123",
        "customer": TENANT,
        "kind": "file",
        "name": x("invoice_2026.pdf.exe"),
        "facts": (
            CenterFact(key="path", value=x("C:\\Users\\ben.wolf\\Downloads\\invoice_2026.pdf.exe")),
            CenterFact(key="sha256", value=x(SHA256)),
        ),
        "device": MACHINE,
        "device_name": x("laptop-042.contoso.com"),
        "user": x("ben.wolf@contoso.com"),
        "verdict": "malicious",
        "alerts": (
            CenterAlert(
                id="da1", title=x("An active 'Wacatac' malware was detected"), severity="high", incident="2972"
            ),
            CenterAlert(id="da2", title=x("Suspicious file dropped"), severity="medium", incident="2972"),
        ),
        "investigation": "63004",
        "since": ago(days=2, hours=3),
        "seen": ago(days=2),
        "offers": (
            CenterOffer(response="isolate", line=f"isolate {MACHINE} The same effect"),
            CenterOffer(response="scan", line=f"scan {MACHINE} The same effect"),
        ),
    }
    return CenterItem(**{**values, **changes})


def inquiry(x: X, **changes: Any) -> CenterItem:
    """An investigation that names nothing."""
    alert = CenterAlert(id="da1", title=x("Ransomware behaviour"), severity="high", incident="2972")
    values: dict[str, Any] = {
        "shape": "investigation",
        "kind": "investigation",
        "name": "63004",
        "facts": (),
        "verdict": "",
        "alerts": (alert,),
        "offers": (),
    }
    return item(x, **{**values, **changes})


def items(x: X) -> dict[str, CenterItem]:
    """Items in each of their states."""
    over = {"state": "over", "ended": ago(minutes=4), "waited_until": ago(minutes=5)}
    alerts = item(x).alerts
    mixed = (alerts[0], alerts[1].model_copy(update={"word": "declined"}))
    mail = (
        CenterFact(key="recipient", value=x("anna@contoso.com")),
        CenterFact(key="message", value="2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19"),
    )
    return {
        "center-file": item(x),
        "center-last-day": item(x, since=ago(days=6, hours=20), ours=True, offers=()),
        "center-inquiry": inquiry(x),
        "center-mail": item(x, kind="analyzedmessage", name=x("Your invoice"), device="", device_name="", facts=mail),
        "center-covered": inquiry(x, covered=True),
        "center-missing": item(x, missing_since=ago(minutes=1)),
        "center-again": item(x, again_at=ago(minutes=9), since=ago(minutes=9), ours=True, alerts=mixed),
        "center-late": item(x, since=ago(days=7, hours=1)),
        "center-unnamed": item(x, kind="aiagent", name="", facts=(), user="", device="", device_name="", alerts=()),
        "center-running": item(x, outcome="running", **{**over, "state": "running"}),
        "center-remediated": item(x, outcome="remediated", **over),
        "center-declined": item(x, outcome="declined", **over),
        "center-expired": item(x, outcome="declined", **over, since=ago(days=7, hours=1)),
        "center-unlisted": item(x, outcome=UNLISTED, **over),
        "center-unlisted-late": item(x, outcome=UNLISTED, **{**over, "waited_until": None}, since=ago(days=8)),
        "center-ended-by": inquiry(x, outcome="terminatedbyuser", who=x("patti@contoso.com"), **over),
        "center-new-word": item(x, outcome="quarantinedelsewhere", **over),
    }


def entry(x: X, **changes: Any) -> PastEntry:
    """A request of ours that is over."""
    values: dict[str, Any] = {
        "started": ago(hours=5),
        "ended": ago(hours=4),
        "what": "isolate",
        "kind": "device",
        "target": x("laptop-042.contoso.com"),
        "target_id": MACHINE,
        "outcome": "succeeded",
        "status": "Succeeded",
        "started_by": x("Anna Berg"),
        "decided_by": x("Ben Wolf"),
        "source": "bot",
        "request": "WK-7F3K",
        "action": ACTION,
        "reason": x("beacon to 198.51.100.7"),
    }
    return PastEntry(**{**values, **changes})


def past(x: X, **changes: Any) -> PastList:
    """A page of the history with one entry of each source."""
    others = {"decided_by": "", "request": "", "outcome": "failed", "started_by": x("patti@contoso.com")}
    rows = (
        entry(x),
        entry(x, what="Isolate", source="portal", **others),
        entry(x, what="RunAntiVirusScan", source="api", **{**others, "outcome": "timed out"}),
        entry(x, what="LiveResponse", source="elsewhere", **{**others, "started_by": ""}, ended=None, target=""),
        entry(x, what="retired-response", outcome="rejected"),
    )
    values: dict[str, Any] = {
        "line": f"actions history device {MACHINE} 30 days",
        "days": 30,
        "filters": (("device", x("laptop-042")), ("outcome", "timed out")),
        "rows": rows,
        "page": 2,
        "pages": 3,
        "found": 25,
        "tenant": TENANT,
    }
    return PastList(**{**values, **changes})


def every(x: X) -> dict[str, Shown]:
    """The cards by name."""
    row = CenterRow(shape="entity", kind="file", name=x("a.exe"), device_name=x("laptop-042"), deadline=NOW)
    rows = (row, row.model_copy(update={"kind": "investigation", "name": "63004", "device_name": ""}))
    many = CenterSummary(id="s", customer=TENANT, reason="open", at=NOW, total=14, rows=rows)
    unread = past(x, rows=(), found=0, page=1, pages=1, unread=("actions",), cut=("requests",))
    return {
        **{name: center_card(LOOK, one) for name, one in items(x).items()},
        "center-reply": center_card(LOOK, items(x)["center-again"], "again:2026"),
        "center-reply-over": center_card(LOOK, items(x)["center-declined"], "again:2026"),
        "center-open": center_summary_card(LOOK, many),
        "center-burst": center_summary_card(LOOK, many.model_copy(update={"reason": "burst", "total": 2})),
        "history": past_card(LOOK, past(x)),
        "history-none": past_card(LOOK, PastList(line="actions history 30 days", days=1)),
        "history-unread": past_card(LOOK, unread),
        "history-exported": exported_past_card(LOOK, x("actions-2026-11-23.csv"), 25, whole=False),
    }
