"""The bot as a process of its own, which a test can kill: all that `serve` runs but the web server.

People's acts and time come through a pipe, as tuples whose first word names one of `Inside`'s methods.
"""

import asyncio
import logging
import os
import signal
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import structlog

import handlers
from bot.app import Bot, running_bot
from bot.demo import APP_ID, TENANT
from bot.posts import Place, Post
from bot.records import read
from bot.responses import requests
from bot.responses.desk import Desk, Proposal
from bot.responses.models import Evidence, Person, Request, Target
from bot.settings import load
from tests.moved_clock import MovedClock

AUDIT_KEY = "an audit key for a test that kills its bot"
CHANNEL = "19:soc@thread.tacv2"


class Inside:
    """What a test can have done in the process."""

    def __init__(self, bot: Bot, clock: MovedClock, url: str) -> None:
        self.bot, self.clock, self.url = bot, clock, url
        self.desk = Desk(bot.services, TENANT)

    async def propose(self, device: str, who: Person) -> str:
        """Ask for an isolation; the request's id."""
        conversation = {"id": CHANNEL, "kind": "channel", "tenant": TENANT, "service_url": self.url, "bot_id": APP_ID}
        response = self.bot.services.responses["isolate"]
        proposal = Proposal(
            response=response,
            target=Target(id=device, name=device),
            parameters={"IsolationType": "Full"},
            reason="a reason",
            requester=who,
            evidence=Evidence(read_at=self.clock.now()),
            posts=[Post(key="card", place=Place(**conversation))],
            origin=CHANNEL,
        )
        request, _ = await self.desk.propose(proposal)
        return request.id

    async def approve(self, key: str, who: Person) -> str:
        """Say yes."""
        return (await self.desk.approve(key, who)).state.value

    async def approve_and_die(self, key: str, who: Person) -> None:
        """Say yes and be killed in that moment."""
        await self.desk.approve(key, who)
        os.kill(os.getpid(), signal.SIGKILL)

    async def resend(self, key: str, who: Person) -> str:
        """Send again."""
        return (await self.desk.resend(key, who)).state.value

    async def forward(self, key: str) -> str:
        """Move the clock to when the request wants to be woken, and wake it. Returns its state before."""
        found = await read(self.bot.services.store, TENANT, requests.KIND, key, Request)
        assert found
        now = self.clock.now()
        due = found[0].due(now)
        if due and due > now:
            self.clock.ahead += due - now
        await self.bot.services.wake(TENANT, requests.KIND, key)
        return found[0].state.value


def main(pipe: Connection, url: str, redis: str, folder: str) -> None:
    """Run the bot until it is killed or told to stop."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    asyncio.run(_serve(pipe, url, redis, folder))


async def _serve(pipe: Connection, url: str, redis: str, folder: str) -> None:
    values = {
        **dict.fromkeys(("LOGIN_URL", "GRAPH_URL", "DEFENDER_URL"), url),
        "BOT_OPENID_URL": f"{url}/v1/.well-known/openidconfiguration",
        "APP_ID": APP_ID,
        "APP_TENANT_ID": TENANT,
        "REDIS_URL": redis,
        "AUDIT_KEY": AUDIT_KEY,
        "DATA_DIR": folder,
        "ALLOWED_TENANTS": TENANT,
    }
    clock = MovedClock()
    features = replace(handlers.features(60.0), watchers=())
    async with running_bot(load("run", values), features, clock) as bot:
        inside = Inside(bot, clock, url)
        pipe.send("ready")
        while True:
            name, *words = await asyncio.to_thread(pipe.recv)
            if name == "stop":
                return
            answer: Any = await getattr(inside, name)(*words)
            pipe.send(answer)
