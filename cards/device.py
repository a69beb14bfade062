"""One device: whether it is on the network, how much it is at risk, who uses it, and what can be done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.defender.models import DefenderAlert, LogonUser, Machine, MachineAction
from bot.incidents import rank
from bot.responses.declared import Parameter
from bot.turn import Look, Shown
from cards import button, parts
from cards.elements import Action, FactSet, InputChoiceSet, InputText
from cards.text import Safe, clean, count, escape, join, known, plain, plain_word, say, sentence, when, word

SHOWN = 3
"""Offers on the device's own card; all of them stand on the card of /respond."""
SOME = 5
"""Users, alerts and actions shown; a phone shows no more at a glance."""

Network = Literal["isolated", "not isolated", "unknown", "being isolated", "being released"]


@dataclass(frozen=True, kw_only=True)
class Isolation:
    """Whether a device is cut off, as its machine actions tell; `since` is the end of the action that says so."""

    state: Network
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A response that the person may ask for. `choices` become inputs whose ids are the parameters' names.

    `typed` asks for the device's name as well.
    """

    response: str
    needs_reason: bool = True
    needs_approval: bool = True
    choices: tuple[Parameter, ...] = ()
    typed: bool = False


@dataclass(frozen=True, kw_only=True)
class OpenRequest:
    """A request for the device that is not over; `state` is the value of `bot.responses.models.State`."""

    id: str
    response: str
    state: str


@dataclass(frozen=True, kw_only=True)
class DeviceView:
    """What is shown of a device. None: could not be read. `unread` names sources (`users`, `alerts`, `actions`).

    `more`: there are other offers than these.
    """

    machine: Machine
    isolation: Isolation
    users: tuple[LogonUser, ...] | None = None
    alerts: tuple[DefenderAlert, ...] | None = None
    actions: tuple[MachineAction, ...] | None = None
    requests: tuple[OpenRequest, ...] | None = None
    offers: tuple[Offer, ...] = ()
    more: bool = False
    unread: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    tenant: str = ""


def device_card(look: Look, view: DeviceView) -> Shown:
    """Show the device; responses unfold their inputs."""
    machine = view.machine
    body = [
        parts.heading(
            escape(machine.name),
            isolation_line(look, view.isolation),
            risk_line(look, machine),
            say(look, "device.unmanaged") if machine.onboarding_status and not machine.is_onboarded else None,
            tone=parts.severity_tone(machine.risk),
        ),
        parts.unread(look, view.unread, view.lacking),
        *_requests(look, view),
        _alerts(look, view.alerts),
        _users(look, view.users),
        _actions(look, view.actions),
        parts.section(say(look, "device.about"), _facts(look, machine)),
        parts.note(say(look, "device.id", id=machine.id)),
        parts.note(say(look, "device.derived")),
        parts.note(say(look, "device.approval-note")) if any(o.needs_approval for o in view.offers) else None,
        parts.as_of(look),
    ]
    state = plain_word(look, "isolation", view.isolation.state)
    risk = plain_word(look, "risk", machine.risk)
    summary = plain(look, "device.summary", device=machine.name, isolation=state, risk=risk)
    return parts.shown(body, summary, _buttons(look, view))


def isolation_line(look: Look, isolation: Isolation) -> Safe:
    """Whether the device is on the network, in one line."""
    state = word(look, "isolation", isolation.state)
    if isolation.since:
        return say(look, "isolation.since", state=state, at=isolation.since)
    return say(look, "isolation.line", state=state)


def risk_line(look: Look, machine: Machine) -> Safe:
    """Risk, exposure and health in one line."""
    return say(
        look,
        "device.line",
        risk=word(look, "risk", machine.risk),
        exposure=word(look, "risk", machine.exposure),
        health=word(look, "health", machine.health),
    )


def propose_button(look: Look, offer: Offer, machine: str) -> Action:
    """Make a button that asks for a response: verb `propose`, id `<response>:<machine id>`.

    Its inputs are `reason`, `confirm` where the name is typed again, and one for each parameter, named as that: a list
    with the service's words as values, or a text.
    """
    inputs = [_input(look, parameter) for parameter in offer.choices]
    if offer.typed:
        error = plain(look, "input.confirm.error")
        inputs.append(InputText("confirm", plain(look, "input.confirm"), error=error, lines=False))
    if offer.needs_reason:
        error = plain(look, "input.reason.error")
        inputs.append(InputText("reason", plain(look, "input.reason"), error=error))
    key = f"response.{offer.response}.button"
    title = plain(look, key) if known(key) else clean(offer.response)
    confirm = plain(look, "input.ask") if offer.needs_approval else plain(look, "input.start")
    return button.button(title, "propose", f"{offer.response}:{machine}", inputs=inputs, confirm=confirm)


def _input(look: Look, parameter: Parameter) -> InputText | InputChoiceSet:
    label = plain_word(look, "parameter", parameter.name)
    if not parameter.choices:
        error, required = plain(look, "input.value.error"), not parameter.optional
        return InputText(parameter.name, label, error=error, lines=False, required=required)
    values = list(dict.fromkeys(parameter.choices.values()))
    titled = [(plain_word(look, f"choice.{parameter.name.casefold()}", value), value) for value in values]
    return InputChoiceSet(parameter.name, label, titled)


def _buttons(look: Look, view: DeviceView) -> list[Action]:
    offers: list[Action | None] = [propose_button(look, offer, view.machine.id) for offer in view.offers[:SHOWN]]
    more = parts.run(plain(look, "device.more"), f"respond {view.machine.id}", view.machine.id)
    offers.append(more if view.more or len(view.offers) > SHOWN else None)
    refresh = button.run(plain(look, "part.refresh"), f"device {view.machine.id}")
    page = parts.link(plain(look, "device.portal"), parts.portal(parts.DEVICES_PAGE, view.tenant))
    return parts.bar(offers, refresh, page)


def _facts(look: Look, machine: Machine) -> FactSet | None:
    system = " ".join(part for part in (machine.os_platform, machine.version) if part)
    tags = join(escape(tag, 40) for tag in machine.machine_tags[:SOME])
    return parts.facts(
        [
            (say(look, "device.last-contact"), parts.moment(look, machine.last_seen)),
            (say(look, "device.value"), word(look, "value", machine.value)),
            (say(look, "device.system"), escape(system) if system else say(look, "word.unknown")),
            (say(look, "device.address"), escape(machine.last_ip_address) if machine.last_ip_address else None),
            (say(look, "device.tags"), tags or None),
        ]
    )


def _requests(look: Look, view: DeviceView) -> list[Any]:
    if not view.requests:
        return []
    return [
        parts.section(
            say(look, "device.requests"),
            *parts.rows(look, view.requests, lambda request: parts.line(_request(look, request)), SOME),
        )
    ]


def _request(look: Look, request: OpenRequest) -> Safe:
    name = response_name(look, request.response)
    return say(look, "device.request", response=name, state=word(look, "state", request.state), id=request.id)


def response_name(look: Look, response: str) -> str:
    """What a response is called, as plain text."""
    key = f"response.{response}.name"
    return plain(look, key) if known(key) else clean(response)


def _alerts(look: Look, alerts: tuple[DefenderAlert, ...] | None) -> Any:
    title = say(look, "device.alerts")
    if alerts is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    standing = [alert for alert in alerts if alert.is_open]
    if not standing:
        return parts.section(title, parts.line(say(look, "device.alerts.none")))
    standing.sort(key=lambda alert: rank(alert.level), reverse=True)
    number = escape(count(look, "device.alerts.open", len(standing)))
    return parts.section(number, *parts.rows(look, standing, lambda alert: _alert(look, alert), SOME))


def _alert(look: Look, alert: DefenderAlert) -> Any:
    level = sentence(parts.severity(look, alert.level))
    at = when(look, alert.alert_creation_time) if alert.alert_creation_time else plain(look, "word.unknown")
    text = say(look, "device.alert", severity=level, title=alert.title or alert.id, at=at)
    return parts.line(text, parts.level_color(alert.level))


def _users(look: Look, users: tuple[LogonUser, ...] | None) -> Any:
    title = say(look, "device.users")
    if users is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    if not users:
        return parts.section(title, parts.line(say(look, "device.users.none")))
    return parts.section(title, *parts.rows(look, users, lambda user: parts.line(_user(look, user)), SOME))


def _user(look: Look, user: LogonUser) -> Safe:
    at = when(look, user.last_seen) if user.last_seen else plain(look, "word.unknown")
    if user.is_domain_admin:
        return say(look, "device.user-admin", user=user.id, at=at)
    return say(look, "device.user", user=user.id, at=at)


def _actions(look: Look, actions: tuple[MachineAction, ...] | None) -> Any:
    title = say(look, "device.actions")
    if actions is None:
        return parts.section(title, parts.line(say(look, "word.unread"), "Attention"))
    if not actions:
        return parts.section(title, parts.line(say(look, "device.actions.none")))
    ordered = sorted(actions, key=lambda action: action.is_final)
    return parts.section(title, *parts.rows(look, ordered, lambda a: parts.line(_action(look, a)), SOME))


def _action(look: Look, action: MachineAction) -> Safe:
    told_at = action.updated or action.created
    values = {
        "action": action_name(look, action),
        "status": plain_word(look, "status", action.status),
        "at": when(look, told_at) if told_at else plain(look, "word.unknown"),
    }
    if action.requestor:
        return say(look, "device.action-by", **values, who=action.requestor)
    return say(look, "device.action", **values)


def action_name(look: Look, action: MachineAction) -> str:
    """What a machine action does, with its scope, as plain text: `Isolate (Full)`."""
    name = plain_word(look, "action", action.type)
    return f"{name} ({clean(action.scope, 40)})" if action.scope else name
