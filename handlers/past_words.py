"""The words of /actions history: by what it is filtered, how far back, which page, and whether as a file."""

import re
from dataclasses import dataclass

from bot.errors import UsageError
from bot.responses.models import FINAL
from bot.wire import folded
from handlers.paging import split_page

USAGE = "/actions [pending|history [export] [device NAME] [by PERSON] [response NAME] [outcome WORD] [N days] [page N]]"
KEYS = ("device", "by", "response", "outcome")
IT = "it"
DEFAULT_DAYS, MOST_DAYS = 30, 180
OUTCOMES = tuple(sorted(state.value for state in FINAL))
_DAYS = re.compile(r"^(\d{1,5}) ?days?(?= |$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Filters as they were typed (empty: none), except `outcome`, which is one of `OUTCOMES`."""

    device: str = ""
    by: str = ""
    response: str = ""
    outcome: str = ""
    days: int = DEFAULT_DAYS
    page: int = 1
    export: bool = False

    def line(self, **more: str) -> str:
        """The command as it can be typed again, without a page; `more` stands for other words of the same keys."""
        words = {key: more.get(key, getattr(self, key)) for key in KEYS}
        filters = [f"{key} {_quoted(value)}" for key, value in words.items() if value]
        return " ".join(("actions history", *filters, f"{self.days} days"))


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value and '"' not in value else value


def parse(words: str) -> Wanted:
    """The words after `history`. Raises UsageError."""
    left, page = split_page(words)
    first, _, rest = left.partition(" ")
    export = first.casefold() == "export"
    left = rest.strip() if export else left
    if export and left.casefold().startswith("csv"):
        left = left[3:].strip()
    by: dict[str, str] = {}
    days = DEFAULT_DAYS
    while left:
        if found := _DAYS.match(left):
            days, left = int(found[1]), left[found.end() :].strip()
            if not 1 <= days <= MOST_DAYS:
                raise UsageError("error.audit_days", most=MOST_DAYS)
            continue
        said, _, _ = left.partition(" ")
        key, value, left = _one(left)
        if not key:
            raise UsageError("error.past_filter", said=said)
        if not value or key in by:
            raise UsageError("error.past_filter_twice" if value else "error.past_filter_empty", said=key)
        by[key] = _outcome(value) if key == "outcome" else value
    return Wanted(**by, days=days, page=page, export=export)


def _one(words: str) -> tuple[str, str, str]:
    """The next key, its value, and what is left; `it` alone means the device."""
    word, _, rest = words.partition(" ")
    if word.casefold() == IT:
        return "device", IT, rest.strip()
    value, left = _value(rest.strip())
    return (word.casefold() if word.casefold() in KEYS else ""), value, left


def _value(words: str) -> tuple[str, str]:
    """What follows a key: what stands in quotes, else all words up to the next key or number of days."""
    if words[:1] in {'"', "'"} and words.find(words[0], 1) > 0:
        end = words.find(words[0], 1)
        return words[1:end].strip(), words[end + 1 :].strip()
    taken: list[str] = []
    while words and not (taken and (_DAYS.match(words) or words.partition(" ")[0].casefold() in KEYS)):
        word, _, words = words.partition(" ")
        taken.append(word)
        words = words.strip()
    return " ".join(taken), words


def _outcome(said: str) -> str:
    found = next((one for one in OUTCOMES if folded(one).replace("timedout", "timeout") == _word(said)), "")
    if not found:
        raise UsageError("error.past_outcome", said=said, known=", ".join(OUTCOMES))
    return found


def _word(said: str) -> str:
    return folded(said).replace("timedout", "timeout")
