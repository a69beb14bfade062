"""Made-up presses of the newer buttons: undo, again, send again, give up, forms with odd inputs, lines to run."""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio

from bot.defender.live.models import Upload
from bot.demo import ADELE, ALEX, ISAIAH, LYNNE, MEGAN, TENANT
from bot.library import catalogue
from bot.library.catalogue import SCRIPTS
from bot.responses import requests
from bot.responses.models import State
from tests.attack.attacker import asked, attacked, kept, new_device, pressed, record, sent_to
from tests.integration.talk import ask, chat, heard, verbs, words

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVERYBODY = (ADELE, ALEX, MEGAN, ISAIAH, LYNNE)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory):
    async with attacked(tmp_path_factory.mktemp("data")) as running:
        yield running


async def quiet(stage, here: str, before: int) -> None:
    """Nothing more is said there."""
    await asyncio.sleep(0.4)
    assert len(heard(stage, here)) == before, words(heard(stage, here)[-1])


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def waiting(stage):
    """A request that waits for a decision, on which all that is not allowed is tried."""
    here = chat(stage, EVERYBODY, "channel")
    device = new_device(stage)
    return await asked(stage, ADELE, f"/isolate {device.id} selective beacon", here), here, device


@pytest.mark.parametrize("verb", ["undo", "again", "resend", "giveup"])
@pytest.mark.parametrize("who", [ADELE, ALEX], ids=["requester", "approver"])
async def test_what_is_for_later_does_nothing_before(stage, waiting, verb, who):
    """Undoing, asking again, sending again and giving up are refused while a request waits, by whomever."""
    request, here, device = waiting
    before = len(heard(stage, here))
    answer = await pressed(stage, who, here, verb, request.id, reason="x", state="unknown", back="{}", inverse="wipe")
    assert "application/vnd.microsoft.activity.message" in answer["type"] or "approve" in verbs(answer)
    after = await record(stage, request.id)
    assert (after.state, after.decisions) == (State.PROPOSED, ())
    assert sent_to(stage, device) == []
    await quiet(stage, here, before)


ODD_INPUTS: dict[str, Any] = {
    "a list": ["because"],
    "a map": {"text": "because"},
    "null": None,
    "nested": [[{"a": [1]}]],
    "true": True,
    "a number": 7,
    "a huge number": 10**40,
    "empty": "",
    "blank": " \u00a0\u2003 ",
    "a megabyte": "x" * 200_000,
    "html": "<script>alert(1)</script>",
}
AS_TEXT = {"true": "true", "a number": "7", "html": "<script>alert(1)</script>"}


@pytest.mark.parametrize("name", ODD_INPUTS)
async def test_an_odd_reason_of_a_form(stage, name):
    """A form's reason of another type or size is no reason; what is text is kept, and cut where it is endless."""
    device, here = new_device(stage), chat(stage, EVERYBODY, "channel")
    answer = await pressed(stage, ADELE, here, "propose", f"isolate:{device.id}", reason=ODD_INPUTS[name])
    assert "Something went wrong" not in words(answer)
    if name not in AS_TEXT:
        assert "reason" in words(answer) or "say why" in words(answer)
        await quiet(stage, here, 0)
        return
    assert (await kept(stage, here)).reason == AS_TEXT[name]


@pytest.mark.parametrize("value", [["Full"], {"a": 1}, "full\u200b", "Full'; drop", "FULL", None, 3, "x" * 100_000])
async def test_an_odd_choice_is_the_first_one(stage, value):
    """A choice that there is not becomes the declared default, and never reaches Defender as it is."""
    device, here = new_device(stage), chat(stage, EVERYBODY, "channel")
    more = {"reason": "beacon", "IsolationType": value, "Comment": "x", "machineId": "y"}
    await pressed(stage, ADELE, here, "propose", f"isolate:{device.id}", **more)
    assert dict((await kept(stage, here)).parameters) == {"IsolationType": "Full"}


TARGETS = {
    "a name": "isolate:DESKTOP-1",
    "it": "isolate:it",
    "several": "isolate:all:all",
    "a list": "isolate:" + ",".join(["a" * 40, "b" * 40]),
    "a path": "isolate:../../machineactions",
    "no response": "format-disk:" + "a" * 40,
    "a method": "__init__:" + "a" * 40,
    "nothing": ":",
    "no colon": "isolate",
    "odata": "isolate:" + "a" * 39 + "'",
    "a line break": "isolate:" + "a" * 40 + "\n",
}


@pytest.mark.parametrize("name", TARGETS)
async def test_a_form_names_one_device_by_its_id(stage, name):
    """A press that aims at anything but one device's id asks for nothing."""
    here = chat(stage, EVERYBODY, "channel")
    before = len(await requests.latest(stage.bot.services, TENANT))
    answer = await pressed(stage, ADELE, here, "propose", TARGETS[name], reason="because")
    assert len(words(answer)) > 20
    assert "Something went wrong" not in words(answer)
    assert len(await requests.latest(stage.bot.services, TENANT)) == before


LINES = {
    "isolate": "isolate {id} because",
    "approve by cancel": "cancel 5382f7ea-7557-4ab7-9782-d50480024a4e",
    "subscribe": "subscribe requests",
    "export": "audit export",
    "offboard": "offboard {id} {id} because",
    "policy by run": "run isolate {id} because",
}


@pytest.mark.parametrize("name", LINES)
async def test_a_line_to_run_gives_nobody_a_role(stage, name):
    """The button that runs a line checks the role of the line's own command: a reader gets nothing done."""
    device, here = new_device(stage), chat(stage, EVERYBODY, "channel")
    before = len(await requests.latest(stage.bot.services, TENANT))
    answer = await pressed(stage, ISAIAH, here, "run", LINES[name].format(id=device.id), role="admin")
    assert "needs the role" in words(answer) or "I do not know run" in words(answer)
    assert len(await requests.latest(stage.bot.services, TENANT)) == before


async def test_a_rejection_cannot_ask_for_what_there_is_not(stage):
    """Other parameters that a rejection names are taken only where they are declared, and only the requester asks."""
    device, here = new_device(stage), chat(stage, EVERYBODY, "channel")
    request = await asked(stage, ADELE, f"/isolate {device.id} full beacon", here)
    more = {
        "reason": "too much",
        "instead.IsolationType": "Selective",
        "instead.target": "f" * 40,
        "instead.Comment": "x",
        "instead.requester": LYNNE.entra_id,
    }
    await pressed(stage, ALEX, here, "reject", request.id, **more)
    after = await record(stage, request.id)
    assert dict(after.decisions[-1].instead) == {"IsolationType": "Selective"}
    for outsider in (MEGAN, ALEX):
        answer = await pressed(stage, outsider, here, "again", request.id)
        assert "Only the person who asked" in words(answer)
    assert "needs the role" in words(await pressed(stage, ISAIAH, here, "again", request.id))
    await pressed(stage, ADELE, here, "again", request.id, target="f" * 40)
    await stage.until(lambda: len(heard(stage, here)) > 1)
    made = [one for one in await requests.latest(stage.bot.services, TENANT, device.id) if one.id != request.id]
    assert [(one.state, dict(one.parameters)) for one in made] == [(State.PROPOSED, {"IsolationType": "Selective"})]


async def test_a_request_of_a_batch_is_not_decided_by_itself(stage):
    """The request of one device of several takes no approval, rejection or withdrawal of its own."""
    one, other, here = new_device(stage), new_device(stage), chat(stage, EVERYBODY, "channel")
    batch = await asked(stage, ADELE, f"/isolate {one.id},{other.id} beacon", here)
    for key in (member.request for member in batch.members):
        answer = await pressed(stage, ALEX, here, "approve", key)
        assert "There is no request" in words(answer)
    await pressed(stage, ALEX, here, "approve", batch.id)
    await stage.until(lambda: len(sent_to(stage, one, other)) > 1)
    member = batch.members[0].request
    assert "was not shown in this conversation" in words(
        await pressed(stage, MEGAN, here, "reject", member, reason="x")
    )
    await ask(stage, MEGAN, f"/request {member}", here)
    for verb, who in (("approve", MEGAN), ("reject", MEGAN), ("withdraw", ADELE), ("resend", MEGAN)):
        await pressed(stage, who, here, verb, member, reason="x")
    assert (await record(stage, member)).state in {State.SENT, State.SUCCEEDED}
    assert sorted(sent_to(stage, one, other)) == ["Isolate", "Isolate"]


async def test_a_preview_by_a_press_says_at_what(stage):
    """A form of a preview that does not say what to look at asks for nothing, and leaves no request in doubt."""
    script = SCRIPTS["kill-process"]
    device, here = new_device(stage), chat(stage, EVERYBODY, "channel")
    content = catalogue.content(script)
    described = catalogue.describe(script, content)
    upload = Upload(name=script.file, content=content, description=described, override=True)
    await stage.bot.services.defender(TENANT).upload_library_file(upload)
    answer = await pressed(stage, ADELE, here, "propose", f"preview:{device.id}", What="kill-process")
    assert "Please name a device, what would be done to it" in words(answer)
    await quiet(stage, here, 0)
    assert await requests.latest(stage.bot.services, TENANT, device.id) == []


async def test_old_and_new_cards_of_another_version(stage, waiting):
    """Buttons of a version that there never was, or is not yet, decide nothing, whatever they name."""
    request, here, _ = waiting
    for v in (0, -1, 2, 99, "one", None, 1.5):
        answer = await pressed(stage, ALEX, here, "approve", request.id, v=v)
        assert "approve" not in json.dumps(answer.get("value", "")) or "not known here" in words(answer)
        assert (await record(stage, request.id)).state is State.PROPOSED
