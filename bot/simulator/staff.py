"""The staff of the simulated companies: whoever signs in at a device or stands in an incident is in the directory too.

Ids are fixed, so that tests and settings can name people.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from bot.simulator.names import ACCOUNTS
from bot.simulator.world import Directory, Group, Person, Risk

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
EXCHANGE_ADMINISTRATOR = "29232cdf-9323-42fd-ade2-1d097af3e4de"
HELPDESK_ADMINISTRATOR = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
_NAMES: Mapping[str, tuple[str, str]] = {
    "reception": ("Reception", "Front office"),
    "warehouse_3": ("Warehouse *3*", "Logistics"),
    "p.o'brien": ("Pat O'Brien", "Management"),
    "accounts_payable": ("Accounts_Payable", "Finance"),
    "m.oakleaf": ("Megan Oakleaf", "Finance"),
    "t.brook": ("Tom Brook", "Sales"),
    "field-team-2": ("Field team 2", "Service"),
    "j.stone": ("Jo Stone", "IT"),
    "svc_backup": ("svc_backup", "IT"),
    "h.meadow": ("Hal Meadow", "IT"),
    "k.müller": ("Käthe Müller", "Sales"),
    "d.\u0142\u0105ka": ("Dorota \u0141\u0105ka", "Sales"),
    "night*shift": ("Night <b>shift</b>", "Logistics"),
    "l.harbor": ("Lee Harbor", "Service"),
    "[temp]": ("[temp](worker)", "Logistics"),
    "a.b.field": ("Ada Field", "Service"),
}
PRIORITY = "p.o'brien"
"""The managing director: the one whose account deserves more care than most."""
_BEGAN = datetime(2021, 3, 1, 8, 0, tzinfo=UTC)
_SYNCED = frozenset({"svc_backup", "t.brook"})
_AT_RISK = {
    "m.oakleaf": Risk(level="high", state="atRisk", updated=_BEGAN),
    "t.brook": Risk(level="medium", state="atRisk", updated=_BEGAN),
}


def hire(directory: Directory, domain: str, letter: str) -> None:
    """Put the staff into a directory; `letter` begins their ids."""
    for number, account in enumerate(ACCOUNTS):
        name, department = _NAMES[account]
        upn = f"{account}@{domain}"
        one = Person(
            id=f"{letter}0000000-0000-4000-8000-{number + 1:012d}",
            name=name,
            upn=upn,
            mail=upn,
            department=department,
            title="Managing director" if account == PRIORITY else None,
            synced=True if account in _SYNCED else None,
            created=_BEGAN,
            roles={EXCHANGE_ADMINISTRATOR} if account == "j.stone" else set(),
            risk=replace(_AT_RISK[account]) if account in _AT_RISK else None,
        )
        directory.people[one.id] = one
    by_name = {one.upn.partition("@")[0]: one.id for one in directory.people.values()}
    group = Group(
        id=f"{letter}1000000-0000-4000-8000-000000000001",
        name="Help desk",
        members={by_name["h.meadow"]},
        roles={HELPDESK_ADMINISTRATOR},
    )
    directory.groups[group.id] = group
