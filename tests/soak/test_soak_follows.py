"""The soak's judge of what follows: what a session left, looks, inverses by a button, what runs by itself; the log."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.simulator.actions import Order
from bot.simulator.files import CONSENT, FILE
from bot.simulator.intune import submit
from bot.simulator.live_scripts import Printed
from bot.simulator.live_sessions import Command, Session, transcript
from tests.soak.fleet import unexpected
from tests.soak.repertoire import BY_NAME
from tests.soak.small_world import ASKER, DECIDER, ID, NOW, READER, TENANT, World, activity
from tests.soak.test_soak_families import BLOCKED, asked, call, shown
from tests.soak.things import Things
from tests.soak.wishes import LOOKED, Wishes
from tests.soak.world import BY_ITSELF, PLAYERS, REQUESTS, TENANTS

ANSWER = '{"error":"","changed":true,"before":{"exists":"yes"}}'
NAME = f"{BLOCKED}-s.ps1.txt"


def ran(world: World, response: str = "run-script", **more: Any) -> Command:
    """A script that was asked for, approved and ran; what it left at the service."""
    command = Command(type="RunScript", params={"ScriptName": "s.ps1", "Args": "-Apply"}, status="Completed")
    command.result = transcript("s.ps1", Printed(output=ANSWER))
    session = Session(commands=[command])
    order = Order(type="LiveResponse", scope=None, comment=f"[{BLOCKED}/1]", requestor="Watchkeeper", session=session)
    action = world.sim.dispatcher.submit(world.customer, world.device, order)
    action.status = "Succeeded"
    asked(world, response, world.device.id, attempts=[{"number": 1, "action": action.id}], **more)
    facts = {"Defender action": action.id}
    shown(world, f"Run a script on {world.device.name}", "**Defender reports: Succeeded.**", **facts)
    return command


def output(world: World, place: str = ASKER.chat, *, said: str = ANSWER, on: str = "", code: str = "0") -> None:
    """What it printed is shown; the first line is of Defender's own."""
    first = json.loads(world_result(world), strict=False)["script_output"].split("\n")[0]
    title = f"Output of a script on {on or world.device.name}"
    card = activity(title, "This comes from the device.", {"Exit code": code, "Request": BLOCKED})
    card["attachments"][0]["content"]["body"].append({"type": "CodeBlock", "codeSnippet": f"{first}\n{said}"})
    world.show(card, place)


def world_result(world: World) -> str:
    actions = [one for one in world.customer.actions.values() if one.session]
    return (actions[-1].session.commands[-1].result or b"").decode() if actions[-1].session else ""


def handed(world: World, content: bytes | None, place: str = ASKER.chat) -> None:
    """A file card, and what OneDrive has under its address."""
    world.sim.connector.drive.uploads["secret"] = content
    card = {"contentType": FILE, "name": NAME, "contentUrl": f"http://x/onedrive/secret/{NAME}"}
    world.show({"type": "message", "attachments": [{**card, "content": {"uniqueId": "1", "fileType": "txt"}}]}, place)


def whole(command: Command) -> bytes:
    return str(json.loads(command.result or b"{}", strict=False)["script_output"]).replace("\0", "").encode()


def well_shown(world: World) -> None:
    ran(world)
    output(world)


def well_handed(world: World) -> None:
    handed(world, whole(ran(world)), DECIDER.chat)


def shown_in_the_channel(world: World) -> None:
    ran(world)
    output(world, REQUESTS[TENANT])


def shown_to_another(world: World) -> None:
    ran(world)
    output(world, READER.chat)


def offered_to_another(world: World) -> None:
    ran(world)
    card = {"contentType": CONSENT, "name": NAME, "content": {"sizeInBytes": 3}}
    world.show({"type": "message", "attachments": [card]}, READER.chat)


def shown_otherwise(world: World) -> None:
    ran(world)
    output(world, said="all is well")


def shown_of_another_device(world: World) -> None:
    ran(world)
    output(world, on="another")


def shown_with_another_code(world: World) -> None:
    ran(world)
    output(world, code="1")


def shown_where_nothing_was_left(world: World) -> None:
    command = ran(world, "get-file")
    output(world)
    command.result = None


def handed_half(world: World) -> None:
    handed(world, whole(ran(world))[:-10])


def handed_nothing(world: World) -> None:
    ran(world)
    handed(world, None)


def looked(world: World, before: str) -> None:
    """A look at what a script would change, and a request whose card says what it found."""
    ran(world, "preview", parameters={"Service": "invoicesvc"})
    facts = {"Request": ID, "Reason": "soak-0001", "Defender action": world.action, "It was then": before}
    world.edit(world.card, activity(f"Isolate {world.device.name}", "**Defender reports: Succeeded.**", facts))


def well_looked(world: World) -> None:
    looked(world, "exists: yes")


def looked_otherwise(world: World) -> None:
    looked(world, "exists: no")


def restarted(world: World, minutes: float, response: str = "restart", called: float | None = None) -> None:
    """What the policy approved so many minutes after it was asked for, and when it was called."""
    target = next(iter(world.customer.intune.devices))
    at = NOW + BY_ITSELF["restart"] * (minutes / 10)
    policy = {"id": "policy", "tenant": "", "name": f"response.{response}"}
    asked(world, response, target, decisions=[{"what": "approved by policy", "who": policy, "at": at.isoformat()}])
    shown(world, f"Restart {world.device.name}", "**Intune took it:** on its way.")
    operation = BY_NAME[response].operation
    submit(world.customer.intune, world.customer.intune.devices[target], operation.rpartition(".")[2], {}, at)
    call(world, f"/devices/{target}/{response}\n", operation)
    made = world.evidence.taken[-1]
    world.evidence.taken[-1] = replace(made, at=at if called is None else NOW + BY_ITSELF["restart"] * (called / 10))


def well_restarted(world: World) -> None:
    restarted(world, 11)


def restarted_too_early(world: World) -> None:
    restarted(world, 9)


def called_too_early(world: World) -> None:
    restarted(world, 11, called=5)


def locked_by_itself(world: World) -> None:
    """The policy says nothing of that response."""
    restarted(world, 11, "lock")


def restarted_after_a_veto(world: World) -> None:
    restarted(world, 11)
    press = world.evidence.presses[-1]
    world.evidence.presses[-1] = replace(press, verb="reject", taken=True)


def collected(world: World, minutes: float) -> None:
    """A machine action that the policy approved in time, and that the service accepted after so many minutes."""
    policy = {"id": "policy", "tenant": "", "name": "response.collect"}
    at = (NOW + BY_ITSELF["collect"]).isoformat()
    asked(world, "collect", world.device.id, decisions=[{"what": "approved by policy", "who": policy, "at": at}])
    world.clock.move((NOW - world.clock.now()).total_seconds() + minutes * 60)
    order = Order(type="CollectInvestigationPackage", scope=None, comment=f"[{BLOCKED}/1]", requestor="Watchkeeper")
    action = world.sim.dispatcher.submit(world.customer, world.device, order)
    action.status = "Succeeded"
    world.evidence.records[TENANT][BLOCKED]["attempts"] = [{"number": 1, "action": action.id}]
    facts = {"Defender action": action.id}
    shown(world, f"Collect from {world.device.name}", "**The package is there.**", **facts)
    world.evidence.presses.pop()


def well_collected(world: World) -> None:
    collected(world, 11)


def collected_too_early(world: World) -> None:
    collected(world, 2)


def undone(world: World, target: str = "", by: str = "undo") -> None:
    """The isolation's release was asked for by its card's button, without a reason, and withdrawn."""
    who = {"id": ASKER.id, "tenant": TENANT, "name": ASKER.name}
    withdrawn = {"what": "withdrawn", "who": who, "at": NOW.isoformat()}
    asked(world, "release", target or world.device.id, reason="", state="withdrawn", decisions=[withdrawn])
    wish = replace(world.wish("release", world.device.id), undoes=ID)
    world.evidence.wishes = {"soak-0001": world.evidence.wishes["soak-0001"], "soak-0009": wish}
    world.show(activity("Release", "**Withdrawn. Nothing was sent.**", {"Request": BLOCKED}), REQUESTS[TENANT])
    press = world.evidence.presses[-1]
    world.evidence.presses[-1] = replace(press, who=ASKER, verb="withdraw")
    if by:
        world.evidence.presses.append(replace(press, who=ASKER, verb=by, request=ID, taken=False))


def well_undone(world: World) -> None:
    undone(world)


def undone_elsewhere(world: World) -> None:
    undone(world, next(id_ for id_ in world.customer.devices if id_ != world.device.id))


def undone_by_nobody(world: World) -> None:
    undone(world, by="")


BREACHES: list[tuple[str, Callable[[World], None]]] = [
    ("unauthorised acts", shown_in_the_channel),
    ("unauthorised acts", shown_to_another),
    ("unauthorised acts", offered_to_another),
    ("unauthorised acts", restarted_too_early),
    ("unauthorised acts", locked_by_itself),
    ("unauthorised acts", restarted_after_a_veto),
    ("unauthorised acts", collected_too_early),
    ("doubled actions", called_too_early),
    ("doubled actions", locked_by_itself),
    ("cards that say something else", shown_otherwise),
    ("cards that say something else", shown_of_another_device),
    ("cards that say something else", shown_with_another_code),
    ("cards that say something else", shown_where_nothing_was_left),
    ("cards that say something else", handed_half),
    ("cards that say something else", handed_nothing),
    ("cards that say something else", looked_otherwise),
    ("not as asked", undone_elsewhere),
    ("not as asked", undone_by_nobody),
]


@pytest.mark.parametrize(("rule", "breach"), BREACHES, ids=[breach.__name__ for _, breach in BREACHES])
def test_a_breach_of_what_follows_is_found(rule: str, breach: Callable[[World], None]):
    """Each thing that must not be is found under its name."""
    world = World()
    breach(world)
    assert rule in world.findings()


WELL = [well_shown, well_handed, well_looked, well_restarted, well_collected, well_undone]


@pytest.mark.parametrize("well", WELL, ids=lambda well: well.__name__)
def test_what_follows_and_is_right_is_no_breach(well: Callable[[World], None]):
    """What went well is not found."""
    world = World()
    well(world)
    assert world.findings() == {}


def test_lines_that_were_not_foreseen_are_found(tmp_path: Path):
    """An error of the bot's own or of a library is told with its line; warnings and places of exceptions are not."""
    log = tmp_path / "bot0.log"
    lines = [
        '{"event": "post_failed", "level": "warning"}',
        '{"event": "job_failed", "level": "error"}',
        "WARNING docket.worker Redis is unavailable",
        "ERROR asyncio Task exception was never retrieved",
        "KeyError",
        "  redelivery.py:78 renew",
        "[]",
    ]
    log.write_text("\n".join(lines))
    found = [f"bot0: {lines[1]}", f"bot0: {lines[3]} / KeyError"]
    assert unexpected([log, tmp_path / "none.log"]) == found


def test_inverses_and_scripts_follow_what_is_shown_as_done():
    """The inverse of what is done is wished by its button, once each; after a look, the script that it was at."""
    world = World()
    board = world.evidence.board
    wishes = Wishes(world.sim, Things(world.sim, board, Random(1)), Random(1), Random(2))  # noqa: S311 - the same each time
    made = {}
    while not {"isolate", "preview"} <= {wish.act.name for wish in made.values() if not wish.names}:
        wish = wishes.next(len(made))
        made[wish.tag] = wish
        card = activity(
            f"x {wish.target.shown}",
            "**Defender reports: Succeeded.**",
            {"Request": f"WK-{wish.tag[-4:]}", "Reason": wish.tag},
            verbs=("undo",) if wish.act.back else (),
        )
        world.show(card, REQUESTS[wish.tenant])
        board.look()
    following = [wishes.next(number) for number in range(1000, 1400)]
    inverses = [wish for wish in following if wish.undoes]
    assert inverses
    assert len({wish.undoes for wish in inverses}) == len(inverses)
    for wish in inverses:
        before = made[f"soak-{wish.undoes[-4:]}"]
        assert (wish.act.name, wish.target, wish.names) == (before.act.back, before.target, before.names)
    looks = {wish.target for wish in made.values() if wish.act.name == "preview"}
    scripts = [wish for wish in following if wish.act.name in LOOKED.values() and wish.target in looks]
    assert scripts


def test_somebody_can_object_to_what_runs_by_itself():
    """Each customer has people who may reject it; its responses are ones that somebody else would approve."""
    assert all(BY_NAME[name].approvals == 1 and not BY_NAME[name].alone for name in BY_ITSELF)
    assert all(sum(player.decides for player in PLAYERS if player.tenant == tenant) > 1 for tenant in TENANTS)
