"""Which conversation gets what. A leaf: the record; reading and writing it is `bot.store`'s work."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bot.posts import Place


class Subscription(BaseModel):
    """One conversation's subscription; `id` is the conversation's id.

    `incidents` is the lowest severity that is posted, empty for none. `requests`: requests that wait for a decision.
    `since`: incidents created before are not posted one by one. `ended` says why it was ended by Teams.
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
