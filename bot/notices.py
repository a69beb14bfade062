"""What the bot says by itself when something of its own is in a bad way, where it is still listened to. A leaf."""

from datetime import datetime
from typing import Literal

from bot.auditreport import Alarm
from bot.posts import Shownable

KIND = "notice"


class Notice(Shownable):
    """A card about the bot itself. `about` says what happened, `name` where (a conversation's name, at times empty).

    Of the auditor's alarms the first few are named; `total` counts them all.
    """

    about: Literal["conversation lost", "alarms"]
    name: str = ""
    at: datetime
    alarms: tuple[Alarm, ...] = ()
    total: int = 0
