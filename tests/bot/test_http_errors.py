import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

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
from bot.http_errors import Progress, failure, no_answer, retry_after
from tests.bot.wire_help import error_body

SAMPLES = Path(__file__).parent / "samples"


def of(status: int, body: object = None, **headers: str) -> ServiceError:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    response = httpx.Response(status, content=content, headers=headers)
    return failure(response, service="defender", operation="isolate", permission="Machine.Isolate")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "BadRequest", Rejected),
        (400, "ODataError", Rejected),
        (400, "ActiveRequestAlreadyExists", Rejected),
        (401, "Unauthorized", Unauthorised),
        (403, "Forbidden", MissingPermission),
        (403, "Authorization_RequestDenied", MissingPermission),
        (403, "DisabledFeature", NotInPlan),
        (403, "DisallowedOperation", NotInPlan),
        (404, "ResourceNotFound", Missing),
        (405, "BadRequest", Rejected),
        (408, "Timeout", Unavailable),
        (409, "Conflict", Rejected),
        (410, "Gone", Rejected),
        (412, "PreconditionFailed", Rejected),
        (423, "Locked", Rejected),
        (429, "TooManyRequests", Throttled),
        (500, "InternalServerError", Unavailable),
        (502, "BadGateway", Unavailable),
        (503, "ServiceUnavailable", Unavailable),
        (504, "GatewayTimeout", Unavailable),
        (302, "Moved", Unavailable),
    ],
)
def test_each_status_has_its_class(status: int, code: str, kind: type[ServiceError]):
    """Status first, then code: every refusal becomes the class that callers ask about."""
    error = of(status, error_body(code))
    assert type(error) is kind
    assert (error.service, error.operation, error.status, error.code) == ("defender", "isolate", status, code)
    assert error.request_id == "43f4cb08-8fac-4b65-9db1-745c2ae65f3a"


def test_a_missing_permission_is_named():
    """An admin is told which permission to grant."""
    error = of(403, error_body("Forbidden"))
    assert isinstance(error, MissingPermission)
    assert error.permission == "Machine.Isolate"


@pytest.mark.parametrize(
    "message",
    ["The tenant has no LICENSE for this.", "Unlicensed", "The licence is missing", "Service not provisioned"],
)
def test_a_403_about_a_licence_is_about_the_plan(message: str):
    """Graph says Forbidden for a missing plan; only the text tells."""
    assert isinstance(of(403, error_body("Forbidden", message)), NotInPlan)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 302])
def test_a_failure_at_the_service_may_have_been_accepted(status: int):
    """After a 5xx nobody knows, so it counts as sent."""
    error = of(status)
    assert isinstance(error, Unavailable)
    assert error.sent


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_page_of_some_proxy_is_no_answer_of_the_service(status: int):
    """HTML in place of an error body must not read as `no such device` or `no permission`."""
    error = of(status, b"<html><body>Access denied</body></html>")
    assert isinstance(error, Unavailable)
    assert error.sent


def test_an_empty_body_still_has_its_status():
    """Some gateways of the service send no body with a refusal."""
    assert type(of(404)) is Missing
    assert type(of(403)) is MissingPermission
    assert type(of(401, b"<html>")) is Unauthorised


@pytest.mark.parametrize(
    "body", [[], "x", 3, {"error": "text"}, {"error": None}, {"error": {"code": 7, "message": []}}]
)
def test_odd_error_bodies_do_no_harm(body: object):
    """Nothing that stands in place of the error object breaks the mapping."""
    assert isinstance(of(500, body), Unavailable)
    assert isinstance(of(429, body), Throttled)


def test_the_documented_error_samples_are_read():
    """The bodies that the pages print give their code."""
    graph = json.loads((SAMPLES / "graph/error-429.json").read_text(encoding="utf-8"))
    error = of(429, graph, **{"Retry-After": "2.128"})
    assert isinstance(error, Throttled)
    assert (error.retry_after, error.code) == (2.128, "TooManyRequests")
    assert error.request_id == "94fb3b52-452a-4535-a601-69e0a90e3aa2"
    missing = json.loads((SAMPLES / "defender/error-resource-not-found.json").read_text(encoding="utf-8"))
    assert of(404, missing).code == "ResourceNotFound"
    invalid = json.loads((SAMPLES / "defender/error-invalid-request-body.json").read_text(encoding="utf-8"))
    assert of(400, invalid).code == "InvalidRequestBody"


def test_a_services_text_cannot_forge_log_lines():
    """Line breaks and endless text are cut out of what others wrote."""
    error = of(400, error_body("X", "one\r\ntwo\x1b[31m" + "z" * 5000))
    assert "\n" not in str(error)
    assert "\x1b" not in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("2.128", 2.128), ("-3", 0.0), ("", None), ("soon", None), ("nan", None), ("inf", None)],
)
def test_retry_after_is_read_with_care(text: str, seconds: float | None):
    """Whole and decimal seconds are read, nonsense is not."""
    assert retry_after(httpx.Response(429, headers={"Retry-After": text})) == seconds


def test_retry_after_may_be_a_date():
    """HTTP allows a date; one that has passed means at once."""
    now = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)
    later = httpx.Response(429, headers={"Retry-After": "Wed, 01 May 2024 12:00:30 GMT"})
    passed = httpx.Response(429, headers={"Retry-After": "Wed, 01 May 2024 11:00:30 GMT"})
    assert (retry_after(later, now), retry_after(passed, now)) == (30.0, 0.0)


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError("x"), False),
        (httpx.ConnectTimeout("x"), False),
        (httpx.PoolTimeout("x"), False),
        (httpx.UnsupportedProtocol("x"), False),
        (httpx.ReadTimeout("x"), True),
        (httpx.WriteTimeout("x"), True),
        (httpx.ReadError("x"), True),
        (httpx.WriteError("x"), True),
        (httpx.CloseError("x"), True),
        (httpx.RemoteProtocolError("x"), True),
        (httpx.LocalProtocolError("x"), True),
        (httpx.DecodingError("x"), True),
        (OSError("x"), True),
    ],
)
def test_only_failures_before_writing_are_certainly_not_sent(error: Exception, sent: bool):  # noqa: FBT001 - a table
    """Where a request was handed to the network, the failure's class decides whether it may have arrived."""
    mapped = no_answer(error, Progress(step="handed over"), service="defender", operation="isolate")
    assert mapped.sent is sent
    assert mapped.code == type(error).__name__


@pytest.mark.parametrize("step", ["waiting", "connecting", "refused"])
def test_a_request_that_was_never_written_was_not_sent(step: str):
    """The transport's own trace outweighs the failure's class."""
    progress = Progress(step=step)  # type: ignore[arg-type]
    assert not no_answer(httpx.ReadError("x"), progress, service="defender", operation="isolate").sent
