"""Requests about indicators as cards in their main states: a file, an address, a list."""

from datetime import timedelta
from typing import Any

from bot.responses.models import Attempt, Evidence, Fact, Request, State, Target
from bot.turn import Shown
from cards.request import request_card
from tests.cards.samples import LOOK, NOW, X, ago, approved, request, step, story

SHA256 = "413c58c8267d2c8648d8f6384bacc2ae9c929b2b96578b6860b5087cd1bd6462"
URL = "https://login.bad.example/a_b*c?id=17&next=%2Fhome"


def file_evidence(x: X, *more: Fact) -> Evidence:
    """What is told of a file that somebody allowed and that is in use."""
    texts = {
        "indicator-value": SHA256,
        "indicator-now": "Allowed",
        "indicator-title": x("Needed by *finance* [ticket 4711]"),
        "indicator-by": x("patti@contoso.com"),
        "file-names": x("invoice_2026_(final).pdf.exe, update__helper__.dll"),
        "file-here": "7",
        "file-signed-badly": x("CHENGDU YIWO Tech Development Co., Ltd."),
        "file-verdict": x("Pua PUA:Win32/FusionCore"),
        "file-world": "180,022",
        "file-devices": x("laptop-042.contoso.com, o'brien-pc, kiosk[2](hall), lab_pc_*7*, a&b-sales +2"),
        "file-alerts": x("'Meterpreter' malware was detected on one endpoint"),
    }
    times = {"indicator-since": ago(hours=70), "file-here-first": ago(hours=50), "file-here-last": ago(minutes=20)}
    facts = [Fact(key=key, value=value) for key, value in texts.items()]
    facts += [Fact(key=key, at=at) for key, at in times.items()]
    warnings = (
        Fact(key="indicator-replaces", value=x("Allowed (patti@contoso.com)")),
        Fact(key="indicator-in-use", value="7"),
        *more,
    )
    return Evidence(read_at=ago(minutes=10), facts=tuple(facts), warnings=warnings)


def about(x: X, response: str, **changes: Any) -> dict[str, Any]:
    """What is the same in each request about a value."""
    name = x("SHA256 413c58c8267d…")
    return {
        "response": response,
        "family": "indicator",
        "target": Target(id=SHA256, name=name, kind="indicator"),
        "parameters": {"indicatorAction": "Block", "expirationTime": "30d", "severity": "High"},
        "reason": x("Dropper of incident 1001."),
        "evidence": file_evidence(x),
        "inverse": "unblock",
        **changes,
    }


def of_url(x: X, response: str, **changes: Any) -> dict[str, Any]:
    """The same for a URL that nothing is known of."""
    facts = (
        Fact(key="indicator-value", value=x("hxxps://login[.]bad[.]example/a_b*c?id=17&next=%2Fhome")),
        Fact(key="indicator-now", value="none"),
        Fact(key="file-here"),
    )
    warnings = (Fact(key="indicator-domains-unread"),)
    evidence = Evidence(read_at=ago(minutes=10), facts=facts, warnings=warnings)
    target = Target(id=URL, name=x("hxxps://login[.]bad[.]example/a_b*c?id=17&next=%2Fhome"), kind="indicator")
    parameters = {"expirationTime": "forever", "severity": "Medium"}
    return about(x, response, target=target, evidence=evidence, parameters=parameters, **changes)


def of_list(x: X, **changes: Any) -> dict[str, Any]:
    """The same for a list."""
    facts = {
        "list-domainname": "450",
        "list-files": "30",
        "list-first": x("bad[.]example, worse[.]example, 198[.]51[.]100[.]7, hxxp://x[.]example/a, y[.]example +475"),
        "list-active": "14,700 / 15,000",
    }
    evidence = Evidence(
        read_at=ago(minutes=10),
        facts=tuple(Fact(key=key, value=value) for key, value in facts.items()),
        warnings=(Fact(key="list-replaces", value=x("Allowed 2, Block 5")), Fact(key="list-no-room")),
    )
    return about(
        x,
        "block-list",
        target=Target(id="list:9f86d081884c7d659a2feaa0c55ad015", name="480 values", kind="values"),
        parameters={"expirationTime": "30d", "severity": "High"},
        values=("bad.example",) * 480,
        evidence=evidence,
        inverse="unblock-list",
        **changes,
    )


def of_made(x: X, **changes: Any) -> dict[str, Any]:
    """The same for the removal of what a list made."""
    facts = (Fact(key="list-there", value="478"), Fact(key="list-first", value=x("bad[.]example, y[.]example +476")))
    return about(
        x,
        "unblock-list",
        target=Target(id="WK-7QX2M", name="480 values (WK-7QX2M)", kind="values"),
        parameters={},
        evidence=Evidence(read_at=ago(minutes=10), facts=facts),
        inverse="",
        **changes,
    )


def over(x: X, state: State, status: str, values: dict[str, Any], **changes: Any) -> Request:
    """One that was sent, and what came of it."""
    listed = values["target"].kind == "values"
    taken = step(ago(minutes=5), "taken") if listed else step(ago(minutes=5), "accepted", action="904")
    more = {
        "state": state,
        "attempts": (Attempt(number=1, began=ago(minutes=5), action="" if listed else "904"),),
        "sent_at": ago(minutes=5),
        "checked": ago(minutes=4),
        "status": status,
        "ended": ago(minutes=4),
        "story": story(
            x,
            taken,
            step(ago(minutes=4), "ended", status=status),
        ),
    }
    return approved(x, **{**values, **more, **changes})


def every_request(x: X) -> dict[str, Request]:
    """Requests about indicators."""
    failures = {f"list-failure-{n:02}": x(f"{n}.bad.example: The value is *not* valid") for n in range(1, 13)}
    changed = {"was": "none", "now": "Allowed"}
    refused = {"ended": ago(minutes=5), "state": State.FAILED}
    already = step(ago(minutes=5), "already_by", action="904", who=x("patti@contoso.com"))
    microsoft = file_evidence(x, Fact(key="indicator-microsoft", value=x("Microsoft Windows")))
    unread = tuple(Fact(key=key) for key in ("indicator-now", "file-here", "file-signer", "file-world", "file-devices"))
    blind = Evidence(read_at=ago(minutes=10), facts=(Fact(key="indicator-value", value=SHA256), *unread))
    full = {"service": "defender", "code": "IndicatorsFull", "message": x("The limit was reached")}
    return {
        "file": request(x, **about(x, "block")),
        "file-microsoft": request(x, **about(x, "block", evidence=microsoft)),
        "file-unread": request(x, **about(x, "block", evidence=blind)),
        "url": request(x, **of_url(x, "block")),
        "allow": request(x, **of_url(x, "allow")),
        "monitor": request(x, **of_url(x, "monitor")),
        "warn": request(x, **of_url(x, "warn")),
        "unblock": request(x, **about(x, "unblock", parameters={}, inverse="")),
        "blocked": over(x, State.SUCCEEDED, "Block", about(x, "block")),
        "already": over(x, State.SUCCEEDED, "Block", about(x, "block"), story=story(x, already)),
        "monitored": over(x, State.SUCCEEDED, "Monitored", of_url(x, "monitor")),
        "removed": over(x, State.SUCCEEDED, "Removed", about(x, "unblock", parameters={}, inverse="")),
        "taken-back": over(x, State.CANCELLED, "Allowed", about(x, "block")),
        "changed": approved(
            x,
            **about(x, "block"),
            **refused,
            trouble="trouble.indicator_changed",
            trouble_values=changed,
            story=story(x, step(ago(minutes=5), "changed")),
        ),
        "full": approved(
            x,
            **about(x, "block"),
            **refused,
            trouble="trouble.indicators_full",
            trouble_values=full,
            story=story(x, step(ago(minutes=5), "refused")),
        ),
        "list": request(x, **of_list(x)),
        "list-blocked": over(x, State.SUCCEEDED, "480/480", of_list(x, result={"list-made": "480"})),
        "list-partly": over(
            x, State.PARTLY, "440/480", of_list(x, result={"list-made": "440", "list-failed": "40", **failures})
        ),
        "list-lost": over(
            x,
            State.PARTLY,
            "470/480",
            of_list(
                x,
                result={
                    "list-made": "470",
                    "list-lost": "10",
                    "list-missing": x("y[.]bad[.]example, 198[.]51[.]100[.]9"),
                },
            ),
        ),
        "list-none": over(
            x, State.FAILED, "0/480", of_list(x, result={"list-made": "0", "list-failed": "480", **failures})
        ),
        "unlist": request(x, **of_made(x)),
        "unlisted": over(x, State.SUCCEEDED, "Removed", of_made(x, result={"list-cleared": "478"})),
        "list-unknown": approved(
            x,
            **of_list(x),
            state=State.UNKNOWN,
            unknown_since=ago(minutes=2),
            next_check=NOW + timedelta(seconds=30),
            attempts=(Attempt(number=1, began=ago(minutes=2)),),
            story=story(x, step(ago(minutes=2), "unknown")),
        ),
    }


def every(x: X) -> dict[str, Shown]:
    """Their cards."""
    return {f"indicator-{name}": request_card(LOOK, made) for name, made in every_request(x).items()}


def blockable(x: X) -> tuple[tuple[str, str], ...]:
    """What of an incident's evidence can be blocked."""
    return (SHA256, x("invoice_2026_(final).pdf.exe")), (URL, x("hxxps://login[.]bad[.]example/a_b*c"))
