"""What the simulated companies of `run` have in their live response library: our scripts, as if they were signed."""

from datetime import datetime

from bot.library.catalogue import SCRIPTS, SIGNATURE, content, describe
from bot.simulator.live_sessions import LibraryFile
from bot.simulator.world import Customer

_SEAL = b"\r\n" + SIGNATURE + b"\r\n# simulated, and worth nothing on Windows\r\n# SIG # End signature block\r\n"
_HELLO = b"""# Names the busiest processes.
# simulate: {"output": "CPU(s)     Id ProcessName\\n 48.20   4711 invoice\\n 12.75   1200 svchost"}
Get-Process | Sort-Object CPU -Descending | Select-Object -First 5
"""


def stock(customer: Customer, now: datetime) -> None:
    """Put them there, and one script of the company's own beside them."""
    files = [(one.file, content(one) + _SEAL, describe(one, content(one) + _SEAL)) for one in SCRIPTS.values()]
    files.append(("busy-processes.ps1", _HELLO + _SEAL, "Names the busiest processes"))
    for name, text, about in files:
        file = LibraryFile(name=name, content=text, created=now, updated=now, by="patti", description=about)
        customer.library[name.casefold()] = file
