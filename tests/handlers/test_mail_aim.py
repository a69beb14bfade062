"""What an approver is told of a delivered message's recipient."""

from types import SimpleNamespace
from typing import Any

from bot.policy.models import Policy, PolicyFile
from bot.responses.models import Target
from bot.state.memory import MemoryStore
from handlers.mail_aim import AIM
from handlers.responses import remediate_mail
from tests.responses.people import START, TENANT

MESSAGE = "2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19"


class Letters:
    """Office knows no such message."""

    async def analyzed_email(self, *_args: Any) -> None:
        return None


def context() -> Any:
    policy = Policy(file=PolicyFile(priority_accounts=("boss@x.example",)))
    services = SimpleNamespace(store=MemoryStore(None), policy=policy)
    return SimpleNamespace(graph=Letters(), services=services, customer=TENANT, now=START)


async def test_a_priority_account_is_called_out_as_the_recipient():
    """Whose mailbox it is counts, also where nothing could be read of the message."""
    for recipient, called in {"boss@x.example": ["boss@x.example"], "anna@x.example": []}.items():
        target = Target(id=f"{MESSAGE}/{recipient}", name="Letter", kind="mail")
        read = await AIM.gather(context(), target, remediate_mail.RESPONSE)
        assert [fact.value for fact in read.warnings if fact.key == "user-priority"] == called
