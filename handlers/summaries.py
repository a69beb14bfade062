"""One card for many incidents, as a record that is shown."""

from bot.command import View
from bot.incidents import SummaryRecord
from bot.posts import Post
from bot.turn import Look, Shown
from cards.summary import summary_card

SUMMARY = "summary"


def _render(record: SummaryRecord, _post: Post, look: Look) -> Shown:
    return summary_card(look, record)


VIEW = View(kind=SUMMARY, model=SummaryRecord, render=_render)
