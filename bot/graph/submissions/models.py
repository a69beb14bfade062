"""What is submitted to Microsoft for analysis, as Graph's beta speaks of it. A leaf: no I/O."""

from typing import Annotated, Literal

from bot.wire import Instant, NullIsEmpty, WireModel, folded

Sort = Literal["mail", "url", "file"]
Category = Literal["phishing", "malware", "spam", "notJunk"]
ENDED = frozenset({"succeeded", "failed", "skipped"})


class SubmissionResult(WireModel):
    """What Microsoft found."""

    category: str | None = None
    detail: str | None = None
    detected_urls: Annotated[tuple[str, ...], NullIsEmpty] = ()


class Submission(WireModel):
    """A `threatSubmission` of any sort (beta:res/security-threatsubmission)."""

    id: str
    created_date_time: Instant | None = None
    content_type: str | None = None
    category: str | None = None
    source: str | None = None
    status: str | None = None
    result: SubmissionResult | None = None
    web_url: str | None = None
    recipient_email_address: str | None = None
    internet_message_id: str | None = None
    file_name: str | None = None

    @property
    def state(self) -> str:
        """Folded: notstarted, running, succeeded, failed, skipped."""
        return folded(self.status)

    @property
    def ended(self) -> bool:
        """Whether Microsoft is done with it."""
        return self.state in ENDED
