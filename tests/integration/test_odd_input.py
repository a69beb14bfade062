"""Whatever people type: each line gets one clear card, nothing breaks, and the bot goes on."""

import re
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import stamina

from bot.demo import PATTI
from tests.integration.conftest import staged
from tests.integration.talk import ask, chat, heard, markdown, mentioned, redis_of_its_own, words

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What must never be seen: traces of Python, of our own machinery, of the unforeseen.
LEAKS = ("Traceback", "Error(", "Exception", "KeyError", "ValueError", "None]", "Something went wrong", "not foreseen")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory):
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        folder: Path = tmp_path_factory.mktemp("data")
        async with staged(redis.url, folder) as running:
            yield running


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def goes_on(stage):
    """After each of these the bot still answers, and nothing was logged as a crash."""
    yield
    here = chat(stage, [PATTI])
    assert "You are Patti" in words(await ask(stage, PATTI, "/whoami", here))


# What is typed -> what the card says of it.
LINES: dict[str, tuple[str, str]] = {
    "unknown": ("/frobnicate", "I do not know frobnicate. Please type **help**"),
    "unknown without slash": ("frobnicate", "I do not know frobnicate"),
    "near": ("/devcies", "Did you mean **devices**?"),
    "near in capitals": ("/DEVCIES", "Did you mean **devices**?"),
    "any case": ("/WhoAmI", "You are Patti"),
    "no slash": ("whoami", "You are Patti"),
    "empty": ("", "I heard no command. Please type **help**"),
    "blank": (" \u00a0 \n\t ", "I heard no command"),
    "only a slash": ("/", "I heard no command"),
    "no device": ("/device", "Please name a device."),
    "isolate nothing": ("/isolate", "/isolate DEVICE [full|selective] REASON"),
    "isolate without reason": ("/isolate DESKTOP-1", "Please say why, so that an approver can decide."),
    "isolate with a choice as reason": ("/isolate DESKTOP-1 selective", "Please say why"),
    "scan nothing": ("/scan", "/scan DEVICE [quick|full]"),
    "it": ("/device it", "I do not know which device you mean by **it**"),
    "odata": ("/device O'Brien' or 1 eq 1", "I found no device O'Brien' or 1 eq 1"),
    "odata in isolate": ("/isolate \"x' or 'a' eq 'a\" because", "I found no device x' or 'a' eq 'a"),
    "odata in devices": ("/devices ' or 1 eq 1", "No device matches"),
    "path": ("/device ../../machineactions", "I found no device ../../machineactions"),
    "percent": ("/device %00%2e%2e%2f", "I found no device"),
    "id of nobody": ("/device " + "0" * 40, "I found no device 00000"),
    "null bytes": ("/device a\x00b\x00", "I found no device ab"),
    "emoji": ("/device 💻🔥", "I found no device 💻🔥"),
    "only emoji": ("🔥", "I do not know 🔥"),
    "right to left": ("/device \u202etxt.exe\u202c", "I found no device txt.exe"),
    "arabic": ("/device حاسوب", "I found no device حاسوب"),
    "markdown": ("/device **bold** [link](https://evil.example)", "I found no device"),
    "html": ("/device &lt;img src=x onerror=alert(1)&gt;", "I found no device"),
    "fake mention": ("/device &lt;at&gt;everyone&lt;/at&gt;", "I found no device"),
    "date macro": ("/device {{DATE(2026-01-01T00:00:00Z,SHORT)}}", "I found no device"),
    "long": ("/device " + "a" * 10_000, "Please keep a command under 2,000 characters."),
    "long reason": ("/isolate DESKTOP-1 " + "a" * 1000, "Please keep it under 500 characters."),
    "filter": ("/devices medum-risk", "I do not know the filter medum-risk"),
    "filter with dash": ("/devices --high", "I do not know the filter --high"),
    "incidents filter": ("/incidents urgent", "Please use one of: open, mine, high, all"),
    "actions filter": ("/actions tomorrow", "Please use one of: pending, history"),
    "page 0": ("/devices all page 0", "6 devices"),
    "page 999": ("/devices all page 999", "6 devices"),
    "page 99999999999": ("/devices all page 99999999999", "6 devices"),
    "page -1": ("/devices all page -1", "6 devices"),
    "incident of letters": ("/incident abc", "Please give the number of an incident."),
    "incident without": ("/incident", "Please give the number of an incident."),
    "incident other digits": ("/incident ١٢٣", "Please give the number of an incident."),
    "incident negative": ("/incident -1", "Please give the number of an incident."),
    "incident path": ("/incident 1/alerts", "Please give the number of an incident."),
    "incident huge": ("/incident " + "9" * 40, "Please give the number of an incident."),
    "incident of nobody": ("/incident 999999999", "I found no incident 999999999"),
    "subscribe severity": ("/subscribe incidents from extreme", "I do not know the severity extreme"),
    "subscribe from nothing": ("/subscribe incidents from", "Please use one of: informational, low, medium, high"),
    "subscribe words": ("/subscribe to everything", "/subscribe [incidents [from SEVERITY]] [requests]"),
    "help of nothing": ("/help frobnicate", "There is no command frobnicate"),
    "smart quotes": ("/device \u201cNo Such\u201d", "I found no device No Such"),
    "two lines": ("/device\nNO-SUCH", "I found no device NO-SUCH"),
    "whoami with words": ("/whoami really?", "You are Patti"),
}


MARKUP = re.compile(r"(?<!\\)(?:\]\(|<(?:img|at)|\*x|\*\*bold|\{\{DATE)")
"""Markup that somebody typed and that is not escaped."""


def clear(text: str) -> None:
    for leak in LEAKS:
        assert leak not in text, text


@pytest.mark.parametrize("name", LINES)
async def test_line_gets_a_clear_card(stage, name):
    """A line gets exactly one card, which says what would work and shows nothing of the machinery."""
    text, said = LINES[name]
    here = chat(stage, [PATTI])
    card = words(await ask(stage, PATTI, text, here))
    assert said in card
    clear(card)
    assert len(heard(stage, here)) == 1


@pytest.mark.parametrize("name", ["markdown", "html", "fake mention", "date macro"])
async def test_what_was_typed_is_no_markup(stage, name):
    """What somebody typed is repeated as plain characters: no link, no mention, no date, no bold."""
    here = chat(stage, [PATTI])
    raw = " ".join(markdown(await ask(stage, PATTI, LINES[name][0], here)))
    assert not MARKUP.search(raw), raw


async def test_only_a_mention(stage):
    """A mention without a word is told that help helps."""
    here = chat(stage, [PATTI], "channel")
    text, more = mentioned("")
    assert "I heard no command" in words(await ask(stage, PATTI, text, here, **more))


async def test_name_of_the_bot_in_an_argument_stays(stage):
    """Only the mention is taken out, not the same word in an argument."""
    here = chat(stage, [PATTI], "channel")
    text, more = mentioned("/device Watchkeeper")
    assert "I found no device Watchkeeper" in words(await ask(stage, PATTI, text, here, **more))


ODD: dict[str, dict[str, Any]] = {
    "attachment only": {"text": "", "attachments": [{"contentType": "image/png", "contentUrl": "https://x.example/a"}]},
    "text null": {"text": None},
    "no text": {},
    "value empty": {"value": {}},
    "value of another app": {"value": {"action": "approve", "id": 7}},
    "value nested": {"value": {"v": 1, "verb": {"a": 1}, "id": ["x"], "rev": None}},
    "value with text": {"text": "/help", "value": {"v": "1", "verb": "approve"}},
    "entities odd": {"text": "/whoami", "entities": [{}, {"type": "mention"}, {"type": "mention", "mentioned": 3}]},
    "zone odd": {"text": "/whoami", "localTimezone": "Mars/Olympus", "locale": "xx-YY-zz"},
    "html text": {"text": "<div>/whoami</div>", "textFormat": "xml"},
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_message_is_answered(stage, name):
    """A message of any odd form gets one clear card in a personal chat."""
    here = chat(stage, [PATTI])
    response = await stage.send(stage.activity(PATTI, here, **ODD[name]))
    assert response.status_code == 202
    message = await stage.until(lambda: heard(stage, here))
    clear(words(message[0]))
    assert len(message) == 1


WRONG: dict[str, dict[str, Any]] = {
    "value a text": {"value": "approve"},
    "value a list": {"value": [1]},
    "text a number": {"text": 5},
    "conversation missing": {"conversation": None},
    "from a text": {"from": "me"},
    "entities a map": {"entities": {}},
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_no_activity_is_refused(stage, name):
    """What Teams cannot have sent is refused as a bad request, not with a server error, and nothing is posted."""
    here = chat(stage, [PATTI])
    response = await stage.send(stage.activity(PATTI, here) | WRONG[name])
    assert response.status_code == 400
    assert heard(stage, here) == []


async def test_kinds_that_are_not_ours_are_silent(stage):
    """Reactions, edits, typing and read receipts are taken without an answer."""
    here = chat(stage, [PATTI])
    kinds = (
        {"type": "messageReaction", "reactionsAdded": [{"type": "like"}]},
        {"type": "messageUpdate", "text": "/help"},
        {"type": "messageDelete"},
        {"type": "typing"},
        {"type": "event", "name": "application/vnd.microsoft.readReceipt", "value": {}},
        {"type": "conversationUpdate", "membersAdded": [{"id": "29:somebody"}]},
    )
    for kind in kinds:
        assert (await stage.send(stage.activity(PATTI, here) | kind)).status_code == 202
    assert heard(stage, here) == []


async def test_names_with_markup_are_shown_as_they_are(stage):
    """A device whose name is Markdown and HTML is found by it and shown without becoming markup."""
    device = next(iter(stage.sim.first.devices.values()))
    before = device.name
    device.name = "*x*[go](https://evil.example)<at>all</at>"
    here = chat(stage, [PATTI])
    try:
        message = await ask(stage, PATTI, f"/device {device.id}", here)
        lists = await ask(stage, PATTI, "/devices all", here)
    finally:
        device.name = before
    for raw in (markdown(message), markdown(lists)):
        assert any("evil.example" in text for text in raw)
        assert not [text for text in raw if MARKUP.search(text)]
