"""HTTP/1.1 by hand, so that the load process costs little: a server for the fakes and a client that waits its turn."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Reply = Callable[[int, bytes], None]
_END = b"\r\n\r\n"
_BEARER = re.compile(rb"\r\nauthorization: bearer ([^\r]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """A request: the path with its query, the head, the body."""

    method: str
    path: str
    head: bytes
    body: bytes

    @property
    def bearer(self) -> str:
        """The token it shows, or an empty text."""
        found = _BEARER.search(self.head)
        return found[1].decode() if found else ""


Answer = Callable[[Asked, Reply], None]


class Wire(asyncio.Protocol):
    """Cuts what arrives into messages: a head and as much body as it announces (no chunks)."""

    transport: Any = None

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (cut := self._buffer.find(_END)) >= 0:
            head = self._buffer[:cut]
            ends = cut + len(_END) + announced(head.lower())
            if len(self._buffer) < ends:
                return
            body, self._buffer = self._buffer[cut + len(_END) : ends], self._buffer[ends:]
            self.message(head, body)

    def message(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


def announced(head: bytes) -> int:
    """The bytes of body that a head in lower case announces."""
    if b"transfer-encoding: chunked" in head:
        raise ValueError("chunks are not read here")
    _, found, rest = head.partition(b"\r\ncontent-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


class Door(Wire):
    """One connection to a fake."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def message(self, head: bytes, body: bytes) -> None:
        method, path, _ = head.partition(b"\r\n")[0].decode().split(" ", 2)
        self._answer(Asked(method, path, head, body), self._reply)

    def _reply(self, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)


class Line(Wire):
    """One connection to a bot: a request at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: asyncio.Future[tuple[int, bytes]] | None = None

    def message(self, head: bytes, body: bytes) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_result((int(head[9:12]), body))

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(error or ConnectionResetError("the bot closed the connection"))

    async def post(self, head: bytes, body: bytes) -> tuple[int, bytes]:
        """Send a POST whose head ends before `Content-Length`; returns status and body."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body))
        return await self._waiting


async def line_to(port: int) -> Line:
    """A connection to this machine's port."""
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return line


def head_of(port: int, path: str, token: str) -> bytes:
    """A request's head, up to the length of its body."""
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json; charset=utf-8",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()
