"""What an approver is told of a delivered message's recipient."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.errors import Missing, MissingPermission, Unavailable
from bot.graph.people.models import DirectoryUser
from bot.policy.models import Policy, PolicyFile
from bot.responses.models import Target
from bot.responses.ruling import facts_of
from bot.state.memory import MemoryStore
from bot.wire import folded
from handlers.mail_aim import AIM
from handlers.responses import remediate_mail, submit_mail
from handlers.submission_aim import MESSAGE_OF
from tests.responses.people import START, TENANT

MESSAGE = "2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19"
BOSS = DirectoryUser(id="1", user_principal_name="boss@x.example", mail="Ada.Boss@x.example")
ANNA = DirectoryUser(id="2", user_principal_name="anna@x.example", mail="a.berg@x.example")


RESPONSES = {"remediate-mail": remediate_mail.RESPONSE, "submit-mail": submit_mail.RESPONSE}


class Office:
    """Knows no such message, and two people by their sign-in names and main addresses."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.trouble = trouble
        self.asked: list[str] = []

    async def analyzed_email(self, *_args: Any) -> None:
        return None

    async def user(self, name: str) -> DirectoryUser:
        self.asked.append(name)
        found = next((one for one in (BOSS, ANNA) if folded(one.user_principal_name) == name), None)
        if self.trouble or found is None:
            raise self.trouble or Missing("graph", "user")
        return found

    async def users_by_mail(self, address: str) -> list[DirectoryUser]:
        return [one for one in (BOSS, ANNA) if folded(one.mail) == address]


def context(office: Office, *listed: str) -> Any:
    policy = Policy(file=PolicyFile(priority_accounts=listed))
    services = SimpleNamespace(store=MemoryStore(None), policy=policy)
    return SimpleNamespace(graph=office, services=services, customer=TENANT, now=START)


AIMS = {
    "remediate-mail": (AIM, lambda address: Target(id=f"{MESSAGE}/{address}", name="Letter", kind="mail")),
    "submit-mail": (MESSAGE_OF, lambda address: Target(id="1/AAMkADU3", name=address, kind="mail")),
}


async def told(kind: str, address: str, *listed: str, office: Office | None = None) -> tuple[Any, dict[str, str]]:
    """Whose account the policy takes it for, and what the approver is warned of."""
    aim, target = AIMS[kind]
    read = await aim.gather(context(office or Office(), *listed), target(address), RESPONSES[kind])
    return facts_of(target(address), read)[0].people, {fact.key: fact.value for fact in read.warnings}


@pytest.mark.parametrize("kind", AIMS)
@pytest.mark.parametrize(
    ("address", "listed", "called"),
    [
        ("boss@x.example", "boss@x.example", "boss@x.example"),
        ("boss@x.example", "BOSS@X.example", "boss@x.example"),
        ("ada.boss@x.example", "boss@x.example", "boss@x.example"),
        ("boss@x.example", "ada.boss@x.example", "Ada.Boss@x.example"),
    ],
)
async def test_a_priority_account_is_called_out_as_the_recipient(kind, address, listed, called):
    """By its sign-in name or its main address, in any case, whichever of them the policy lists."""
    people, warned = await told(kind, address, listed)
    assert warned == {"user-priority": called}
    assert called in people


@pytest.mark.parametrize("kind", AIMS)
async def test_another_account_is_told_by_all_its_names(kind):
    """Somebody else is known to be somebody else, and nothing is said."""
    assert await told(kind, "a.berg@x.example", "boss@x.example") == (("a.berg@x.example", "anna@x.example"), {})


@pytest.mark.parametrize("kind", AIMS)
@pytest.mark.parametrize(
    ("address", "trouble"),
    [
        ("the.chief@x.example", None),
        ("boss+mail@x.example", None),
        ("a.berg@x.example", Unavailable("graph", "user")),
        ("a.berg@x.example", MissingPermission("graph", "user")),
    ],
)
async def test_whose_address_nobody_can_tell_may_be_a_priority_account(kind, address, trouble):
    """Another address of a mailbox, and what could not be read, are unknown to the policy; the approver is told so."""
    assert await told(kind, address, "boss@x.example", office=Office(trouble)) == (
        None,
        {"mail-account-unread": address},
    )


async def test_nobody_is_asked_whose_address_it_is_where_that_decides_nothing():
    """Without a listed account, and for one that is listed as it was typed, the directory is left alone."""
    office = Office(Unavailable("graph", "user"))
    assert await told("remediate-mail", "the.chief@x.example", office=office) == (("the.chief@x.example",), {})
    assert (await told("remediate-mail", "boss@x.example", "boss@x.example", office=office))[0] == ("boss@x.example",)
    assert office.asked == []
