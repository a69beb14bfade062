"""What is declared as needed is what is called: permissions, README and `doctor` follow from it."""

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

import handlers
from bot import measures
from bot.command import Command, Context
from bot.defender import http as defender
from bot.defender.client import Defender
from bot.demo import MEGAN, PATTI, TENANT
from bot.demo_library import stock
from bot.devices import find_device
from bot.errors import PersonError, ServiceError
from bot.graph import http as graph
from bot.graph.client import Graph
from bot.http import Operation, unlimited
from bot.line import Commands
from bot.permissions import operations_of, uses
from bot.responses.declared import Remote
from bot.responses.desk import Desk
from bot.responses.models import DEVICE, Person, Request, Target
from bot.roles import Role
from bot.services import Services
from bot.simulator.incidents import Incident
from bot.simulator.server import Simulator
from bot.simulator.world import Person as Entry
from bot.turn import Actor, Click, Conversation, Look, Turn
from tests.integration.conftest import CHANNEL, Stage, staged

FEATURES = handlers.features(30.0)
SHA1 = "3395856ce81f2b7382dee72602f798b642f14140"
EACH_USER = ("anna.mail@contoso.com", '"Anna Berg"')
OF_USERS = (
    *("block-signin", "unblock-signin", "revoke-sessions", "reset-password", "confirm-compromised", "dismiss-risk"),
)
THROUGH_INTUNE = ("intune-scan", "lock", "restart", "retire", "sync", "update-signatures")
EACH_VALUE = (SHA1, "198.51.100.7", "bad.example")
MORE = {
    **{name: tuple(f"/{name} {value} why" for value in EACH_VALUE) for name in ("block", "warn", "monitor", "allow")},
    "unblock": ("/unblock 198.51.100.250 why",),
    **{name: (f"/{name} it why", f"/{name} UNKNOWN-LAPTOP why") for name in THROUGH_INTUNE},
    "wipe": ("/wipe it LAPTOP-042 why",),
    **{name: tuple(f"/{name} {who} why" for who in EACH_USER) for name in OF_USERS},
    "submit-mail": tuple(f"/submit-mail {who} AAMkADU3MWUxOTU0LWNlOTE why" for who in EACH_USER),
    "incidents": ("/incidents open", "/incidents all"),
    "devices": ("/devices threats",),
    "actions": ("/actions pending", "/actions history device it"),
    "policy": (
        "/policy test restart it",
        "/policy test restart UNKNOWN-LAPTOP",
        "/policy test isolate incident:2972395",
    ),
    "contain": ("/contain it why",),
    "scan": ("/scan it",),
    "release": ("/release it back to work",),
}
"""Lines beside a command's examples, which make it call the rest of what it declares."""
RARE = {
    "unblock-list": {"Indicators.indicators_titled"},
    "digest": {"Graph.open_incident_count"},
    "package": {"DeviceResponses.package_link"},
    "output": {"Defender.machine_action", "LiveResponse.live_result"},
    "library-upload": {"LiveResponse.library_files"},
    # whose an address is, is asked where the policy lists accounts
    "policy": {"People.user", "People.users_by_mail"},
    "remediate-mail": {"People.user", "People.users_by_mail"},
    "contain": {"Graph.alert"},  # what does not report to Defender has no alerts here
}
"""What is called only where there is more of something than this stage has."""


class Recorder:
    """A client that notes which of its methods are called, as `Defender.machines`, or as its group has it."""

    def __init__(self, name: str, client: Any, called: set[str]) -> None:
        self._name, self._client, self._called = name, client, called

    def __getattr__(self, method: str) -> Any:
        protocol = {"Defender": Defender, "Graph": Graph}[self._name]
        self._called.add(getattr(protocol, method).__qualname__)
        return getattr(self._client, method)


def unhurried(client: Any) -> Any:
    """The client without a budget: all commands in a row ask more than an hour's people do."""
    client = copy.copy(client)
    client._api = copy.copy(client._api)
    client._api._budget = unlimited
    return client


@dataclasses.dataclass
class Watched:
    """A stage whose services note what is called."""

    stage: Stage
    called: set[str] = dataclasses.field(default_factory=set)

    @property
    def services(self) -> Services:
        real = self.stage.bot.services

        async def wake(*_: str) -> None:
            """The bot's own jobs shall not do first what is watched here."""

        return dataclasses.replace(
            real,
            wake=wake,
            defender=lambda customer: Recorder("Defender", unhurried(real.defender(customer)), self.called),
            graph=lambda customer: Recorder("Graph", unhurried(real.graph(customer)), self.called),
        )

    def context(self, click: Click | None = None) -> Context:
        """What a handler gets when an admin speaks in the channel."""
        bot = self.stage.bot
        conversation = Conversation(
            id=CHANNEL, kind="channel", tenant=TENANT, service_url=self.stage.service_url, bot_id="28:bot"
        )
        actor = Actor(id=PATTI.entra_id, tenant=TENANT, name=PATTI.name, mri=f"29:{PATTI.id}")
        kind = "click" if click else "message"
        return Context(
            turn=Turn(kind=kind, id="t", actor=actor, conversation=conversation, click=click, invoke=click is not None),
            actor=actor,
            role=Role.ADMIN,
            customer=TENANT,
            conversation=conversation,
            look=Look(now=bot.services.clock.now()),
            services=self.services,
            features=bot.dispatch.features,
        )


@pytest.fixture
async def watched(redis_server, tmp_path):
    sim = Simulator(size="tiny", throttling=False)
    as_in_the_examples(sim)
    async with sim.running(), staged(redis_server.url, tmp_path, sim=sim, POLL_SECONDS="3600") as stage:
        yield Watched(stage)


def as_in_the_examples(sim: Simulator) -> None:
    """The device and the incident that the commands' examples name exist, and there is a long page of incidents."""
    customer = sim.first
    device = next(one for one in customer.devices.values() if one.os == "Windows11" and one.onboarding == "onboarded")
    device.name = "LAPTOP-042"
    in_intune = customer.intune.of(device.id)
    assert in_intune
    in_intune.name, in_intune.agent = device.name, "mdm"
    other = next(one for one in customer.devices.values() if one is not device and not one.name.startswith("srv"))
    other.name, other.onboarding = "UNKNOWN-LAPTOP", "CanBeOnboarded"
    feed = next(one for one in customer.entries.held.values() if one.value == "198.51.100.250")
    for kind, value in (("Url", "https://bad.example/login"), ("FileSha1", SHA1)):
        key = customer.entries.next_id()
        customer.entries.held[key] = dataclasses.replace(feed, id=key, type=kind, value=value)
    customer.plan = "plan2"
    stock(customer, sim.clock.now())
    script = customer.library["busy-processes.ps1"]
    for name in ("list-autostart.ps1", "memdump.ps1", "autoruns.exe", "old-tool.ps1"):
        customer.library[name] = dataclasses.replace(script, name=name)
    key = "a0000000-0000-4000-8000-0000000000aa"
    anna = Entry(id=key, name="Anna Berg", upn="anna@contoso.com", mail="anna.mail@contoso.com")
    customer.directory.people[key] = anna
    named = next(iter(customer.incidents.values()))
    for number in ("2972395", *map(str, range(50))):
        copy: Incident = dataclasses.replace(named, id=number, status="active")
        customer.incidents[number] = copy


def names(of: Iterable[Callable[..., Any]]) -> set[str]:
    return {call.__qualname__ for call in of}


def of_an_incident(command: Command[Any]) -> list[str]:
    """The first example of what may be asked for several devices at once, for those of an incident."""
    many = any(response.many for response in FEATURES.responses if response.name == command.name)
    return [command.examples[0].replace("LAPTOP-042", "incident:2972395")] if many else []


async def called_by(watched: Watched, command: Command[Any]) -> set[str]:
    """What the command calls for its examples and the lines above. "it" is the device of the line before."""
    commands = Commands(FEATURES.commands)
    await find_device(watched.context(), "LAPTOP-042", command.name)
    await watched.services.store.put_value(TENANT, measures.KEY, {}, 1.0)  # figures are read anew, not remembered
    watched.called.clear()
    by_it = [line.replace("LAPTOP-042", "it", 1) for line in command.examples]
    for line in (*command.examples, *by_it, *MORE.get(command.name, ()), *of_an_incident(command)):
        found, words = commands.find(line)
        with contextlib.suppress(PersonError):  # a request or a person of the example is not there
            await found.run(watched.context(), found.parse(words))  # each line is a turn of its own
    return set(watched.called)


async def test_a_command_declares_what_it_calls(watched):
    """Each command calls, for its examples and the lines above, exactly the client methods that it declares."""
    undeclared, unused = {}, {}
    for command in FEATURES.commands:
        called = await called_by(watched, command)
        undeclared[command.name] = called - names(command.needs)
        unused[command.name] = names(command.needs) - called - RARE.get(command.name, set())
    assert {name: more for name, more in undeclared.items() if more} == {}, "name these in the command's `needs`"
    assert {name: more for name, more in unused.items() if more} == {}, "take them out, or add a line to MORE"


async def test_what_runs_by_itself_declares_what_it_calls(watched):
    """No watcher calls a client method that it does not declare."""
    (subscribe,) = (command for command in FEATURES.commands if command.name == "subscribe")
    await subscribe.run(watched.context(), subscribe.parse(""))
    for watcher in FEATURES.watchers:
        watched.called.clear()
        await watcher.poll(watched.services, TENANT)
        assert watched.called <= names(watcher.needs), watcher.name


async def test_a_button_declares_what_it_calls(watched):
    """Pressing "subscribe", "isolate" on a device and "cancel" calls what the button or its command declares."""
    device = next(one for one in watched.stage.sim.first.devices.values() if one.name == "LAPTOP-042")
    action = await watched.stage.bot.services.defender(TENANT).run_antivirus_scan(
        device.id, comment="by hand", scan_type="Quick"
    )
    ids = {"subscribe": "", "propose": f"isolate:{device.id}", "cancel": action.id}
    asks = {"propose": "isolate", "cancel": "cancel"}
    needs = {command.name: names(command.needs) for command in FEATURES.commands}
    for button in FEATURES.buttons:
        if button.verb in ids:
            watched.called.clear()
            click = Click(v=1, verb=button.verb, id=ids[button.verb], rev=0, inputs={"reason": "trying"})
            await button.run(watched.context(click), click)
            assert watched.called <= names(button.needs) | needs.get(asks.get(button.verb, ""), set()), button.verb


async def test_a_response_calls_the_method_that_it_names(watched):
    """Doing something to a device calls a client method that the response's permission and page are taken from."""
    device = next(one for one in watched.stage.sim.first.devices.values() if one.name == "LAPTOP-042")
    remote = Remote(defender=watched.services.defender(TENANT), graph=watched.services.graph(TENANT))
    commands = Commands(FEATURES.commands)
    for response in FEATURES.responses:
        if response.target != DEVICE:
            continue
        command = next(one for one in FEATURES.commands if one.name == response.name)
        asked = command.parse(commands.find(command.examples[0])[1])
        watched.called.clear()
        request = Request.model_construct(
            id="WK-1", target=Target(id=device.id, name=device.name), parameters=asked.parameters, attempts=()
        )
        with contextlib.suppress(ServiceError):  # it cannot be released while it is about to be isolated
            await response.how.send(remote, request, "a comment")
        assert watched.called & names(response.calls), response.name
        assert watched.called <= names(response.calls) | names(response.how.needs), response.name


async def test_following_a_request_calls_what_is_declared(watched):
    """From the approval to the end on the device, the step of a request calls what its response declares."""
    desk = Desk(watched.services, TENANT)
    (isolate,) = (command for command in FEATURES.commands if command.name == "isolate")
    reply = await isolate.run(watched.context(), isolate.parse("LAPTOP-042 trying it out"))
    kind, key = reply.follow
    await desk.approve(key, Person(id=MEGAN.entra_id, tenant=TENANT, name=MEGAN.name))
    (view,) = (one for one in FEATURES.views if one.kind == kind)
    watched.called.clear()
    for _ in range(3):
        await view.step(watched.services, TENANT, key)
    (response,) = (one for one in FEATURES.responses if one.name == "isolate")
    assert watched.called <= names((*view.needs, *response.calls, *response.how.needs))
    assert watched.called


def test_every_method_of_a_client_is_known():
    """Each method of the two clients has its operations, and they are all there are."""
    for protocol, module in ((Defender, defender), (Graph, graph)):
        methods = {name for name in vars(protocol) if not name.startswith("_")}
        assert set(module.CALLS) == methods
    assert {operation for _, of in uses(FEATURES) for operation in of} <= {*defender.OPERATIONS, *graph.OPERATIONS}


def test_a_method_that_is_none_is_refused():
    """What is declared as needed must be a method of a client."""
    with pytest.raises(KeyError):
        operations_of([Desk.approve])


async def test_a_method_carries_out_its_operations(watched):
    """Each method of the clients carries out the operations that stand beside it, as the service saw them."""
    device = next(one for one in watched.stage.sim.first.devices.values() if one.name == "LAPTOP-042")
    done: list[Operation] = []
    real = watched.stage.bot.services

    async def note(_customer: str, operation: Operation, *_: Any) -> None:
        done.append(operation)

    for module, client in ((defender, real.defender(TENANT)), (graph, real.graph(TENANT))):
        client = copy.copy(client)  # noqa: PLW2901 - of its own, apart from what runs in the background
        client._api = copy.copy(client._api)
        client._api._budget = note
        for name, operations in module.CALLS.items():
            done.clear()
            with contextlib.suppress(ServiceError):
                await getattr(client, name)(*arguments(name, device.id), **KEYWORDS.get(name, {}))
            assert tuple(dict.fromkeys(done)) == operations, name


KEYWORDS: dict[str, dict[str, Any]] = {
    "isolate": {"comment": "c", "isolation_type": "Full"},
    "unisolate": {"comment": "c"},
    "run_antivirus_scan": {"comment": "c", "scan_type": "Quick"},
    "cancel_machine_action": {"comment": "c"},
}


def arguments(name: str, device: str) -> tuple[Any, ...]:
    """What a method must be given."""
    if name == "incidents_changed_since":
        return (datetime.now(UTC),)
    if name == "machines_joined":
        return ("80fe8ff8-2624-418e-9591-41f0491218f9",)
    if name == "member_groups":
        return (MEGAN.entra_id, ["a0000000-0000-4000-8000-000000000003"])
    of_devices = {"machine", "machines_named", "logon_users", "machine_alerts", "machine_action"}
    needs_id = name in {*of_devices, "incident", "alert"}
    return (device,) if needs_id or name in KEYWORDS else ()
