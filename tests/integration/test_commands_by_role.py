"""Every command in every kind of conversation for every role, and people who may not speak at all."""

import re
import uuid
from pathlib import Path

import pytest
import pytest_asyncio
import stamina

import handlers
from bot.demo import ADELE, ALEX, GROUPS, ISAIAH, LYNNE, PATTI, Person
from bot.demo_library import stock
from bot.roles import Role
from bot.simulator.faults import Fault
from bot.simulator.world import Person as Entry
from tests.integration.conftest import OTHER_TENANT, ROBIN, staged
from tests.integration.talk import BOTH, ask, audit, chat, heard, mentioned, redis_of_its_own, words

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = {Role.NONE: LYNNE, Role.READER: ISAIAH, Role.OPERATOR: ADELE, Role.APPROVER: ALEX, Role.ADMIN: PATTI}
LINES = {
    "incidents": ("/incidents", "Incidents"),
    "incident": ("/incident {incident}", "severity"),
    "score": ("/score", "Exposure score"),
    "devices": ("/devices", "Devices"),
    "device": ("/device {device}", "Network:"),
    "respond": ("/respond {device}", "What can be done to"),
    "cancel": ("/cancel 00000000-0000-0000-0000-000000000000", "knows no action"),
    "collect": ("/collect {device} a test of who may", "ollect"),
    "contain": ("/contain {device} a test of who may", "is onboarded to Defender"),
    "investigate": ("/investigate {device} a test of who may", "Investigate "),
    "offboard": ("/offboard {device} another-name a test of who may", "type the device's name twice"),
    "quarantine": ("/quarantine {device} 1f8b5c0e9d7a6b4c3d2e1f0a9b8c7d6e5f4a3b2c a test of who may", "uarantine"),
    "restrict": ("/restrict {device} a test of who may", "estrict"),
    "unrestrict": ("/unrestrict {device} a test of who may", "estrict"),
    "tag": ("/tag {device} testing", "Tag "),
    "untag": ("/untag {device} testing", "Take a tag from "),
    "value": ("/value {device} high", "Set the value of "),
    "package": ("/package WK-2222222222", "no request"),
    "scan": ("/scan {device}", "Scan "),
    "isolate": ("/isolate {device} a test of who may", "Isolate "),
    "release": ("/release {device} a test of who may", "Release "),
    "block": ("/block bad.example a test of who may", "Block bad[.]example"),
    "warn": ("/warn bad.example a test of who may", "Warn of bad[.]example"),
    "monitor": ("/monitor bad.example a test of who may", "Monitor bad[.]example"),
    "allow": ("/allow bad.example a test of who may", "Allow bad[.]example"),
    "unblock": ("/unblock bad.example a test of who may", "nothing to remove"),
    "block-list": ("/block-list a test of who may: bad.example worse.example", "Block 2 values"),
    "unblock-list": ("/unblock-list WK-2222222222 a test of who may", "no request"),
    "block-signin": ("/block-signin {user} a test of who may", "Block sign-in of"),
    "confirm-compromised": ("/confirm-compromised {user} a test of who may", "plan"),
    "dismiss-risk": ("/dismiss-risk {user} a test of who may", "plan"),
    "reset-password": ("/reset-password {user} a test of who may", "Reset the password of"),
    "revoke-sessions": ("/revoke-sessions {user} a test of who may", "End the sessions of"),
    "unblock-signin": ("/unblock-signin {user} a test of who may", "Unblock sign-in of"),
    "remediate-mail": ("/remediate-mail {mail} junk a test of who may", "plan"),
    "submit-file": ("/submit-file WK-2222222222 malware a test of who may", "no request"),
    "submit-mail": ("/submit-mail {user} AAMkADU3MWUxOTU0LWNlOTEtNDQ0OC1hYjk0 spam a test", "Submit a message of"),
    "submit-url": ("/submit-url https://login.example.test/", "Submit the address"),
    "run-script": ("/run-script {device} busy-processes.ps1 a test of who may", "Run a script on "),
    "get-file": ("/get-file {device} C:\\a.txt a test of who may", "Fetch a file from "),
    "put-file": ("/put-file {device} busy-processes.ps1 a test of who may", "Put a file on "),
    "library": ("/library", "Live response library"),
    "library-delete": ("/library-delete busy-processes.ps1 a test of who may", "Delete busy-processes.ps1"),
    "library-upload": ("/library-upload a test of who may", "send one file along"),
    "output": ("/output WK-2222222222", "no request"),
    "preview": ("/preview {device} stop-service Spooler", "Look at what would change"),
    "quarantine-file": ("/quarantine-file {device} C:\\a.exe a test of who may", "Move a file away on "),
    "restore-file": ("/restore-file {device} C:\\a.exe a test of who may", "Put a file back on "),
    "remove-registry-key": ("/remove-registry-key {device} HKLM\\Software\\A\\B a test", "Remove a registry key on "),
    "restore-registry-key": ("/restore-registry-key {device} HKLM\\Software\\A\\B a test", "Restore a registry key"),
    "kill-process": ("/kill-process {device} a.exe a test of who may", "End processes on "),
    "stop-service": ("/stop-service {device} Spooler a test of who may", "Stop a service on "),
    "start-service": ("/start-service {device} Spooler a test of who may", "Start a service on "),
    "disable-driver": ("/disable-driver {device} a.b a test of who may", "Disable a driver on "),
    "enable-driver": ("/enable-driver {device} a.b a test of who may", "Enable a driver on "),
    "remove-task": ("/remove-task {device} A a test of who may", "Remove a scheduled task on "),
    "restore-task": ("/restore-task {device} A a test of who may", "Restore a scheduled task on "),
    "sync": ("/sync {managed}", "Sync "),
    "intune-scan": ("/intune-scan {managed}", "through Intune"),
    "update-signatures": ("/update-signatures {managed}", "antivirus signatures of"),
    "restart": ("/restart {managed} a test of who may", "Restart "),
    "lock": ("/lock {managed} a test of who may", "Lock "),
    "retire": ("/retire {managed} a test of who may", "Retire "),
    "wipe": ("/wipe {managed} another-name a test of who may", "type the device's name twice"),
    "actions": ("/actions", "What waits or runs"),
    "list": ("/list", "Lists of devices"),
    "request": ("/request WK-2222222222", "no request"),
    "digest": ("/digest", "Digest"),
    "subscribe": ("/subscribe", "Subscribed"),
    "unsubscribe": ("/unsubscribe", "Unsubscribed"),
    "audit": ("/audit", "Audit trail"),
    "policy": ("/policy", "Who decides what"),
    "status": ("/status", "Redis"),
    "whoami": ("/whoami", "You are "),
    "help": ("/help", "What I can do"),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory):
    with redis_of_its_own() as redis, stamina.set_testing(True, attempts=2, cap=True):
        folder: Path = tmp_path_factory.mktemp("data")
        async with staged(redis.url, folder, **BOTH) as running:
            stock(running.sim.first, running.sim.clock.now())
            running.extra["redis"] = redis
            yield running


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def healthy(stage):
    yield
    stage.sim.faults.clear()
    stage.extra["redis"].forget("*:bucket:api:defender*")  # all commands in a row ask more than a minute's people may


def line(stage, name: str) -> str:
    customer = stage.sim.first
    device = next(d.id for d in customer.devices.values() if d.os == "Windows11" and d.onboarding == "onboarded")
    values = {
        "incident": next(iter(customer.incidents)),
        "device": device,
        "managed": next(one.id for one in customer.intune.devices.values() if one.agent == "mdm"),
        "user": "k.müller@fabrikam.example",
        "mail": "2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19 k.mueller@fabrikam.example",
    }
    return LINES[name][0].format_map(values)


async def test_table_is_whole():
    """Each registered command stands in the table of this test."""
    assert sorted(command.name for command in handlers.COMMANDS) == sorted(LINES)


@pytest.mark.parametrize("role", PEOPLE, ids=lambda role: role.word)
@pytest.mark.parametrize("command", handlers.COMMANDS, ids=lambda command: command.name)
async def test_command_needs_its_role(stage, command, role):
    """A command answers whoever holds its role, and names the role to whoever does not; then nothing has happened."""
    person = PEOPLE[role]
    here = chat(stage, [person])
    before, written = len(stage.sim.world.ledger.entries), len(await audit(stage))
    message = await ask(stage, person, line(stage, command.name), here)
    if role >= command.role:
        await stage.until(lambda: any(LINES[command.name][1] in words(one) for one in heard(stage, here)))
        assert "You may not do that" not in words(message)
    else:
        assert f"{command.name} needs the role {command.role.word}." in words(message)
        assert len(heard(stage, here)) == 1
        assert not [entry for entry in (await audit(stage))[written:] if person.entra_id in entry["who"]]
        assert before == len(stage.sim.world.ledger.entries)


@pytest.mark.parametrize("kind", ["personal", "groupChat", "channel"])
@pytest.mark.parametrize("name", ["whoami", "devices", "isolate", "subscribe"])
async def test_command_works_in_each_kind_of_conversation(stage, kind, name):
    """A command is answered where it was asked, with or without a mention of the bot."""
    here = chat(stage, [PATTI], kind)
    text, more = (line(stage, name), {}) if kind == "personal" else mentioned(line(stage, name))
    await ask(stage, PATTI, text, here, **more)
    await stage.until(lambda: any(LINES[name][1] in words(one) for one in heard(stage, here)))


async def test_answer_stands_in_the_thread(stage):
    """A command in a channel's thread is answered in that thread, also when the answer takes a while."""
    here = chat(stage, [ADELE], "channel")
    root = "1700000000000"
    stage.sim.faults.add("defender.machines.list", Fault(kind="slow", seconds=1.2))
    message = await ask(stage, ADELE, "/devices", f"{here};messageid={root}")
    assert message.thread == root
    assert "Devices" in words(message)
    request = await ask(stage, ADELE, line(stage, "release"), f"{here};messageid={root}")
    assert request.thread == root


@pytest.mark.parametrize("role", PEOPLE, ids=lambda role: role.word)
async def test_help_shows_what_one_may_do(stage, role):
    """Help and its groups list exactly the commands that the person may use, and explain no other."""
    person = PEOPLE[role]
    here = chat(stage, [person])
    groups = {response.name: response.group for response in handlers.RESPONSES}
    said = {"": words(await ask(stage, person, "/help", here))}
    for group in dict.fromkeys(groups.values()):
        said[group] = words(await ask(stage, person, f"/help {group}", chat(stage, [person])))
    for command in handlers.COMMANDS:
        where = said[groups.get(command.name, "")]
        assert (f'"help /{command.name}"' in where) is (command.role <= role), command.name
    for command in handlers.COMMANDS:
        if command.role > role:
            refused = words(await ask(stage, person, f"/help {command.name}", here))
            assert f"no command {command.name}" in refused
            break


async def test_whoami_and_help_are_everybodys(stage):
    """Somebody without a role learns so, and how to get one."""
    here = chat(stage, [LYNNE])
    said = words(await ask(stage, LYNNE, "/whoami", here))
    assert "no role" in said
    assert LYNNE.entra_id in said


STRANGER = Person(
    id="stranger", given="Sam", surname="Stranger", login="sam", entra_id="00000000-0000-0000-0000-0000000000099"
)
TEXTS = ("/help", "/whoami", "/devices", "/isolate x because", "hello")


async def refused(stage, person: Person, here: str, why: str, **more) -> None:
    for text in TEXTS:
        message = await ask(stage, person, text, here, **more)
        assert why in words(message), text
        assert not [d for d in stage.sim.first.devices.values() if d.name in words(message)]


async def test_guest_is_refused(stage):
    """A guest of the tenant may do nothing, whatever groups they are in."""
    here = chat(stage, [], "channel")
    stage.sim.connector.add_member(here, f"29:{ALEX.id}", ALEX.entra_id, ALEX.name, role="guest")
    await refused(stage, ALEX, here, "I only answer people")


async def test_person_of_another_tenant_is_refused(stage):
    """A person of another tenant in a shared channel may do nothing, also one who has a role at home."""
    here = chat(stage, [], "channel")
    stage.sim.connector.add_member(here, f"29:{ROBIN.id}", ROBIN.entra_id, ROBIN.name, tenant=OTHER_TENANT)
    await refused(stage, ROBIN, here, "I only answer people")


async def test_person_without_identity_is_refused(stage):
    """Somebody without an Entra object id, such as another bot, may do nothing."""
    here = chat(stage, [ALEX])
    sender = {"id": f"29:{ALEX.id}", "name": ALEX.name}
    await refused(stage, ALEX, here, "cannot tell who you are", **{"from": sender})


async def test_person_with_anothers_id_is_refused(stage):
    """An object id that is not the one of the roster's entry for the sender is believed to nobody."""
    here = chat(stage, [LYNNE, PATTI])
    sender = {"id": f"29:{LYNNE.id}", "name": PATTI.name, "aadObjectId": PATTI.entra_id}
    await refused(stage, LYNNE, here, "cannot tell who you are", **{"from": sender})


async def test_person_outside_the_roster_is_refused(stage):
    """Somebody whom Teams does not know in the conversation may do nothing."""
    here = chat(stage, [ALEX])
    await refused(stage, STRANGER, here, "cannot tell who you are")


async def test_activity_of_unknown_tenant_is_not_let_in(stage):
    """A conversation of a tenant that is not served is refused at the door."""
    tenant = "00000000-0000-0000-0000-00000000dead"
    here = chat(stage, [ALEX], tenant=tenant)
    response = await stage.send(stage.activity(ALEX, here, text="/help"))
    assert response.status_code == 403
    assert heard(stage, here) == []


DIRECTORY = "graph.checkmembergroups"
DOWN = {
    "500": (Fault(kind="error", status=500, times=50), "could not find out what you may do"),
    "403": (Fault(kind="forbidden", times=50), "User.Read.All, GroupMember.Read.All"),
    "401": (Fault(kind="expired", times=50), "does not accept the bot's sign-in"),
    "429": (Fault(kind="throttled", retry_after=90, times=50), "try again in 90 s"),
    "html": (Fault(kind="html", times=50), "could not find out what you may do"),
    "silence": (Fault(kind="timeout", seconds=7, times=50), "could not find out what you may do"),
}


def newcomer(stage, role: str) -> Person:
    """A person nobody has asked about yet, in the group of that role."""
    entra = str(uuid.uuid4())
    stage.sim.first.directory.people[entra] = Entry(id=entra, name="New Comer", upn=f"{entra}@example.com")
    stage.sim.first.directory.groups[GROUPS[role]].members.add(entra)
    return Person(id=f"new-{entra}", given="New", surname="Comer", login=entra, entra_id=entra)


@pytest.mark.parametrize("how", DOWN)
async def test_unread_role_gives_nothing(stage, how):
    """While Graph cannot say what groups somebody is in they may do nothing, and the card says what is wrong."""
    fault, said = DOWN[how]
    person = newcomer(stage, "ROLES_ADMIN")
    here = chat(stage, [person])
    stage.sim.faults.add(DIRECTORY, fault)
    before = len(stage.sim.world.ledger.entries)
    message = await ask(stage, person, line(stage, "scan"), here)
    assert said in words(message)
    assert "needs the role" not in words(message)
    assert len(stage.sim.world.ledger.entries) == before
    assert not [d.name for d in stage.sim.first.devices.values() if d.name in words(message)]


async def test_whoami_never_says_no_role_without_knowing(stage):
    """While the role cannot be read, whoami says so instead of "no role", and the role is there once it can."""
    person = newcomer(stage, "ROLES_READER")
    here = chat(stage, [person])
    stage.sim.faults.add(DIRECTORY, Fault(kind="error", status=500, times=2))
    said = words(await ask(stage, person, "/whoami", here))
    assert "could not be read" in said
    assert "no role" not in said
    said = words(await ask(stage, person, "/whoami", here))
    assert "reader" in said


async def test_role_is_kept_five_minutes_at_most(stage):
    """What Redis keeps of a person's groups and identity runs out within five minutes and is not renewed by use."""
    person = newcomer(stage, "ROLES_READER")
    here = chat(stage, [person])
    await ask(stage, person, "/whoami", here)
    await ask(stage, person, "/whoami", here)
    redis = stage.bot.store._redis
    names = [name async for name in redis.scan_iter("wk:*:value:*") if person.entra_id in name or person.id in name]
    kept = {name: await redis.pttl(name) for name in names}
    assert len(kept) == 2
    assert all(0 < left <= 300_000 for left in kept.values()), kept
    calls = [one for one in stage.sim.calls if one[0] == DIRECTORY]
    await redis.delete(*names)
    stage.sim.first.directory.groups["a0000000-0000-4000-8000-000000000001"].members.discard(person.entra_id)
    said = words(await ask(stage, person, "/devices", here))
    assert "needs the role reader" in said
    assert len([one for one in stage.sim.calls if one[0] == DIRECTORY]) == len(calls) + 1


@pytest.mark.parametrize("which", ["high", "mine"])
async def test_incidents_are_counted_where_all_are_listed(stage, which):
    """A filter that Graph does not count for is counted here, as long as everything that matches was read."""
    here = chat(stage, [ALEX])
    said = words(await ask(stage, ALEX, f"/incidents {which}", here))
    assert "number of incidents is unknown" not in said
    assert re.search(r"\d+ incidents?\b", said)
