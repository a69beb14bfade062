"""What the Connector's answers mean in the words of bot.errors. Reference: teams-platform 5.2. Pure."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from bot.errors import Barred, Missing, Rejected, ServiceError, Throttled, Unauthorised, Unavailable
from bot.http_errors import Fault, read_fault, retry_after

_BY_STATUS: dict[int, type[ServiceError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorised,
    HTTPStatus.FORBIDDEN: Barred,
    HTTPStatus.NOT_FOUND: Missing,
    HTTPStatus.REQUEST_TIMEOUT: Unavailable,
    HTTPStatus.PRECONDITION_FAILED: Throttled,  # others write to the conversation at this moment
    HTTPStatus.TOO_MANY_REQUESTS: Throttled,
}
_OUR_MISTAKE = frozenset({"InvalidBotApiHost"})  # a 403 that says nothing about the conversation
_TRUE_OF_ANY_PAGE = frozenset(
    {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.TOO_MANY_REQUESTS}
)


def error_of(operation: str, answer: httpx.Response, now: datetime) -> ServiceError:
    """The error that an answer other than 2xx stands for."""
    fault = read_fault(answer)
    foreign = fault is None and bool(answer.content)
    fault = fault or Fault()
    kind = _kind(answer.status_code, fault.code, foreign=foreign)
    more: dict[str, Any] = {"status": answer.status_code, "code": fault.code, "message": fault.message}
    if kind is Throttled:
        more["retry_after"] = retry_after(answer, now)
    return kind("teams", operation, **more)


def _kind(status: int, code: str, *, foreign: bool) -> type[ServiceError]:
    """The class for a status. `foreign`: some proxy wrote the page, and must not end a subscription with a 403."""
    if foreign and status not in _TRUE_OF_ANY_PAGE:
        return Unavailable
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable
    return Rejected if code in _OUR_MISTAKE else _BY_STATUS.get(status, Rejected)
