"""Whose customer and which person: what disagrees is refused, and nothing kept for one tenant serves another."""

import json
from datetime import timedelta

import pytest

from bot.demo import ALEX, LYNNE, PATTI, TENANT
from tests.integration.conftest import OTHER_TENANT, ROBIN, staged
from tests.integration.talk import BOTH, ask, chat, heard, words

REFUSED = "I only answer people"


async def test_two_tenants_in_one_activity_are_refused(stage):
    """An activity whose channel data names another tenant than its conversation is let in for neither."""
    here = chat(stage, [ALEX])
    for named, owner in ((OTHER_TENANT, TENANT), (TENANT, OTHER_TENANT)):
        activity = stage.activity(ALEX, here, text="/devices all")
        activity["channelData"]["tenant"]["id"] = named
        activity["conversation"]["tenantId"] = owner
        assert (await stage.send(activity)).status_code == 403
    assert heard(stage, here) == []


async def test_a_guest_by_either_word_is_a_guest(stage):
    """Whether Teams says it in the activity or the roster, and whatever was kept a minute ago: guests may nothing."""
    here = chat(stage, [ALEX])
    assert "devices" in words(await ask(stage, ALEX, "/devices all", here))
    sender = {"id": f"29:{ALEX.id}", "name": ALEX.name, "aadObjectId": ALEX.entra_id, "userRole": "guest"}
    assert REFUSED in words(await ask(stage, ALEX, "/devices all", here, **{"from": sender}))


async def test_a_roster_entry_without_an_id_proves_nothing(stage):
    """Where the roster gives no object id for the sender, the activity's own is not believed alone."""
    here = chat(stage, [LYNNE])
    stage.sim.connector.chats[here].members[f"29:{LYNNE.id}"]["aadObjectId"] = ""
    sender = {"id": f"29:{LYNNE.id}", "name": PATTI.name, "aadObjectId": PATTI.entra_id}
    assert "cannot tell who you are" in words(await ask(stage, LYNNE, "/subscribe", here, **{"from": sender}))


@pytest.mark.parametrize("case", [str.upper, str.lower])
async def test_ids_are_compared_as_entra_compares_them(stage, case):
    """Object and tenant ids in capitals are the same person and tenant, not a second approver."""
    here = chat(stage, [PATTI])
    sender = {"id": f"29:{PATTI.id}", "name": PATTI.name, "aadObjectId": case(PATTI.entra_id)}
    said = words(await ask(stage, PATTI, "/whoami", here, **{"from": sender}))
    assert "admin" in said
    assert PATTI.entra_id.lower() in said


async def test_what_is_kept_is_kept_by_tenant(redis, tmp_path):
    """Groups, people, answers and "it" lie under the tenant they belong to; no key of one names the other."""
    async with staged(redis.url, tmp_path, **BOTH) as stage:
        here, there = chat(stage, [ALEX]), chat(stage, [ROBIN], tenant=OTHER_TENANT)
        first, second = (next(iter(c.devices.values())) for c in (stage.sim.first, stage.sim.second))
        await ask(stage, ALEX, f"/device {first.id}", here)
        await ask(stage, ROBIN, f"/device {second.id}", there)
        client = stage.bot.store._redis
        names = [name async for name in client.scan_iter("wk:*") if name not in ("wk:customers", "wk:ping")]
        for own, foreign in (
            ((TENANT, ALEX, here, first), (ROBIN, there, second)),
            ((OTHER_TENANT, ROBIN, there, second), (ALEX, here, first)),
        ):
            tenant, person, place, _ = own
            mine = [name for name in names if f"{{{tenant}}}" in name]
            assert any("value:groups:" + person.entra_id in name for name in mine)
            assert any("value:person:" + place in name for name in mine)
            assert any("turn:" in name for name in mine)
            for name in mine:
                stored = (
                    await client.get(name)
                    if await client.type(name) == "string"
                    else json.dumps(await client.hgetall(name))
                    if await client.type(name) == "hash"
                    else ""
                )
                for word in (foreign[0].entra_id, foreign[1], foreign[2].id):
                    assert word not in name + (stored or ""), name
        of_the_bot = [name for name in names if name.startswith("wk:{-}:")]
        assert all(f"{{{TENANT}}}" in name or f"{{{OTHER_TENANT}}}" in name for name in {*names} - {*of_the_bot}), names
        about_itself = " ".join(of_the_bot + [await client.get(name) or "" for name in of_the_bot if "value" in name])
        for word in (TENANT, OTHER_TENANT, ALEX.entra_id, ROBIN.entra_id, here, there, first.id, second.id):
            assert word not in about_itself


async def test_an_isolation_is_not_hidden_behind_later_actions(stage):
    """A device that was isolated and scanned daily for months since is still said to be isolated."""
    here = chat(stage, [ALEX])
    customer = stage.sim.first
    device = next(d for d in customer.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded")
    model = next(iter(customer.actions.values()))
    now = stage.bot.services.clock.now()
    kinds = ["Isolate"] + ["RunAntiVirusScan"] * 150
    for number, kind in enumerate(kinds):
        at = now - timedelta(days=160 - number)
        fields = {**vars(model), "id": f"00000000-0000-0000-aaaa-{number:012d}", "type": kind, "machine_id": device.id}
        customer.actions[fields["id"]] = type(model)(**{**fields, "status": "Succeeded", "created": at, "updated": at})
    said = words(await ask(stage, ALEX, f"/device {device.id}", here))
    assert "**isolated**" in said
