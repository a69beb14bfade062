"""The words of /subscribe and /unsubscribe."""

import pytest

from bot.errors import UsageError
from cards.english import TEXTS
from handlers.subscription_words import Asked, parse
from handlers.unsubscribe import COMMAND as UNSUBSCRIBE


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("", Asked(incidents="informational", requests=True, actions=True)),
        ("incidents", Asked(incidents="informational", requests=False, actions=False)),
        ("Incidents FROM Medium requests", Asked(incidents="medium", requests=True, actions=False)),
        ("requests", Asked(incidents="", requests=True, actions=False)),
        ("actions", Asked(incidents="", requests=False, actions=True)),
        ("actions incidents from high", Asked(incidents="high", requests=False, actions=True)),
        ("digest at 08:00", Asked(digest="08:00")),
        ("digest at 7:30 europe/berlin", Asked(digest="07:30", zone="Europe/Berlin")),
        ("digest at 7.05", Asked(digest="07:05")),
        ("digest 23", Asked(digest="23:00")),
        ("digest at 0:00 in america/new york", Asked(digest="00:00", zone="America/New_York")),
        (
            "digest at 8 utc incidents from high",
            Asked(incidents="high", requests=False, actions=False, digest="08:00", zone="UTC"),
        ),
        (
            "requests incidents digest at 8",
            Asked(incidents="informational", requests=True, actions=False, digest="08:00"),
        ),
    ],
)
def test_understood(words, asked):
    """Words come in any order and case; who names the digest alone leaves the rest as it is."""
    assert parse(words) == asked


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("digest", "error.no_time"),
        ("digest at", "error.no_time"),
        ("digest at 24:00", "error.no_time"),
        ("digest at 8:60", "error.no_time"),
        ("digest at 8am", "error.no_time"),
        ("digest at noon", "error.no_time"),
        ("digest at 8 berlin", "error.unknown_zone_near"),
        ("digest at 8 nowhere/at all", "error.unknown_zone"),
        ("incidents from gravest", "error.unknown_severity"),
        ("incidents from", "error.unknown_severity"),
        ("requests please", "error.usage"),
        ("actions from high", "error.usage"),
        ("everything", "error.usage"),
    ],
)
def test_not_understood(words, key):
    """What is not understood is refused with what is missing, and nothing is guessed."""
    with pytest.raises(UsageError) as refused:
        parse(words)
    assert refused.value.key == key
    assert key in TEXTS


def test_unsubscribe_takes_all_or_the_digest():
    """Unsubscribe knows nothing but the digest by name; a slip must not end everything."""
    assert [UNSUBSCRIBE.parse(words) for words in ("", " Digest ")] == ["", "digest"]
    with pytest.raises(UsageError):
        UNSUBSCRIBE.parse("digests")
