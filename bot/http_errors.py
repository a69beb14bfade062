"""What an answer, or the lack of one, means in the words of bot.errors."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Literal

import httpx

from bot.errors import (
    Missing,
    MissingPermission,
    NotInPlan,
    Rejected,
    ServiceError,
    Throttled,
    Unauthorised,
    Unavailable,
)

_PLAN_CODES = frozenset({"disabledfeature", "disallowedoperation"})
_PLAN_WORDS = re.compile(r"licen[cs]|not provisioned|subscription|service plan", re.IGNORECASE)
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")
_APPROVAL_WORDS = re.compile(r"multi.?admin.?approval|x-msft-approval", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_LONGEST_MESSAGE = 300
_LONGEST_WAIT = 3600.0  # seconds: whoever is told to wait for longer asks again after this
_CLASSES: Mapping[int, type[ServiceError]] = {
    HTTPStatus.FORBIDDEN: NotInPlan,
    HTTPStatus.NOT_FOUND: Missing,
    HTTPStatus.REQUEST_TIMEOUT: Unavailable,
}
NEEDS_APPROVAL = "MultiAdminApproval"
"""The code of a `Rejected` by which Intune says that a second administrator must agree there first."""
CERTAINLY_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Failures that come before a request is written. Write and protocol errors do not belong here: a reused or an
HTTP/2 connection can break after the service has read the request."""


@dataclass
class Progress:
    """How far one request came, so that a failure can say whether the service may have seen it.

    It travels in the request's extensions; `note` is httpcore's trace hook. A transport that does not trace (one made
    for a test) goes from `waiting` to `handed over`, which counts as sent unless the failure's class denies it.
    """

    step: Literal["waiting", "connecting", "handed over", "written", "refused"] = "waiting"

    async def note(self, event: str, _info: Mapping[str, Any]) -> None:
        """Take down that the transport began to write the request."""
        if event.endswith("send_request_headers.started"):
            self.step = "written"

    @property
    def sent(self) -> bool:
        """Whether the service may have accepted the request; a 401 or 429 is an answer that says it did not."""
        return self.step in {"handed over", "written"}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The parts of an error body that matter (section 3 of defender-api.md, section 2.4 of graph-api.md)."""

    code: str = ""
    message: str = ""
    request_id: str = ""


def plain(text: Any) -> str:
    """A service's text on one line, without control characters, of bounded length; empty for anything but text."""
    return _CONTROL.sub(" ", text).strip()[:_LONGEST_MESSAGE] if isinstance(text, str) else ""


def retry_after(response: httpx.Response, now: datetime | None = None) -> float | None:
    """Seconds to wait as the header says (a number, or a date), an hour at most; None where absent or unreadable."""
    text = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(0.0, seconds), _LONGEST_WAIT) if math.isfinite(seconds) else None


def read_fault(response: httpx.Response) -> Fault | None:
    """The error object of the body; None where the body holds none (a proxy's page, nothing at all)."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return None
    inner = error.get("innerError") or error.get("innererror")
    named = inner.get("request-id") if isinstance(inner, dict) else None
    return Fault(
        code=plain(error.get("code")),
        message=plain(error.get("message")),
        request_id=plain(error.get("target") or named or response.headers.get("request-id")),
    )


def failure(response: httpx.Response, *, service: str, operation: str, permission: str) -> ServiceError:
    """What an answer outside 2xx means. The one place where status codes become errors."""
    status = response.status_code
    fault = read_fault(response)
    foreign = fault is None and bool(response.content)
    fault = fault or Fault(request_id=plain(response.headers.get("request-id")))
    more: dict[str, Any] = {"status": status, **asdict(fault)}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(service, operation, retry_after=retry_after(response), **more)
    if status == HTTPStatus.FORBIDDEN and _APPROVAL_WORDS.search(fault.message):
        return Rejected(service, operation, **{**more, "code": NEEDS_APPROVAL})
    if status == HTTPStatus.FORBIDDEN and not foreign and not _names_plan(fault):
        return MissingPermission(service, operation, permission=permission, **more)
    return _class_of(status, foreign=foreign)(service, operation, **more)


def _names_plan(fault: Fault) -> bool:
    """Whether a 403 is about the tenant's plan or settings and not about our permissions."""
    return fault.code.lower() in _PLAN_CODES or bool(_PLAN_WORDS.search(fault.message))


def _class_of(status: int, *, foreign: bool) -> type[ServiceError]:
    """The class for a status. `foreign`: some proxy wrote the page, so the service said nothing about the call."""
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthorised
    if foreign or not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable
    return _CLASSES.get(status, Rejected)


def no_answer(error: Exception, progress: Progress, *, service: str, operation: str) -> Unavailable:
    """What a failed exchange means; only the error's class is named, for its text may hold an address."""
    certain = isinstance(error, CERTAINLY_NOT_SENT) or not progress.sent
    return Unavailable(service, operation, sent=not certain, code=type(error).__name__)


def unreadable(service: str, operation: str, message: str = "", *, status: int | None = 200) -> Unavailable:
    """A 2xx whose body is not what the page promises: the call may well have been carried out."""
    return Unavailable(service, operation, sent=True, status=status, code="unreadable", message=message)


def read_object(
    response: httpx.Response, *, service: str, operation: str, empty: frozenset[int] = frozenset()
) -> dict[str, Any]:
    """The JSON object of a 2xx answer; raises `Unavailable` where there is none.

    With a status of `empty` an answer without a body is as good: all it holds is then the `Location`, if there is one.
    It also raises for a 206, by which Graph says that a provider behind it failed (graph-api.md section 2.4): what is
    missing there must neither read as "nothing" nor be passed over by a poll's watermark.
    """
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        warning = plain(response.headers.get("Warning"))
        raise Unavailable(service, operation, sent=True, status=response.status_code, code="partial", message=warning)
    if response.status_code in empty and not response.content:
        location = response.headers.get("Location")
        return {"Location": location} if location else {}
    try:
        body = json.loads(response.content)
        if _HALVES.search(response.content):
            body = _whole(body)
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    raise unreadable(service, operation, "no JSON object", status=response.status_code)


def _whole(value: Any) -> Any:
    """The same without halves of surrogate pairs: text with one can be neither kept nor sent on."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {_whole(name): _whole(one) for name, one in value.items()} if isinstance(value, dict) else value
