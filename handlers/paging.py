"""Lists in pages: "page 2" at the end of a line, and the rows of that page."""

import re
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
PAGE = re.compile(r"(?:^|\s)page\s+(-?\d{1,20})$", re.IGNORECASE)
ROWS = 10


def split_page(words: str) -> tuple[str, int]:
    """The words without a page at their end, and the page (1 where none is named, or one below it)."""
    found = PAGE.search(words)
    if not found:
        return words.strip(), 1
    return words[: found.start()].strip(), max(1, int(found.group(1)))


def page_of(items: Sequence[T], page: int) -> tuple[tuple[T, ...], int, int]:
    """The rows of a page, the page as it was cut to what exists, and how many pages there are."""
    pages = max(1, -(-len(items) // ROWS))
    page = min(page, pages)
    return tuple(items[(page - 1) * ROWS : page * ROWS]), page, pages
