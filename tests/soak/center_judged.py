"""The judge of the Action center's cards: each item has one, and it says what the service says. No bot code is used."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from tests.soak.cards_read import Seen
from tests.soak.center_seen import PENDING, Item, Key, plain
from tests.soak.evidence import Evidence
from tests.soak.world import REQUESTS

LOOKS, APART = 6, timedelta(minutes=1)
"""What waited while its customer's alerts were read so often, a minute apart, was surely seen."""
MOST_AT_ONCE = 10
OUTCOMES = {
    "remediated": "remediated",
    "declined": "remediation declined",
    "running": "remediation running",
    "active": "active",
    "none": "not remediated",
    "prevented": "prevented",
}
"""How a card says what the service says of a thing that does not wait."""
WHOLE = frozenset({"URL", "Mailbox"})
"""Kinds that are told apart by the whole title: one may begin as another does."""
WAITS = "Waits for approval in Microsoft's Action center."
SAYS = re.compile(r"No longer waits\. Defender says: (.+?)\.( The bot goes on looking\.)?$")
NOBODY = "Defender does not say who decided."
SOMEBODY = re.compile(r"\b(approved|rejected|declined|decided|ended) by\b", re.IGNORECASE)


def cards(evidence: Evidence) -> dict[Key, list[str]]:
    """The messages that show each item in its customer's conversation, oldest first."""
    items = {key: (REQUESTS[item.tenant], item, plain(item.kind)) for key, item in evidence.center.items.items()}
    found: dict[Key, list[str]] = {key: [] for key in items}
    for message, seen in evidence.board.shown.items():
        if seen.kind == "pending":
            title, text, where = plain(seen.title), plain(seen.text), evidence.board.where[message]
            for key, (place, item, named) in items.items():
                if where == place and title.startswith(named) and _is_of(item, title.removeprefix(named), text):
                    found[key].append(message)
    return found


def _is_of(item: Item, title: str, text: str) -> bool:
    """Whether a card shows an item: its words stand there; `title` is what follows the kind."""
    if item.kind in WHOLE:
        return title == item.texts[0]
    kept = not (item.kind == "Mail" and title.startswith(("box", "cluster")))  # those are kinds of their own
    return kept and all(one in text for one in item.texts)


def items_lost(evidence: Evidence) -> Iterator[str]:
    """Items that waited for long and stand in no card: neither an own one nor one that stands for many."""
    shown, board = cards(evidence), evidence.board
    for tenant, place in REQUESTS.items():
        room = sum(s.total for m, s in board.shown.items() if s.kind == "center summary" and board.where[m] == place)
        without = [key for key, item in evidence.center.items.items() if item.tenant == tenant and not shown[key]]
        for key in [key for key in without if _surely_seen(evidence, key)][room:]:
            since = evidence.center.items[key].spells[0].since
            yield f"{' '.join(key[1:])[:160]} waited since {since} and stands in no card"


def _surely_seen(evidence: Evidence, key: Key) -> bool:
    item, now = evidence.center.items[key], evidence.sim.clock.now()
    looks = [at for tenant, at in evidence.looks if tenant == item.tenant]
    return any(_counted(at for at in looks if one.since <= at < (one.until or now)) >= LOOKS for one in item.spells)


def _counted(looks: Iterable[datetime]) -> int:
    """How many looks there were, those of one round counted once."""
    count, last = 0, None
    for at in sorted(looks):
        if last is None or at - last >= APART:
            count, last = count + 1, at
    return count


def cards_of_items_wrong(evidence: Evidence) -> Iterator[str]:
    """Second cards that nothing explains, cards that say something else than the service, and too many at once."""
    shown = cards(evidence)
    for key, messages in shown.items():
        known = [message for message in messages if not evidence.unknown(message)]
        episodes = evidence.center.items[key].episodes
        if len(known) > episodes:
            yield f"{' '.join(key[1:])[:160]} has {len(known)} cards, and began to wait {episodes} times"
        if known and (wrong := _wrong(evidence, key, evidence.board.shown[known[-1]])):
            yield f"{' '.join(key[1:])[:160]}: {wrong}"
    for message, seen in evidence.board.shown.items():
        if seen.kind == "pending" and (found := SOMEBODY.search(seen.text)):
            yield f"message {message} says {found[0]!r}, which nobody knows"
    for burst in evidence.center.bursts:
        of_it = [key for key, item in evidence.center.items.items() if item.alerts & burst and shown[key]]
        if len(of_it) > MOST_AT_ONCE:
            yield f"{len(of_it)} of {len(burst)} that began to wait at once have a card each"


def _wrong(evidence: Evidence, key: Key, seen: Seen) -> str:
    """What is wrong about an item's newest card; empty where it is true."""
    words = evidence.center.words(key)
    says = next((found[1] for line in seen.lines if (found := SAYS.match(line))), "")
    if PENDING in words:
        return "" if WAITS in seen.text else f"waits, and its card says {seen.lines[1:3]}"
    if says not in {OUTCOMES.get(word, word) for word in words}:
        return f"is {sorted(words)}, and its card says {seen.lines[1:3]}"
    return "" if NOBODY in seen.text else f"its card does not say that nobody knows who decided: {seen.lines[1:5]}"
