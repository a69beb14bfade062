"""What an incident's card offers to do about the user that it names."""

import pytest

from bot.incidents import Asset
from cards.incident import incident_card
from tests.cards import walk
from tests.cards.samples import LOOK, incident_record

ANNA, BEN = (Asset(kind="user", name=name) for name in ("anna@contoso.com", "ben@contoso.com"))
ODD = [Asset(kind="user", name=name) for name in ("CONTOSO\\anna", "", "a b@contoso.com", f"{'x' * 300}@contoso.com")]


def proposed(*assets: Asset, status: str = "active") -> list[str]:
    """The responses that the card offers, with their targets."""
    card = incident_card(LOOK, incident_record(str, assets=assets, status=status)).card
    buttons = [action["data"] for action in walk.actions(card) if "data" in action]
    return list(dict.fromkeys(data["id"] for data in buttons if data["verb"] == "propose"))


def test_the_only_user_is_offered():
    """Blocking the sign-in and ending the sessions, by the sign-in name."""
    assert proposed(ANNA) == ["block-signin:anna@contoso.com", "revoke-sessions:anna@contoso.com"]


@pytest.mark.parametrize("assets", [(), (ANNA, BEN), *[(asset,) for asset in ODD]])
def test_nobody_is_singled_out(assets):
    """Of several users none is offered, nor one whom no sign-in name tells."""
    assert proposed(*assets) == []


@pytest.mark.parametrize("status", ["resolved", "redirected", "Resolved"])
def test_what_is_over_offers_nothing(status):
    """Where the incident is resolved or merged nothing is pressing."""
    assert proposed(ANNA, status=status) == []
