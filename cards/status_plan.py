"""What the tenant has, on the status card: its plans, and the responses that these, or our permissions, leave out."""

from collections.abc import Iterable
from typing import Any

from bot.turn import Look
from cards import parts
from cards.status_view import PlanView
from cards.text import Safe, escape, join, say, word

SHOWN = 20


def plan_section(look: Look, view: PlanView | None) -> Any:
    """Show it; nothing where it was never learnt."""
    if view is None:
        return None
    return parts.section(
        say(look, "status.plan-title"),
        parts.facts(
            [
                (say(look, "status.plan"), _plan(look, view)),
                (say(look, "status.plan-lacks"), _commands(look, view.lacking)),
                (say(look, "status.plan-refused"), _commands(look, view.refused)),
                (say(look, "status.plan-forbidden"), _forbidden(look, view)),
            ]
        ),
    )


def _plan(look: Look, view: PlanView) -> Safe:
    if view.names is None:
        return say(look, "status.plan-unknown", why=word(look, "status.why", view.trouble or "outage"))
    return join(map(escape, view.names)) or say(look, "status.plan-none")


def _commands(look: Look, names: Iterable[str]) -> Safe | None:
    named = [escape(f"/{name}") for name in names]
    if len(named) > SHOWN:
        return say(look, "status.plan-more", names=join(named[:SHOWN]), n=len(named) - SHOWN)
    return join(named) or None


def _forbidden(look: Look, view: PlanView) -> Safe | None:
    """The permissions that are not granted, each with what needs it."""
    lines = [
        say(look, "status.plan-permission", permission=permission, names=_commands(look, names) or "")
        for permission, names in view.forbidden.items()
    ]
    return join(lines) or None
