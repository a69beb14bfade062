"""Every failure as a card: what happened, and what to do next. `error_card` is the only way from an error to people."""

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from bot import errors
from bot.turn import Look, Shown
from cards import parts
from cards.choice import choice_card
from cards.elements import Action
from cards.text import Safe, escape, plain, plain_word, say, told, told_plain

ENTRA = "https://entra.microsoft.com"
ELSEWHERE = "_personal"
"""So the keys of texts end that say that something is shown in the personal chat alone."""


def error_card(look: Look, error: Exception, reference: str) -> Shown:
    """Show an error; `reference` is the id under which the log has it, empty where nothing was logged."""
    if isinstance(error, errors.Ambiguous):
        return _choice(look, error)
    if isinstance(error, errors.PersonError):
        return _person(look, error)
    if isinstance(error, errors.ServiceError):
        return _service(look, error, reference)
    return _ours(look, error, reference)


def _choice(look: Look, error: errors.Ambiguous) -> Shown:
    question = told(look, error.key, error.values, "choice.which")
    choices = [(_line(error.command, key), label, detail) for key, label, detail in error.choices]
    more = error.values.get("more", 0)
    return choice_card(look, question, choices, more if isinstance(more, int) else 0)


def _line(command: str, choice: str) -> str:
    """The line that a choice runs: whole already, or the id that follows the command."""
    return choice if choice.startswith(f"{command} ") else f"{command} {choice}"


def _person(look: Look, error: errors.PersonError) -> Shown:
    lines = [told(look, error.key, _worded(look, error), "error.other")]
    if usage := error.values.get("usage"):
        lines.append(say(look, "error.form", usage=str(usage)))
    title = {errors.UsageError: "error.title.usage", errors.NotAllowed: "error.title.not-allowed"}.get(type(error))
    if error.key.endswith(ELSEWHERE):
        title = "error.title.elsewhere"
    spoken = told_plain(look, error.key, {**error.values, **_plain_words(look, error)}, "error.other")
    grant = [parts.link(plain(look, "error.permission-page"), ENTRA)] if "permission" in error.values else []
    return parts.shown([parts.heading(say(look, title or "error.title.person"), *lines)], spoken, grant)


def _service(look: Look, error: errors.ServiceError, reference: str) -> Shown:
    service = plain_word(look, "service", error.service)
    lines = EXPLAINED.get(type(error), _refused)(look, error, service)
    body = [
        parts.heading(say(look, "error.title.service", service=service), *lines),
        _reference(look, reference),
    ]
    actions: list[Action | None] = []
    if isinstance(error, errors.MissingPermission):
        actions.append(parts.link(plain(look, "error.permission-page"), ENTRA))
    return parts.shown(body, plain(look, "error.title.service", service=service), actions)


def _throttled(look: Look, error: errors.Throttled, service: str) -> list[Safe]:
    if error.retry_after is None:
        return [say(look, "error.throttled-unknown", service=service)]
    return [say(look, "error.throttled", service=service, seconds=ceil(error.retry_after))]


def _unavailable(look: Look, error: errors.Unavailable, service: str) -> list[Safe]:
    return [say(look, "error.unavailable-sent" if error.sent else "error.unavailable", service=service)]


def _permission(look: Look, error: errors.MissingPermission, service: str) -> list[Safe]:
    del service  # the permission's name says whose it is
    if not error.permission:
        return [say(look, "error.permission-unknown")]
    return [say(look, "error.permission", permission=error.permission)]


def _plan(look: Look, error: errors.NotInPlan, service: str) -> list[Safe]:
    lines = [say(look, "error.plan")]
    if error.message:
        lines.append(say(look, "error.plan-said", service=service, message=escape(error.message, 300)))
    return lines


def _refused(look: Look, error: errors.ServiceError, service: str) -> list[Safe]:
    code = error.code or str(error.status or "")
    return [say(look, "error.refused", service=service, code=code, message=escape(error.message, 300))]


EXPLAINED: Mapping[type[errors.ServiceError], Callable[[Look, Any, str], list[Safe]]] = {
    errors.Throttled: _throttled,
    errors.Unavailable: _unavailable,
    errors.Unauthorised: lambda look, _, service: [say(look, "error.unauthorised", service=service)],
    errors.MissingPermission: _permission,
    errors.NotInPlan: _plan,
    errors.Barred: lambda look, _error, _service: [say(look, "error.barred")],
    errors.Missing: lambda look, _, service: [say(look, "error.missing", service=service)],
}
"""What is said of a service's failure; of all others, what the service itself said."""


def _ours(look: Look, error: Exception, reference: str) -> Shown:
    key = "error.unexpected"
    if isinstance(error, errors.Conflict):
        key = "error.conflict"
    elif isinstance(error, errors.StoreError):
        key = "error.store"
    title = "error.title.unexpected"
    body = [parts.heading(say(look, title), say(look, key)), _reference(look, reference)]
    return parts.shown(body, plain(look, title))


def _reference(look: Look, reference: str) -> Any:
    return parts.note(say(look, "error.reference", reference=reference)) if reference else None


def _worded(look: Look, error: errors.PersonError) -> dict[str, Any]:
    """The error's values, with states and roles as people read them."""
    return {**error.values, **{name: escape(text) for name, text in _plain_words(look, error).items()}}


def _plain_words(look: Look, error: errors.PersonError) -> dict[str, str]:
    found: dict[str, str] = {}
    if state := error.values.get("state"):
        found["state"] = plain_word(look, "state", str(state))
    if role := error.values.get("role"):
        found["role"] = plain_word(look, "role", getattr(role, "word", None) or str(role))
    return found
