"""Bytes on the public port that are no HTTP: refused, without a trace of them in the log."""

import asyncio
import logging

import pytest

HEAD = b"POST /api/messages HTTP/1.1\r\nHost: x\r\n"
REST = b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
BODIES = {
    "a control character in the token": HEAD + b"Authorization: Bearer eyJhbGciOi.secret\x01.x\r\n" + REST,
    "a header of 70 kB": HEAD + b"Authorization: Bearer eyJhbGciOi" + b"a" * 70_000 + b"\r\n" + REST,
    "two lengths": HEAD + b"Authorization: Bearer eyJhbGciOi\r\nContent-Length: 3\r\n" + REST,
    "length and chunks": HEAD + b"Authorization: Bearer eyJhbGciOi\r\nTransfer-Encoding: chunked\r\n" + REST,
    "a negative length": HEAD + b"Content-Length: -5\r\n\r\n",
    "a broken first line": b"POST /api/messages?eyJhbGciOi HTTP/9\r\n\r\n",
    "no ASCII in the token": HEAD + b"Authorization: Bearer eyJhbGciOi\xff\xc3\xa9\r\n" + REST,
}


@pytest.mark.parametrize("name", BODIES)
async def test_what_is_no_http_is_refused_in_silence(stage, name, caplog):
    """Each is a 4xx; nothing of what was sent, which may be somebody's token, is logged."""
    with caplog.at_level(logging.DEBUG, logger="aiohttp"):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.rpartition(":")[2]))
        writer.write(BODIES[name])
        answer = await asyncio.wait_for(reader.read(2000), 5)
        writer.close()
    assert answer.split()[1].startswith(b"4"), answer
    assert "eyJ" not in caplog.text
    assert "Traceback" not in caplog.text
