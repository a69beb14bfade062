import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.turn import Look
from cards.elements import TextBlock
from cards.text import Safe, ago, clean, count, escape, plain, plain_word, say, told, when, word
from tests.cards import gallery, walk
from tests.cards.samples import LOOK, NOW

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
FINE = {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "strong_open", "strong_close"}
PIECES = [
    "[reset](https://evil.example)",
    "![i](https://evil.example/i.png)",
    "<at>Anna</at>",
    "<b>x</b>",
    "<https://evil.example>",
    "https://evil.example/a",
    "{{DATE(2026-01-01T00:00:00Z,SHORT)}}",
    "**bold**",
    "__bold__",
    "_it_",
    "`code`",
    "~~gone~~",
    "# head",
    "- item",
    "1. item",
    "12345) x",
    "> quote",
    "---",
    "***",
    "| a | b |",
    "\n\n",
    "\r\n- x",
    "\\",
    "\\*",
    "\\\\",
    "]",
    "](",
    "[x\\](https://evil.example)",
    "&lt;",
    "&#91;",
    "&",
    "\u202e",
    "\u200b",
    "\u2066",
    "\u00ad",
    "\ufeff",
    "\x00",
    "\x1b[31m",
    "\ud800",
    "\u3164",
    "\U000e0041",
    "    code",
    "```",
    "~~~",
    "$x$",
    "DESKTOP_1",
    "O'Brien",
    "CONTOSO\\alice",
    "x" * 300,
    "*" * 10_000,
]
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=8).map("".join)


def visible(text: str) -> str:
    """What a CommonMark client shows of a text that has no blocks but one paragraph."""
    tokens = MARKDOWN.parse(text)
    return "".join(child.content for token in tokens for child in token.children or ())


def kinds(text: str) -> set[str]:
    """What a CommonMark client makes of the text."""
    tokens = MARKDOWN.parse(text)
    return {t.type for t in tokens} | {child.type for token in tokens for child in token.children or ()}


def phone_links(text: str) -> bool:
    """Whether the phones' older parser, which knows no escapes, would see a link."""
    return bool(re.search(r"\[[^\]]*\]\(", text))


def unseen(text: str) -> list[str]:
    """Characters that are not seen or that change the order of others."""
    return [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"} or c in "\u2028\u2029\u3164"]


@given(hostile)
@example("1. x")
@example("\\")
@example("a\\")
@example("<")
@example("x]" + "(y)")
@settings(max_examples=400, deadline=None)
def test_escaped_text_is_shown_as_it_is(outside):
    """Whatever comes from outside is shown literally: no link, list, emphasis, HTML, date; and nothing is invisible."""
    made = escape(outside)
    assert kinds(made) <= FINE - {"strong_open", "strong_close"}
    assert visible(made) == clean(outside)
    assert not phone_links(made)
    assert "{{" not in made
    assert not re.search(r"(?<!\\)://", made)
    assert unseen(made) == []
    assert len(made) <= 240
    made.encode("utf-8")


@given(hostile)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example("[reset](https://evil.example)")
@example("<at>Anna</at>")
@example("{{DATE(2026-01-01T00:00:00Z,SHORT)}}")
@example("*" * 10_000)
def test_no_card_lets_outside_text_through(outside):
    """In every card, outside text makes no Markdown: only the catalogue's own bold is there."""
    for name, shown in gallery.every(lambda default: f"{outside} {default}").items():
        for text in walk.markdown_texts(shown.card):
            assert kinds(text) <= FINE, (name, text)
            assert not phone_links(text), (name, text)
            assert "{{" not in text, (name, text)
            assert unseen(text) == [], (name, text)
        for text in [*walk.plain_texts(shown.card), shown.summary]:
            assert unseen(text) == [], (name, text)
            assert len(text) < 900, (name, text)


def test_the_search_can_fail():
    """The same search finds a link, HTML and a date in a text that was not escaped."""
    assert "link_open" in kinds("[a](https://b)")
    assert "html_inline" in kinds("<b>x")
    assert phone_links("\\[x\\](y)")
    assert unseen("a\u202eb") == ["\u202e"]


@pytest.mark.parametrize(
    "name", ["DESKTOP-1", "laptop-042.contoso.com", "CONTOSO\\alice", "AT&T (x64)", "a {1} b", "50% - x", "Mr. X #2"]
)
def test_ordinary_names_are_left_alone(name):
    """What means nothing in Markdown is not escaped: phones would show the backslash."""
    assert escape(name) == name


def test_cut_text_ends_with_an_ellipsis_and_no_half_escape():
    """Long text is cut before it is escaped, so the last escape is whole."""
    for limit in range(2, 12):
        made = escape("a*" * 200, limit)
        assert made.endswith("…")
        assert visible(made) == ("a*" * 200)[: limit - 1] + "…"


def test_blanks_do_not_hide_the_end_of_a_name():
    """Runs of blanks become one, so that the real ending of a file's name is seen."""
    assert clean("invoice.pdf" + " " * 90 + ".exe") == "invoice.pdf .exe"


def test_values_are_escaped_unless_safe():
    """`say` escapes what is not Safe, once."""
    assert say(LOOK, "devices.title.text", text="a*b") == "Devices named a\\*b"
    assert say(LOOK, "devices.title.text", text=escape("a*b")) == "Devices named a\\*b"
    assert type(say(LOOK, "welcome.try")) is Safe


def test_plain_text_refuses_markdown():
    """A Safe value in a button's title would show its backslashes, so it is refused."""
    with pytest.raises(TypeError, match="plain text"):
        plain(LOOK, "devices.title.text", text=escape("a_b"))


def test_an_unescaped_str_is_refused_by_the_element():
    """A TextBlock takes Safe text alone, also at run time."""
    with pytest.raises(TypeError):
        TextBlock("plain str")  # type: ignore[arg-type]  # the point of the test


def test_times_stand_in_the_readers_zone_which_is_named():
    """A time is written in the subscription's zone with its name, and with the year if it is another."""
    at = datetime(2026, 7, 1, 9, 5, tzinfo=UTC)
    assert when(LOOK, at) == "1 Jul 11:05 CEST"
    assert when(Look(now=NOW, zone="America/Sao_Paulo"), at) == "1 Jul 06:05 UTC-03:00"
    assert when(LOOK, at.replace(year=2025)) == "1 Jul 2025 11:05 CEST"


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd", "Europe", "\x00", "/etc/localtime"])
def test_an_unknown_zone_is_utc(zone):
    """A zone that does not exist, or is no zone's name at all, gives UTC."""
    assert when(Look(now=NOW, zone=zone), NOW).endswith("13:05 UTC")


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=3, minutes=59), "3 h ago"),
        (timedelta(hours=47), "47 h ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(minutes=-25), "in 25 min"),
        (timedelta(days=-3), "in 3 days"),
    ],
)
def test_distances_are_rounded_down(distance, said):
    """How long ago is never said to be more than it is."""
    assert ago(LOOK, NOW - distance) == said


def test_numbers_are_written_for_people():
    """Thousands are parted, and a figure has at most one decimal."""
    assert say(LOOK, "score.secure-no-max", current=1412.55).startswith("**1,412.5")
    assert count(LOOK, "devices.count", 1) == "1 device"
    assert count(LOOK, "devices.count", 1200) == "1,200 devices"


def test_words_of_a_service_are_known_unknown_or_shown_as_sent():
    """An enum value has its word, an empty one is unknown, and a new one is shown as it came."""
    assert word(LOOK, "health", "NoSensorData") == "no sensor data"
    assert plain_word(LOOK, "health", None) == "unknown"
    assert word(LOOK, "health", "Brand_New") == "Brand\\_New"


def test_texts_named_by_a_record_never_fail_a_card():
    """A key that is no longer there, or a value that is missing, gives a text all the same."""
    assert told(LOOK, "trouble.of_old", {}, "trouble.other") == say(LOOK, "trouble.other")
    assert told(LOOK, "trouble.busy", {"service": "x"}, "trouble.other") == say(LOOK, "trouble.busy")
    assert "unknown" in told(LOOK, "trouble.rejected", {"code": "A"}, "trouble.other")


def test_other_locales_fall_back_to_english():
    """A language without a catalogue gets English."""
    assert say(Look(now=NOW, locale="fr-FR"), "welcome.try") == say(LOOK, "welcome.try")
