"""How responses to a user are carried out in Graph (graph-api.md section 4) and read back there.

Nothing that Graph keeps of them carries our mark. So what is in force, whoever brought it about, counts as done; a new
password alone cannot be read back, and a lost answer stays unknown until a person has it set again.
"""

import secrets
import string
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from bot.errors import Missing, MissingPermission, RoleTooLow
from bot.graph.client import Graph
from bot.graph.people.models import ROLES, RiskyUser
from bot.responses.declared import Call, How, Remote
from bot.responses.how import setting
from bot.responses.models import Request, Work

ADMIN = "user-roles"
"""The key of the fact in a request's evidence that names the target's directory roles, if there are any."""
HIGH_ENOUGH = ROLES["7be44c8a-adaf-4e2a-84d6-ab2649e08a13"]
"""The directory role that the app needs where the target is an administrator (graph-api 4.2)."""
GONE, RENAMED = "trouble.user_gone", "trouble.user_renamed"
PROCESSING = "isProcessing"
RISK_SETTLES = timedelta(hours=1)
"""For how long Identity Protection may show a user as before; the pages say that it takes a while, not how long."""
_LENGTH = 32
_SORTS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.!*+=")

Holds = Callable[[Remote, Request], Awaitable[bool | None]]


async def same_user(remote: Remote, request: Request) -> tuple[str, dict[str, str]]:
    """Whether the user is still there, under the name that people decided on."""
    try:
        user = await remote.graph.user(request.target.id)
    except Missing:
        return GONE, {"name": request.target.name}
    if user.name.casefold() != request.target.name.casefold():
        return RENAMED, {"name": request.target.name, "now": user.name}
    return "", {}


def sign_in(*, enabled: bool) -> How:
    """Sign-in is blocked or allowed; `accountEnabled` says which."""

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        with _sensitive(request):
            await remote.graph.set_account_enabled(request.target.id, enabled=enabled)
        return Work(kind="accountEnabled")

    async def holds(remote: Remote, request: Request) -> bool | None:
        found = (await remote.graph.user(request.target.id)).account_enabled
        return None if found is None else found is enabled

    return _of_user(setting(send, holds, needs=(Graph.user,)))


def sessions_ended() -> How:
    """Sessions are ended; the moment from which they count again says so, where Graph shows it."""

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        await remote.graph.revoke_sessions(request.target.id)
        return Work(state="succeeded", kind="signInSessions")

    async def holds(remote: Remote, request: Request) -> bool | None:
        valid_from = (await remote.graph.user(request.target.id)).sign_in_sessions_valid_from_date_time
        if valid_from is None or request.attempt is None:
            return None
        return valid_from >= request.attempt.began.replace(microsecond=0)

    return _of_user(setting(send, holds, needs=(Graph.user,)))


def password_replaced() -> How:
    """The password becomes one that nobody knows; that cannot be read back, so the service's answer is all there is."""

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        with _sensitive(request):
            await remote.graph.set_password(request.target.id, nobodys_password())
        return Work(state="succeeded", kind="passwordProfile", ours=True)

    async def find(_remote: Remote, _request: Request) -> list[Work]:
        return []

    return _of_user(How(send=send, find=find))


def risk_judged(call: Callable[[Graph, str], Awaitable[None]], state: str) -> How:
    """An administrator's word on a user's risk, which Identity Protection takes in after a while (`isProcessing`)."""

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        await call(remote.graph, request.target.id)
        return Work(status=PROCESSING, kind="riskyUser", ours=True)

    async def find(remote: Remote, request: Request) -> list[Work]:
        user = await remote.graph.risky_user(request.target.id)
        found = _standing(user, state)
        return [found] if found else []

    async def look(remote: Remote, request: Request) -> Work:
        user = await remote.graph.risky_user(request.target.id)
        return _standing(user, state) or Work(status=(user.risk_state if user else None) or "", kind="riskyUser")

    return _of_user(How(send=send, find=find, look=look, settles=RISK_SETTLES, needs=(Graph.risky_user,)))


def _standing(user: RiskyUser | None, wanted: str) -> Work | None:
    """What Identity Protection is doing with the user, or that it stands as wanted; None where neither is so."""
    if user is None:
        return None
    at, status = user.risk_last_updated_date_time, user.risk_state or ""
    if user.is_processing:
        return Work(status=PROCESSING, kind="riskyUser", at=at)
    return Work(status=status, state="succeeded", kind="riskyUser", at=at, same=True) if user.state == wanted else None


def nobodys_password() -> str:
    """A password that is sent once and kept nowhere: letters, digits and signs, each sort at least once."""
    letters = [secrets.choice(sort) for sort in _SORTS]
    letters += [secrets.choice("".join(_SORTS)) for _ in range(_LENGTH - len(letters))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


def _of_user(how: How) -> How:
    """The same, and nothing is sent where the user is gone or has another name; of one who is gone nothing is found."""

    async def find(remote: Remote, request: Request) -> Sequence[Work]:
        try:
            return await how.find(remote, request)
        except Missing:
            return []

    needs: tuple[Call, ...] = tuple(dict.fromkeys((*how.needs, Graph.user)))
    return replace(how, find=find, still=same_user, needs=needs)


@contextmanager
def _sensitive(request: Request) -> Iterator[None]:
    """Where the target is known to be an administrator, a 403 is about the app's role: the permission is not enough."""
    try:
        yield
    except MissingPermission as error:
        facts = request.evidence.facts if request.evidence else ()
        if not any(fact.key == ADMIN for fact in facts):
            raise
        raise RoleTooLow(
            error.service,
            error.operation,
            role=HIGH_ENOUGH,
            permission=error.permission,
            status=error.status,
            code=error.code,
            message=error.message,
            request_id=error.request_id,
        ) from error
