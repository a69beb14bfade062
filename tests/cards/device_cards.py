"""What can be done to a device, on cards: the offers, and requests of each kind at their telling moments."""

from typing import Any

from bot.responses.models import Evidence, Fact, Request, State, Target
from bot.turn import Shown
from cards.device import Isolation, Offer, device_card
from cards.package import PackageView, package_card
from cards.request import request_card
from cards.respond import RespondView, respond_card
from handlers.responses import RESPONSES
from tests.cards.samples import (
    ACTION,
    LOOK,
    MACHINE,
    X,
    ago,
    approved,
    device_view,
    ended,
    machine,
    request,
    sent,
    step,
    story,
)

LINK = "https://userrequests-us.securitycenter.windows.com:443/safedownload/WDATP_Investigation_Package.zip?token=TOKEN"
SHA1 = "1f8b5c0e9d7a6b4c3d2e1f0a9b8c7d6e5f4a3b2c"
SHOWN = ("isolate", "scan", "investigate", "collect", "restrict", "quarantine", "tag", "untag", "value", "offboard")


def offers(*names: str) -> tuple[Offer, ...]:
    """The offers of declared responses, as a device's card has them."""
    declared = {response.name: response for response in RESPONSES}
    return tuple(
        Offer(
            response=name,
            needs_reason=declared[name].needs_reason,
            needs_approval=declared[name].approvals > 0,
            choices=declared[name].parameters,
            typed=declared[name].typed,
        )
        for name in names
    )


def of(response: str, **more: Any) -> dict[str, Any]:
    """What tells a request of that response from an isolation."""
    declared = next(one for one in RESPONSES if one.name == response)
    common = {"response": response, "family": declared.family, "inverse": declared.inverse, "parameters": {}}
    return {**common, "approvals_needed": declared.approvals, **more}


def requests(x: X) -> dict[str, Request]:
    """Requests whose cards say something of their own."""
    anew = {"was": x("laptop-042"), "old": "a1b2c3d4", "new": "e5f60718", "id": "e" * 40}
    likely = story(x, step(ago(minutes=5), "unknown"), step(ago(minutes=4), "likely", action="63012", who=""))
    action = Target(id=ACTION, name=x("Isolate on laptop-042.contoso.com"), kind="action")
    facts = Evidence(
        read_at=ago(minutes=10),
        facts=(
            Fact(key="action", value="Isolate"),
            Fact(key="device", value=x("laptop-042.contoso.com")),
            Fact(key="started-by", value=x("patti@contoso.com")),
            Fact(key="started", at=ago(hours=2)),
        ),
    )
    cancel = of("cancel", target=action, evidence=facts, decisions=())
    return {
        "offboard": request(x, **of("offboard")),
        "contain": request(x, **of("contain")),
        "quarantine": request(x, **of("quarantine", parameters={"Sha1": SHA1})),
        "installed-anew": approved(
            x,
            **of("restrict"),
            state=State.FAILED,
            ended=ago(minutes=7),
            trouble="trouble.device_anew",
            trouble_values=anew,
            story=story(x, step(ago(minutes=7), "changed")),
        ),
        "renamed": approved(
            x,
            **of("restrict"),
            state=State.FAILED,
            ended=ago(minutes=7),
            trouble="trouble.device_renamed",
            trouble_values={"was": x("laptop-042"), "name": x("laptop-043"), "id": MACHINE},
            story=story(x, step(ago(minutes=7), "changed")),
        ),
        "collected": ended(x, State.SUCCEEDED, "Succeeded", **of("collect")),
        "investigating": sent(x, **of("investigate", status="PendingApproval", story=likely)),
        "investigated": ended(x, State.PARTLY, "PartiallyRemediated", **of("investigate")),
        "tagged": ended(
            x, State.SUCCEEDED, "InForce", **of("tag", parameters={"Tag": x("to be replaced")}, back={"Tag": x("x")})
        ),
        "valued": ended(
            x,
            State.SUCCEEDED,
            "InForce",
            **of("value", parameters={"DeviceValue": "High"}, back={"DeviceValue": "Normal"}),
        ),
        "cancelling": ended(x, State.SUCCEEDED, "Cancelled", **cancel),
        "cancelled-late": ended(x, State.FAILED, "Succeeded", **cancel),
    }


def every(x: X) -> dict[str, Shown]:
    """All cards by name."""
    package = package_card(LOOK, PackageView(device=x("laptop-042.contoso.com"), request="WK-7F3K9QXZ2M", link=LINK))
    assert package
    unmanaged = machine(x, onboarding_status="CanBeOnboarded")
    typed = ("run-script", "kill-process", "stop-service")
    return {
        "package": package,
        "respond": respond_card(
            LOOK, RespondView(machine=MACHINE, name=x("laptop-042.contoso.com"), offers=offers(*SHOWN), typed=typed)
        ),
        "respond-none": respond_card(LOOK, RespondView(machine=MACHINE, name=x("laptop-042.contoso.com"))),
        "device-more": device_card(
            LOOK, device_view(x, offers=offers("isolate", "scan", "investigate"), more=True, requests=())
        ),
        "device-unmanaged": device_card(
            LOOK,
            device_view(
                x,
                machine=unmanaged,
                isolation=Isolation(state="not isolated"),
                offers=offers("contain"),
                more=True,
                requests=(),
                actions=(),
            ),
        ),
        **{f"request-{name}": request_card(LOOK, made) for name, made in requests(x).items()},
    }
