"""How an item of the Action center goes on from one look to the next. Pure: no store, no service, no clock.

A card never says that something was decided while a service says that it waits, and what could not be read changes
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.center import FOLLOWED, LIFE, PENDING, UNLISTED, CenterAlert, CenterItem
from handlers.center_items import MOST_ALERTS, Seen

ORDER = (
    *("running", "active", "partiallyremediated", "remediated", "successfullyremediated"),
    *("prevented", "blocked", "declined", "unremediated", "notfound", "none"),
)
"""Of several words for one thing the first here is the item's; words that are not here come before `UNLISTED`."""
UNSAID = frozenset({"", "unknown", "unknownfuturevalue"})
"""Words that tell nothing: a member of an enum that is withheld may be `pendingApproval` itself."""
GOES_ON = frozenset({"running", "queued", "pendingresource"})
BELIEVED = timedelta(minutes=2)
"""What is not listed any more is believed to be gone after this time."""
GRACE = timedelta(minutes=5)
"""So long the things that an investigation waits for may be seen later than the investigation itself."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a thing that is in no list of what waits stands now.

    `words`: by alert (or by "" for an investigation) the service's word, folded; `UNLISTED` where it is not there any
    more. `unread`: some could not be read.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    unread: bool = False
    who: str = ""


def begun(customer: str, seen: Seen, now: datetime, *, first_look: bool = False) -> CenterItem:
    """An item that is seen for the first time."""
    since = _since(seen, now)
    return CenterItem(
        id=seen.key,
        customer=customer,
        since=since or now,
        ours=since is None,
        seen=now,
        quiet_since=now - GRACE if first_look else now,
        **_facts(seen),
    )


def _since(seen: Seen, now: datetime) -> datetime | None:
    """The service's time, where it can be that of the waiting: what waits is over after seven days."""
    return seen.began if seen.began and timedelta(0) <= now - seen.began < LIFE else None


def _facts(seen: Seen) -> dict[str, object]:
    kept = ("shape", "kind", "name", "facts", "device", "device_name", "user", "verdict", "alerts", "investigation")
    return {name: getattr(seen, name) for name in kept} | {"covered": seen.covered}


def waits(before: CenterItem, seen: Seen, words: Mapping[str, str], now: datetime) -> CenterItem:
    """It is seen waiting: as before, again, or for the first time in another alert.

    `words` are how it stands in alerts that were read, by alert.
    """
    if before.state != "waiting" and not _same(before, seen):
        fresh = begun(before.customer, seen, now)
        return fresh.model_copy(update={"episode": before.episode + 1, "content": before.content})
    facts = _facts(seen) | {"alerts": _alerts(before, seen, words)}
    facts["investigation"] = seen.investigation or before.investigation
    quiet = now if seen.covered else before.quiet_since
    seen_now = {"missing_since": None, "waited_until": None, "quiet_since": quiet}
    going_on = before.model_copy(update={**facts, **seen_now})
    if before.state == "waiting":
        return going_on
    again = {"state": "waiting", "outcome": "", "ended": None, "who": "", "again_at": now}
    return going_on.model_copy(update={**again, "since": now, "ours": True, "left": LIFE.days})


def _same(before: CenterItem, seen: Seen) -> bool:
    """Whether it waits again where it waited before; the same thing in another alert is another item."""
    return before.shape == "investigation" or bool({a.id for a in before.alerts} & {a.id for a in seen.alerts})


def _alerts(before: CenterItem, seen: Seen, words: Mapping[str, str]) -> tuple[CenterAlert, ...]:
    """The alerts in which it waits now, then those in which it waited, with their newest words."""
    now_in = {alert.id for alert in seen.alerts}
    gone = (alert for alert in before.alerts if alert.id not in now_in)
    others = (alert.model_copy(update={"word": words.get(alert.id, alert.word)}) for alert in gone)
    return (*seen.alerts, *others)[:MOST_ALERTS]


def stands(before: CenterItem, standing: Standing, looked: datetime | None, now: datetime) -> CenterItem:
    """It is in no list of what waits: what is known of it now. `looked` is when it was last looked at."""
    words = standing.words
    if PENDING in words.values():
        return before.model_copy(update={"missing_since": None, "waited_until": None})
    before = before.model_copy(update={"waited_until": before.waited_until or looked})
    if standing.unread or not words or UNSAID & set(words.values()):
        return before
    if before.state == "waiting" and set(words.values()) == {UNLISTED}:
        since = before.missing_since or now
        if now - since < BELIEVED:
            return before.model_copy(update={"missing_since": since})
    outcome, ended = _outcome(words), before.ended or now
    alerts = tuple(a.model_copy(update={"word": words.get(a.id, a.word)}) for a in before.alerts)
    return before.model_copy(
        update={
            "state": "running" if outcome in GOES_ON and now - ended < FOLLOWED else "over",
            "outcome": outcome,
            "alerts": alerts if before.shape == "entity" else before.alerts,
            "ended": ended,
            "who": standing.who,
            "missing_since": None,
        }
    )


def _outcome(words: Mapping[str, str]) -> str:
    found = set(words.values())
    known = next((word for word in ORDER if word in found), "")
    return known or next(iter(sorted(found - {UNLISTED})), UNLISTED)


def visible(item: CenterItem) -> dict[str, object]:
    """What a reader of the card would see change."""
    unseen = {"posts", "content", "summarised", "left", "seen", "quiet_since", "waited_until", "episode"}
    return item.model_dump(exclude=unseen)
