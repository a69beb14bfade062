"""What the rest of the bot asks of Graph about submissions to Microsoft. All of it is beta: no support, may change."""

from datetime import datetime
from typing import Protocol

from bot.graph.submissions.models import Category, Sort, Submission


class Submissions(Protocol):
    """One customer's submissions. Each method raises `ServiceError`s with service `graph` or `login`."""

    async def submit_url(self, url: str, category: Category) -> Submission:
        """Have Microsoft look at an address."""

    async def submit_mail(self, user: str, message: str, recipient: str, category: Category) -> Submission:
        """Have Microsoft look at a message in a mailbox, by Graph's own id of it."""

    async def submit_file(self, name: str, content: bytes, category: Category) -> Submission:
        """Have Microsoft look at a file."""

    async def submission(self, sort: Sort, submission_id: str) -> Submission:
        """How a submission stands; raises `Missing`."""

    async def submissions(self, sort: Sort, since: datetime) -> list[Submission]:
        """What administrators submitted of that sort at or after the moment."""
