"""/value DEVICE low|normal|high: says how much a device matters; harmless, so it runs without a decision."""

from bot.defender.client import Defender
from bot.responses.declared import Response
from bot.roles import Role
from handlers.aiming import DEVICE
from handlers.device_settings import VALUE, the_one_before, valuing
from handlers.proposing import command_for

RESPONSE = Response(
    name="value",
    family="value",
    how=valuing(),
    calls=(Defender.set_value,),
    risk="low",
    asks=Role.OPERATOR,
    approvals=0,
    needs_reason=False,
    parameters=(VALUE,),
    inverse="value",
    back=the_one_before,
    many=True,
    steers="device_values",
)

COMMAND = command_for(RESPONSE, aim=DEVICE, examples=("/value LAPTOP-042 high",))

TEXTS = {
    "help.value.summary": "says how much a device matters: low, normal or high",
    "response.value.name": "Device value",
    "response.value.title": "Set the value of {device}",
    "response.value.button": "Set value",
    "response.value.effect": "Defender weighs the device's risk and exposure by it. Nothing changes on the device.",
    "response.value.undo": "Set the value that it had before; it stands below.",
    "parameter.devicevalue": "Device value",
    "choice.devicevalue.low": "Low",
    "choice.devicevalue.normal": "Normal",
    "choice.devicevalue.high": "High",
}
