"""How long a service asks to wait is bounded: no answer of its puts anything off for years or breaks a transition."""

import httpx
import pytest

from bot.http_errors import retry_after


@pytest.mark.parametrize("said", ["1e300", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "86400"])
def test_a_wait_is_an_hour_at_most(said):
    """A Retry-After of a day, of ages or beyond all dates counts as an hour."""
    assert retry_after(httpx.Response(429, headers={"Retry-After": said})) == 3600.0


@pytest.mark.parametrize("said", ["nan", "inf", "-1", "soon", "", "1e400"])
def test_a_wait_that_is_no_number_is_none(said):
    """What is no finite number or date counts as not said; a negative one as now."""
    assert retry_after(httpx.Response(429, headers={"Retry-After": said})) == (0.0 if said == "-1" else None)
