"""When Redis stops, comes back or loses the queue: people are told, and what was due is taken up again."""

import contextlib

import pytest
import redis as redis_client

from bot.demo import ADELE, ALEX, PATTI, TENANT
from bot.responses import requests
from bot.responses.models import State
from tests.integration.conftest import staged
from tests.integration.talk import ask, chat, heard, redis_of_its_own, words


@pytest.fixture
def server():
    with redis_of_its_own() as redis:
        yield redis


async def test_command_while_redis_is_away(server, tmp_path):
    """Without Redis a command and a press are told that nothing is certain; once it is back everything works."""
    async with staged(server.url, tmp_path) as stage:
        here = chat(stage, [ADELE])
        await ask(stage, ADELE, "/devices all", here)
        server.stop(kill=True)
        said = words(await ask(stage, ADELE, "/devices all", here, 40))
        assert "My own memory cannot be reached" in said
        assert "Traceback" not in said
        press = {"v": 1, "verb": "run", "id": "devices", "rev": 0}
        answer = await stage.press(ADELE, press, "run", "1", here)
        assert "Something went wrong" in words(answer)
        assert (await stage.http.get(f"{stage.url}/readyz")).status_code == 503
        assert (await stage.http.get(f"{stage.url}/healthz")).status_code == 200
        before = len(heard(stage, here))
        server.start()
        message = await ask(stage, ADELE, "/devices all", here)
        assert "devices" in words(message)
        assert len(heard(stage, here)) == before + 1


async def test_restart_keeps_requests_and_subscriptions(server, tmp_path):
    """A request that waits when Redis and the bot are killed is there again afterwards and can be approved, once."""
    async with staged(server.url, tmp_path) as stage:
        sim, here = stage.sim, chat(stage, [ADELE, ALEX], "channel")
        device = next(
            d for d in sim.first.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded" and d.online
        )
        card = await ask(stage, ADELE, f"/isolate {device.id} because", here)
        server.stop(kill=True)
        server.start()
        await stage.until(stage.bot.jobs.ready)
        await stage.click(ALEX, card, "approve")
        await stage.until(lambda: sim.world.ledger.created(device.id, "Isolate"), 30)
        assert len(sim.world.ledger.created(device.id, "Isolate")) == 1


async def test_lost_queue_costs_a_sweep(server, tmp_path):
    """When the queue of jobs is lost, the next sweep finds what is due and carries it out once."""
    async with staged(server.url, tmp_path) as stage:
        here = chat(stage, [ADELE, ALEX], "channel")
        device = next(
            d
            for d in stage.sim.first.devices.values()
            if d.os == "Windows11" and d.onboarding == "onboarded" and d.online
        )
        card = await ask(stage, ADELE, f"/isolate {device.id} because", here)
        key = card_id = (await requests.still_open(stage.bot.services, TENANT, device.id))[0].id
        await stage.bot.jobs.stop()
        await stage.click(ALEX, card, "approve")
        with contextlib.closing(redis_client.Redis(unix_socket_path=str(server.socket))) as client:
            lost = list(client.scan_iter("wk-jobs*"))
            assert lost
            client.delete(*lost)
        assert (await requests.get(stage.bot.services, TENANT, key)).state is State.APPROVED
    async with staged(server.url, tmp_path, sim=None) as later:
        assert later.sim.world.ledger.entries == []
        later.sim.first.devices[device.id] = device
        later.sim.connector.open(here, TENANT)
        await later.until(lambda: later.sim.world.ledger.created(device.id, "Isolate"), 30)
        assert len(later.sim.world.ledger.created(device.id, "Isolate", card_id)) == 1
        assert "You are Patti" in words(await ask(later, PATTI, "/whoami", chat(later, [PATTI])))
