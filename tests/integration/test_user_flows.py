"""What people do to users and mail, from their words and presses to the directory."""

from hashlib import sha256
from typing import Any

import pytest
import redis

from bot.demo import ADELE, ALEX, MEGAN
from bot.simulator.world import Person
from tests.attack.test_no_secret_is_kept import everything
from tests.integration.conftest import RedisProcess, Stage, find_button
from tests.integration.talk import answered, ask, audit, chat, heard, verbs, words


@pytest.fixture
def here(stage: Stage) -> str:
    """A channel with everybody in it, of a tenant that has everything."""
    stage.sim.first.plan = "plan2"
    return chat(stage, [ADELE, MEGAN, ALEX], "channel")


def person(stage: Stage, account: str) -> Person:
    found = stage.sim.first.directory.find(f"{account}@fabrikam.example")
    assert found
    return found


async def until_it_says(stage: Stage, card: Any, text: str) -> None:
    await stage.until(lambda: text in words(card.activity), 20)


async def test_a_user_is_blocked_and_let_in_again(stage: Stage, here: str):
    """A first name that two have is asked about; the choice is approved, done, shown, and undone from the same card."""
    one = person(stage, "m.oakleaf")
    choice = await ask(stage, ADELE, "/block-signin megan seen in a leak", here)
    lines = [line for line in _lines(choice.activity) if one.id in line]
    before = len(heard(stage, here))
    await stage.press(ADELE, {"v": 1, "verb": "run", "id": lines[0], "rev": 0}, "run", choice.id, here)
    card = await answered(stage, here, before)
    assert "Decide: Block sign-in of m.oakleaf@fabrikam.example" in card.text
    assert "seen in a leak" in words(card)
    assert "approve" in verbs(card)
    await stage.click(MEGAN, card, "approve")
    await until_it_says(stage, card, "Sign-in is blocked")
    assert not one.enabled
    undo = find_button(card.activity, "propose")
    assert undo["id"] == f"unblock-signin:{one.id}"
    before = len(heard(stage, here))
    await stage.press(ADELE, {**undo, "reason": "it was the trainer"}, "propose", card.id, here)
    again = await answered(stage, here, before)
    await stage.click(MEGAN, again, "approve")
    await until_it_says(stage, again, "Accepted by Entra ID")
    assert one.enabled
    told = [entry["more"].get("target") for entry in await audit(stage) if entry["what"] == "sent"]
    assert told == [f"user:{one.id}"] * 2


def _lines(node: Any) -> list[str]:
    """The lines that a card's buttons run."""
    if isinstance(node, list):
        return [line for one in node for line in _lines(one)]
    if not isinstance(node, dict):
        return []
    own = [node["data"]["id"]] if node.get("type") == "Action.Execute" else []
    return own + [line for value in node.values() for line in _lines(value)]


async def test_an_incidents_user_is_offered(stage: Stage, here: str):
    """Where an incident is about one user, its card offers to block the sign-in; the press asks for it."""
    customer = stage.sim.first
    incident = next(
        one
        for one in customer.incidents.values()
        if [e for a in customer.alerts_of(one) for e in a.evidence if e["@odata.type"].endswith(".userEvidence")]
    )
    (alert, *others) = customer.alerts_of(incident)
    for other in others:
        del customer.alerts[other.id]
    upn = next(e["userAccount"]["userPrincipalName"] for e in alert.evidence if "userAccount" in e)
    card = await ask(stage, ADELE, f"/incident {incident.id}", here)
    button = find_button(card.activity, "propose")
    assert button["id"] == f"block-signin:{upn}"
    before = len(heard(stage, here))
    await stage.press(ADELE, {**button, "reason": "taken over"}, "propose", card.id, here)
    assert f"Decide: Block sign-in of {upn}" in words(await answered(stage, here, before))


async def test_a_new_password_is_in_no_record(stage: Stage, redis_server: RedisProcess, here: str, capfd):
    """The card says what comes next; neither Redis, nor a log, a card or the audit trail holds the password."""
    one = person(stage, "t.brook")
    card = await ask(stage, ADELE, f"/reset-password {one.upn} it was in a leak", here)
    assert "comes from an on-premises directory" in words(card)
    await stage.click(MEGAN, card, "approve")
    await until_it_says(stage, card, "The password is reset")
    assert (one.passwords, one.must_change) == (1, True)
    assert "https://admin.microsoft.com/#/users" in words(card)
    with redis.Redis(unix_socket_path=str(redis_server.socket)) as client:
        kept = b"\n".join(everything(client)).decode("utf-8", "replace")
    said = capfd.readouterr()
    shown = " ".join(words(message) for message in heard(stage, here))
    assert one.upn in kept
    for text in (kept, said.out, said.err, shown):
        assert one.password not in _hashes(text)


def _hashes(text: str, length: int = 32) -> set[str]:
    return {sha256(text[at : at + length].encode()).hexdigest() for at in range(len(text) - length + 1)}


async def test_mail_is_moved(stage: Stage, here: str):
    """A message is found by its id and recipient, and handed over; the card leads to its page in the Action center."""
    alert = next(a for a in stage.sim.first.alerts.values() if any("networkMessageId" in thing for thing in a.evidence))
    mail = next(thing for thing in alert.evidence if "networkMessageId" in thing)
    line = f"/remediate-mail {mail['networkMessageId']} {mail['recipientEmailAddress']} delete a lure"
    card = await ask(stage, ADELE, line, here)
    await stage.click(MEGAN, card, "approve")
    await until_it_says(stage, card, "Defender took the order")
    (remedy,) = stage.sim.first.mailroom.remedies
    assert remedy.action == "moveToDeletedItems"
    assert f"bulkId%22%3A%5B%22{remedy.bulk}%22%5D" in words(card)
