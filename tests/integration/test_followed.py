"""From a click to the machine action: one correlation id in logs and spans, and nothing in them that names anybody."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.app import listening
from bot.demo import ALEX, APP_ID, MEGAN, TENANT
from bot.simulator import Fault, Simulator
from bot.simulator.actions import Pace
from tests.integration.conftest import CHANNEL, RedisProcess, Stage, open_conversations
from tests.served import Served

REASON = "because of Zebulon"


class Collector:
    """Where spans are sent, as OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[dict[str, str]] = []

    async def take(self, request: web.Request) -> web.Response:
        for resource in ExportTraceServiceRequest.FromString(await request.read()).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    values = {a.key: a.value.string_value for a in span.attributes}
                    self.spans.append({**values, "name": span.name, "all": str(span)})
        return web.Response()


@pytest.fixture
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    collector, app = Collector(), web.Application()
    app.router.add_post("/v1/traces", collector.take)
    async with listening(app, "127.0.0.1", 0) as port:
        yield collector, f"http://127.0.0.1:{port}"


async def isolated(stage: Stage) -> tuple[str, str]:
    """Megan asks for an isolation, Alex approves, and the device reports its end; the request's and action's ids."""
    device = next(
        d.name
        for d in stage.sim.first.devices.values()
        if d.os == "Windows11" and d.onboarding == "onboarded" and d.online
    )
    stage.sim.faults.add("defender.machines.isolate", Fault(kind="throttled", retry_after=1))
    await stage.say(MEGAN, f"/isolate {device} {REASON}")
    card = await stage.shown("Approve")
    await stage.click(ALEX, card, "approve")
    (entry,) = await stage.until(lambda: stage.sim.world.ledger.created(comment="[WK-"))
    await stage.shown("Defender reports: Succeeded", 30)
    return re.search(r"\[(WK-\w+)/", entry.comment).group(1), entry.action_id


async def test_one_id_leads_from_the_click_to_the_machine_action(
    redis_server: RedisProcess, tmp_path: Path, collector: tuple[Collector, str]
) -> None:
    """Click, state, call and action stand in the log and in the spans under the request's id, and name nobody."""
    spans, endpoint = collector
    async with Simulator(size="tiny", throttling=False).running() as sim, httpx.AsyncClient() as http:
        open_conversations(sim)
        sim.dispatcher.pace = Pace(start=0.2, run={"Isolate": 0.2})
        environ = {"LOGIN_URL": sim.url, "GRAPH_URL": sim.url, "DEFENDER_URL": sim.url, "APP_ID": APP_ID}
        environ |= {"BOT_OPENID_URL": f"{sim.url}/v1/.well-known/openidconfiguration", "REDIS_URL": redis_server.url}
        environ |= {"APP_TENANT_ID": TENANT, "DATA_DIR": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        bot = Served(environ, tmp_path)
        bot.start()
        try:
            await bot.ready(http)
            stage = Stage(sim=sim, bot=None, url=bot.url, http=http, service_url=sim.url)
            await stage.say(ALEX, "/subscribe", CHANNEL)
            request, action = await isolated(stage)
        finally:
            await bot.stop()
        names = {d.name for d in sim.first.devices.values()} | {i.title for i in sim.first.incidents.values()}
    text = bot.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    followed = [line for line in lines if line.get("correlation") == request]
    events = [line["event"] for line in followed]
    assert {"turn_done", "request", "service_accepted"} <= set(events)
    assert action in [line.get("action") for line in followed]
    assert request in [line.get("request") for line in lines if line["event"] == "request_made"]
    assert {"turn", "job", "isolate"} <= {span["name"] for span in spans.spans}
    assert request in {span.get("watchkeeper.correlation") for span in spans.spans if span["name"] == "turn"}
    said = text + "".join(span["all"] for span in spans.spans)
    people = {word for person in (ALEX, MEGAN) for word in (person.name, person.given, person.login)}
    assert not [word for word in {*names, *people, "Zebulon", "Bearer", "eyJ"} if word in said]


def test_the_names_looked_for_are_names() -> None:
    """The search above would find what it looks for: the words are not empty."""
    words: list[Any] = [ALEX.name, ALEX.given, ALEX.login, MEGAN.name]
    assert all(len(word) > 2 for word in words)
