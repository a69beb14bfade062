"""The lean way of the HTTP client: what goes out and comes back is what httpx says, and so is what went wrong."""

import asyncio
import gzip
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.http import new_client
from bot.http_errors import CERTAINLY_NOT_SENT, Progress
from bot.transport import LEAN

ANSWER = b'HTTP/1.1 201 Created\r\nContent-Length: 10\r\nSet-Cookie: who=one\r\n\r\n{"id":"m"}'


class Peer:
    """A server that answers each request with the next of `answers` (None: it closes), and keeps what came."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.heads = []
        self.bodies = []
        self.connections = 0
        self.close_after = False
        self.url = ""
        self.writers = []

    async def serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.heads.append(head.decode())
                self.bodies.append(await reader.readexactly(size))
                answer = self.answers.pop(0)
                if answer is None:
                    break
                if answer:
                    writer.write(answer)
                if self.close_after:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def peer(*answers):
    one = Peer(*answers)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield one
    finally:
        server.close()
        for writer in one.writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in one.writers), return_exceptions=True)


@pytest.fixture
async def http():
    async with new_client(proxies=False) as client:
        yield client


async def post(http, url, progress=None, **more):
    progress = progress or Progress()
    extensions = {"progress": progress, "trace": progress.note, **LEAN}
    return await http.post(url, content=b'{"a":1}', extensions=extensions, **more)


async def test_what_is_sent_and_answered_is_unchanged(http):
    """Address, headers and body arrive as they were given, and the answer has its status, headers and body."""
    async with peer(ANSWER) as one:
        answer = await post(http, f"{one.url}/v3/19%3Ax%40y%3Bz%3D1/a?b=%2Fc", headers={"Authorization": "Bearer t"})
        assert (answer.status_code, answer.json(), answer.headers["Set-Cookie"]) == (201, {"id": "m"}, "who=one")
        assert one.heads[0].startswith("POST /v3/19%3Ax%40y%3Bz%3D1/a?b=%2Fc HTTP/1.1\r\n")
        assert "\r\nauthorization: bearer t\r\n" in one.heads[0].lower()
        assert one.heads[0].lower().count("\r\ncontent-length: 7\r\n") == 1
        assert one.bodies == [b'{"a":1}']


async def test_connections_are_used_again_and_cookies_are_not(http):
    """One connection serves many requests; what the service set for one does not go along with the next."""
    async with peer(ANSWER, ANSWER) as one:
        await post(http, one.url)
        await post(http, one.url)
        assert one.connections == 1
        assert "cookie" not in one.heads[1].lower()


async def test_the_usual_way_takes_no_cookies_either(http):
    """Customers share the client: a cookie of one never goes along for another."""
    async with peer(ANSWER, ANSWER) as one:
        await http.post(one.url, content=b"{}")
        await http.post(one.url, content=b"{}")
        assert "cookie" not in one.heads[1].lower()


async def test_a_redirect_is_an_answer(http):
    """Nothing follows it, so no token does."""
    async with peer(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n") as one:
        assert (await post(http, one.url)).status_code == 302
        assert len(one.heads) == 1


async def test_a_packed_answer_is_unpacked(http):
    """The body of a gzip answer reads as it was."""
    packed = gzip.compress(b'{"id":"m"}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with peer(head + packed) as one:
        assert (await post(http, one.url)).json() == {"id": "m"}


async def test_a_refused_connection_was_certainly_not_sent(http):
    """Nobody listens: an error of those after which a POST may be repeated."""
    async with peer() as one:
        url = one.url
    progress = Progress()
    with pytest.raises(CERTAINLY_NOT_SENT):
        await post(http, url, progress)
    assert not progress.sent


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, httpx.RemoteProtocolError),
        (b"", httpx.ReadTimeout),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", httpx.ReadTimeout),
        (b"nonsense\r\n\r\n", httpx.TransportError),
    ],
    ids=["closed", "silent", "half", "no HTTP"],
)
async def test_what_breaks_after_the_request_was_written_may_have_been_sent(http, answer, error):
    """Closed, silent, half an answer or none at all: ambiguous, never one of those that were certainly not sent."""
    progress = Progress()
    async with peer(answer) as one:
        with pytest.raises(error) as broken:
            await post(http, one.url, progress, timeout=0.3)
    assert not isinstance(broken.value, CERTAINLY_NOT_SENT)
    assert progress.sent
    assert broken.value.__context__ is None or broken.value.__suppress_context__


async def test_no_connection_free_was_certainly_not_sent():
    """Where all connections are taken for too long, the request was not written."""
    async with new_client(proxies=False) as http, peer(*([b""] * 200)) as one:
        others = [asyncio.create_task(post(http, one.url, timeout=httpx.Timeout(30))) for _ in range(100)]
        while len(one.heads) < len(others):  # noqa: ASYNC110 - the peer has no event for that many
            await asyncio.sleep(0.01)
        progress = Progress()
        with pytest.raises(CERTAINLY_NOT_SENT):
            await post(http, one.url, progress, timeout=httpx.Timeout(30, connect=0.1, pool=0.1))
        assert not progress.sent
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def test_a_connection_that_the_peer_closed_is_not_used_again(http):
    """After the answer the peer closes: the next request has a new connection and its answer."""
    async with peer(ANSWER, ANSWER) as one:
        one.close_after = True
        await post(http, one.url)
        await asyncio.sleep(0.05)
        assert (await post(http, one.url)).status_code == 201
        assert one.connections == 2
