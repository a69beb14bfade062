"""Logs: ids to follow, and nothing that names a person or quotes what came from outside."""

import logging
from io import StringIO

import structlog
from structlog.testing import capture_logs

from bot.errors import Throttled
from bot.logs import PlainFormatter, exceptions_without_text, followed, new_correlation, places

log = structlog.get_logger()


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_an_exception_is_told_by_its_classes_and_places():
    """The text of a foreign exception, and of its cause, may quote anything and is left out."""
    said = places(raised(ValueError("WS-01 of Megan"), raised(KeyError("bearer abc"))))
    assert [line for line in said if not line.startswith(" ")] == ["ValueError", "KeyError"]
    assert all("test_logs.py:" in line for line in said if line.startswith(" "))


def test_an_error_of_ours_says_what_it_is_without_the_services_sentence():
    """Service, operation, status and code are said; the service's own sentence may name people."""
    error = Throttled("graph", "list incidents", status=429, code="TooMany", message="slow down, Megan")
    assert places(raised(error))[0] == "Throttled: graph list incidents: 429 TooMany"
    assert error.message == "slow down, Megan"


def test_the_processor_replaces_what_structlog_would_print():
    """All forms of `exc_info` end as places."""
    error = raised(ValueError("secret"))
    for given in (error, (ValueError, error, error.__traceback__)):
        event = exceptions_without_text(None, "", {"event": "x", "exc_info": given})
        assert event["raised"][0] == "ValueError"
        assert "secret" not in str(event)
    assert exceptions_without_text(None, "", {"event": "x"}) == {"event": "x"}


def test_lines_inside_carry_the_correlation_and_lines_after_do_not():
    """Whatever is logged while something is followed can be found by its id."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        with followed("turn", "WK-1", turn="7"):
            log.info("inside")
        log.info("outside")
    assert lines[0]["correlation"] == "WK-1"
    assert lines[0]["turn"] == "7"
    assert "correlation" not in lines[1]


def test_fresh_correlations_differ():
    """Two turns are never taken for one."""
    assert new_correlation("turn") != new_correlation("turn")


def test_lines_of_other_libraries_lose_the_text_of_their_exceptions():
    """Other libraries log with exc_info too, and their exceptions may quote a request."""
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(PlainFormatter("%(levelname)s %(name)s %(message)s"))
    logger = logging.Logger("foreign")  # noqa: LOG001 - one that nobody else has
    logger.addHandler(handler)
    logger.error("failed", exc_info=raised(ValueError("bearer abc")))
    assert "ValueError" in out.getvalue()
    assert "bearer" not in out.getvalue()
