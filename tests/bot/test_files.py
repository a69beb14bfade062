"""Files that are handed over: kept for an hour, taken by the one who may, and by nobody else (`bot.files`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import files
from bot.audit import Ledger
from bot.clock import ManualClock
from bot.command import Context
from bot.errors import Barred, NotAllowed, Rejected, ServiceError, Stale, Unavailable, UsageError
from bot.roles import Role
from bot.services import Services
from bot.state.memory import MemoryStore
from bot.teams.client import FileOffer, StoredFile
from bot.turn import Actor, Click, Conversation, Look, Turn

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ONE = "tenant-1"
CHAT = Conversation(id="a:1", kind="personal", tenant=ONE, service_url="https://x", bot_id="28:bot")
PATTI = Actor(id="patti", tenant=ONE, name="Patti", mri="29:patti")
INPUTS = {
    "uploadUrl": "https://x.sharepoint.com/u",
    "contentUrl": "c",
    "name": "a (1).csv",
    "uniqueId": "u",
    "fileType": "csv",
}
CONTENT = "Grüße\r\n".encode()


@dataclass
class FakeTeams:
    """Remembers what was offered, uploaded, shown and taken back; `fails` names the call that raises, and what."""

    done: list[tuple[str, Any]] = field(default_factory=list)
    fails: Mapping[str, ServiceError] = field(default_factory=dict)

    def _do(self, what: str, with_what: Any) -> None:
        if what in self.fails:
            raise self.fails[what]
        self.done.append((what, with_what))

    async def offer_file(self, conversation: Conversation, offer: FileOffer) -> str:
        self._do("offer", offer)
        return "m-1"

    async def upload_file(self, url: str, content: bytes) -> None:
        self._do("upload", (url, content))

    async def show_file(self, conversation: Conversation, file: StoredFile) -> str:
        self._do("show", file)
        return "m-2"

    async def take_back(self, conversation: Conversation, message: str) -> None:
        self._do("take back", message)


def context(teams: FakeTeams, **changes: Any) -> Context:
    """A turn of an admin in a personal chat."""
    clock = ManualClock(NOW)

    async def wake(_customer: str, _kind: str, _key: str) -> None:
        """Nothing is woken."""

    services = Services(
        defender=lambda _: None,
        graph=lambda _: None,
        teams=teams,
        ledger=Ledger(MemoryStore(clock), "k"),
        clock=clock,
        wake=wake,
        worker="w",
        responses={},
        memory=None,
    )
    made = Context(
        turn=Turn(kind="message", id="t", actor=PATTI, conversation=CHAT),
        actor=PATTI,
        role=Role.ADMIN,
        customer=ONE,
        conversation=CHAT,
        look=Look(now=NOW),
        services=services,
        features=None,
    )
    return replace(made, **changes)


def press(key: str, **inputs: str) -> Click:
    return Click(v=1, verb="upload", id=key, rev=0, inputs={**INPUTS, **inputs}, message="m-9")


async def offered(here: Context) -> str:
    return await files.offer(here, "a.csv", CONTENT, "Three entries", Role.ADMIN)


async def whats(here: Context) -> list[str]:
    """What the trail tells."""
    return [text.split('"what":"')[1].split('"')[0] for _, text, _ in await here.services.store.audit(ONE)]


async def test_a_file_is_handed_over():
    """It is offered with its size, uploaded as it was, shown as Teams stored it, its card taken back, written down."""
    teams = FakeTeams()
    here = context(teams)
    key = await offered(here)
    stored = await files.take(here, press(key))
    assert teams.done == [
        ("offer", FileOffer(id=key, name="a.csv", description="Three entries", size=len(CONTENT))),
        ("upload", (INPUTS["uploadUrl"], CONTENT)),
        ("take back", "m-1"),
        ("show", stored),
    ]
    assert (stored.name, await whats(here)) == ("a (1).csv", ["file handed over"])


async def test_a_file_is_kept_for_an_hour_at_most():
    """After an hour nothing of it is left; before it, it is, also when the answer is asked for again and again."""
    here = context(FakeTeams())
    key = await offered(here)
    here.services.clock.move(3599)
    assert await here.services.store.get_value(ONE, f"file:{key}")
    here.services.clock.move(1)
    assert await here.services.store.get_value(ONE, f"file:{key}") is None
    with pytest.raises(Stale):
        await files.take(here, press(key))


async def test_the_end_is_no_new_hour():
    """That it is over is remembered for what is left of the hour, without the content."""
    here = context(FakeTeams())
    key = await offered(here)
    here.services.clock.move(3000)
    assert await files.decline(here, press(key)) == "a.csv"
    assert (await here.services.store.get_value(ONE, f"file:{key}"))["content"] == ""
    here.services.clock.move(601)
    assert await here.services.store.get_value(ONE, f"file:{key}") is None
    assert await whats(here) == ["file declined"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"role": Role.APPROVER}, NotAllowed),
        ({"actor": replace(PATTI, id="alex")}, Stale),
        ({"actor": replace(PATTI, tenant="tenant-2")}, Stale),
        ({"conversation": replace(CHAT, id="a:2")}, Stale),
        ({"customer": "tenant-2"}, Stale),
    ],
)
async def test_only_who_may_takes_it(changes, error):
    """Who lost the role meanwhile, another person, another chat, another customer: nothing leaves, the file stays."""
    teams = FakeTeams()
    here = context(teams)
    key = await offered(here)
    with pytest.raises(error):
        await files.take(replace(here, **changes), press(key))
    assert [what for what, _ in teams.done] == ["offer"]
    await files.take(here, press(key))


@pytest.mark.parametrize("key", ["", "x", "f" * 31, "f" * 33, "F" * 32, "../x", "f" * 32])
async def test_a_made_up_id_finds_nothing(key):
    """An id that was never given, of whatever form, reads nothing else that is kept."""
    here = context(FakeTeams())
    await offered(here)
    with pytest.raises(Stale):
        await files.take(here, press(key))


async def test_the_note_beside_a_file_is_no_file():
    """The note of which card asked cannot be taken for a file."""
    here = context(FakeTeams())
    key = await offered(here)
    with pytest.raises(Stale):
        await files.take(here, press(f"{key}:card"))


@pytest.mark.parametrize("again", [files.take, files.decline])
async def test_what_is_over_is_over(again):
    """A file that was handed over is neither handed over nor declined again."""
    teams = FakeTeams()
    here = context(teams)
    key = await offered(here)
    await files.take(here, press(key))
    with pytest.raises(Stale) as refused:
        await again(here, press(key))
    assert refused.value.key == "error.file_over"
    assert [what for what, _ in teams.done].count("upload") == 1


@pytest.mark.parametrize("error", [Rejected("sharepoint", "upload"), Unavailable("sharepoint", "upload")])
async def test_a_failed_upload_can_be_tried_again(error):
    """Where the upload fails, the file waits on; nothing claims that it was handed over."""
    teams = FakeTeams(fails={"upload": error})
    here = context(teams)
    key = await offered(here)
    with pytest.raises(type(error)):
        await files.take(here, press(key))
    assert await whats(here) == []
    teams.fails = {}
    await files.take(here, press(key))
    assert await whats(here) == ["file handed over"]


async def test_cards_that_fail_do_not_undo_the_upload():
    """That its cards could not be deleted or shown does not make the file less handed over."""
    teams = FakeTeams(fails={"take back": Barred("teams", "delete"), "show": Unavailable("teams", "send")})
    here = context(teams)
    key = await offered(here)
    assert (await files.take(here, press(key))).name == "a (1).csv"
    assert await whats(here) == ["file handed over"]


@pytest.mark.parametrize("kind", ["channel", "groupChat"])
async def test_files_are_for_personal_chats(kind):
    """Elsewhere nothing is kept or offered; the answer says where to ask."""
    teams = FakeTeams()
    with pytest.raises(UsageError) as refused:
        await offered(context(teams, conversation=replace(CHAT, kind=kind)))
    assert (refused.value.key, teams.done) == ("error.file_personal", [])


@pytest.mark.parametrize("content", [b"", bytes(files.MOST_BYTES + 1)])
async def test_who_makes_a_file_keeps_to_the_bound(content):
    """An empty or too large file is a mistake of whoever made it, and is not kept."""
    teams = FakeTeams()
    with pytest.raises(ValueError, match="handed over"):
        await files.offer(context(teams), "a.csv", content, "x", Role.ADMIN)
    assert teams.done == []
