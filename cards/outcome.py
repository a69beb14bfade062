"""What a service said that a response came to, in small facts: before and after, an exit code, an error."""

from bot.responses.models import Request
from bot.turn import Look
from cards import parts
from cards.elements import Action, Container
from cards.text import Safe, escape, known, plain, say, word

LIVE = "live"
"""The family of responses that leave output on Defender's side."""
LONGEST = 300


def outcome_section(look: Look, request: Request) -> Container | None:
    """The facts that the catalogue has a label for, in the order in which they were told; None where there are none."""
    told = [
        (say(look, f"result.{key}"), _value(look, key, value))
        for key, value in request.result.items()
        if known(f"result.{key}")
    ]
    if not told:
        return None
    from_device = any(key.startswith("script-") for key in request.result)
    note = parts.note(say(look, "outcome.from-device")) if from_device else None
    return parts.section(say(look, "outcome.title"), *parts.labelled(look, told), note)


def output_button(look: Look, request: Request) -> Action | None:
    """Show what a session left; the bot checks who may see it, and shows it in the personal chat alone."""
    ran = request.attempt is not None and bool(request.attempt.action)
    if request.family != LIVE or not (request.final and ran and request.sent_at) or request.response == "put-file":
        return None
    title = "output.get" if request.response == "get-file" else "output.show"
    return parts.run(plain(look, title), f"output {request.id}", request.id)


def _value(look: Look, key: str, value: str) -> Safe:
    special = f"result.{key}.{value.casefold()}"
    if known(special):
        return say(look, special)
    return word(look, "livecommand", value) if key == "live-command" else escape(value, LONGEST)
