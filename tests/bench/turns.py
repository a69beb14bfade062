"""Turns under load: people who ask `/score` or press Approve, each the next time when the answer has arrived.

A closed loop: latency is from the POST written to the reply received by the Connector, for a press to its answer.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.demo import APP_ID, TENANT
from tests.bench.cloud import Cloud, object_id
from tests.bench.figures import cpu_seconds
from tests.bench.raw_http import Line, head_of, line_to

CONVERSATIONS = 256
"""So many that none comes near the limit that Teams has for one conversation."""
_NUMBER = b"#########0000"
_TOKENS = 64
ANSWER_SECONDS = 30.0

Turn = Callable[[Line, int], Awaitable[float]]
"""One turn of a user's, whose number is counted through: (connection, number) -> seconds."""


@dataclass
class Cell:
    """What one cell of the table measured: seconds of each turn, CPU seconds and wall seconds of all."""

    latencies: list[float] = field(default_factory=list)
    cpu: float = 0.0
    wall: float = 0.0
    load_cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Turns per second."""
        return len(self.latencies) / self.wall

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of the bot's process per turn."""
        return self.cpu / len(self.latencies) * 1000


def conversation(number: int) -> str:
    """A channel of the load's."""
    return f"19:bench-{number % CONVERSATIONS}@thread.tacv2"


def activity(number: int, service_url: str, **more: object) -> dict[str, object]:
    """A channel message of a person's, with all that Teams sends along (about 1.6 KB)."""
    where, person = conversation(number), f"29:{number % CONVERSATIONS}"
    bot = {"id": f"28:{APP_ID}", "name": "Watchkeeper"}
    return {
        "text": "<at>Watchkeeper</at> /score\n",
        "textFormat": "plain",
        "attachments": [{"contentType": "text/html", "content": f"<div>{'x' * 300}</div>"}],
        "type": "message",
        "timestamp": "2026-11-23T10:00:00.000Z",
        "localTimestamp": "2026-11-23T11:00:00.000+01:00",
        "id": _NUMBER.decode(),
        "channelId": "msteams",
        "serviceUrl": service_url,
        "from": {"id": person, "name": "Bench Person", "aadObjectId": object_id(person)},
        "conversation": {
            "isGroup": True,
            "conversationType": "channel",
            "tenantId": TENANT,
            "id": f"{where};messageid=1700000000000",
        },
        "recipient": bot,
        "entities": [
            {"mentioned": bot, "text": "<at>Watchkeeper</at>", "type": "mention"},
            {"locale": "en-GB", "country": "GB", "platform": "Web", "timezone": "Europe/London", "type": "clientInfo"},
        ],
        "channelData": {
            "teamsChannelId": where,
            "teamsTeamId": "19:bench@thread.tacv2",
            "channel": {"id": where},
            "team": {"id": "19:bench@thread.tacv2"},
            "tenant": {"id": TENANT},
        },
        "locale": "en-GB",
        "localTimezone": "Europe/London",
        **more,
    }


class People:
    """Makes the requests of a load on one bot. Each turn is a new activity, its token one of some that Teams signed."""

    def __init__(self, cloud: Cloud, port: int) -> None:
        self.cloud = cloud
        tokens = (cloud.signer.sign(APP_ID, cloud.url, claims={"jti": str(n)}) for n in range(_TOKENS))
        self._heads = itertools.cycle([head_of(port, "/api/messages", token) for token in tokens])
        self._port = port
        self._messages = [json.dumps(activity(n, cloud.url)).encode() for n in range(CONVERSATIONS)]
        self._ids = itertools.count(int(time.time() * 1000))

    async def ask(self, line: Line, number: int) -> float:
        """Say /score and wait for the HTTP answer and for the card."""
        where = conversation(number)
        reply: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.cloud.replies[where] = reply
        body = self._messages[number % CONVERSATIONS].replace(_NUMBER, b"%013d" % next(self._ids))
        began = time.perf_counter()
        async with asyncio.timeout(ANSWER_SECONDS):
            status, _ = await line.post(next(self._heads), body)
            if status not in (201, 202):
                raise AssertionError(f"the bot answered {status}")
            return await reply - began

    def pressing(self, requests: Mapping[int, str], marker: bytes) -> Turn:
        """Presses Approve on one request after the other; a turn's number is that of the request."""

        async def press(line: Line, number: int) -> float:
            data = {"v": 1, "verb": "approve", "id": requests[number], "rev": 1}
            action = {"type": "Action.Execute", "verb": "approve", "data": data}
            body = activity(
                number,
                self.cloud.url,
                id=str(next(self._ids)),
                type="invoke",
                name="adaptiveCard/action",
                value={"action": action, "trigger": "manual"},
                replyToId=message_of(number),
            )
            raw = json.dumps(body).encode()
            began = time.perf_counter()
            async with asyncio.timeout(ANSWER_SECONDS):
                status, answer = await line.post(next(self._heads), raw)
            took = time.perf_counter() - began
            if status != 200 or marker not in answer:
                raise AssertionError(f"the press was answered {status} {answer[:800]!r}")
            return took

        return press

    async def load(self, turn: Turn, users: int, numbers: "itertools.count[int]", more: Callable[[], bool]) -> Cell:
        """That many users, each with a connection, until `more` says no; errors end the run."""
        cell = Cell()

        async def user() -> None:
            line = await line_to(self._port)
            try:
                while more():
                    cell.latencies.append(await turn(line, next(numbers)))
            finally:
                line.transport.close()

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(users):
                group.create_task(user())
        cell.wall = time.perf_counter() - began
        if self.cloud.errors:
            raise AssertionError("\n".join(self.cloud.errors[:5]))
        return cell

    async def measured(
        self, process: int, turn: Turn, users: int, numbers: "itertools.count[int]", more: Callable[[], bool]
    ) -> Cell:
        """The same with the CPU time that the bot's process took."""
        before, own = cpu_seconds(process), time.process_time()
        cell = await self.load(turn, users, numbers, more)
        cell.cpu, cell.load_cpu = cpu_seconds(process) - before, time.process_time() - own
        return cell

    async def once(self) -> None:
        """One turn on a connection of its own. Raises OSError where nobody listens."""
        line = await line_to(self._port)
        try:
            await self.ask(line, 0)
        finally:
            line.transport.close()

    async def warm(self, turn: Turn) -> None:
        """Each conversation once, so that the bot knows its people."""
        numbers = itertools.count()
        left = iter(range(CONVERSATIONS))
        await self.load(turn, 8, numbers, lambda: next(left, None) is not None)


def message_of(number: int) -> str:
    """The message that shows a request."""
    return f"17{number:011d}"


def until(seconds: float) -> Callable[[], bool]:
    """Whether that much time is still not over."""
    ends = time.perf_counter() + seconds
    return lambda: time.perf_counter() < ends


def times(count: int) -> Callable[[], bool]:
    """Yes so many times."""
    left = iter(range(count))
    return lambda: next(left, None) is not None
