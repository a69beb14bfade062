"""Settings of a device that are changed at once and can be read back: its tags, and how much it matters."""

from collections.abc import Mapping

from bot.defender.client import Defender
from bot.defender.device.client import DeviceValue, TagAction
from bot.defender.models import Machine
from bot.errors import Missing, UsageError
from bot.responses.declared import How, Parameter, Remote
from bot.responses.how import IN_FORCE, setting
from bot.responses.models import Evidence, Request, Work
from bot.responses.still import for_same_device
from bot.wire import folded

LONGEST_TAG = 200
VALUES: dict[str, DeviceValue] = {"low": "Low", "normal": "Normal", "high": "High"}


def _tag(text: str) -> str:
    tag = " ".join(text.split())
    if not tag or len(tag) > LONGEST_TAG or not tag.isprintable():
        raise UsageError("error.bad_tag", most=LONGEST_TAG)
    return tag


def _value(text: str) -> str:
    if text.casefold() not in VALUES:
        raise UsageError("error.bad_value", said=text)
    return VALUES[text.casefold()]


TAG = Parameter(name="Tag", hint="TAG", check=_tag)
VALUE = Parameter(name="DeviceValue", hint="low|normal|high", choices=VALUES, check=_value)


def tagging(action: TagAction) -> How:
    """Give a device a tag, or take it away; the device's other tags are not sent, so none is lost."""

    def done(machine: Machine, request: Request) -> bool:
        return (request.parameters["Tag"] in machine.machine_tags) == (action == "Add")

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        tag = request.parameters["Tag"]
        machine = await remote.defender.change_tag(request.target.id, tag=tag, action=action)
        return _taken(in_force=done(machine, request))

    async def holds(remote: Remote, request: Request) -> bool | None:
        machine = await _read(remote, request)
        return done(machine, request) if machine else None

    return for_same_device(setting(send, holds, needs=(Defender.machine,)))


def valuing() -> How:
    """Say how much a device matters. Where the service leaves the value out, nobody can tell whether it holds."""

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        wanted = VALUES[request.parameters["DeviceValue"].casefold()]
        machine = await remote.defender.set_value(request.target.id, value=wanted)
        return _taken(in_force=machine.value == folded(wanted))

    async def holds(remote: Remote, request: Request) -> bool | None:
        machine = await _read(remote, request)
        return machine.value == folded(request.parameters["DeviceValue"]) if machine and machine.value else None

    return for_same_device(setting(send, holds, needs=(Defender.machine,)))


def the_same(parameters: Mapping[str, str], _before: Evidence) -> Mapping[str, str]:
    """What gives or takes a tag is undone with the same tag."""
    return parameters


def the_one_before(_parameters: Mapping[str, str], before: Evidence) -> Mapping[str, str]:
    """A value is undone by the one before, if that is known."""
    value = VALUES.get(before.device_value.casefold())
    return {"DeviceValue": value} if value else {}


async def _read(remote: Remote, request: Request) -> Machine | None:
    """The device as it is now; None where it is gone."""
    try:
        return await remote.defender.machine(request.target.id)
    except Missing:
        return None


def _taken(*, in_force: bool) -> Work:
    """What the answer of a change says: the device as it is now."""
    return Work(status=IN_FORCE if in_force else "", state="succeeded" if in_force else "active", ours=True)
