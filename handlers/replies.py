"""What the pipeline itself says: working, interrupted, and the short sentences that answer a click."""

from datetime import UTC, datetime

from bot import slow
from bot.command import View
from bot.posts import Post
from bot.turn import Look, Shown
from cards import parts
from cards.text import escape, plain
from cards.working import interrupted_card, working_card


def _render(reply: slow.SlowReply, _post: Post, look: Look) -> Shown:
    if reply.state == "interrupted":
        return interrupted_card(look, reply.line)
    return working_card(look, reply.line)


def done_card(_look: Look, text: str) -> Shown:
    """The end of slow work whose answer is a sentence, or nothing because its card stands elsewhere."""
    words = text or plain(_look, "reply.done")
    return parts.shown([parts.line(escape(words))], words)


def texts() -> dict[str, str]:
    """The plain sentences by the names that the pipeline uses."""
    look = Look(now=datetime.now(UTC))
    return {
        "working_below": plain(look, "reply.working_below"),
        "still_working": plain(look, "reply.still_working"),
        "failed": plain(look, "reply.failed", reference="{reference}"),
    }


VIEW = View(kind=slow.KIND, model=slow.SlowReply, render=_render, step=slow.step)
