"""Which conversation gets what. A leaf: the record; reading and writing it is the work of `bot.subscribers`."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bot.posts import Place


class Subscription(BaseModel):
    """One conversation's subscription; `id` is the conversation's id.

    `incidents` is the lowest severity that is posted, empty for none. `requests`: requests that wait for a decision,
    and with them what waits in the Action center; `actions`: that alone.
    `since`: incidents created before are not posted one by one. `ended` says why it was ended by Teams. `digest` is the
    time of day (HH:MM) of the daily digest, empty for none, on the clocks of `digest_zone` (IANA name).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    id: str
    customer: str
    place: Place
    incidents: str = "informational"
    requests: bool = True
    since: datetime
    by: str = ""
    locale: str = ""
    zone: str = ""
    ended: str = ""
    digest: str = ""
    digest_zone: str = ""
    actions: bool = False

    @property
    def center(self) -> bool:
        """Whether what waits in the Action center is posted."""
        return self.requests or self.actions

    @property
    def empty(self) -> bool:
        """Whether nothing at all is wanted."""
        return not (self.incidents or self.requests or self.actions or self.digest)
