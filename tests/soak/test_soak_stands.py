"""What a card says of its state is understood by the soak's reader, in every wording that the bot has."""

import re

import pytest

import handlers.responses  # noqa: F401 - brings the texts of all responses
from cards.text import ENGLISH
from tests.soak.cards_read import OVER, STANDS, read
from tests.soak.small_world import activity

FILLED = {"at": "13:00", "service": "Entra ID", "status": "Succeeded", "id": "WK-ABCDEFGHJK"}
MEANT = {
    "proposed": "proposed",
    "by-itself": "proposed",
    "preapproved": "approved",
    "approved": "approved",
    "unattended": "approved",
    "sending": "sending",
    "sent": "sent",
    "spread": "sent",
    "spread-unasked": "sent",
    "unknown": "unknown",
    "unknown-stays": "unknown",
    "succeeded": "succeeded",
    "failed": "failed",
    "refused": "refused",
    "forbidden": "refused",
    "changed": "refused",
    "timedout": "timed out",
    "cancelled": "cancelled",
    "handedover": "handed over",
    "all-done": "done on all",
    "partlydone": "done on some",
    "none-done": "done on none",
    "none-confirmed": "confirmed on none",
    "rejected": "rejected",
    "expired": "expired",
    "expired-unsent": "unsent",
    "withdrawn": "withdrawn",
    "givenup": "given up",
}
"""By the last word of the text's key."""
OTHERWISE = {
    "response.cancel.stand.succeeded": "cancelled",
    "response.investigate.stand.partlydone": "done in part",
    "response.block-list.stand.partlydone": "done in part",
}
KEYS = sorted(key for key in ENGLISH if key.startswith("stand.") or ".stand." in key)


def said(key: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: FILLED[found[1]], ENGLISH[key])


@pytest.mark.parametrize("key", KEYS)
def test_every_text_of_a_state_is_understood(key: str):
    """A card with that text is read as standing so: who changes a text must tell the soak's reader."""
    wanted = OTHERWISE.get(key) or MEANT[key.rpartition("stand.")[2]]
    assert read(activity("Isolate x", said(key), {"Request": "WK-ABCDEFGHJK"})).stand == wanted


def test_no_pattern_stands_for_a_text_that_is_gone():
    """Each pattern of the reader is met by some text of the bot."""
    texts = [said(key).replace("**", "") for key in KEYS]
    used = {next(pattern for pattern in STANDS if pattern.match(text)) for text in texts}
    assert set(STANDS) == used


def test_what_goes_on_is_not_over():
    """A card that waits, or goes on, or is unknown, is not taken for ended; every other is."""
    assert set(MEANT.values()) - OVER == {"proposed", "approved", "sending", "sent", "unknown"}
