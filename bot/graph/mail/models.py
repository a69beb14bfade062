"""What Defender for Office 365 says of delivered mail through Graph. A leaf: no I/O."""

from typing import Annotated, Literal

from bot.wire import Instant, NullIsEmpty, WireModel, folded

Remedy = Literal["moveToJunk", "moveToInbox", "moveToDeletedItems", "softDelete", "hardDelete"]
"""What may be done with a delivered message (graph-api 3.6; `moveToQuarantine` is listed there as unsupported)."""
RESTS_IN: dict[str, str] = {
    "moveToJunk": "junkfolder",
    "moveToInbox": "inbox_folder",
    "moveToDeletedItems": "deletedfolder",
}
"""Where a message is (folded) once a remedy is done, for those of which the place tells."""


class MailSender(WireModel):
    """Who a message came from."""

    from_address: str | None = None
    mail_from_address: str | None = None
    display_name: str | None = None


class Delivery(WireModel):
    """What became of a message: `action` (delivered, blocked ...) and `location` (inbox_folder, junkFolder ...)."""

    action: str | None = None
    location: str | None = None


class AnalyzedEmail(WireModel):
    """One message to one recipient (`microsoft.graph.security.analyzedEmail`)."""

    id: str
    network_message_id: str | None = None
    internet_message_id: str | None = None
    logged_date_time: Instant | None = None
    subject: str | None = None
    recipient_email_address: str | None = None
    directionality: str | None = None
    sender_detail: MailSender | None = None
    original_delivery: Delivery | None = None
    latest_delivery: Delivery | None = None
    threat_types: Annotated[tuple[str, ...], NullIsEmpty] = ()
    policy_action: str | None = None

    @property
    def sender(self) -> str:
        """The address it came from; empty where the service does not say."""
        found = self.sender_detail
        return (found.from_address or found.mail_from_address or "") if found else ""

    @property
    def location(self) -> str:
        """Where it lies now, as sent; empty where the service does not say."""
        found = self.latest_delivery or self.original_delivery
        return (found.location if found else None) or ""

    def rests_after(self, remedy: str) -> bool | None:
        """Whether it lies where the remedy would put it; None where the place does not tell."""
        wanted = RESTS_IN.get(remedy)
        return None if wanted is None or not self.location else folded(self.location) == wanted
