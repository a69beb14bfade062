"""Responses with the same effect: only those that exist and fit, and lines that mean what they should."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from bot.center import CenterFact, CenterItem
from bot.line import Commands
from handlers.center_offers import SAME, Offers

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DEVICE = "1" * 40
SHA1, SHA256 = "a" * 40, "b" * 64
ALL = {one.name: one for one in handlers.RESPONSES}
COMMANDS = Commands(handlers.COMMANDS)
FACTS = {
    "file": {"path": "C:\\Users\\Public\\a b.exe", "sha1": SHA1, "sha256": SHA256},
    "process": {"image": "C:\\Windows\\Temp\\bad one.exe", "pid": "4711", "image-sha256": SHA256},
    "registrykey": {"registry": "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run"},
    "registryvalue": {
        "registry": "HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run",
        "registry-value": "Invoice",
    },
    "ip": {},
    "url": {},
    "device": {},
    "user": {"account": "anna@contoso.com"},
    "analyzedmessage": {"message": "2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19", "recipient": "anna@contoso.com"},
}
NAMES = {"ip": "198.51.100.7", "url": "https://bad.example.test/a?b=c"}


def item(kind: str, **changes) -> CenterItem:
    """A thing of a kind that waits."""
    facts = tuple(CenterFact(key=key, value=value) for key, value in changes.pop("facts", FACTS.get(kind, {})).items())
    values = {
        "id": "i",
        "customer": "c",
        "kind": kind,
        "name": NAMES.get(kind, "thing"),
        "device": DEVICE,
        "facts": facts,
        "investigation": "63004",
        "since": NOW,
        "seen": NOW,
    }
    return CenterItem(**{**values, **changes})


def test_every_kind_here_has_a_sample():
    """No kind that is offered something goes untested."""
    assert set(SAME) == set(FACTS)


@pytest.mark.parametrize("kind", SAME)
def test_each_line_is_understood_and_aims_at_the_thing(kind):
    """Each offered line reaches its command, whose target, values and reason are what was meant."""
    offers = Offers(responses=ALL).of(item(kind))
    assert [one.response for one in offers] == [same.response for same in SAME[kind] if same.response in ALL][:3]
    for offer in offers:
        command, words = COMMANDS.find(offer.line)
        asked = command.parse(words)
        assert command.name == offer.response
        assert asked.reason == "The same effect as what waits in the Action center, investigation 63004"
        known = {DEVICE, NAMES.get(kind, ""), *FACTS[kind].values()}
        assert asked.target in known


def test_values_reach_the_response():
    """A file is quarantined by its SHA-1, a process ended by its id, a registry value removed by its name."""
    lines = {
        offer.response: COMMANDS.find(offer.line)[0].parse(COMMANDS.find(offer.line)[1]).parameters
        for kind in ("file", "process", "registryvalue", "analyzedmessage")
        for offer in Offers(responses=ALL).of(item(kind))
    }
    assert SHA1 in lines["quarantine"].values()
    assert "bad one.exe:4711" in lines["kill-process"].values()
    assert "Invoice" in lines["remove-registry-key"].values()
    assert "softDelete" in lines["remediate-mail"].values()
    assert FACTS["file"]["path"] in lines["quarantine-file"].values()


def test_what_the_tenant_lacks_is_not_offered():
    """A response that the plan lacks, or that is not declared, is left out."""
    without = Offers(responses=ALL, has=lambda one: one.name != "quarantine")
    assert "quarantine" not in {one.response for one in without.of(item("file"))}
    assert Offers(responses={}).of(item("file")) == ()


@pytest.mark.parametrize("changes", [{"state": "over"}, {"state": "running"}, {"covered": True}])
def test_nothing_is_offered_for_what_does_not_wait_by_itself(changes):
    """What is over, runs, or is told of through its things offers nothing."""
    assert Offers(responses=ALL).of(item("file", **changes)) == ()


def test_what_lacks_its_aim_is_not_offered():
    """Without a device nothing that needs one is offered, and an unknown kind offers nothing."""
    assert [one.response for one in Offers(responses=ALL).of(item("file", device=""))] == ["block"]
    assert Offers(responses=ALL).of(item("aiagent")) == ()


@given(path=st.text(min_size=1, max_size=40), name=st.text(min_size=1, max_size=40))
def test_no_value_from_outside_becomes_another_word(path, name):
    """Whatever a file is called, a line's target and reason stay what they are."""
    facts = {"path": path, "sha1": SHA1, "sha256": SHA256}
    odd = {"image": f"C:\\{name}", "pid": "7", "image-sha256": SHA256}
    for one in (item("file", name=name, facts=facts), item("process", facts=odd), item("url", name=name, facts={})):
        for offer in Offers(responses=ALL).of(one):
            command, words = COMMANDS.find(offer.line)
            asked = command.parse(words)
            assert asked.reason.startswith("The same effect as what waits")
            assert asked.target in (DEVICE, SHA256, name)
