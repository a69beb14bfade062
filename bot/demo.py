"""The make-believe company that `run` shows: its people, their groups and the app registration of the simulator.

Ids of people are the Playground's own defaults; they are not well-formed GUIDs, which is how the Playground has them.
A test holds these values against the simulator's directory.
"""

from collections.abc import Mapping
from dataclasses import dataclass

TENANT = "00000000-0000-0000-0000-000000000001"
BOT_NAME = "Watchkeeper"
APP_ID = "00000000-0000-4000-8000-00000000b07a"
APP_SECRET = "simulator-secret"  # noqa: S105 - opens nothing but the simulator
PERSONAL_CHAT = "personal-chat-id"
GROUP_CHAT = "group-chat-id"

GROUPS: Mapping[str, str] = {
    "ROLES_READER": "a0000000-0000-4000-8000-000000000001",
    "ROLES_OPERATOR": "a0000000-0000-4000-8000-000000000002",
    "ROLES_APPROVER": "a0000000-0000-4000-8000-000000000003",
    "ROLES_ADMIN": "a0000000-0000-4000-8000-000000000004",
}


@dataclass(frozen=True, kw_only=True)
class Person:
    """A mocked user of the Playground; `role` names the setting whose group the person is in, empty for none."""

    id: str
    given: str
    surname: str
    login: str
    entra_id: str
    role: str = ""

    @property
    def name(self) -> str:
        """The name as Teams shows it."""
        return f"{self.given} {self.surname}"


ALEX = Person(
    id="user-id-0",
    given="Alex",
    surname="Wilber",
    login="alexw",
    entra_id="00000000-0000-0000-0000-0000000000020",
    role="ROLES_APPROVER",
)
MEGAN = Person(
    id="user-id-1",
    given="Megan",
    surname="Bowen",
    login="meganb",
    entra_id="00000000-0000-0000-0000-0000000000021",
    role="ROLES_APPROVER",
)
ADELE = Person(
    id="user-id-2",
    given="Adele",
    surname="Vance",
    login="adelev",
    entra_id="00000000-0000-0000-0000-0000000000022",
    role="ROLES_OPERATOR",
)
ISAIAH = Person(
    id="user-id-3",
    given="Isaiah",
    surname="Langer",
    login="isaiah",
    entra_id="00000000-0000-0000-0000-0000000000023",
    role="ROLES_READER",
)
PATTI = Person(
    id="user-id-4",
    given="Patti",
    surname="Fernandez",
    login="pattif",
    entra_id="00000000-0000-0000-0000-0000000000024",
    role="ROLES_ADMIN",
)
LYNNE = Person(
    id="user-id-5",
    given="Lynne",
    surname="Robbins",
    login="lynner",
    entra_id="00000000-0000-0000-0000-0000000000025",
)
PEOPLE = (ALEX, MEGAN, ADELE, ISAIAH, PATTI, LYNNE)
