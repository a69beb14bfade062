"""Sentences on cards against what the bot really does."""

from datetime import timedelta

import pytest

from bot.isolation import network_of
from bot.responses import machine
from bot.responses.models import State
from bot.turn import Look
from cards.request import request_card
from cards.text import ENGLISH
from tests.integration.talk import words
from tests.responses.people import ADELE, HOUR, MEGAN, START, machine_action, request

LATER = START + timedelta(hours=2)
PROMISES = ("tried again", "Waits until", "ask again there")


def told(record, now=LATER) -> str:
    return words(request_card(Look(now=now), record).card)


@pytest.mark.parametrize("trouble", ["trouble.unavailable", "trouble.throttled", "trouble.waits_for", "trouble.busy"])
def test_an_expired_request_promises_nothing_more(trouble):
    """A request that expired after trouble does not go on saying that it waits or is tried again."""
    approved = machine.approve(request(), MEGAN, START, HOUR)
    sending = machine.begin(approved, START)
    values = {"service": "defender", "id": "WK-2", "response": "release"}
    back = machine.put_back(sending, START, timedelta(seconds=15), trouble, **values)
    sentence = ENGLISH[trouble].split("{")[0].strip() or ENGLISH[trouble].rpartition("} ")[2]
    assert sentence in told(back, START)
    assert sentence not in told(machine.expire(back, LATER))


def test_a_withdrawn_request_does_not_ask_for_an_administrator():
    """That nobody could decide is no longer said once the request is over."""
    unheard = request(trouble="trouble.nobody_can_decide")
    assert "Nobody who may decide sees this" in told(unheard, START)
    assert "Nobody who may decide sees this" not in told(machine.withdraw(unheard, ADELE, START))


def test_a_refusal_keeps_its_reason():
    """A request that Defender refused says why, also when it is over."""
    sending = machine.begin(machine.approve(request(), MEGAN, START, HOUR), START)
    refused = machine.refuse(sending, START, "trouble.permission", service="defender", permission="Machine.Isolate")
    assert refused.state is State.FAILED
    assert "Machine.Isolate" in told(refused)


def test_half_approved_is_not_said_to_be_unsent():
    """One of two approvals given, then the time ran out: it expired for want of a decision, not of a way to send it."""
    half = machine.approve(request(approvals_needed=2), MEGAN, START, HOUR)
    assert "could not be sent" not in told(machine.expire(half, LATER))


@pytest.mark.parametrize("last", ["TimeOut"])
@pytest.mark.parametrize("kind", ["Isolate", "Unisolate"])
def test_a_timed_out_action_leaves_the_network_unknown(kind, last):
    """After an isolation or release that timed out nobody knows how the device stands, and nothing else is said."""
    before = {"id": "1", "type": "Unisolate" if kind == "Isolate" else "Isolate", "status": "Succeeded"}
    stamps = {"creationDateTimeUtc": "2026-11-20T10:00:00Z", "lastUpdateDateTimeUtc": "2026-11-20T10:01:00Z"}
    later = {"creationDateTimeUtc": "2026-11-21T10:00:00Z", "lastUpdateDateTimeUtc": "2026-11-21T12:00:00Z"}
    actions = [machine_action(**before, **stamps), machine_action(id="2", type=kind, status=last, **later)]
    assert network_of(actions).state == "unknown"


def test_a_later_success_makes_it_known_again():
    """A release that succeeded after a time-out says that the device is not isolated; so does one before it."""
    old = {"creationDateTimeUtc": "2026-11-20T10:00:00Z", "lastUpdateDateTimeUtc": "2026-11-20T10:01:00Z"}
    new = {"creationDateTimeUtc": "2026-11-21T10:00:00Z", "lastUpdateDateTimeUtc": "2026-11-21T12:00:00Z"}
    late = machine_action(id="1", type="Isolate", status="TimeOut", **old)
    done = machine_action(id="2", type="Unisolate", status="Succeeded", **new)
    assert network_of([late, done]).state == "not isolated"
    repeated = machine_action(id="3", type="Unisolate", status="TimeOut", **new)
    released = machine_action(id="4", type="Unisolate", status="Succeeded", **old)
    assert network_of([released, repeated]).state == "not isolated"


@pytest.mark.parametrize("key", ["device.approval-note", "welcome.what"])
def test_no_text_promises_a_second_person(key):
    """Four eyes can be switched off and a scan needs no approval: no general text says that a second person decides."""
    assert "second person" not in ENGLISH[key]


def test_summary_does_not_promise_one_card_for_each():
    """Many incidents at once share a card, so no text promises that each has its own."""
    assert "one by one" not in ENGLISH["summary.next"]
