"""The end of a process: all parts are closed, none is waited for longer than there is time."""

import asyncio
import logging
import subprocess
import sys

import pytest
import structlog
from aiohttp import web

from bot.app import listening
from bot.ending import LEAST, Ending


async def test_what_hangs_is_left_behind_and_the_others_are_closed():
    """A part that never closes costs the time that there is, one that fails nothing; each other is closed."""
    ending, closed = Ending(0.3), []

    async def hang() -> None:
        await asyncio.Event().wait()

    async def fail() -> None:
        raise OSError("gone")

    async def close() -> None:
        closed.append("well")

    async with asyncio.timeout(5):
        with structlog.testing.capture_logs() as logs:
            for work in (hang, fail, close):
                await ending.finish(work.__name__, work)
    assert [(entry["event"], entry["part"]) for entry in logs] == [
        ("not_closed_in_time", "hang"),
        ("not_closed", "fail"),
    ]
    assert closed == ["well"]


async def test_the_time_begins_once_and_leaves_each_a_little():
    """Who asks first begins it; a reserve is kept for others; in the end each still gets a moment."""
    ending = Ending(2.0)
    assert not ending.begun
    assert 0.9 < ending.left(1.0) <= 1.0
    assert ending.begun
    assert ending.left(5.0) == LEAST


def test_a_process_that_does_not_let_go_is_ended():
    """Though the main thread is caught, the process ends in time, with exit code 0."""
    words = "import time; from bot.ending import end_for_sure; end_for_sure(0.2); time.sleep(60)"
    done = subprocess.run([sys.executable, "-c", words], timeout=30, check=False, capture_output=True)
    assert done.returncode == 0
    assert b"ended_by_force" in done.stdout


@pytest.mark.parametrize(("error", "told"), [(asyncio.InvalidStateError(), False), (KeyError(), True)], ids=repr)
async def test_what_the_server_waited_for_too_briefly_is_no_error(caplog, error, told):
    """At the end aiohttp may stop waiting before the work is over, and trips over its own wait: no fault of ours."""
    async with listening(web.Application(), "127.0.0.1", 0):
        logging.getLogger("aiohttp.server").error("Unhandled exception", exc_info=error)
    assert bool(caplog.records) == told
