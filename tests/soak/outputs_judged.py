"""The judge of what is told of a session of live response: what it left, whom that was given, what a look found.

Each function returns a sentence for every breach. No bot code is used.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.simulator.files import CONSENT, FILE
from bot.simulator.live_sessions import Command
from tests.soak.cards_read import Seen
from tests.soak.evidence import Evidence, Record
from tests.soak.world import PLAYERS, Player

NAMED = re.compile(r"(WK-[0-9A-Z]+(?:-\d{1,3})?)-.+")
LEFT_OUT = re.compile(r"… \d+ lines left out …")
BEFORE = "It was then"
CHATS = {player.chat: player for player in PLAYERS}


@dataclass(frozen=True, kw_only=True)
class Given:
    """Something of a session that was shown, offered or handed over: in which conversation, of which request."""

    place: str
    request: str
    how: str
    name: str = ""
    content: bytes | None = None
    seen: Seen | None = None


def _given(evidence: Evidence) -> Iterator[Given]:
    """All of it, by what Teams and OneDrive took."""
    for message, seen in evidence.board.shown.items():
        if seen.kind == "output":
            yield Given(place=evidence.board.where[message], request=seen.facts["Request"], how="shown", seen=seen)
    connector = evidence.sim.connector
    for record in connector.records:
        for one in record.activity.get("attachments", ()) if record.operation == "post" else ():
            name, kind = str(one.get("name", "")), one.get("contentType")
            if kind in {CONSENT, FILE} and (found := NAMED.fullmatch(name)):
                content = connector.drive.uploads.get(str(one.get("contentUrl", "")).split("/")[-2:][0])
                how = "offered" if kind == CONSENT else "handed over"
                yield Given(place=record.conversation, request=found[1], how=how, name=name, content=content)


def _of(evidence: Evidence, player: Player, request: str) -> Record | None:
    return evidence.records[player.tenant].get(request)


def given_to_others(evidence: Evidence) -> Iterator[str]:
    """What a session left stands where others than who asked or decided see it."""
    for given in _given(evidence):
        player = CHATS.get(given.place)
        record = _of(evidence, player, given.request) if player else None
        people = [record["requester"], *(d["who"] for d in record["decisions"])] if record else []
        if not player or player.id not in {person["id"] for person in people}:
            yield f"what {given.request} left was {given.how} in {given.place}, where it belongs to nobody"


def outputs_wrong(evidence: Evidence) -> Iterator[str]:
    """What was shown or handed over is something else than what the session left."""
    for given in _given(evidence):
        player = CHATS.get(given.place)
        record = _of(evidence, player, given.request) if player else None
        command = _last(evidence, player.tenant, record) if player and record else None
        if given.how == "offered" or record is None:
            continue
        if command is None or command.result is None:
            yield f"{given.request} left nothing, and something was {given.how}"
        elif given.seen is not None:
            yield from (
                f"the output of {given.request}: {wrong}" for wrong in _shown_wrong(given.seen, command, record)
            )
        elif given.content != _file(command):
            had = "nothing" if given.content is None else f"{given.content[:60]!r}"
            yield f"{given.name} was handed over as {had}, and {_file(command)[:60]!r} was left"


def _last(evidence: Evidence, tenant: str, record: Record) -> Command | None:
    """The command whose result counts: the last that left one."""
    named = record["attempts"][-1]["action"] if record["attempts"] else ""
    action = evidence.sim.world.customers[tenant].actions.get(named)
    commands = action.session.commands if action and action.session else []
    return next((one for one in reversed(commands) if one.result is not None), None)


def _told(command: Command) -> Mapping[str, Any]:
    """What a script's result file says."""
    found = json.loads((command.result or b"{}").decode(errors="replace"), strict=False)
    return found if isinstance(found, dict) else {}


def _file(command: Command) -> bytes:
    """What the file of a result must hold: a fetched file as it is, of a script what it printed."""
    if command.type != "RunScript":
        return command.result or b""
    told = _told(command)
    output, errors = (str(told.get(key) or "").replace("\0", "") for key in ("script_output", "script_errors"))
    return (output + (f"\n--- errors ---\n{errors}" if errors.strip() else "")).encode()


def _shown_wrong(seen: Seen, command: Command, record: Record) -> Iterator[str]:
    told = _told(command)
    if str(record["target"]["name"]) not in seen.title:
        yield f"speaks of {seen.title!r}"
    if seen.facts.get("Exit code") != str(told.get("exit_code")):
        yield f"says exit code {seen.facts.get('Exit code')}; it was {told.get('exit_code')}"
    parts = [_lines(str(told.get(key) or "")) for key in ("script_output", "script_errors")]
    wanted = [part for part in parts if part]
    shown = [[line for line in _lines(code) if not LEFT_OUT.fullmatch(line)] for code in seen.code]
    for is_, should in zip(shown, wanted, strict=False):
        cut = len(is_) < len(should) or any(len(line) > 200 for line in should)
        if not is_ or (is_ != should and not (cut and is_[0] == should[0][: len(is_[0])])):
            yield f"shows {is_[:3]}, and {should[:3]} was printed"
    if len(shown) != len(wanted):
        yield f"shows {len(shown)} parts of {len(wanted)}"


def _lines(text: str) -> list[str]:
    """Its lines, without those that are empty at both ends."""
    return [line.rstrip() for line in text.replace("\0", "").strip().split("\n")] if text.strip("\0\n ") else []


def look_wrong(evidence: Evidence, tenant: str, record: Record, seen: Seen) -> str:
    """A card tells of a look at what a script would change, and no look at that device found it so."""
    said = _value_of(seen, BEFORE)
    if not said:
        return ""
    looks = [
        one
        for one in evidence.records[tenant].values()
        if one["response"] == "preview" and one["target"]["id"] == record["target"]["id"]
    ]
    found = {_state(command) for one in looks if (command := _last(evidence, tenant, one))}
    return "" if _plain(said) in found else f"says that it was {said!r}; the looks found {sorted(found)}"


def _value_of(seen: Seen, label: str) -> str:
    line = next((one for one in seen.lines if one.startswith(f"{label}:")), "")
    return seen.facts.get(label, "") or line.removeprefix(f"{label}:").strip()


def _state(command: Command) -> str:
    """How it was before, as the script printed it."""
    line = next((one for one in str(_told(command).get("script_output", "")).splitlines() if one[:1] == "{"), "{}")
    before = json.loads(line).get("before", {})
    return _plain(", ".join(f"{name}: {value}" for name, value in before.items()))


def _plain(text: str) -> str:
    return re.sub(r"[^\w]", "", text).casefold()
