"""The heart beat: a URL outside is pinged as long as the bot is well, so that its silence is noticed there.

Each process also says every few seconds that it lives, and how its jobs do. One of them has the turn to beat, about
once a minute. The URL may hold a token: it is written nowhere.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import httpx
import structlog
from pydantic import SecretStr

from bot import heart
from bot.errors import StoreDown
from bot.metrics import HEARTBEATS
from bot.pulse import Beat, Pulse
from bot.services import Services
from bot.version import VERSION

log = structlog.get_logger()

TICK = 10.0
TURN = 55.0
"""A process that looks every ten seconds so finds a turn about once a minute."""
PING_SECONDS = 10.0
SWEEP_WITHIN = timedelta(minutes=2)
POLL_WITHIN = timedelta(minutes=2)
ROUNDS = 4
STUCK_SECONDS = 600.0

Working = Callable[[], tuple[bool, float]]
"""Whether this process takes jobs, and for how many seconds the longest of them has been running."""


class Heart:
    """The heart of one process. `paces` are the pollers whose rounds must have run lately, with their seconds."""

    def __init__(
        self,
        services: Services,
        http: httpx.AsyncClient,
        url: SecretStr,
        *,
        customers: Callable[[], Sequence[str]],
        paces: Mapping[str, float],
        working: Working,
    ) -> None:
        self.services = services
        self._http = http
        self._url = url
        self._customers = customers
        self._paces = paces
        self._working = working
        self._started = services.clock.now()
        self._quiet_until: datetime | None = None
        self._living: asyncio.Task[None] | None = None
        if url.get_secret_value():
            logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO its line about each call holds the URL

    def start(self) -> None:
        """Begin to live."""
        self._living = asyncio.create_task(self._live(), name="heart")

    async def close(self) -> None:
        """End, and say so to the others."""
        if self._living:
            self._living.cancel()
            await asyncio.wait({self._living}, timeout=1.0)
        with contextlib.suppress(StoreDown):
            await heart.leave(self.services)

    async def _live(self) -> None:
        while True:
            try:
                await self.pulse()
                await self.turn()
            except StoreDown:
                self._withheld(["store"])
            except Exception:
                log.exception("heart_stumbled")
            await asyncio.sleep(TICK)

    async def pulse(self) -> None:
        """Say that this process lives. Raises StoreDown."""
        working, longest = self._working()
        said = Pulse(
            worker=self.services.worker,
            version=VERSION,
            started=self._started,
            at=self.services.clock.now(),
            working=working,
            longest=round(longest, 1),
        )
        await heart.tell_pulse(self.services, said)

    async def turn(self) -> None:
        """Beat, if it is this process's turn and the bot is well. Raises StoreDown."""
        store, now = self.services.store, self.services.clock.now()
        if await store.take(heart.EVERYBODY, heart.BEAT, ((1, TURN),), now) > 0:
            return
        before = await heart.last_beat(store)
        trouble = await self.trouble()
        configured = bool(self._url.get_secret_value())
        if not configured:
            await heart.keep_beat(store, Beat(configured=False, tried=now, trouble=tuple(trouble)))
            return
        if trouble:
            self._withheld(trouble)
        elif not await self._ping():
            trouble = ["refused"]
        at = before.at if trouble else now
        await heart.keep_beat(store, Beat(configured=True, at=at, tried=now, trouble=tuple(trouble)))

    async def trouble(self) -> list[str]:
        """Why the bot is not well, by the names of `bot.pulse.TROUBLES`; nothing where it is. Raises StoreDown."""
        store, now = self.services.store, self.services.clock.now()
        await store.ping()
        found = []
        last = await heart.swept(store)
        if last is None or now - last > SWEEP_WITHIN:
            found.append("sweep")
        if not await self._all_polled(now):
            found.append("poll")
        if any(not one.working or one.longest > STUCK_SECONDS for one in await heart.replicas(store, now)):
            found.append("jobs")
        return found

    async def _all_polled(self, now: datetime) -> bool:
        """Whether each customer's pollers ran lately. That Microsoft did not answer them is no illness of ours."""
        for name, pace in self._paces.items():
            within = max(POLL_WITHIN, timedelta(seconds=ROUNDS * pace))
            for customer in self._customers():
                last = await heart.polled(self.services.store, customer, name)
                if last is None or now - last > within:
                    return False
        return True

    async def _ping(self) -> bool:
        """GET the URL, following nothing; whether it was taken (2xx)."""
        outcome = "no answer"
        try:
            async with (
                asyncio.timeout(PING_SECONDS),
                self._http.stream("GET", self._url.get_secret_value(), follow_redirects=False) as answer,
            ):
                outcome = "ok" if answer.is_success else f"status {answer.status_code}"
        except (httpx.HTTPError, OSError, RuntimeError, TimeoutError) as error:
            outcome = type(error).__name__
        HEARTBEATS.labels("ok" if outcome == "ok" else "refused").inc()
        if outcome != "ok":
            log.warning("heartbeat_not_taken", outcome=outcome)  # the error's text may quote the URL
        return outcome == "ok"

    def _withheld(self, why: Sequence[str]) -> None:
        """Say why there is no beat, once a minute at most."""
        now = self.services.clock.now()
        if not self._url.get_secret_value() or (self._quiet_until and now < self._quiet_until):
            return
        self._quiet_until = now + timedelta(seconds=TURN)
        HEARTBEATS.labels("withheld").inc()
        log.warning("heartbeat_withheld", why=list(why))
