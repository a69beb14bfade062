"""What is inside a simulated device, as far as live response can see and change it. A leaf; no API shows it."""

from dataclasses import dataclass, field

DOWNLOADS = "C:\\ProgramData\\Microsoft\\Windows Defender Advanced Threat Protection\\Downloads"
"""Where a session puts files of the library (not documented for the API; the portal's own place)."""


@dataclass(kw_only=True)
class Program:
    """A service or a driver: its start type, whether it runs, and the one it had before it was disabled."""

    start: str = "auto"
    running: bool = True
    kept: str = ""
    ran: bool = True


@dataclass(kw_only=True)
class Inside:
    """Files by path, registry keys with their values, processes by id, services, drivers and scheduled tasks.

    What was quarantined, exported or remembered stands beside it. All names are in lower case, as Windows compares
    them. `injected` are argument lines that ran more than the script they were for.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    registry: dict[str, dict[str, str]] = field(default_factory=dict)
    processes: dict[int, str] = field(default_factory=dict)
    services: dict[str, Program] = field(default_factory=dict)
    drivers: dict[str, Program] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    quarantine: dict[str, bytes] = field(default_factory=dict)
    exported: dict[str, dict[str, str]] = field(default_factory=dict)
    kept_tasks: dict[str, str] = field(default_factory=dict)
    ran: list[tuple[str, str]] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)


def infected() -> Inside:
    """What an attack left on a device: something for each of the six scripts, beside what must not be touched."""
    return Inside(
        files={
            "c:\\users\\public\\invoice.exe": b"MZ simulated malware",
            "c:\\windows\\system32\\lsass.exe": b"MZ simulated system file",
        },
        registry={
            "hklm\\software\\microsoft\\windows\\currentversion\\run": {
                "invoice": "c:\\users\\public\\invoice.exe",
                "securityhealth": "c:\\windows\\system32\\securityhealthsystray.exe",
            },
            "hklm\\software\\classes\\clsid\\invoice": {"": "payload"},
        },
        processes={4: "system", 640: "lsass.exe", 1200: "svchost.exe", 4711: "invoice.exe", 4712: "invoice.exe"},
        services={"invoicesvc": Program(), "sense": Program(), "spooler": Program()},
        drivers={"invoicedrv": Program(start="system"), "wdfilter": Program(start="boot")},
        tasks={"\\invoice update": "<Task>invoice</Task>", "\\microsoft\\windows\\defrag\\scheduleddefrag": "<Task/>"},
    )
