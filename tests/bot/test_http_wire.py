import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.errors import Rejected, ServiceError, Unavailable
from bot.http import Api, new_client
from tests.bot.wire_help import CHANGE, FixedToken


@asynccontextmanager
async def listening(answer: bytes | None, *, read: bool = True) -> AsyncIterator[str]:
    """A raw server at loopback: reads a request, then writes the answer and closes (None: stays silent)."""
    over = asyncio.Event()
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if read:
            await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            await over.wait()
        else:
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        await asyncio.gather(*served, return_exceptions=True)
        server.close()
        await server.wait_closed()


async def real_failure(base: str, seconds: float = 5.0) -> ServiceError:
    async with new_client() as client:
        made = Api(client, base_url=base, auth=FixedToken(), customer="contoso")
        with pytest.raises(ServiceError) as caught:
            await made.call(CHANGE, ids={"id": "x"}, seconds=seconds)
        return caught.value


async def test_over_the_wire_a_refused_connection_means_not_sent():
    """Nobody listens: the real transport's failure is certain."""
    async with listening(b"") as base:
        pass
    error = await real_failure(base)
    assert isinstance(error, Unavailable)
    assert not error.sent


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"])
async def test_over_the_wire_a_connection_that_breaks_after_writing_is_ambiguous(answer: bytes):
    """The peer read the request and hung up, before or within its answer."""
    async with listening(answer) as base:
        error = await real_failure(base)
    assert isinstance(error, Unavailable)
    assert error.sent


async def test_over_the_wire_silence_until_the_deadline_is_ambiguous():
    """The trace shows that the request was written, so it may have been accepted."""
    async with listening(None) as base:
        error = await real_failure(base, seconds=0.2)
    assert isinstance(error, Unavailable)
    assert (error.sent, error.code) == (True, "deadline")


async def test_over_the_wire_a_handshake_that_never_ends_means_not_sent():
    """The connection stands but TLS does not: the trace shows that no request was written when time ran out."""
    async with listening(None, read=False) as base:
        error = await real_failure(base.replace("http://", "https://"), seconds=0.2)
    assert isinstance(error, Unavailable)
    assert (error.sent, error.code) == (False, "deadline")
    with warnings.catch_warnings():  # httpcore leaves the socket of a cancelled handshake to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def test_a_real_answer_arrives():
    """The same client reads a proper answer."""
    answer = b'HTTP/1.1 400 Bad Request\r\nContent-Length: 46\r\n\r\n{"error":{"code":"InvalidInput","message":"."}}'
    async with listening(answer.replace(b"46", str(len(answer.split(b"\r\n\r\n")[1])).encode())) as base:
        error = await real_failure(base)
    assert isinstance(error, Rejected)
    assert error.code == "InvalidInput"
