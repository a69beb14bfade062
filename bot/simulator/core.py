"""What every simulated service shares: the world, who may call, faults, limits and the switches for odd behaviour."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock
from bot.simulator.actions import Dispatcher
from bot.simulator.faults import Faults
from bot.simulator.investigations import expire_proposals
from bot.simulator.investigations import go_on as investigate_on
from bot.simulator.limits import Limiter
from bot.simulator.live_sessions import Links
from bot.simulator.packages import Packages
from bot.simulator.proposals import go_on as decide_on
from bot.simulator.scores import go_on
from bot.simulator.tokens import AccessTokens, Signer
from bot.simulator.world import Customer, World

CLIENT_ID = "00000000-0000-4000-8000-00000000b07a"
CLIENT_SECRET = "simulator-secret"  # noqa: S105 - opens nothing but this simulator


@dataclass
class Quirks:
    """Odd behaviour that the reference pages report; each can be switched.

    `empty_machines_404`: no devices at all is 404 (documented), else 200 with an empty list. `page_size`: how many
    rows a Defender list holds (documented: 10,000). `next_links`: whether Defender lists carry `@odata.nextLink`
    when cut. `expand_alerts_500`: Graph answers 500 to `$filter` with `$expand=alerts` where an incident has
    `many_alerts` or more. `historic_created`: a device action's POST is answered with the sparse body of 2019.
    `vary`: fields vary from item to item as section 23 says. `repeat_rows`: a Graph page begins with the last row
    of the page before. `business_live_response`: whether Defender for Business has live response over the API (not
    documented), `live_sessions`: how many may be open at once, `unsigned_scripts`: whether Plan 2's setting lets
    scripts without a signature run, `exit_code_fails`: whether a script's exit code fails its command (not documented).
    `intune_results`: whether Intune lists what was done to a device. `intune_approval`: whether it wants a second
    administrator's approval before any action on a device. `revoke_204`: ending a user's sessions is answered as its
    page says, not as the service does. `mail_plan`: the service plan that analysed mail needs (empty:
    none; the pages do not say which). `submission_polls`: how often a submission is running when it is asked about.
    """

    empty_machines_404: bool = True
    page_size: int = 10_000
    next_links: bool = True
    expand_alerts_500: bool = True
    many_alerts: int = 30
    historic_created: bool = False
    vary: bool = True
    repeat_rows: bool = False
    business_live_response: bool = True
    live_sessions: int = 25
    unsigned_scripts: bool = True
    exit_code_fails: bool = False
    intune_results: bool = True
    intune_approval: bool = False
    revoke_204: bool = False
    mail_plan: str = "THREAT_INTELLIGENCE"
    submission_polls: int = 2


@dataclass
class App:
    """An app registration: its id, its secrets and the PEM public keys of its certificates."""

    id: str
    name: str = "Watchkeeper"
    secrets: set[str] = field(default_factory=set)
    public_keys: list[str] = field(default_factory=list)


class Core:
    """The parts that make a simulation; services and control routes work on them."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self.clock = clock
        self.world = World(clock, seed)
        self.dispatcher = Dispatcher(self.world)
        self.faults = Faults()
        self.limiter = Limiter(clock)
        self.tokens = AccessTokens(clock)
        self.signer = Signer(clock)
        self.quirks = Quirks()
        self.apps = {CLIENT_ID: App(CLIENT_ID, secrets={CLIENT_SECRET})}
        self.calls: deque[tuple[str, str, int]] = deque(maxlen=10_000)
        self.pages: dict[str, Mapping[str, Any]] = {}
        self.packages = Packages()
        self.links = Links()
        self.closing = asyncio.Event()

    def tick(self, customer: Customer) -> None:
        """Let all happen at a customer's that is due by now: device actions go on, proposals expire, days begin."""
        self.dispatcher.advance(customer)
        decide_on(customer, self.clock.now())
        expire_proposals(customer, self.clock.now())
        investigate_on(customer, self.clock.now())
        go_on(customer, self.clock.now())
