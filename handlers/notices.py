"""What the bot says about itself, as records that are shown."""

from bot.command import View
from bot.notices import KIND, Notice
from bot.posts import Post
from bot.turn import Look, Shown
from cards.notice import alarms_card, conversation_lost_card


def _render(notice: Notice, _post: Post, look: Look) -> Shown:
    if notice.about == "alarms":
        return alarms_card(look, notice.alarms, notice.total, notice.at, notice.customer)
    return conversation_lost_card(look, notice.name, notice.at)


VIEW = View(kind=KIND, model=Notice, render=_render)
