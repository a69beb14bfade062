"""Commands of live response: what they refuse, write down, and to whom they show output."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot import files
from bot.command import Context, Reply
from bot.errors import NotAllowed, NotFound, PersonError, Rejected, Stale, UsageError
from bot.library.catalogue import SCRIPTS
from bot.policy.load import parsed
from bot.policy.models import NO_POLICY, Policy
from bot.responses.live import HASH, SCRIPT_NAME
from bot.responses.models import Request, State
from bot.roles import Role
from bot.teams.client import FileOffer, StoredFile
from bot.turn import Actor, Click, Conversation, GivenFile, Look, Shown, Turn
from handlers import library, output
from handlers.outputs import fetch_output
from handlers.proposing import Asked
from handlers.responses import (
    get_file,
    library_delete,
    library_upload,
    preview,
    put_file,
    quarantine_file,
    remove_registry_key,
    restore_file,
    run_script,
)
from tests.cards import walk
from tests.responses.live_stage import LiveStage, live_stage
from tests.responses.people import ADELE, ALEX, MEGAN, TENANT

FILE = "C:\\Users\\Public\\invoice.exe"
SECRET = "the-output-that-nobody-keeps"
HELLO = b"# simulate: " + json.dumps({"output": SECRET + "\n" * 3 + "end"}).encode()


class Memory:
    """Remembers nothing."""

    async def remember(self, *_what: Any) -> None:
        """Nothing."""

    async def recall(self, *_what: Any) -> str:
        return ""


@dataclass
class Files:
    """Teams as far as files go: what was offered and uploaded, and the file that somebody sent along."""

    posted: list[Shown] = field(default_factory=list)
    offers: list[FileOffer] = field(default_factory=list)
    uploads: list[bytes] = field(default_factory=list)
    sent_along: bytes = b""

    async def post(self, _conversation: Conversation, shown: Shown) -> str:
        self.posted.append(shown)
        return "m"

    async def offer_file(self, _conversation: Conversation, offer: FileOffer) -> str:
        self.offers.append(offer)
        return "m"

    async def upload_file(self, _url: str, content: bytes) -> None:
        self.uploads.append(content)

    async def show_file(self, _conversation: Conversation, _file: StoredFile) -> str:
        return "m"

    async def take_back(self, _conversation: Conversation, _message: str) -> None:
        """It is gone."""

    async def read_file(self, _url: str, *, most: int) -> bytes:
        if len(self.sent_along) > most:
            raise Rejected("teams", "read-file", code="too-large")
        return self.sent_along


@dataclass
class Room:
    """The stage, and people who speak in a conversation of theirs."""

    stage: LiveStage
    teams: Files

    def context(self, who: Any = ADELE, kind: str = "personal", **turn: Any) -> Context:
        where = Conversation(id=f"a:{who.id}", kind=kind, tenant=TENANT, service_url="http://x", bot_id="28:b")
        actor = Actor(id=who.id, tenant=who.tenant, name=who.name, mri=f"29:{who.id}")
        now = self.stage.clock.now()
        services = replace(self.stage.services(), teams=self.teams, memory=Memory())
        return Context(
            turn=Turn(**{"kind": "message", "id": "t", "actor": actor, "conversation": where, **turn}),
            actor=actor,
            role=Role.APPROVER,
            customer=TENANT,
            conversation=where,
            look=Look(now=now),
            services=services,
            features=None,
        )

    async def say(self, command: Any, words: str, who: Any = ADELE, kind: str = "personal", **turn: Any) -> Reply:
        return await command.run(self.context(who, kind, **turn), command.parse(words))

    async def asked(self, module: Any, words: str, **turn: Any) -> Request:
        """The request that was written down."""
        reply = await self.say(module.COMMAND, words, **turn)
        assert reply.follow
        return await self.stage.request(reply.follow[1])

    async def done(self, module: Any, words: str, **turn: Any) -> Request:
        """The same, approved and followed to its end."""
        request = await self.asked(module, words, **turn)
        if request.approvals_needed:
            await self.stage.desk().approve(request.id, MEGAN)
        await self.stage.until_quiet()
        return await self.stage.request(request.id)

    @property
    def device(self) -> str:
        return self.stage.devices[0].id

    async def kept(self) -> str:
        """All that is in the store."""
        return repr(vars(self.stage.store))


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with live_stage() as stage:
        yield Room(stage, Files())


async def test_a_script_is_asked_for_with_what_the_library_says_of_it(room: Room):
    """Its name as the library has it, its hash, and facts for the approver; a wrong name leads to the nearest."""
    sha256 = room.stage.shelve("Look.ps1", HELLO, "Looks around")
    request = await room.asked(run_script, f'{room.device} look.ps1 "-A 1" because')
    assert request.parameters == {SCRIPT_NAME: "Look.ps1", "Args": "-A 1", HASH: sha256}
    assert request.reason == "because"
    assert request.evidence
    assert {"Looks around", sha256} <= {fact.value for fact in request.evidence.facts}
    with pytest.raises(NotFound) as missing:
        await room.say(run_script.COMMAND, f"{room.device} lok.ps1 because")
    assert missing.value.values["near"] == "Look.ps1"


async def test_two_scripts_may_be_asked_for_at_once(room: Room):
    """Other parameters make another request; the same ones the one that is open."""
    room.stage.shelve("a.ps1", HELLO)
    first = await room.asked(run_script, f"{room.device} a.ps1 because")
    assert (await room.asked(run_script, f"{room.device} a.ps1 because")).id == first.id
    assert (await room.asked(run_script, f'{room.device} a.ps1 "-A" because')).id != first.id


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (run_script, "pc a.ps1"),
        (run_script, 'pc a.ps1 "x; y" because'),
        (run_script, "pc ../a.ps1 because"),
        (get_file, "pc invoice.exe because"),
        (put_file, "pc because"),
        (quarantine_file, "pc C:\\a*.exe because"),
        (remove_registry_key, "pc HKCU\\Software\\A\\B because"),
        (preview, "pc format-disk C:"),
        (preview, "pc quarantine-file a.exe"),
        (library_upload, "replace"),
        (library_delete, "a.ps1"),
        (output, "WK-1 picture"),
    ],
)
def test_what_is_not_understood(module: Any, words: str):
    """What is lacking or would do harm is refused before anything is asked."""
    with pytest.raises(UsageError):
        module.COMMAND.parse(words)


async def test_a_script_of_ours_that_the_library_lacks_is_not_asked_for(room: Room):
    """Where it is missing, of another wording, or somebody else's under its name, the asker learns what to do."""
    words = f'{room.device} "{FILE}" because'
    script = SCRIPTS["quarantine-file"]
    right = room.stage.sim.first.library[script.file]
    for wrong in (None, replace(right, description="mine"), replace(right, description=right.description[:-20] + "x")):
        room.stage.sim.first.library.pop(script.file, None)
        if wrong:
            room.stage.sim.first.library[script.file] = wrong
        with pytest.raises(NotFound) as refused:
            await room.say(quarantine_file.COMMAND, words)
        assert refused.value.key == "error.live.script_missing"
    room.stage.sim.first.library[script.file] = replace(
        right, description=right.description.replace("(", "(ffff").replace("ffff" + right.description[31:35], "ffff")
    )
    with pytest.raises(NotFound) as refused:
        await room.say(quarantine_file.COMMAND, words)
    assert refused.value.key == "error.live.script_outdated"


async def test_a_preview_changes_nothing_and_is_shown_to_who_decides(room: Room):
    """It runs without approval, never acts, and stands among the facts of the request that follows."""
    looked = await room.done(preview, f'{room.device} quarantine-file "{FILE}"')
    assert (looked.state, looked.approvals_needed) == (State.SUCCEEDED, 0)
    assert "script-would" in looked.result
    assert "script-after" not in looked.result
    assert FILE.casefold() in room.stage.inside.files
    assert all("-Apply" not in args for _, args in room.stage.inside.ran)
    request = await room.asked(quarantine_file, f'{room.device} "{FILE}" because')
    assert request.evidence
    assert "previewed" in {fact.key for fact in request.evidence.facts}
    other = await room.asked(quarantine_file, f'{room.device} "C:\\other.exe" because')
    assert other.evidence
    assert "previewed" not in {fact.key for fact in other.evidence.facts}


async def test_output_is_shown_to_who_asked_and_who_decided(room: Room):
    """In their personal chats, as code that reads no Markdown; nobody else sees it, and nothing of it is kept."""
    room.stage.shelve("a.ps1", HELLO)
    done = await room.done(run_script, f"{room.device} a.ps1 because")
    for who in (ADELE, MEGAN):
        reply = await room.say(output.COMMAND, done.id, who)
        assert reply.shown
        (code,) = [node for node in walk.nodes(reply.shown.card) if node.get("type") == "CodeBlock"]
        assert SECRET in code["codeSnippet"]
    with pytest.raises(NotAllowed):
        await room.say(output.COMMAND, done.id, ALEX)
    with pytest.raises(UsageError) as public:
        await room.say(output.COMMAND, done.id, kind="channel")
    assert public.value.key == "error.live.output_personal"
    assert SECRET not in await room.kept()
    entries = [json.loads(text)["what"] for _, text, _ in await room.stage.store.audit(TENANT)]
    assert entries.count("output shown") == 2


async def test_a_press_gets_output_as_a_message(room: Room):
    """The answer to a press is kept for redeliveries, so it holds no output: the card is posted beside it."""
    room.stage.shelve("a.ps1", HELLO)
    done = await room.done(run_script, f"{room.device} a.ps1 because")
    click = Click(v=1, verb="run", id=f"output {done.id}", rev=0)
    pressed = replace(room.context().turn, kind="click", click=click, invoke=True)
    reply = await output.COMMAND.run(replace(room.context(), turn=pressed), output.COMMAND.parse(done.id))
    assert reply.shown is None
    assert SECRET in json.dumps(room.teams.posted[0].card)


async def test_a_file_is_offered_and_fetched_again_when_it_is_taken(room: Room):
    """What waits in the store is where it comes from, not what it holds; it is handed to the one it was offered to."""
    done = await room.done(get_file, f'{room.device} "{FILE}" because')
    await room.say(output.COMMAND, done.id)
    (offer,) = room.teams.offers
    assert offer.name.endswith("invoice.exe.bin")
    kept = await room.stage.store.get_value(TENANT, f"file:{offer.id}")
    assert kept
    assert (kept["content"], kept["source"]) == ("", f"live:{done.id}")
    press = Click(v=1, verb="upload", id=offer.id, rev=0, inputs={"uploadUrl": "https://x.sharepoint.com/u"})
    with pytest.raises(Stale):
        await files.take(room.context(ALEX), press, fetch_output)
    with pytest.raises(Stale):
        await files.take(room.context(ADELE), press)
    await files.take(room.context(ADELE), press, fetch_output)
    assert room.teams.uploads == [b"MZ simulated malware"]


async def test_a_megabyte_is_cut_on_the_card_and_whole_in_the_file(room: Room):
    """The card keeps well below what Teams takes and says what it leaves out; the file has all of it."""
    text = "\n".join(f"line {n}" for n in range(120_000))
    room.stage.shelve("a.ps1", b"# simulate: " + json.dumps({"output": text}).encode())
    done = await room.done(run_script, f"{room.device} a.ps1 because")
    reply = await room.say(output.COMMAND, done.id)
    assert reply.shown
    shown = json.dumps(reply.shown.card)
    assert len(shown) < 20_000
    assert "lines left out" in shown
    assert "line 119999" in shown
    await room.say(output.COMMAND, f"{done.id} file")
    content = await fetch_output(room.context(), f"live:{done.id}")
    assert text in content.decode()
    assert room.teams.offers[0].size == len(content)


async def test_what_left_no_output_says_so(room: Room):
    """A request that is not over, of another kind, without a result, or unreadable: each in its own words."""
    room.stage.shelve("a.ps1", HELLO)
    room.stage.shelve("tool.exe", b"MZ")
    open_one = await room.asked(run_script, f"{room.device} a.ps1 because")
    put = await room.done(put_file, f"{room.device} tool.exe because")
    for name, key in (
        (open_one.id, "error.live.not_over"),
        (put.id, "error.live.output_gone"),
        ("WK-9", "error.no_such_request"),
    ):
        with pytest.raises(PersonError) as refused:
            await room.say(output.COMMAND, name)
        assert refused.value.key == key


async def test_the_library_is_listed_with_what_is_lacking(room: Room):
    """Everything that Defender lists, and which of our scripts must be brought there."""
    reply = await room.say(library.COMMAND, "")
    assert reply.shown
    assert "6 files" in walk.text_of(reply.shown.card)
    assert "Not there" not in walk.text_of(reply.shown.card)
    del room.stage.sim.first.library["watchkeeper-kill-process.ps1"]
    reply = await room.say(library.COMMAND, "")
    assert reply.shown
    assert "Not there as this bot ships them: kill-process" in walk.text_of(reply.shown.card)


async def test_a_file_is_put_into_the_library_after_a_decision(room: Room):
    """What was sent along is what is uploaded, byte for byte, under its name; it is replaced only when said so."""
    room.teams.sent_along = b"Write-Output 1\r\n"
    along = {"files": (GivenFile(name="new tool.ps1", url="https://x.sharepoint.com/d"),)}
    done = await room.done(library_upload, "finds what starts by itself", **along)
    assert done.state is State.SUCCEEDED
    stored = room.stage.sim.first.library["new tool.ps1"]
    assert stored.content == room.teams.sent_along
    with pytest.raises(NotFound):
        await room.say(library_upload.COMMAND, "again", **along)
    room.teams.sent_along = b"Write-Output 2\r\n"
    done = await room.done(library_upload, "replace newer", **along)
    assert (done.state, room.stage.sim.first.library["new tool.ps1"].content) == (
        State.SUCCEEDED,
        b"Write-Output 2\r\n",
    )


async def test_an_upload_that_is_no_longer_kept_is_not_sent(room: Room):
    """Where the file ran out of its time, the request says so, and nothing goes to the library."""
    room.teams.sent_along = b"x"
    along = {"files": (GivenFile(name="a.ps1", url="https://x.sharepoint.com/d"),)}
    request = await room.asked(library_upload, "because", **along)
    await room.stage.store.put_value(TENANT, f"upload:{request.parameters[HASH]}", {"content": ""}, 0.001)
    room.stage.clock.move(1)
    await room.stage.desk().approve(request.id, MEGAN)
    await room.stage.until_quiet()
    ended = await room.stage.request(request.id)
    assert (ended.state, ended.trouble) == (State.FAILED, "trouble.upload_gone")
    assert "a.ps1" not in room.stage.sim.first.library


async def test_an_upload_is_kept_as_long_as_its_request_may_wait(room: Room):
    """With a week to decide the file is there in the last minute, and not for ever.

    The same file asked for again under a shorter time takes none of it away.
    """
    text = "[response.library-upload]\ndecide_within_minutes = 10080\nsend_within_minutes = 2880\n"
    room.stage.policy = Policy(file=parsed(text, room.stage.responses), source="policy.toml")
    room.teams.sent_along = b"x"
    along = {"files": (GivenFile(name="a.ps1", url="https://x.sharepoint.com/d"),)}
    request = await room.asked(library_upload, "because", **along)
    room.stage.policy = NO_POLICY
    other = {"files": (GivenFile(name="b.ps1", url="https://x.sharepoint.com/d"),)}
    assert (await room.asked(library_upload, "because", **other)).parameters[HASH] == request.parameters[HASH]
    room.stage.clock.move(timedelta(days=7).total_seconds() - 60)
    await room.stage.desk().approve(request.id, MEGAN)
    await room.stage.until_quiet()
    assert (await room.stage.request(request.id)).state is State.SUCCEEDED
    room.stage.clock.move(timedelta(days=3).total_seconds())
    assert await room.stage.store.get_value(TENANT, f"upload:{request.parameters[HASH]}") is None


@pytest.mark.parametrize(
    ("kind", "names", "content"),
    [
        ("channel", ["a.ps1"], b"x"),
        ("personal", [], b"x"),
        ("personal", ["a.ps1", "b.ps1"], b"x"),
        ("personal", ["../a.ps1"], b"x"),
        ("personal", ["a.ps1"], b""),
        ("personal", ["a.ps1"], b"x" * (1024 * 1024 + 1)),
    ],
)
async def test_what_is_no_upload(room: Room, kind: str, names: list[str], content: bytes):
    """One file of a plain name, not empty, not too large, in the personal chat; else the asker learns what is wrong."""
    room.teams.sent_along = content
    along = tuple(GivenFile(name=name, url="https://x.sharepoint.com/d") for name in names)
    with pytest.raises(UsageError):
        await room.say(library_upload.COMMAND, "because", kind=kind, files=along)


async def test_a_file_is_deleted_from_the_library_once(room: Room):
    """After a decision it is gone; one that is gone already counts as done and nothing is called."""
    room.stage.shelve("Old.ps1", b"x")
    done = await room.done(library_delete, "old.ps1 nobody needs it")
    assert done.state is State.SUCCEEDED
    assert "old.ps1" not in room.stage.sim.first.library
    room.stage.shelve("Old.ps1", b"x")
    request = await room.asked(library_delete, "old.ps1 nobody needs it")
    del room.stage.sim.first.library["old.ps1"]
    await room.stage.desk().approve(request.id, MEGAN)
    await room.stage.until_quiet()
    assert (await room.stage.request(request.id)).state is State.SUCCEEDED


async def test_what_was_done_is_undone_with_the_same_words(room: Room):
    """A request knows what its inverse is asked for with: what was typed, and not the script's file of then."""
    done = await room.done(quarantine_file, f'{room.device} "{FILE}" because')
    assert (done.inverse, dict(done.back or {})) == ("restore-file", {"Path": FILE})
    asked = Asked(target=done.target.id, parameters=dict(done.back or {}), reason="harmless", rest="")
    reply = await restore_file.COMMAND.run(room.context(), asked)
    assert reply.follow
    await room.stage.desk().approve(reply.follow[1], MEGAN)
    await room.stage.until_quiet()
    assert (await room.stage.request(reply.follow[1])).state is State.SUCCEEDED
    assert FILE.casefold() in room.stage.inside.files
