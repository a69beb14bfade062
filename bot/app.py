"""Builds the bot: opens and closes everything in order, and mounts the routes."""

import contextlib
import gc
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import httpx
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from prometheus_client import generate_latest

from bot.audit import Ledger
from bot.auth import CONNECTOR_SCOPE, DEFENDER_SCOPE, GRAPH_SCOPE, BearerAuth, TokenSource
from bot.clock import Clock, SystemClock
from bot.command import Features
from bot.defender.client import Defender
from bot.defender.http import HttpDefender
from bot.dispatch import Dispatch
from bot.errors import StoreError
from bot.graph.client import Graph
from bot.graph.http import HttpGraph
from bot.graph.http import headers as graph_headers
from bot.http import Api, new_client
from bot.jobs import Jobs
from bot.roles import Role, RoleBook
from bot.services import Services
from bot.settings import Settings
from bot.state.redis import RedisStore
from bot.subscribers import ended_by_teams
from bot.teams.memory import ConversationMemory
from bot.teams.seam import TeamsSeam, TeamsSettings, build_teams
from bot.turn import Answer, Turn

log = structlog.get_logger()

GRACE_SECONDS = 8.0


@dataclass(frozen=True, kw_only=True)
class Bot:
    """A running bot's parts, for the routes and for tests."""

    settings: Settings
    services: Services
    seam: TeamsSeam
    jobs: Jobs
    dispatch: Dispatch
    store: RedisStore


BOT = web.AppKey("bot", Bot)


class Clients:
    """The customers' Defender and Graph, made when first asked for; they share one HTTP client and one token source."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, tokens: TokenSource) -> None:
        self._settings = settings
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

    def _api(self, url: str, customer: str, scope: str, headers: Callable[[], Mapping[str, str]] = dict) -> Api:
        auth = BearerAuth(self._tokens, customer, scope)
        return Api(self._http, base_url=url, auth=auth, customer=customer, headers=headers)


@contextlib.asynccontextmanager
async def running_bot(settings: Settings, features: Features, clock: Clock | None = None) -> AsyncIterator[Bot]:
    """Everything opened, the jobs at work; closed again in the opposite order. Raises StoreDown without Redis."""
    clock = clock or SystemClock()
    if settings.redis_url is None:
        raise ValueError("REDIS_URL is not set")
    url = settings.redis_url.get_secret_value()
    async with contextlib.AsyncExitStack() as stack:
        store = RedisStore.open(url)
        stack.push_async_callback(store.close)
        http = await stack.enter_async_context(new_client(proxies=not settings.development))
        tokens = TokenSource(
            client_id=settings.app_id, credential=settings.credential(), login_url=settings.login_url, clock=clock
        )
        stack.push_async_callback(tokens.close)
        bot = _assembled(settings, features, clock, store, http, tokens, url)
        bot.seam.start()
        stack.push_async_callback(bot.seam.close)
        await bot.jobs.start(bot.services)
        stack.push_async_callback(bot.jobs.stop)
        stack.push_async_callback(bot.dispatch.drain, GRACE_SECONDS)
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
    clients = Clients(settings, http, tokens)
    jobs = Jobs(redis_url, features, lambda: sorted(settings.allowed_tenants))
    late: dict[str, Dispatch] = {}

    async def on_turn(turn: Turn) -> Answer:
        return await late["dispatch"](turn)

    seam = build_teams(
        TeamsSettings(
            app_id=settings.app_id,
            tenants=settings.allowed_tenants,
            hosts=settings.allowed_service_urls,
            openid_url=settings.bot_openid_url,
            development=settings.anonymous,
            loopback=settings.development,
        ),
        http=http,
        auth=None if settings.anonymous else BearerAuth(tokens, settings.app_tenant_id, CONNECTOR_SCOPE),
        clock=clock,
        on_turn=on_turn,
        failed=lambda _turn, reference: features.texts["failed"].replace("{reference}", reference),
    )
    services = Services(
        defender=clients.defender,
        graph=clients.graph,
        teams=seam.client,
        ledger=Ledger(store, settings.audit_key.get_secret_value()),
        clock=clock,
        wake=jobs.request,
        worker=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        responses={response.name: response for response in features.responses},
        memory=ConversationMemory(store.keyvalue(), clock),
        four_eyes=settings.four_eyes,
        barred=ended_by_teams(lambda: services),
    )
    late["dispatch"] = dispatch = Dispatch(services, features, role_book(settings, store))
    return Bot(settings=settings, services=services, seam=seam, jobs=jobs, dispatch=dispatch, store=store)


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
    """Redis takes writes, jobs are worked on, requests can be judged."""
    bot = request.app[BOT]
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
    """Whether the server's complaint is about us: one about malformed bytes shows them, and a token may be there."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


@contextlib.asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve an application; yields the port. Raises OSError where the port is taken."""
    logging.getLogger("aiohttp.server").addFilter(_is_of_ours)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=False, shutdown_timeout=5.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield port or runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def serving(settings: Settings, features: Features) -> AsyncIterator[Bot]:
    """The whole bot on its ports: the public one, and metrics apart from it."""
    metrics = web.Application()
    metrics.router.add_get("/metrics", _metrics)
    async with (
        running_bot(settings, features) as bot,
        listening(metrics, settings.metrics_host, settings.metrics_port),
        listening(web_app(bot), settings.host, settings.port),
    ):
        gc.collect()
        gc.freeze()  # what is loaded stays: collecting it again and again held the loop up for 88 ms, measured
        log.info("serving", port=settings.port, metrics=settings.metrics_port, worker=bot.services.worker)
        yield bot
