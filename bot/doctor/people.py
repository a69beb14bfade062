"""Whether two pairs of eyes can ever meet: which ids of the settings are people, asked of each customer's directory."""

import asyncio
from collections.abc import Mapping

from bot.doctor.findings import Finding, ok, problem, unknown, warning
from bot.doctor.patient import Patient
from bot.errors import Missing, ServiceError
from bot.graph.http import MEMBER_GROUPS
from bot.settings import Settings

MOST_IDS = 10
MOST_GROUPS = 20  # in one question (api/directoryobject-checkmembergroups)
MEMBERS = "A group needs two members at least; `/whoami` tells each of them their role."


def askers(settings: Settings) -> frozenset[str]:
    """The ids of whoever may ask for a response."""
    return settings.roles_operator | deciders(settings)


def deciders(settings: Settings) -> frozenset[str]:
    """The ids of whoever may decide."""
    return settings.roles_approver | settings.roles_admin


async def people_of(patient: Patient, customer: str) -> Mapping[str, bool | None]:
    """Which of the ids are people of that directory; None where it could not be asked.

    A person's groups are asked for: it is what each turn asks, and a 404 says that the id is no person there.
    """
    ids = sorted(askers(patient.settings) | patient.settings.roles_reader)[:MOST_IDS]
    asked = await asyncio.gather(*(_is_person(patient, customer, one) for one in ids))
    return dict(zip(ids, asked, strict=True))


async def _is_person(patient: Patient, customer: str, one: str) -> bool | None:
    try:
        await patient.read(customer, MEMBER_GROUPS, ids={"id": one}, body={"groupIds": [one]})
    except Missing:
        return False
    except ServiceError:
        return None
    return True


def people_findings(settings: Settings, found: Mapping[str, Mapping[str, bool | None]]) -> list[Finding]:
    """What the directories say of the ids, by customer, and whether somebody else than the asker can decide."""
    ids = {one for of in found.values() for one in of}
    people = {one for one in ids if any(of.get(one) for of in found.values())}
    unread = {one for one in ids - people if any(of.get(one) is None for of in found.values())}
    lines = [_directory(ids, people, unread)] if ids else []
    if settings.four_eyes and deciders(settings):
        lines.append(_four_eyes(settings, people, ids - people - unread))
    return lines


def _directory(ids: set[str], people: set[str], unread: set[str]) -> Finding:
    key, others = "settings.roles.directory", len(ids - people - unread)
    if unread:
        says = f"Whether the ids in ROLES_* are people or groups could not be asked ({len(unread)} of {len(ids)})."
        return unknown(key, says, do="See the permissions of Microsoft Graph below.")
    says = f"Of those {len(ids)} ids, {len(people)} are people of a customer's directory"
    facts = {"people": len(people), "others": others}
    if not others:
        return ok(key, f"{says}.", facts=facts)
    says += f"; {others} {'is a group' if others == 1 else 'are groups'} there, or nothing."
    means = "Whether a group exists cannot be asked: no permission that the bot has shows it."
    return unknown(key, says, means=means, do="Have a member of each group type `/whoami`.", facts=facts)


def _four_eyes(settings: Settings, people: set[str], groups: set[str]) -> Finding:
    key, who, decide = "settings.four-eyes", askers(settings), deciders(settings)
    if len(decide) > 1:
        return ok(key, "Four eyes: nobody decides on their own request, and several ids may decide.")
    one = next(iter(decide))
    alone = len(who) == 1
    if one in groups:
        says = "Four eyes: one group alone may decide." if not alone else "Four eyes: one group asks and decides."
        return ok(key, f"{says} {MEMBERS}")
    means = (
        "Nothing that needs a decision can ever be done." if alone else "Nobody can decide on that person's requests."
    )
    do = "Add a second person to ROLES_APPROVER, or set FOUR_EYES=0 and bear the risk."
    if one in people:
        says = "One person alone may ask and decide." if alone else "One person alone may decide."
        return (problem if alone else warning)(key, f"{says} Nobody decides on their own request.", means=means, do=do)
    says = "One id alone may decide; whether it is a person or a group could not be asked."
    return warning(key, says, means=f"If it is a person: {means[0].lower()}{means[1:]}", do=do)
