"""What is done to mail, and what is sent in to Microsoft, from the approval to its end, over HTTP."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import pytest

from bot.errors import UsageError
from bot.responses.models import Request, State, Target
from bot.simulator import Fault
from bot.simulator.mailroom import Letter
from bot.simulator.names import SUBJECTS
from handlers.mail_aim import address
from handlers.responses import get_file, remediate_mail, submit_file, submit_mail, submit_url
from handlers.submission_aim import message_id, web_address
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import MEGAN, TENANT
from tests.responses.processes import Killed

URL = "https://login.example.test/a_b*c?id=1"
REMEDIATE = "graph.analyzedemails.remediate"
SUBMIT = "graph.submissions.create"


@pytest.fixture
async def stage() -> AsyncIterator[HttpStage]:
    async with staged_over_http(module.RESPONSE for module in (remediate_mail, submit_mail, submit_url)) as made:
        letter = Letter(
            id="l-1",
            network_id="2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19",
            internet_id="<a@example.test>",
            recipient="t.brook@fabrikam.example",
            subject=SUBJECTS[0],
            sender="billing@example.test",
            received=made.clock.now() - timedelta(days=2),
        )
        made.sim.first.mailroom.letters[f"{letter.network_id}/{letter.recipient}"] = letter
        yield made


def the_letter(stage: HttpStage) -> Letter:
    return stage.sim.first.mailroom.letters["2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19/t.brook@fabrikam.example"]


def letter_target(stage: HttpStage) -> Target:
    letter = the_letter(stage)
    return Target(id=f"{letter.network_id}/{letter.recipient}", name=letter.subject, kind="mail")


def url_target() -> Target:
    return Target(id=URL, name=URL, kind="submission")


async def remedied(stage: HttpStage, action: str) -> Request:
    return await stage.followed("remediate-mail", target=letter_target(stage), action=action)


def keys(request: Request) -> list[str]:
    return [step.key for step in request.story]


async def test_a_remedy_is_handed_over(stage: HttpStage):
    """The service takes it and never says more: the request ends as handed over, with the Action center's id of it."""
    request = await remedied(stage, "moveToJunk")
    (remedy,) = stage.sim.first.mailroom.remedies
    assert (request.state, dict(request.result)) == (State.HANDED_OVER, {"bulkId": remedy.bulk})
    assert (remedy.action, remedy.name[: len(request.id) + 4]) == ("moveToJunk", f"[{request.id}/1]")


async def test_a_strange_location_gives_no_link(stage: HttpStage):
    """Without the documented address the request is handed over all the same, and has nothing to link to."""
    stage.sim.faults.add(REMEDIATE, Fault(kind="empty", status=202))
    request = await remedied(stage, "moveToJunk")
    assert (request.state, dict(request.result)) == (State.HANDED_OVER, {})


async def test_a_message_that_lies_there_already_is_left_alone(stage: HttpStage):
    """Where it lies says that it is done: nothing is sent."""
    the_letter(stage).location = "junkFolder"
    request = await remedied(stage, "moveToJunk")
    assert request.state is State.SUCCEEDED
    assert "story.already" in keys(request)
    assert not stage.sim.first.mailroom.remedies


async def test_a_lost_answer_is_found_by_where_it_lies(stage: HttpStage):
    """The order was taken and its answer lost: a move is read back once it is done, and not ordered again."""
    stage.sim.faults.add(REMEDIATE, Fault(kind="reset", acted=True))
    request = await remedied(stage, "moveToDeletedItems")
    assert "story.unknown" in keys(request)
    assert (request.state, len(stage.sim.first.mailroom.remedies)) == (State.SUCCEEDED, 1)


async def test_a_lost_purge_stays_unknown(stage: HttpStage):
    """Where a purged message lies is not documented: it is not known whether it was done, until a person decides."""
    stage.sim.faults.add(REMEDIATE, Fault(kind="reset", acted=True))
    request = await remedied(stage, "hardDelete")
    assert (request.state, len(stage.sim.first.mailroom.remedies)) == (State.UNKNOWN, 1)
    await stage.desk().resend(request.id, MEGAN)
    await stage.until_quiet()
    assert (await stage.request(request.id)).state is State.HANDED_OVER


async def test_a_message_that_is_gone_is_left_alone(stage: HttpStage):
    """Not found any more between request and approval: nothing is sent."""
    target = letter_target(stage)
    stage.sim.first.mailroom.letters.clear()
    request = await stage.followed("remediate-mail", target=target, action="moveToJunk")
    assert (request.state, request.trouble) == (State.FAILED, "trouble.mail_gone")


@pytest.mark.parametrize(
    ("ends", "state"), [("succeeded", State.SUCCEEDED), ("failed", State.FAILED), ("skipped", State.FAILED)]
)
async def test_a_submission_is_followed_to_its_end(stage: HttpStage, ends: str, state: State):
    """It runs without a decision and ends as Microsoft says, with what Microsoft found."""
    key = await stage.asked("submit-url", target=url_target(), category="phishing")
    process = stage.process()
    await stage.work(key, process)
    (handed,) = stage.sim.first.mailroom.handed.values()
    handed.ends = ends
    await stage.until_quiet()
    request = await stage.request(key)
    assert (request.state, request.status, request.attempts[-1].action) == (state, ends, handed.id)
    assert request.result["submission-detail"]
    assert handed.body["webUrl"] == URL


async def test_a_lost_submission_is_found_in_the_list(stage: HttpStage):
    """It was taken and its answer lost: one of the same address and category since then is it."""
    stage.sim.faults.add(SUBMIT, Fault(kind="reset", acted=True))
    request = await stage.followed("submit-url", target=url_target(), category="malware")
    assert "story.unknown" in keys(request)
    assert (request.state, len(stage.sim.first.mailroom.handed)) == (State.SUCCEEDED, 1)


async def test_a_message_is_sent_in_with_the_recipients_address(stage: HttpStage):
    """The message is named by its address in Graph, the recipient by the user's mail address."""
    user = stage.sim.first.directory.find("t.brook@fabrikam.example")
    target = Target(id=f"{user.id}/AAMkADU3MWUxOTU0LWNlOTE", name=user.upn, kind="mail")
    request = await stage.followed("submit-mail", target=target, category="spam", message="AAMkADU3MWUxOTU0LWNlOTE")
    (handed,) = stage.sim.first.mailroom.handed.values()
    assert (request.state, handed.body["recipientEmailAddress"]) == (State.SUCCEEDED, user.mail)
    assert handed.body["messageUrl"].endswith(f"/users/{user.id}/messages/AAMkADU3MWUxOTU0LWNlOTE")


@pytest.mark.parametrize("after", [True, False])
async def test_a_crash_at_any_await_orders_nothing_twice(stage: HttpStage, after):
    """Wherever the process dies, each attempt is one order at the most."""
    for count in range(1, 12):
        stage.sim.first.mailroom.remedies.clear()
        the_letter(stage).location = "inbox_folder"
        key = await stage.asked("remediate-mail", target=letter_target(stage), action="hardDelete")
        process = stage.process()
        process.arm(count, "die after" if after else "die before")
        with suppress(Killed):
            await stage.work(key, process)
        stage.clock.move(61)
        await stage.until_quiet(timedelta(minutes=20))
        request = await stage.request(key)
        assert request.state in {State.HANDED_OVER, State.UNKNOWN}
        assert len(stage.sim.first.mailroom.remedies) == len(request.attempts) == 1 or request.state is State.UNKNOWN
        assert len(stage.sim.first.mailroom.remedies) <= len(request.attempts)
        if request.state is State.UNKNOWN:
            await stage.desk().give_up(key, MEGAN)
        stage.clock.move(601)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("hxxps://shop[.]example/x", "https://shop.example/x"),
        ("HTTP://A.test/", "HTTP://A.test/"),
        ("<https://a.test/?q=1>", "https://a.test/?q=1"),
        ("hXXp[:]//a[.]b[.]test", "http://a.b.test"),
    ],
)
def test_a_web_address_is_read_as_people_write_it(said, meant):
    """Defanged addresses are made whole."""
    assert web_address(said) == meant


@pytest.mark.parametrize(
    "said",
    [
        "",
        "a.test",
        "ftp://a.test",
        "javascript:alert(1)",
        "https://",
        "https://u:p@a.test",
        "https://[x",
        "https://a.test/" + "x" * 2000,
        "https://a.test/\u202e",
    ],
)
def test_what_is_no_web_address_is_refused(said):
    """Another scheme, a name with a password, a broken or endless one."""
    with pytest.raises(UsageError):
        web_address(said)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("AAMkADU3MWUxOTU0LWNlOTE=", "AAMkADU3MWUxOTU0LWNlOTE="),
        (
            "https://outlook.office365.com/owa/?ItemID=AAMkADU3MWUx%2FOTU0%2BLWNlOTE%3D&exvsurl=1&viewmodel=ReadMessageItem",
            "AAMkADU3MWUx-OTU0_LWNlOTE=",
        ),
        ("https://outlook.office.com/mail/inbox/id/AAMkADU3MWUx%2FOTU0LWNlOTE%3D", "AAMkADU3MWUx-OTU0LWNlOTE="),
        ("https://outlook.office.com/mail/deeplink/read/AAMkADU3MWUxOTU0LWNlOTE%3D?x=1", "AAMkADU3MWUxOTU0LWNlOTE="),
    ],
)
def test_a_message_is_read_from_the_link_that_outlook_shows(said, meant):
    """The id as it is, or out of the links of Outlook on the web, in the letters that Graph uses."""
    assert message_id(said) == meant


@pytest.mark.parametrize(
    "said", ["", "short", "https://outlook.office.com/mail/", "https://[x", "AAMk/../../users/x?y", "a" * 401]
)
def test_what_names_no_message_is_refused(said):
    """Nothing that could become another path at Graph is taken."""
    with pytest.raises(UsageError):
        message_id(said)


def test_a_mail_address_is_folded_and_checked():
    """Capitals and the marks of a mail program do not matter; what is no address is refused."""
    assert address("<Anna@Contoso.com>") == "anna@contoso.com"
    for said in ("", "anna", "a b@c.test", "a@b@c.test", "a/b@c.test"):
        with pytest.raises(UsageError):
            address(said)


async def test_a_fetched_file_is_sent_in(stage: HttpStage):
    """What live response fetched goes to Microsoft whole, under the file's name, and stays in no record."""
    device = stage.devices[0]
    stage.responses |= {module.RESPONSE.name: module.RESPONSE for module in (get_file, submit_file)}
    fetched = await stage.followed("get-file", Path="C:\\Users\\Public\\invoice.exe")
    assert fetched.state is State.SUCCEEDED, fetched.trouble
    action = fetched.attempts[-1].action
    content = await stage.clients["defender"].live_result(action, 0, most=10_000)
    target = Target(id=f"{action}/invoice.exe", name="invoice.exe", kind="submission")
    request = await stage.followed("submit-file", target=target, category="malware")
    (handed,) = stage.sim.first.mailroom.handed.values()
    assert (request.state, handed.body["fileName"]) == (State.SUCCEEDED, "invoice.exe")
    assert base64.b64decode(handed.body["fileContent"]) == content
    kept = [record.data for record in await stage.store.newest(TENANT, "request")]
    assert handed.body["fileContent"] not in json.dumps(kept)
    assert device.id == fetched.target.id
