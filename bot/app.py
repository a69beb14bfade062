"""Builds the bot: opens and closes everything in order, and mounts the routes."""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace

import httpx
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import generate_latest

from bot.audit import Ledger
from bot.audit.same_key import same_key
from bot.auth import CONNECTOR_SCOPE, DEFENDER_SCOPE, GRAPH_SCOPE, BearerAuth, TokenSource
from bot.budgets import Budgets, Spoken
from bot.clock import Clock, SystemClock
from bot.command import Features
from bot.defender.client import Defender
from bot.defender.http import HttpDefender
from bot.dispatch import Dispatch
from bot.ending import Ending
from bot.errors import ServiceError, StoreError
from bot.graph.client import Graph
from bot.graph.http import HttpGraph
from bot.graph.http import headers as graph_headers
from bot.heartbeat import Heart
from bot.http import Api, Budget, new_client, unlimited
from bot.jobs import LONG_ROUND, Jobs
from bot.policy.load import PolicyError, load_policy
from bot.policy.models import Policy
from bot.posts import DAY
from bot.roles import Role, RoleBook
from bot.services import Services
from bot.settings import Settings, SettingsError
from bot.state.redis import RedisStore
from bot.subscribers import ended_by_teams
from bot.teams.memory import ConversationMemory
from bot.teams.seam import TeamsSeam, TeamsSettings, build_teams
from bot.turn import Answer, Turn

log = structlog.get_logger()

OTHER_KEY = (
    "AUDIT_KEY is not the one that the audit trail in this Redis is sealed with: please put that one back. "
    "The copy that you kept outside of Redis has it."
)
PATIENCE = 2.25
IDLE = 75.0
"""Seconds after which a connection is closed that is idle, or whose headers do not come to an end."""
JOBS_RESERVE, DRAIN_RESERVE = 0.5, 1.25
"""Seconds that are kept for what is closed after the jobs, and after the slow answers."""


@dataclass(frozen=True, kw_only=True)
class Bot:
    """A running bot's parts, for the routes and for tests."""

    settings: Settings
    services: Services
    seam: TeamsSeam
    jobs: Jobs
    dispatch: Dispatch
    store: RedisStore
    heart: Heart
    ending: Ending = field(default_factory=Ending)

    def end(self) -> None:
        """Begin to end: not ready any more, no new jobs; turns that still come are answered."""
        self.ending.begin()
        self.jobs.pause()


BOT = web.AppKey("bot", Bot)


class Clients:
    """The customers' Defender and Graph, made when first asked for; they share one HTTP client and one token source."""

    def __init__(
        self, settings: Settings, http: httpx.AsyncClient, tokens: TokenSource, budget: Budget = unlimited
    ) -> None:
        self._settings = settings
        self._budget = budget
        self._http = http
        self._tokens = tokens
        self._defenders: dict[str, Defender] = {}
        self._graphs: dict[str, Graph] = {}

    def defender(self, customer: str) -> Defender:
        """The customer's Defender."""
        if customer not in self._defenders:
            api = self._api(self._settings.defender_url, customer, DEFENDER_SCOPE)
            self._defenders[customer] = HttpDefender(api)
        return self._defenders[customer]

    def graph(self, customer: str) -> Graph:
        """The customer's Graph."""
        if customer not in self._graphs:
            api = self._api(self._settings.graph_url, customer, GRAPH_SCOPE, graph_headers)
            self._graphs[customer] = HttpGraph(api)
        return self._graphs[customer]

    async def granted(self, customer: str) -> dict[str, frozenset[str]]:
        """The permissions in fresh tokens, by service; what cannot be had or read is left out."""
        found: dict[str, frozenset[str]] = {}
        for service, scope in (("defender", DEFENDER_SCOPE), ("graph", GRAPH_SCOPE)):
            with contextlib.suppress(ServiceError):
                roles = await self._tokens.roles(customer, scope)
                found |= {service: roles} if roles is not None else {}
        return found

    def _api(self, url: str, customer: str, scope: str, headers: Callable[[], Mapping[str, str]] = dict) -> Api:
        auth = BearerAuth(self._tokens, customer, scope)
        return Api(self._http, base_url=url, auth=auth, customer=customer, headers=headers, budget=self._budget)


@contextlib.asynccontextmanager
async def running_bot(settings: Settings, features: Features, clock: Clock | None = None) -> AsyncIterator[Bot]:
    """Everything opened, the jobs at work; closed again in the opposite order.

    Raises StoreDown without Redis, SettingsError where the audit trail in it was sealed with another key.
    Closing takes at most as long as `Ending` says; what hangs is left behind.
    """
    clock = clock or SystemClock()
    if settings.redis_url is None:
        raise ValueError("REDIS_URL is not set")
    url = settings.redis_url.get_secret_value()
    ending = Ending()
    async with contextlib.AsyncExitStack() as stack:
        store = RedisStore.open(url)
        stack.push_async_callback(ending.finish, "store", store.close)
        http = new_client(proxies=not settings.development)
        stack.push_async_callback(ending.finish, "http", http.aclose)
        tokens = TokenSource(
            client_id=settings.app_id, credential=settings.credential(), login_url=settings.login_url, clock=clock
        )
        stack.push_async_callback(ending.finish, "tokens", tokens.close)
        bot = replace(_assembled(settings, features, clock, store, http, tokens, url), ending=ending)
        if not await same_key(store, bot.services.ledger.seals):
            raise SettingsError([OTHER_KEY])
        await bot.jobs.start(bot.services)
        stack.push_async_callback(lambda: bot.jobs.stop(ending.left(JOBS_RESERVE)))
        bot.seam.start()
        stack.push_async_callback(ending.finish, "seam", bot.seam.close, DRAIN_RESERVE)
        bot.heart.start()
        stack.push_async_callback(ending.finish, "heart", bot.heart.close, DRAIN_RESERVE)
        stack.push_async_callback(lambda: bot.dispatch.drain(ending.left(DRAIN_RESERVE)))
        yield bot


def _assembled(
    settings: Settings,
    features: Features,
    clock: Clock,
    store: RedisStore,
    http: httpx.AsyncClient,
    tokens: TokenSource,
    redis_url: str,
) -> Bot:
    """Put the parts together. The seam needs the dispatch and the dispatch the seam's client: one is bound late."""
    clients = Clients(settings, http, tokens, Budgets(store, clock))
    jobs = Jobs(redis_url, features, lambda: sorted(settings.allowed_tenants))
    late: dict[str, Dispatch] = {}

    async def on_turn(turn: Turn) -> Answer:
        return await late["dispatch"](turn)

    def said(turn: Turn) -> None:
        late["dispatch"].said(turn)

    seam = build_teams(
        _teams_settings(settings),
        http=http,
        auth=None if settings.anonymous else BearerAuth(tokens, settings.app_tenant_id, CONNECTOR_SCOPE),
        clock=clock,
        spoken=Spoken(store, clock),
        on_turn=on_turn,
        said=said,
        failed=lambda _turn, reference: features.texts["failed"].replace("{reference}", reference),
    )
    services = Services(
        defender=clients.defender,
        graph=clients.graph,
        teams=seam.client,
        ledger=Ledger(store, settings.audit_key.get_secret_value(), longest=settings.record_days * DAY),
        clock=clock,
        wake=jobs.soon,
        worker=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        responses={response.name: response for response in features.responses},
        memory=ConversationMemory(store.keyvalue(), clock),
        four_eyes=settings.four_eyes,
        policy=_policy(settings, features),
        audit_days=settings.audit_days,
        granted=clients.granted,
        barred=ended_by_teams(lambda: services),
    )
    late["dispatch"] = dispatch = Dispatch(services, features, role_book(settings, store))
    heart = _heart(settings, features, services, jobs, http)
    return Bot(settings=settings, services=services, seam=seam, jobs=jobs, dispatch=dispatch, store=store, heart=heart)


def _policy(settings: Settings, features: Features) -> Policy:
    """The policy that POLICY_FILE names; a change of it counts from the next start. Raises SettingsError."""
    try:
        return load_policy(settings.policy_file, {response.name: response for response in features.responses})
    except PolicyError as error:
        raise SettingsError([str(error)]) from None


def _teams_settings(settings: Settings) -> TeamsSettings:
    return TeamsSettings(
        app_id=settings.app_id,
        tenants=settings.allowed_tenants,
        hosts=settings.allowed_service_urls,
        openid_url=settings.bot_openid_url,
        development=settings.anonymous,
        loopback=settings.development,
    )


def _heart(settings: Settings, features: Features, services: Services, jobs: Jobs, http: httpx.AsyncClient) -> Heart:
    """The heart, which looks at the pollers with short rounds."""
    return Heart(
        services,
        http,
        settings.heartbeat_url,
        customers=lambda: sorted(settings.allowed_tenants),
        paces={watcher.name: watcher.every for watcher in features.watchers if watcher.every < LONG_ROUND},
        working=lambda: (jobs.ready(), jobs.longest()),
    )


def role_book(settings: Settings, store: RedisStore) -> RoleBook:
    """Who holds which role, as the settings name them."""
    holders = {
        Role.READER: settings.roles_reader,
        Role.OPERATOR: settings.roles_operator,
        Role.APPROVER: settings.roles_approver,
        Role.ADMIN: settings.roles_admin,
    }
    return RoleBook(holders, store)


def web_app(bot: Bot) -> web.Application:
    """The public port: messages, and whether the process lives and is ready. Nothing else."""
    app = web.Application(client_max_size=512 * 1024)
    app.router.add_route("*", "/api/messages", bot.seam.messages.handle)
    app.router.add_get("/healthz", _healthz)
    app[BOT] = bot
    app.router.add_get("/readyz", _readyz)
    return app


async def _healthz(_request: web.Request) -> web.Response:
    """The process lives: the loop answers. No dependency is asked."""
    return web.json_response({"status": "ok"})


async def _readyz(request: web.Request) -> web.Response:
    """Redis takes writes, jobs are worked on, requests can be judged; and the process is not about to end."""
    bot = request.app[BOT]
    if bot.ending.begun:
        return web.json_response({"ending": True}, status=503)
    try:
        await bot.store.ping()
        redis = True
    except StoreError:
        redis = False
    state = {"redis": redis, "jobs": bot.jobs.ready(), "keys": bot.seam.ready}
    return web.json_response(state, status=200 if all(state.values()) else 503)


async def _metrics(_request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), content_type="text/plain")


def _is_of_ours(record: logging.LogRecord) -> bool:
    """Whether the server's complaint is about us: one about malformed bytes shows them, and a token may be there.

    Nor is it where its own wait at the end was over before the work that it waited for.
    """
    error = record.exc_info[1] if record.exc_info else None
    too_late = isinstance(error, asyncio.InvalidStateError) and record.msg == "Unhandled exception"
    return not (too_late or isinstance(error, HttpProcessingError))


@contextlib.asynccontextmanager
async def listening(
    app: web.Application, host: str, port: int, *, patience: float = PATIENCE, idle: float = IDLE
) -> AsyncIterator[int]:
    """Serve an application; yields the port. Raises OSError where the port is taken.

    At the end no connection is taken any more, and requests under way get `patience` seconds, twice (aiohttp cancels
    what they read after the first). A connection without a whole request in `idle` seconds is closed.
    """
    logging.getLogger("aiohttp.server").addFilter(_is_of_ours)
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=False, shutdown_timeout=patience, keepalive_timeout=idle
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield port or runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def serving(settings: Settings, features: Features, clock: Clock | None = None) -> AsyncIterator[Bot]:
    """The whole bot on its ports: the public one, and metrics apart from it."""
    metrics = web.Application()
    metrics.router.add_get("/metrics", _metrics)
    async with (
        running_bot(settings, features, clock) as bot,
        listening(metrics, settings.metrics_host, settings.metrics_port, patience=0.1),
        listening(web_app(bot), settings.host, settings.port),
    ):
        gc.collect()
        gc.freeze()  # what is loaded stays: collecting it again and again held the loop up for 88 ms, measured
        log.info("serving", port=settings.port, metrics=settings.metrics_port, worker=bot.services.worker)
        yield bot
