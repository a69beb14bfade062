"""The simulator's own routes under `/_simulator`, answered at loopback only. They are nothing of Microsoft's."""

import dataclasses
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from aiohttp import web

from bot.simulator import proposals
from bot.simulator.core import Core
from bot.simulator.faults import Fault
from bot.simulator.scenario import Scenario

Answer = Callable[[dict[str, Any]], Any]


def mount_control(app: web.Application, core: Core, scenario: Scenario) -> None:
    """Serve the control routes."""

    def state(_body: dict[str, Any]) -> Any:
        return _state(core)

    def add_fault(body: dict[str, Any]) -> Any:
        operation = str(body.pop("operation"))
        core.faults.add(operation, Fault.parse(body))
        return core.faults.waiting()

    def clear(_body: dict[str, Any]) -> Any:
        core.faults.clear()
        return core.faults.waiting()

    def step(body: dict[str, Any]) -> Any:
        return scenario.step(body.get("event"))

    def device(body: dict[str, Any]) -> Any:
        customer = core.world.customers[body["tenant"]]
        found = customer.device(str(body["device"]))
        if found is None:
            raise KeyError(body["device"])
        core.tick(customer)
        customer.set_online(found, core.clock.now(), online=bool(body["online"]))
        return {"device": found.name, "online": found.online}

    def rotate(body: dict[str, Any]) -> Any:
        return core.signer.rotate(keep_old=bool(body.get("keep_old", True)))

    def behave(body: dict[str, Any]) -> Any:
        return _behave(core, body)

    app.router.add_get("/_simulator/state", _own(state))
    for path, answer in {
        "faults": add_fault,
        "faults/clear": clear,
        "step": step,
        "device": device,
        "keys/rotate": rotate,
        "behaviour": behave,
        "proposal": lambda body: _propose(core, scenario, body),
        "decide": lambda body: _decide(core, body),
    }.items():
        app.router.add_post(f"/_simulator/{path}", _own(answer))


def _own(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def serve(request: web.Request) -> web.Response:
        try:
            if not ip_address(request.remote or "").is_loopback:
                return web.json_response({"error": "loopback only"}, status=403)
            body = await request.json() if request.can_read_body else {}
            return web.json_response({"simulator": answer(dict(body))})
        except (KeyError, TypeError, ValueError) as bad:
            return web.json_response({"error": f"{type(bad).__name__}: {bad}"}, status=400)

    return serve


def _state(core: Core) -> dict[str, Any]:
    for customer in core.world.customers.values():
        core.tick(customer)
    return {
        "now": core.clock.now().isoformat(),
        "faults": core.faults.waiting(),
        "customers": {
            customer.id: {
                "name": customer.name,
                "plan": customer.plan,
                "devices": len(customer.devices),
                "incidents": len(customer.incidents),
                "isolated": sorted(device.name for device in customer.devices.values() if device.isolated),
                "offline": sorted(device.name for device in customer.devices.values() if not device.online),
                "blocked": sorted(one.upn for one in customer.directory.people.values() if not one.enabled),
                "active_actions": sorted(one.id for one in customer.actions.values() if not one.final),
                "action_center": proposals.waiting(customer),
            }
            for customer in core.world.customers.values()
        },
        "ledger": [json.loads(json.dumps(dataclasses.asdict(one), default=str)) for one in core.world.ledger.entries],
    }


def _propose(core: Core, scenario: Scenario, body: dict[str, Any]) -> dict[str, Any] | None:
    """Let an investigation propose something: `tenant`; optional `device`, `kind` (a key of `proposals.PROPOSALS`).

    Also seconds till it `begins` to wait and till it is `decided` then, and `approve`.
    """
    customer = core.world.customers[body["tenant"]]
    device = customer.device(str(body["device"])) if "device" in body else None
    decided = timedelta(seconds=float(body["decided"])) if "decided" in body else None
    plan = proposals.Plan(
        begins=timedelta(seconds=float(body.get("begins", 0))),
        decided_after=decided,
        approve=bool(body.get("approve", True)),
    )
    core.tick(customer)
    return scenario.propose(customer, plan, str(body.get("kind", "file")), device)


def _decide(core: Core, body: dict[str, Any]) -> list[dict[str, str | None]]:
    """Let a simulated person decide in the portal: `tenant`, `alert`, `approve`. No API can."""
    customer = core.world.customers[body["tenant"]]
    core.tick(customer)
    proposals.decide(customer, customer.alerts[body["alert"]], core.clock.now(), approve=bool(body["approve"]))
    return proposals.waiting(customer)


def _behave(core: Core, body: dict[str, Any]) -> dict[str, Any]:
    """Set switches by name: `repeat`, `throttling`, `plan`, `indicators` (with `tenant`), every field of `Quirks`."""
    for name, value in body.items():
        if name == "repeat" and value in {"refuse", "existing", "duplicate"}:
            core.dispatcher.repeat = value
        elif name == "throttling":
            core.limiter.on = bool(value)
        elif name == "indicators":
            core.world.customers[body["tenant"]].entries.crowd(int(value), core.clock.now())
        elif name == "plan" and value in {"business", "premium", "plan2"}:
            core.world.customers[body["tenant"]].plan = value
        elif hasattr(core.quirks, name) and type(value) is type(getattr(core.quirks, name)):
            setattr(core.quirks, name, value)
        elif name != "tenant":
            raise ValueError(f"no such switch or value: {name}")
    return {**dataclasses.asdict(core.quirks), "repeat": core.dispatcher.repeat, "throttling": core.limiter.on}
