"""The judge of what is a machine action, or an investigation: by its status, and by what a script printed.

Each function returns what is wrong, empty where nothing is. No bot code is used.
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.simulator.world import Action, Customer
from tests.soak.acts import Act
from tests.soak.cards_read import Seen
from tests.soak.evidence import Record

LIVE = "defender.machines.runliveresponse"
ENDED = {"succeeded": "Succeeded", "failed": "Failed", "timed out": "TimeOut", "cancelled": "Cancelled"}
INVESTIGATED = {
    "succeeded": {"Benign", "SuccessfullyRemediated"},
    "done in part": {"PartiallyRemediated", "PartiallyInvestigated"},
    "failed": {"Failed", "TerminatedBySystem"},
    "cancelled": {"TerminatedByUser", "Terminated"},
}
"""How an investigation may stand of which a card says so."""


def action_of(customer: Customer, record: Record) -> Action | None:
    """The machine action that a request became."""
    attempts = record["attempts"]
    return customer.actions.get(attempts[-1]["action"]) if attempts else None


def ended_wrong(customer: Customer, act: Act, seen: Seen) -> str:
    """What a card says of an action that is over, by the action itself."""
    if seen.stand not in ENDED:
        return ""
    action = customer.actions.get(seen.facts.get("Defender action", ""))
    if action is None:
        return f"says {seen.stand} and names no action of the service"
    if customer.devices[action.machine_id].name not in seen.title:
        return f"speaks of {seen.title}; the action was on {customer.devices[action.machine_id].name}"
    if action.status == "Succeeded" and act.operation == LIVE:
        return _wrong_session(action, act, seen)
    return "" if action.status == ENDED[seen.stand] else f"says {seen.stand}; the service says {action.status}"


def _wrong_session(action: Action, act: Act, seen: Seen) -> str:
    """The same of a session of live response that is over: what a script printed is part of it."""
    complaint = _complains(action) if act.script or act.name == "run-script" else ""
    if seen.stand == ("failed" if complaint else "succeeded"):
        return ""
    if seen.stand == "timed out" and act.script and "answer cannot be read" in seen.text:
        return ""  # a fault ate what it printed; the card says that nobody knows, which is so
    return f"says {seen.stand}; the session succeeded, and its script complains of {complaint or 'nothing'}"


def _complains(action: Action) -> str:
    """What the script of a session that is over says against its having done its work."""
    commands = action.session.commands if action.session else []
    last = commands[-1] if commands else None
    if last is None or last.result is None:
        return "no result"
    told = json.loads(last.result.decode(errors="replace"), strict=False)
    answer = _answer(str(told.get("script_output", "")))
    if told.get("exit_code"):
        return f"exit code {told['exit_code']}"
    looks_only = "-apply" not in last.params.get("Args", "").casefold()
    if answer.get("error") or looks_only or not answer:
        return str(answer.get("error", ""))
    return "" if answer.get("changed") else "no change"


def _answer(output: str) -> Mapping[str, Any]:
    """The line of JSON that our scripts print."""
    line = next((one for one in output.splitlines() if one.startswith("{")), "{}")
    found = json.loads(line)
    return found if isinstance(found, dict) else {}


def wrong_investigation(customer: Customer, record: Record, seen: Seen) -> str:
    """What a card says of an investigation that is over, by the investigation itself."""
    if seen.stand not in INVESTIGATED:
        return ""
    named = record["attempts"][-1]["action"] if record["attempts"] else ""
    one = customer.investigations.get(named)
    if one is None:
        return f"says {seen.stand} and the service knows no investigation {named!r}"
    if one.state not in INVESTIGATED[seen.stand]:
        return f"says {seen.stand}; the service says {one.state}"
    if one.machine_id != record["target"]["id"]:
        return f"speaks of an investigation of {one.computer_name}"
    return ""
