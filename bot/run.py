"""`make run`: Redis, the simulated customers, the bot and a Teams client on this machine; one Ctrl-C stops them all."""

import asyncio
import errno
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import structlog
import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from bot.colleague import Colleague
from bot.demo_library import stock
from bot.embedded_redis import EmbeddedRedis
from bot.errors import StoreError
from bot.playground import NoPlaygroundError, Playground
from bot.redis_binary import NoRedisError
from bot.settings import Settings, SettingsError
from bot.simulator import Simulator
from bot.simulator.core import App
from bot.state.redis import RedisStore

OpenBot = Callable[[Settings], AbstractAsyncContextManager[object]]
Say = Callable[[str], None]

log = structlog.get_logger()

ROOM = 64536  # from there on a proposed port would lie beyond 65535


class RunError(Exception):
    """`run` cannot start. The text is one line that says what to do."""


async def run(settings: Settings, open_bot: OpenBot, say: Say = typer.echo) -> None:
    """Start everything, say what runs where, and stop it all on Ctrl-C (or SIGTERM, or when the terminal goes).

    `open_bot` is entered with settings that hold the address of Redis, and listens while it is open. Raises RunError.
    """
    everything = asyncio.create_task(_everything(settings, open_bot, say))
    stopping = asyncio.Event()

    def stop() -> None:  # once: a second Ctrl-C must not break off the shutdown of Redis
        if not stopping.is_set():
            stopping.set()
            everything.cancel()
            with suppress(OSError):  # the terminal, or whoever read our output, may be gone
                say("Stopping.")

    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, stop)
    try:
        await everything
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise


async def _everything(settings: Settings, open_bot: OpenBot, say: Say) -> None:
    _refuse_taken_ports(settings)
    async with AsyncExitStack() as stack:
        settings, redis_line = await _with_redis(stack, settings)
        simulator = await stack.enter_async_context(_simulated_customers(settings))
        await _enter_bot(stack, settings, open_bot)
        client = await _teams_client(stack, settings, say)
        if client:
            names = partial(_easy_names, simulator)
            colleague = Colleague(base=client.url, bot_id=_bot_id(settings), devices=names)
            await stack.enter_async_context(_beside(colleague.live()))
        for line in _banner(settings, redis_line, client, _easy_names(simulator)):
            say(line)
        await asyncio.Event().wait()


async def _with_redis(stack: AsyncExitStack, settings: Settings) -> tuple[Settings, str]:
    """The settings with an address of Redis, and what to say of it."""
    if settings.redis_url:
        await _refuse_records_of_others(settings, settings.redis_url.get_secret_value())
        return settings, "REDIS_URL, as you gave it"
    try:
        redis = await stack.enter_async_context(EmbeddedRedis(settings.data_dir))
    except NoRedisError as error:
        raise RunError(str(error)) from None
    await stack.enter_async_context(_beside(redis.keep()))
    how = "adopted, it was still running" if redis.adopted else "embedded"
    return settings.model_copy(update={"redis_url": SecretStr(redis.url)}), f"{how}; its data is in {redis.folder}"


async def _refuse_records_of_others(settings: Settings, url: str) -> None:
    """A Redis that serves real tenants is not taken: their requests would be carried out on the simulator alone."""
    store = RedisStore.open(url)
    try:
        others = set(await store.customers()) - settings.allowed_tenants
    except StoreError:
        return  # the bot will say it
    finally:
        await store.close()
    if others:
        raise RunError("REDIS_URL holds records of other tenants: please name an empty Redis, or leave it out.")


@asynccontextmanager
async def _simulated_customers(settings: Settings) -> AsyncIterator[Simulator]:
    """The simulator at its port, with things happening; it knows the app that the settings name."""
    simulator = Simulator(size="company")
    app = App(settings.app_id, secrets={settings.app_secret.get_secret_value()})
    if pem := settings.app_certificate.get_secret_value():
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        app.public_keys.append(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    simulator.first.plan = settings.simulated_plan
    simulator.apps[app.id] = app
    for customer in simulator.world.customers.values():
        customer.apps.add(app.id)
        stock(customer, simulator.clock.now())
    async with simulator.running(port=settings.simulator_port, scenario=True):
        yield simulator


async def _enter_bot(stack: AsyncExitStack, settings: Settings, open_bot: OpenBot) -> None:
    try:
        await stack.enter_async_context(open_bot(settings))
    except SettingsError as error:
        raise RunError(str(error)) from None
    except StoreError:
        raise RunError(
            "Redis cannot be reached, or refuses the password: check REDIS_URL, or leave it out to get an embedded one."
        ) from None


async def _teams_client(stack: AsyncExitStack, settings: Settings, say: Say) -> Playground | None:
    if not settings.playground:
        return None
    if not settings.anonymous:
        say("No Teams client: with APP_ID requests must be signed, which the Playground does not do. Leave APP_ID out.")
        return None
    playground = Playground(
        port=settings.playground_port,
        bot_url=f"http://127.0.0.1:{settings.port}/api/messages",
        bot_id=_bot_id(settings),
        folder=settings.data_dir.resolve() / "playground",
    )
    try:
        await playground.check()
        say("Starting the Teams client (the first time it is fetched, which takes a minute) ...")
        return await stack.enter_async_context(playground)
    except NoPlaygroundError as error:
        say(f"No Teams client: {error} Everything else runs.")
        return None


def _bot_id(settings: Settings) -> str:
    return f"28:{settings.app_id}"


def _refuse_taken_ports(settings: Settings) -> None:
    ports = {name: getattr(settings, name.lower()) for name in ("PORT", "SIMULATOR_PORT", "METRICS_PORT")}
    if settings.playground and settings.anonymous:
        ports["PLAYGROUND_PORT"] = settings.playground_port
    hosts = {"METRICS_PORT": settings.metrics_host}
    taken = {name: port for name, port in ports.items() if _is_taken(name, hosts.get(name, settings.host), port)}
    if taken:
        listed = ", ".join(f"{name} {port}" for name, port in taken.items())
        others = " ".join(f"{name}={port + 1000 if port < ROOM else port - 1000}" for name, port in taken.items())
        verb = "are" if len(taken) > 1 else "is"
        raise RunError(
            f"{listed} {verb} taken by another program or run: stop it, or choose other ports: make run {others}"
        )


def _is_taken(name: str, host: str, port: int) -> bool:
    """Whether somebody listens there already. Raises RunError where nobody can."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE:
            return True
        if failure.errno == errno.EACCES:
            raise RunError(f"{name} {port} cannot be used ({failure.strerror}): choose a port above 1023.") from None
        raise RunError(
            f"METRICS_HOST {host} cannot be used ({failure.strerror}): name one of this machine, or leave it out."
        ) from None
    return False


def _easy_names(simulator: Simulator) -> Sequence[str]:
    """Names of the first company's devices that are easy to type, at work and alone of their name."""
    devices = list(simulator.first.devices.values())
    count = Counter(device.name.casefold() for device in devices)
    return sorted(
        device.name
        for device in devices
        if device.online
        and not device.isolated
        and device.os.startswith("Windows1")
        and count[device.name.casefold()] == 1
        and device.name.isascii()
        and device.name.replace("-", "").isalnum()
    )


def _banner(settings: Settings, redis: str, client: Playground | None, devices: Sequence[str]) -> list[str]:
    lines = [
        "",
        "Watchkeeper is running. All customers are simulated; nothing leaves this machine.",
        f"  Bot          http://127.0.0.1:{settings.port}/api/messages",
        f"  Simulator    http://127.0.0.1:{settings.simulator_port} (login, Graph, Defender)",
        f"  Redis        {redis}",
        f"  Metrics      http://{settings.metrics_host}:{settings.metrics_port}/metrics",
    ]
    if client:
        isolate = f"/isolate {devices[0]} I am trying this out" if devices else "/score"
        lines += [
            f"  Teams        {client.url}   <- open this page; you are Alex Wilber, an approver",
            "",
            "Three things to type there:",
            "  /help",
            "  /devices high-risk",
            f"  {isolate}   (your colleague Megan decides on it)",
        ]
    return [*lines, "", "Ctrl-C stops everything."]


@asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Let something run in the background; if it fails that is logged, and the rest goes on."""
    task = asyncio.create_task(_logged(work))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _logged(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - a helper in the background must not take the bot down
        log.warning("background.failed", error=str(error))
