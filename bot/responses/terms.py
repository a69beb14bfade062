"""The terms on which a request was made, as the policy ruled them; they stay with it after a restart. A leaf."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Why(BaseModel):
    """A text of the catalogue that says why, with its values."""

    model_config = ConfigDict(frozen=True)

    key: str
    values: Mapping[str, str] = {}


class Terms(BaseModel):
    """What the policy ruled. `why` names its parts as people read them, `policy` for the audit; none: as declared.

    `runs_at` is when the request runs by itself unless somebody rejects it, `veto_minutes` how long they have for that.
    `preapproved`: nobody was asked. `send_minutes` is how long it may wait to be sent (0: as declared), `asked_as` the
    requester's role, `mark` tells the policy's text from another. `watchers` are the conversations that subscribed to
    requests when it was asked for (None: not known).
    """

    model_config = ConfigDict(frozen=True)

    why: tuple[Why, ...] = ()
    policy: str = ""
    mark: str = ""
    runs_at: datetime | None = None
    veto_minutes: int = 0
    preapproved: bool = False
    send_minutes: int = 0
    asked_as: str = ""
    watchers: tuple[str, ...] | None = None
