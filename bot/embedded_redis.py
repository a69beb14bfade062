"""A real Redis for `run`, on a Unix socket, with its data in DATA_DIR: nothing is lost, and never are there two.

Two locks stand in its folder. `run.lock` is held by this process: one `run` for one folder. `server.lock` is inherited
by the server and so held for exactly as long as the server lives, whatever became of the process that started it. Who
gets that lock may start a server; who does not, adopts the one that lives.
"""

import asyncio
import fcntl
import hashlib
import os
import stat
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.redis_binary import NoRedisError, find

SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107
START_TIMEOUT = 60.0  # seconds, for the loading of a long history
STOP_TIMEOUT = 15.0
ANSWER_TIMEOUT = 5.0
POLL = 0.05
WATCH = 1.0
PRIVATE = 0o700
NEWER_FORMAT = ("appendonlydir", 7)  # from that version on the data stands there, where an older Redis does not look

log = structlog.get_logger()


class EmbeddedRedis:
    """The server for one data folder. `url` is known at once; `adopted` says that it was already running.

    Raises NoRedisError where it cannot be started; its text says what to do.
    """

    def __init__(self, data_dir: Path, *, start_timeout: float = START_TIMEOUT) -> None:
        self.folder = data_dir.resolve() / "redis"
        self.adopted = False
        self._start_timeout = start_timeout
        self._tools = data_dir.resolve() / ".tools"
        self._socket = _socket_name(self.folder)
        self._run_lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for redis-py."""
        return f"unix://{quote(str(self._socket))}"

    async def __aenter__(self) -> Self:
        """Start or adopt; see `start`."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; see `stop`."""
        await self.stop()

    async def start(self) -> None:
        """Adopt the folder's living server or start one, and wait until its data is loaded."""
        try:
            self.folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            self.folder.chmod(PRIVATE)
            self._socket = _socket_path(self.folder)
        except OSError as failure:
            raise NoRedisError(
                f"The folder {self.folder} cannot be used ({failure.strerror}): choose DATA_DIR=..."
            ) from None
        self._run_lock = _locked(self.folder / "run.lock")
        if self._run_lock is None:
            raise NoRedisError(
                f"Another run uses {self.folder.parent}. Stop it with Ctrl-C, or choose another folder: "
                "make run DATA_DIR=.data2 (and other ports)."
            )
        try:
            await self._start_or_adopt()
        except BaseException:
            if self._process:
                self._process.kill()
                self._process.wait()
            self._release()
            raise

    async def stop(self) -> None:
        """Shut the server down, adopted or not, and wait until it is gone. What was written is on the disk already."""
        if self._run_lock is None:
            return
        try:
            await self._ask(lambda client: client.shutdown())
            ended = await self._gone()
            if self._process:
                if not ended:
                    self._process.kill()
                await asyncio.to_thread(self._process.wait)
        finally:
            self._release()

    async def keep(self) -> None:
        """For ever: start the server again where it ended without being asked; where that fails, again and again."""
        while True:
            await asyncio.sleep(WATCH)
            if (lock := _locked(self.folder / "server.lock")) is not None:
                os.close(lock)
                if self._process:
                    self._process.wait()
                self._process = None
                try:
                    await self._start_or_adopt()
                except NoRedisError as error:
                    log.warning("redis.not_started", reason=str(error))

    async def _start_or_adopt(self) -> None:
        try:
            async with asyncio.timeout(self._start_timeout):
                while not await self._serves_this_folder():
                    if self._process and self._process.poll() is not None:
                        raise NoRedisError(f"Redis ended at once; its last words stand in {self.folder / 'redis.log'}.")
                    if self._process is None and (lock := _locked(self.folder / "server.lock")) is not None:
                        self._launch(lock)
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise NoRedisError(f"Redis does not answer; see {self.folder / 'redis.log'} for the reason.") from None
        self.adopted = self._process is None

    def _launch(self, lock: int) -> None:
        """Start the server in a session of its own, so that Ctrl-C reaches us first; it inherits the lock."""
        try:
            program = find(self._tools)
            _refuse_older(program, self.folder)
            options = {
                "port": "0",
                "unixsocket": str(self._socket),
                "unixsocketperm": "700",
                "dir": str(self.folder),
                "appendonly": "yes",
                "appendfsync": "always",
                "save": "",
                "maxmemory-policy": "noeviction",
                "daemonize": "no",
                "logfile": str(self.folder / "redis.log"),
            }
            words = [word for name, value in options.items() for word in (f"--{name}", value)]
            with (self.folder / "redis.log").open("ab") as said:  # never our own output: it outlives us
                self._process = subprocess.Popen(  # noqa: S603 - the program found above, fixed words
                    [program, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                    pass_fds=(lock,),
                )
        finally:
            os.close(lock)

    async def _serves_this_folder(self) -> bool:
        """Whether it answers, has loaded its data, and really is this folder's."""
        answer = await self._ask(lambda client: client.config_get("dir"))
        if answer is None:
            return False
        if answer["dir"] != str(self.folder):
            raise NoRedisError(f"Another Redis, which serves {answer['dir']}, answers at {self._socket}: stop it.")
        return await self._ask(lambda client: client.ping()) is not None

    async def _ask(self, question: Callable[[Redis], Awaitable[Any]]) -> Any:
        """The answer, or None while there is none (not yet listening, loading, going away)."""
        client = Redis(
            unix_socket_path=str(self._socket),
            socket_timeout=ANSWER_TIMEOUT,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )
        cancels = _cancels()
        try:
            return await question(client)
        except (RedisError, OSError):
            return None
        finally:
            await asyncio.shield(asyncio.ensure_future(client.aclose()))  # a cancel must not leave it half closed
            if _cancels() > cancels:  # on Python 3.11 a cancel can be lost inside redis-py (asyncio.wait_for)
                raise asyncio.CancelledError

    async def _gone(self) -> bool:
        """Whether the server ended in good time: then its lock is free."""
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                while (lock := _locked(self.folder / "server.lock")) is None:  # noqa: ASYNC110 - no event tells of it
                    await asyncio.sleep(POLL)
        except TimeoutError:
            return False
        os.close(lock)
        return True

    def _release(self) -> None:
        if self._run_lock is not None:
            os.close(self._run_lock)
        self._run_lock = None


def _locked(path: Path) -> int | None:
    """An open file that holds the lock, or None where another process holds it. Closing it gives the lock back."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _cancels() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def _socket_name(folder: Path) -> Path:
    """In the data folder, or, where that path is too long for a socket, in a private folder for temporary files."""
    path = folder / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"watchkeeper-{os.getuid()}-{name}" / "redis.sock"


def _socket_path(folder: Path) -> Path:
    """Where the socket goes, with the private folder made where one is needed."""
    path = _socket_name(folder)
    private = path.parent
    if private == folder:
        return path
    private.mkdir(mode=PRIVATE, exist_ok=True)
    found = private.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != PRIVATE:
        raise NoRedisError(f"{private} is not private to you: remove it, or choose a shorter DATA_DIR.")
    return path


def _refuse_older(program: Path, folder: Path) -> None:
    """A Redis 6 would not see what a Redis 7 wrote, and begin empty: say so instead."""
    name, since = NEWER_FORMAT
    if not (folder / name).exists():
        return
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 - as above
    version = next((word[2:] for word in said.stdout.split() if word.startswith("v=")), "0")
    if int(version.split(".")[0]) < since:
        raise NoRedisError(
            f"The data in {folder} was written by a newer Redis than {version}: install redis-server {since}, "
            "or choose another DATA_DIR."
        )
