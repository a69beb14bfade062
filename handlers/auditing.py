"""Which entries of the audit trail somebody means: the words of /audit, and the entries that they choose."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.audit.export import FORMATS, Format
from bot.audit.names import Names
from bot.audit.trail import Seen
from bot.command import Context
from bot.devices import IT, find_device, first_word
from bot.errors import Ambiguous, NotFound, ServiceError, UsageError
from bot.wire import MACHINE_ID
from handlers.paging import split_page

USAGE = "/audit [export [csv|jsonl]] [device NAME] [user NAME] [request ID] [N days]"
Key = Literal["device", "user", "request"]
KEYS: tuple[Key, ...] = ("device", "user", "request")
DEFAULT_DAYS, MOST_DAYS = 7, 3650
MOST_CHOICES = 8
ME = "me"
_DAYS = re.compile(r"^(\d{1,5}) ?days?(?= |$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The words: what to choose by (as typed), how many days, the page, and the format of an export ("" for none)."""

    by: Mapping[Key, str] = field(default_factory=dict)
    days: int = DEFAULT_DAYS
    page: int = 1
    export: Format | Literal[""] = ""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the words mean: ids by key, and the names to show. `devices` are the devices of requests, by request id."""

    ids: Mapping[Key, str]
    labels: Mapping[Key, str]
    days: int
    devices: Mapping[str, str]

    @property
    def words(self) -> str:
        """The filters as they can be typed again; ids only."""
        return " ".join(f"{key} {key_id}" for key, key_id in self.ids.items())

    @property
    def line(self) -> str:
        """The command as it can be typed again, without a page."""
        return " ".join(filter(None, ("audit", self.words, f"{self.days} days")))

    def takes(self, entry: Seen) -> bool:
        """Whether an entry is meant; one that cannot be read may be, so it is shown."""
        if entry.at is None:
            return True
        kind, _, subject = entry.subject.partition(":")
        facts = {
            "device": device_of(entry, self.devices),
            "user": entry.who.rpartition("/")[2].casefold(),
            "request": subject if kind == "request" else "",
        }
        return all(facts[key].casefold() == wanted.casefold() for key, wanted in self.ids.items())


def device_of(entry: Seen, devices: Mapping[str, str]) -> str:
    """The machine id that an entry is about, empty where it is about none; older entries name only the request."""
    kind, _, subject = entry.subject.partition(":")
    return str(entry.more.get("device") or (devices.get(subject, "") if kind == "request" else ""))


def devices_of(entries: Sequence[Seen], names: Names) -> Mapping[str, str]:
    """The devices of requests, by request id, as requests and the entries themselves name them."""
    told = {
        entry.subject.partition(":")[2]: str(entry.more["device"])
        for entry in entries
        if entry.subject.startswith("request:") and entry.more.get("device")
    }
    return {**names.devices, **told}


def parse(words: str) -> Asked:
    """The words after the command. Raises UsageError."""
    left, page = split_page(words)
    file_format, left = _export(left)
    by: dict[Key, str] = {}
    days = DEFAULT_DAYS
    while left:
        if found := _DAYS.match(left):
            days, left = int(found[1]), left[found.end() :].strip()
            if not 1 <= days <= MOST_DAYS:
                raise UsageError("error.audit_days", most=MOST_DAYS)
            continue
        word, _, rest = left.partition(" ")
        key = next((key for key in KEYS if key == word.casefold()), None)
        if key is None and word.casefold() == IT:
            key, rest = "device", left
        value, left = first_word(rest) if key == "request" else _value(rest)
        if key is None or not value or key in by:
            raise UsageError("error.usage", usage=USAGE)
        by[key] = value
    return Asked(by=by, days=days, page=page, export=file_format)


def _export(words: str) -> tuple[Format | Literal[""], str]:
    first, _, rest = words.partition(" ")
    if first.casefold() != "export":
        return "", words
    second, _, behind = rest.strip().partition(" ")
    for file_format in FORMATS:
        if second.casefold() == file_format:
            return file_format, behind.strip()
    return "csv", rest.strip()


def _value(words: str) -> tuple[str, str]:
    """What follows a key: what stands in quotes, else all words up to the next key or number of days."""
    if words[:1] in {'"', "'"} and words.find(words[0], 1) > 0:
        end = words.find(words[0], 1)
        return words[1:end].strip(), words[end + 1 :].strip()
    taken: list[str] = []
    left = words.strip()
    while left and not (taken and (_DAYS.match(left) or left.partition(" ")[0].casefold() in KEYS)):
        word, _, left = left.partition(" ")
        taken.append(word)
        left = left.strip()
    return " ".join(taken), left


async def choose(context: Context, asked: Asked, entries: Sequence[Seen], names: Names) -> Chosen:
    """Find the device, person and request that are meant. Raises NotFound, Ambiguous, ServiceError."""
    ids: dict[Key, str] = {}
    labels: dict[Key, str] = {}
    rest = f"{asked.days} days"
    if "device" in asked.by:
        ids["device"], labels["device"] = await _device(context, asked.by["device"], names, rest)
    if "user" in asked.by:
        ids["user"], labels["user"] = _user(context, asked.by["user"], entries, names, rest)
    if "request" in asked.by:
        ids["request"] = labels["request"] = asked.by["request"].upper()
    return Chosen(ids=ids, labels=labels, days=asked.days, devices=devices_of(entries, names))


async def _device(context: Context, said: str, names: Names, rest: str) -> tuple[str, str]:
    """The device's id and name. One that Defender does not know any more, or now, is found among the requests."""
    if said.casefold() == IT:
        remembered = await context.services.memory.recall(context.conversation, context.actor)
        if not remembered:
            raise NotFound("error.no_it")
        return remembered, names.machines.get(remembered, remembered)
    if MACHINE_ID.fullmatch(said):
        await context.services.memory.remember(context.conversation, context.actor, said.lower())
        return said.lower(), names.machines.get(said.lower(), said.lower())
    try:
        machine = await find_device(context, said, "audit device", rest)
    except (NotFound, ServiceError):
        wanted = said.casefold()
        for key, name in names.machines.items():
            if wanted in (name.casefold(), name.casefold().partition(".")[0]):
                return key, name
        raise
    return machine.id, machine.name


def _user(context: Context, said: str, entries: Sequence[Seen], names: Names, rest: str) -> tuple[str, str]:
    """The person's id (or the bot's own name for what acts by itself) and name."""
    own = f"{context.actor.tenant}/{context.actor.id}".casefold()
    people = {**names.people, own: context.actor.name}
    wanted = said.casefold()
    if wanted == ME:
        return context.actor.id, context.actor.name
    acted = {entry.who.casefold() for entry in entries} | people.keys()
    for who in acted:
        if wanted in (who, who.rpartition("/")[2]):
            key = who.rpartition("/")[2]
            return key, people.get(who, key)
    found = _named(people, wanted)
    if not found:
        raise NotFound("error.no_such_person", name=said)
    if len(found) > 1:
        choices = [(f"audit user {key} {rest}", name, key) for key, name in found[:MOST_CHOICES]]
        raise Ambiguous("error.several_people", choices, "audit", name=said, count=len(found))
    return found[0]


def _named(people: Mapping[str, str], wanted: str) -> list[tuple[str, str]]:
    """(id, name) of the people of exactly that name, else whose name begins so, else that contain it."""
    for fits in (str.__eq__, str.startswith, str.__contains__):
        found = [(who.rpartition("/")[2], name) for who, name in people.items() if fits(name.casefold(), wanted)]
        if found:
            return sorted(set(found), key=lambda one: one[1].casefold())
    return []
