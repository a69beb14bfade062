"""What a script printed on a device, for the one person who may read it, in the personal chat."""

from dataclasses import dataclass

from bot.turn import Look, Shown
from cards import parts
from cards.elements import CodeBlock
from cards.snippet import LINES, code_block, cut
from cards.text import NAME, clean, count, escape, plain, say

ERROR_LINES = 15


@dataclass(frozen=True, kw_only=True)
class OutputView:
    """A script's result: `what` was done to which device, by which request."""

    request: str
    device: str
    script: str
    exit_code: int | None
    output: str
    errors: str


def output_card(look: Look, view: OutputView) -> Shown:
    """The first and last lines of what it printed. All of it comes from the device and may be wrong on purpose."""
    device = clean(view.device, NAME)
    exit_code = "-" if view.exit_code is None else str(view.exit_code)
    told = [
        (say(look, "result.script"), escape(view.script)),
        (say(look, "result.exit-code"), escape(exit_code)),
        (say(look, "request.id"), escape(view.request)),
    ]
    body = [
        parts.heading(say(look, "output.title", device=device), say(look, "output.trust")),
        parts.facts(told),
        *_part(look, "output.printed", view.output, LINES),
        *(_part(look, "output.errors", view.errors, ERROR_LINES) if view.errors.strip() else ()),
        parts.as_of(look),
    ]
    whole = parts.run(plain(look, "output.file"), f"output {view.request} file", view.request)
    return parts.shown(body, plain(look, "output.summary", device=device), [whole])


def _part(look: Look, title: str, text: str, lines: int) -> list[object]:
    snippet = cut(text, lines)
    block: CodeBlock | None = code_block(snippet, plain(look, "output.left-out", n=snippet.left_out))
    if block is None:
        return [parts.section(say(look, title), parts.line(say(look, "output.nothing")))]
    counted = escape(count(look, "output.lines", snippet.total))
    return [parts.section(say(look, title), block, parts.note(counted))]


def offered_card(look: Look, described: str) -> Shown:
    """Say that Teams asks below whether the file may go into the person's OneDrive."""
    body = [parts.heading(say(look, "output.offered.title"), escape(described, 400), say(look, "output.offered"))]
    return parts.shown(body, plain(look, "output.offered.title"))
