"""A list of values for one request: read from the words of a message or from a text file, checked as a whole.

Nothing is asked for until every word is a value that may be blocked: what is wrong is named, so that it can be mended.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256

from bot.command import Context
from bot.defender.client import Defender
from bot.defender.indicators.models import MOST_ACTIVE, MOST_AT_ONCE, Indicator
from bot.defender.indicators.spared import microsofts
from bot.defender.indicators.values import FILES, Value, covers, inside, recognise
from bot.download import TOO_LARGE
from bot.errors import Rejected, UsageError
from bot.graph.client import Graph
from bot.responses.declared import Response
from bot.responses.models import Evidence, Fact, Target
from bot.turn import Look
from cards.text import plain
from handlers.aiming import READ_SECONDS
from handlers.indicator_aim import own_domains
from handlers.reading import Sources

VALUES = "values"
"""The kind of target that a list is."""
LONGEST_LIST = 64_000
"""So many characters may the text of a list have."""
MOST_WORDS = 4 * MOST_AT_ONCE
"""More are not looked at: a list may say things twice, but not so often."""
SHOWN = 5
NEEDS = (Defender.indicators, Graph.domains)
Gather = Callable[[Context, Target, Response], Awaitable[Evidence]]


def is_value(word: str) -> bool:
    """Whether a word is one."""
    try:
        recognise(word)
    except UsageError:
        return False
    return True


def split(text: str) -> list[str]:
    """The words of a list: apart by spaces, lines, commas or semicolons; lines that begin with # are remarks."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    return " ".join(lines).replace(",", " ").replace(";", " ").split()


async def values_in_file(context: Context) -> list[str]:
    """The words of the text file that came with the message; none where there came none. Raises UsageError."""
    if not context.turn.files:
        return []
    try:
        content = await context.services.teams.read_file(context.turn.files[0].url, most=LONGEST_LIST)
        return split(content.decode("utf-8-sig"))
    except UnicodeDecodeError as bad:
        raise UsageError("error.indicator.list-file") from bad
    except Rejected as refused:
        if refused.code == TOO_LARGE:
            raise UsageError("error.indicator.list-file-large", most=LONGEST_LIST) from None
        raise


async def listed(context: Context, words: Sequence[str]) -> list[Value]:
    """The values, each once, in order. Raises UsageError for what is none, must not be blocked, or is too much."""
    if len(words) > MOST_WORDS:
        raise UsageError("error.indicator.list-long", count=len(words), most=MOST_AT_ONCE)
    wrong = [word for word in words if not is_value(word)]
    if wrong:
        raise UsageError("error.indicator.list-wrong", count=len(wrong), total=len(words), values=few(wrong))
    values = list({(value.type, value.text): value for value in map(recognise, words)}.values())
    if not values:
        raise UsageError("error.indicator.list-empty")
    if len(values) > MOST_AT_ONCE:
        raise UsageError("error.indicator.list-long", count=len(values), most=MOST_AT_ONCE)
    own = await own_domains(context) if any(value.host for value in values) else []
    spared = [value.shown for value in values if _spared(value, own)]
    if spared:
        raise UsageError("error.indicator.list-spared", count=len(spared), values=few(spared))
    return values


def _spared(value: Value, own: Sequence[str]) -> bool:
    return inside(value) or bool(microsofts(value)) or any(covers(value, domain) for domain in own)


def name_of(look: Look, values: Sequence[Value]) -> str:
    """What a title calls a list."""
    return plain(look, "list.values", n=len(values))


def target_of(values: Sequence[Value], name: str) -> Target:
    """The list as the one thing that a request is for: the same list has the same id."""
    digest = sha256("\n".join(sorted(value.id for value in values)).encode()).hexdigest()
    return Target(id=f"list:{digest[:32]}", name=name, kind=VALUES)


def gathering(values: Sequence[Value]) -> Gather:
    """What an approver is told of a list: what is in it, what holds for its values now, whether there is room."""

    async def gather(context: Context, _target: Target, _response: Response) -> Evidence:
        sources = Sources(READ_SECONDS, context)
        active, domains = await asyncio.gather(
            sources.read("indicators", context.defender.indicators(top=MOST_ACTIVE)),
            sources.read("domains", context.graph.domains()),
        )
        unread = [Fact(key="indicator-domains-unread")] if domains is None and any(v.host for v in values) else []
        md5 = [Fact(key="indicator-md5")] if any(value.type == "FileMd5" for value in values) else []
        return Evidence(
            read_at=context.now,
            facts=(*_contents(values), *_held(active)),
            warnings=(*_replaced(values, active), *unread, *md5),
        )

    return gather


def _contents(values: Sequence[Value]) -> list[Fact]:
    kinds = Counter("files" if value.type in FILES else value.type for value in values)
    counted = [Fact(key=f"list-{kind.casefold()}", value=str(count)) for kind, count in sorted(kinds.items())]
    return [*counted, Fact(key="list-first", value=few([value.shown for value in values]))]


def _held(active: Sequence[Indicator] | None) -> list[Fact]:
    """How many indicators the tenant has now, of the number that it may have."""
    if active is None:
        return [Fact(key="list-active")]
    return [Fact(key="list-active", value=f"{len(active):,} / {MOST_ACTIVE:,}")]


def _replaced(values: Sequence[Value], active: Sequence[Indicator] | None) -> list[Fact]:
    """Indicators that are there for values of the list: ours take their places."""
    wanted = {(value.type.casefold(), value.text.casefold()) for value in values}
    found = [
        one
        for one in active or ()
        if ((one.indicator_type or "").casefold(), (one.indicator_value or "").casefold()) in wanted
    ]
    full = active is not None and len(active) + len(values) - len(found) > MOST_ACTIVE
    kinds = Counter(one.action or "?" for one in found)
    said = ", ".join(f"{action} {count}" for action, count in sorted(kinds.items()))
    return [
        *([Fact(key="list-replaces", value=said)] if found else []),
        *([Fact(key="list-no-room")] if full else []),
    ]


def few(words: Sequence[str]) -> str:
    """The first few in one line; the rest is counted."""
    more = len(words) - SHOWN
    return ", ".join(word[:60] for word in words[:SHOWN]) + (f" +{more}" if more > 0 else "")
