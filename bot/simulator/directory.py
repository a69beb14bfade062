"""The people and groups of the simulated tenants; the ids are fixed, so that settings can name them.

The first tenant holds the six people of the Microsoft 365 Agents Playground under the ids it gives them. They have
one digit more than a GUID, and so has the Playground's own default tenant id.
"""

from dataclasses import replace

from bot.simulator.staff import GLOBAL_ADMINISTRATOR, hire
from bot.simulator.world import Directory, Group, Person

FIRST_TENANT = "00000000-0000-0000-0000-000000000001"
SECOND_TENANT = "00000000-0000-0000-0000-000000000002"
READERS = "a0000000-0000-4000-8000-000000000001"
OPERATORS = "a0000000-0000-4000-8000-000000000002"
APPROVERS = "a0000000-0000-4000-8000-000000000003"
ADMINS = "a0000000-0000-4000-8000-000000000004"
DAY_SHIFT = "a0000000-0000-4000-8000-000000000005"
EVERYONE = "a0000000-0000-4000-8000-000000000006"
SECOND_READERS = "b0000000-0000-4000-8000-000000000001"
SECOND_APPROVERS = "b0000000-0000-4000-8000-000000000003"
PLAYGROUND = {
    f"user-id-{number}": Person(
        id=f"00000000-0000-0000-0000-00000000000{20 + number}", name=name, upn=f"{account}@example.com"
    )
    for number, (name, account) in enumerate(
        (
            ("Alex Wilber", "alexw"),
            ("Megan Bowen", "meganb"),
            ("Adele Vance", "adelev"),
            ("Isaiah Langer", "isaiah"),
            ("Patti Fernandez", "pattif"),
            ("Lynne Robbins", "lynner"),
        )
    )
}
SECOND_PERSON = Person(
    id="00000000-0000-4000-8000-000000000201", name="Robin Hollow", upn="robin.hollow@litware.example"
)


def first_directory() -> Directory:
    """The first company's: user-id-1 is an approver through a group within the group; user-id-5 is nothing."""
    people = [PLAYGROUND[f"user-id-{number}"].id for number in range(6)]
    members = {
        READERS: ("Watchkeeper readers", {people[3]}),
        OPERATORS: ("Watchkeeper operators", {people[2]}),
        APPROVERS: ("Watchkeeper approvers", {people[0], DAY_SHIFT}),
        ADMINS: ("Watchkeeper admins", {people[4]}),
        DAY_SHIFT: ("Security day shift", {people[1]}),
        EVERYONE: ("All staff", set(people)),
    }
    groups = {id_: Group(id=id_, name=name, members=set(who)) for id_, (name, who) in members.items()}
    directory = Directory({person.id: replace(person, mail=person.upn) for person in PLAYGROUND.values()}, groups)
    directory.people[people[4]].roles = {GLOBAL_ADMINISTRATOR}
    hire(directory, "fabrikam.example", "c")
    return directory


def second_directory() -> Directory:
    """The second company's: one person, who is an approver there and nobody in the first."""
    groups = {
        SECOND_READERS: Group(id=SECOND_READERS, name="Readers"),
        SECOND_APPROVERS: Group(id=SECOND_APPROVERS, name="Approvers", members={SECOND_PERSON.id}),
    }
    only = replace(SECOND_PERSON, mail=SECOND_PERSON.upn, roles={GLOBAL_ADMINISTRATOR})
    directory = Directory({only.id: only}, groups)
    hire(directory, "litware.example", "d")
    return directory
