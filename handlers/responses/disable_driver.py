"""/disable-driver DEVICE DRIVER REASON: asks to disable a driver, by a script; an approver decides."""

from handlers.scripts import command_of, response_for

RESPONSE = response_for("disable-driver", inverse="enable-driver", risk="high")

COMMAND = command_of(RESPONSE, "disable-driver", "/disable-driver LAPTOP-042 InvoiceDrv known vulnerable driver")

TEXTS = {
    "help.disable-driver.summary": "asks to disable a driver on a device",
    "response.disable-driver.name": "Driver disabled",
    "response.disable-driver.title": "Disable a driver on {device}",
    "response.disable-driver.button": "Disable driver",
    "response.disable-driver.effect": "A script disables the driver and tries to stop it; most stop only when the"
    " device restarts. It looks first, and leaves drivers of Windows and Defender alone. A wrong driver can keep"
    " hardware from working.",
    "response.disable-driver.undo": "Enabling it gives it back the way it started before, from the next restart on.",
}
