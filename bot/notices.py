"""What the bot says by itself when something of its own is in a bad way, where it is still listened to. A leaf."""

from datetime import datetime
from typing import Literal

from bot.posts import Shownable

KIND = "notice"


class Notice(Shownable):
    """A card about the bot itself. `about` says what happened, `name` where (a conversation's name, at times empty)."""

    about: Literal["conversation lost"]
    name: str = ""
    at: datetime
