"""What a button carries: `{v, verb, id, rev}`, which names a record and decides nothing (design section 1, rule 3)."""

from collections.abc import Sequence
from typing import Any

from cards.elements import Action, Execute, InputChoiceSet, InputText, Panel, ShowCard, Style

VERSION = 1
"""The `v` of the buttons made here; buttons of every older one stay readable."""
RUN = "run"
"""The verb of a button that runs a read command; its id is the command line as one would type it."""
LONGEST_ID = 600


def payload(verb: str, record: str, rev: int = 0) -> dict[str, Any]:
    """The data of a button: `record` is the id, `rev` the content revision that the person saw."""
    return {"v": VERSION, "verb": verb, "id": record, "rev": rev}


def button(
    title: str,
    verb: str,
    record: str,
    rev: int = 0,
    *,
    style: Style = "default",
    inputs: Sequence[InputText | InputChoiceSet] = (),
    confirm: str = "",
    tooltip: str | None = None,
) -> Action:
    """Make a button; with `inputs` it unfolds them, with a second button `confirm` (else `title`) that sends them."""
    data = payload(verb, record, rev)
    if not inputs:
        return Execute(title, verb, data, style=style, tooltip=tooltip)
    send = Execute(confirm or title, verb, data, style=style, inputs=True)
    return ShowCard(title=title, card=Panel(inputs, [send]), style=None if style == "default" else style)


def run(title: str, line: str, tooltip: str | None = None) -> Execute | None:
    """Make a button that runs a read command as if typed; None where the line is longer than anybody types."""
    return Execute(title, RUN, payload(RUN, line), tooltip=tooltip) if len(line) <= LONGEST_ID else None
