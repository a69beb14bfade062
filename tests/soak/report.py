"""The soak's result as a Markdown table and as JSON."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from tests.soak.acts import DONE
from tests.soak.evidence import Evidence
from tests.soak.repertoire import ACTS, BY_NAME
from tests.soak.unmarked import BY_POLICY
from tests.soak.world import BY_ITSELF, INCIDENTS

Findings = Mapping[str, Sequence[str]]


def delays(evidence: Evidence) -> list[float]:
    """Seconds (of the soak's clock) from each incident's creation to the first card that tells of it.

    For one of a burst that is the summary, whether it has a row there or is only counted.
    """
    found = []
    for tenant, customer in evidence.sim.world.customers.items():
        for incident in customer.incidents.values():
            cards = evidence.board.cards("incident", incident.id, INCIDENTS[tenant])
            seen: list[datetime] = [evidence.board.posted[m] for m in cards[:1]]
            named = evidence.board.named.get((INCIDENTS[tenant], incident.id))
            seen += [named] if named else []
            if INCIDENTS[tenant] in evidence.incidents[tenant].get(incident.id, {}).get("summarised", {}):
                seen += [at for at in _summaries(evidence, tenant) if at >= incident.created][:1]
            if seen:
                found.append((min(seen) - incident.created).total_seconds())
    return sorted(found)


def _summaries(evidence: Evidence, tenant: str) -> list[datetime]:
    """When summaries were posted, earliest first."""
    board, place = evidence.board, INCIDENTS[tenant]
    return sorted(
        board.posted[m] for m, seen in board.shown.items() if seen.kind == "summary" and board.where[m] == place
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies; 0 where there is none."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def cards_each(evidence: Evidence, kind: str) -> dict[int, int]:
    """How many records of a kind have one card in a conversation, how many two, and so on."""
    counted: Counter[int] = Counter()
    for (of, _), messages in evidence.board.of.items():
        live = [m for m in messages if of == kind and evidence.board.shown[m].kind == kind]
        counted.update(Counter(evidence.board.where[m] for m in live).values())
    return dict(sorted(counted.items()))


def orphans(evidence: Evidence) -> int:
    """Messages that stand and that the bot cannot know of."""
    return sum(evidence.unknown(m) for m, seen in evidence.board.shown.items() if seen.kind in {"request", "incident"})


def center(evidence: Evidence) -> str:
    """How many things waited in the Action center, and how many cards told of them."""
    kinds = Counter(seen.kind for seen in evidence.board.shown.values())
    return f"{len(evidence.center.items)}, {kinds['pending']}, {kinds['center summary']}"


def follows(evidence: Evidence) -> dict[str, str]:
    """What ran by itself, and what was given to people of what sessions left."""
    records = [record for _, record in evidence.all_records() if record["response"] in BY_ITSELF]
    alone = sum(any(d["what"] == BY_POLICY for d in record["decisions"]) for record in records)
    vetoes = sum(record["state"] == "rejected" for record in records)
    shown = sum(seen.kind == "output" for seen in evidence.board.shown.values())
    files = len(evidence.sim.connector.drive.files)
    return {
        "requests that may run by themselves: did so, rejected before": f"{len(records)}: {alone}, {vetoes}",
        "what sessions left: shown, handed over as files": f"{shown}, {files}",
    }


def by_family(evidence: Evidence, counts: Mapping[str, int]) -> dict[str, str]:
    """A row for each family: how many were typed, made (each device of several counted), and how they ended."""
    made: dict[str, Counter[str]] = {}
    responses: dict[str, set[str]] = {}
    for _, record in evidence.all_records():
        if not record.get("members"):
            made.setdefault(record["family"], Counter())[record["state"]] += 1
            responses.setdefault(record["family"], set()).add(record["response"])
    rows = {}
    for act in sorted(ACTS, key=lambda one: one.family):
        ended = made.get(act.family, Counter())
        others = ", ".join(f"{state}: {n}" for state, n in sorted(ended.items()) if state not in DONE) or "no other end"
        done = sum(ended[state] for state in DONE)
        asked = counts.get(f"asked: {act.family}", 0)
        rows[f"family {act.family}"] = (
            f"asked: {asked}, made: {ended.total()}, done: {done}; {others or 'no other end'}"
        )
    played = {name for names in responses.values() for name in names}
    left = sorted(set(BY_NAME) - played)
    return {**rows, "responses without a request": ", ".join(left) or "none"}


def table(must_be_0: Findings, rows: Mapping[str, object]) -> str:
    """Markdown: what must be 0 first, then the figures."""
    lines = ["| Measured | |", "| --- | --- |"]
    lines += [f"| {name} (must be 0) | {len(found)} |" for name, found in must_be_0.items()]
    lines += [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join(lines)


def as_json(must_be_0: Findings, rows: Mapping[str, object]) -> str:
    """The same with each finding's sentence."""
    return json.dumps({"must be 0": {n: list(f) for n, f in must_be_0.items()}, **rows}, indent=1, default=str)


def kept(evidence: Evidence) -> str:
    """All that the verdict was made from, to look into a finding."""
    board = evidence.board
    cards = [
        {"message": m, "posted": board.posted[m], "where": board.where[m], "known": m in evidence.known, **vars(seen)}
        for m, seen in board.shown.items()
    ]
    customers = evidence.sim.world.customers.values()
    whole = {
        "records": evidence.records,
        "incidents": evidence.incidents,
        "cards": cards,
        "presses": [vars(press) for press in evidence.presses],
        "doubts": [vars(doubt) for doubt in evidence.doubts],
        "ledger": [vars(entry) for entry in evidence.sim.world.ledger.entries],
        "actions": [vars(action) for customer in customers for action in customer.actions.values()],
        "center": [[key, vars(item)] for key, item in evidence.center.items.items()],
        "true incidents": [vars(one) | {"tenant": c.id} for c in customers for one in c.incidents.values()],
    }
    return json.dumps(whole, default=str)
