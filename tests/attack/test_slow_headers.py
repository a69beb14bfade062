"""Connections that never finish their request do not stay."""

import asyncio

import pytest
from aiohttp import web

from bot.app import listening

STARTS = {
    "nothing": b"",
    "half the headers": b"POST /api/messages HTTP/1.1\r\nHost: bot\r\n",
    "half the headers of a second request": b"GET / HTTP/1.1\r\nHost: bot\r\n\r\nGET / HTTP/1.1\r\nHost: bot\r\n",
}


@pytest.mark.parametrize("start", STARTS)
async def test_headers_without_end_are_not_waited_for(start):
    """However slowly headers go on, the connection is closed after its time; the answers before that came."""
    async with listening(web.Application(), "127.0.0.1", 0, idle=0.4) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(STARTS[start])

        async def drip() -> None:
            while start != "nothing":
                await asyncio.sleep(0.1)
                writer.write(b"X-More: 1\r\n")

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(10):
            answered = await reader.read()
        assert answered.count(b"HTTP/1.1 404") == ("second" in start)
        dripping.cancel()
        writer.close()
