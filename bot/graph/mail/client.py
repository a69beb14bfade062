"""What the rest of the bot asks of Graph about delivered mail."""

from datetime import datetime
from typing import Protocol

from bot.graph.mail.models import AnalyzedEmail, Remedy


class Mail(Protocol):
    """One customer's delivered mail. Each method raises `ServiceError`s with service `graph` or `login`."""

    async def analyzed_email(
        self, network_message_id: str, recipient: str, since: datetime, until: datetime
    ) -> AnalyzedEmail | None:
        """The message as it was delivered to that recipient in that time; None where there is none."""

    async def remediate_mail(self, network_message_id: str, recipient: str, remedy: Remedy, *, name: str) -> str:
        """Have a delivered message moved or deleted; returns the address where the portal shows what becomes of it.

        The service takes it (202) and never says how it ends. `name` is shown in the portal's Action center. The
        address may be empty.
        """
