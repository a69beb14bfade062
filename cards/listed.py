"""What became of each value of a list: how many are in force, how many failed and why, of how many nothing is known."""

from bot.responses.models import Request
from bot.turn import Look
from cards import parts
from cards.elements import Container, TextBlock
from cards.text import PARAGRAPH, escape, say

COUNTS = ("list-made", "list-failed", "list-lost", "list-cleared")
FAILURE = "list-failure-"


def list_section(look: Look, request: Request) -> Container | None:
    """Count the values by what became of them, then name those that failed; None for a request without a list."""
    counts = [(key, request.result[key]) for key in COUNTS if key in request.result]
    if not counts:
        return None
    failures = [text for key, text in sorted(request.result.items()) if key.startswith(FAILURE)]
    failed = int(request.result.get("list-failed", "0"))
    return parts.section(
        say(look, "list.title"),
        parts.facts([(say(look, f"list.{key}"), escape(count)) for key, count in counts]),
        *_missing(look, request),
        *parts.rows(look, failures, lambda text: parts.line(escape(text, 220)), total=max(failed, len(failures))),
    )


def _missing(look: Look, request: Request) -> list[TextBlock]:
    """Those that Defender does not list although it may have taken them."""
    if "list-lost" not in request.result:
        return []
    named = escape(request.result.get("list-missing", ""), PARAGRAPH)
    return [parts.line(say(look, "list.missing", values=named)), parts.note(say(look, "list.lost"))]
