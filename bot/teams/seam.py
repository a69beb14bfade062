"""Everything of Teams put together: in goes what settings say and what a turn does, out come a handler and a client."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import httpx

from bot.addresses import is_loopback
from bot.clock import Clock
from bot.teams.adapter import TeamsAdapter
from bot.teams.answering import Answering, Failed, OnTurn, Said
from bot.teams.connector import Connector
from bot.teams.inbound_token import TokenVerifier
from bot.teams.messages import Messages
from bot.teams.service_urls import TEAMS_HOSTS, ServiceUrls
from bot.teams.signing_keys import OPENID_URL, SigningKeys
from bot.turn import Conversation


@dataclass(frozen=True, kw_only=True)
class TeamsSettings:
    """Whom the bot believes.

    `tenants` are the Entra tenants whose conversations are served; `hosts` the Connector's host names. `development`
    takes anonymous requests, and both ways only with service URLs on this machine; it must never be reachable.
    `loopback` alone checks tokens as always and speaks to a Connector on this machine, as a simulated one is.
    """

    app_id: str
    tenants: Collection[str]
    hosts: Collection[str] = TEAMS_HOSTS
    openid_url: str = OPENID_URL
    development: bool = False
    loopback: bool = False


@dataclass(frozen=True, kw_only=True)
class TeamsSeam:
    """`messages.handle` is the aiohttp handler for `/api/messages`; `client` is what the rest of the bot sends with."""

    messages: Messages
    client: Connector
    adapter: TeamsAdapter
    keys: SigningKeys | None

    @property
    def ready(self) -> bool:
        """Whether requests can be judged; for the readiness probe."""
        return self.keys is None or self.keys.loaded

    def start(self) -> None:
        """Begin to fetch the signing keys; call it in the running loop."""
        if self.keys:
            self.keys.start()

    async def close(self) -> None:
        """Give up what runs in the background. The HTTP client is the caller's."""
        if self.keys:
            await self.keys.close()


def build_teams(
    settings: TeamsSettings,
    *,
    http: httpx.AsyncClient,
    auth: httpx.Auth | None,
    clock: Clock,
    on_turn: OnTurn,
    failed: Failed,
    spoken: Callable[[Conversation], None] = lambda _conversation: None,
    said: Said = lambda _turn: None,
) -> TeamsSeam:
    """Put the seam together. Raises ValueError for settings that would let strangers in.

    `spoken` is told of each message that is about to be sent, `said` of each message turn whose answer is out.
    """
    _check(settings)
    hosts = frozenset(host.lower() for host in settings.hosts)
    urls = ServiceUrls(hosts=hosts, loopback=settings.development or settings.loopback)
    connector = Connector(http, urls, clock, auth, spoken)
    adapter = TeamsAdapter(connector)
    keys = None if settings.development else SigningKeys(http, settings.openid_url, clock)
    messages = Messages(
        verifier=TokenVerifier(keys, settings.app_id) if keys else None,
        urls=urls,
        tenants=frozenset(tenant.lower() for tenant in settings.tenants),
        run=Answering(adapter, connector, on_turn, failed, said).run,
    )
    return TeamsSeam(messages=messages, client=connector, adapter=adapter, keys=keys)


def _check(settings: TeamsSettings) -> None:
    if settings.development:
        return
    if not settings.app_id:
        raise ValueError("without an app id nobody can be told from anybody: only development may do without")
    if not settings.openid_url.startswith("https://") and not is_loopback(settings.openid_url):
        raise ValueError("signing keys are fetched over https")
