"""The soak's judge of every response: what is no machine action, of several devices, of scripts, of investigations."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from bot.simulator.actions import Order
from bot.simulator.investigations import start
from bot.simulator.live_scripts import Printed
from bot.simulator.live_sessions import Command, Session, transcript
from handlers.responses import RESPONSES
from tests.soak.repertoire import ACTS, BESIDE, BY_NAME
from tests.soak.small_world import ID, NOW, TENANT, World, activity
from tests.soak.things import Things
from tests.soak.truth import Taken
from tests.soak.wishes import INSTEAD, Wishes
from tests.soak.world import REQUESTS

USER = "c1000000-0000-4000-8000-000000000000"
BLOCKED = "WK-BLCKED2345"
UPDATED = f'/v1.0/users/{USER}\n{{"accountenabled":false}}'


def asked(world: World, response: str, target: str, **more: Any) -> dict[str, Any]:
    """A request that was typed and approved: it takes the place of the one before under its id."""
    given = more.get("parameters", {})
    tag = "soak-0009"
    world.evidence.wishes = {**world.evidence.wishes, tag: world.wish(response, target, **given)}
    record = {**world.record, "id": BLOCKED, "response": response, "family": BY_NAME[response].family}
    record |= {"target": {"id": target, "name": world.device.name}, "reason": f"{tag} looks bad"}
    record |= {"attempts": [], "origin": REQUESTS[TENANT], **more}
    world.evidence.records[TENANT][BLOCKED] = record
    press = world.evidence.presses[0]
    verb = "reject" if any(d["what"] == "rejected" for d in record["decisions"]) else "approve"
    world.evidence.presses.append(replace(press, request=BLOCKED, verb=verb, taken=False))
    return record


def blocked(world: World, state: str = "succeeded", stand: str = "**Entra ID reports: InForce.**") -> None:
    """A sign-in that was asked to be blocked, and the card that tells of it."""
    decision = {**world.record["decisions"][0], "what": "rejected" if state == "rejected" else "approved"}
    asked(world, "block-signin", USER, state=state, decisions=[decision])
    shown(world, "Block sign-in of user-00", stand)


def shown(world: World, title: str, stand: str, **facts: str) -> None:
    """The request's card."""
    world.show(activity(title, stand, {"Request": BLOCKED, "Reason": "soak-0009", **facts}), REQUESTS[TENANT])


def call(
    world: World, path: str = f'/v1.0/users/{USER}\n{{"accountenabled":false}}', operation: str = "graph.users.update"
) -> None:
    """The service took a call about the user."""
    world.evidence.taken.append(Taken(operation=operation, tenant=TENANT, at=NOW, said=path))


def well_blocked(world: World) -> None:
    blocked(world)
    call(world)
    world.customer.directory.people[USER].enabled = False


def blocked_twice(world: World) -> None:
    well_blocked(world)
    call(world)


def blocked_though_rejected(world: World) -> None:
    blocked(world, "rejected", "**Rejected. Nothing was sent.**")
    call(world)


def never_blocked(world: World) -> None:
    blocked(world)


def unblocked_since(world: World) -> None:
    well_blocked(world)
    world.customer.directory.people[USER].enabled = True


def listed(world: World, response: str, key: str, target: str, minute: int) -> None:
    """A request about a list of values that was approved in that minute and is shown as done."""
    at = (NOW + timedelta(minutes=minute)).isoformat()
    done = {**asked(world, response, target, state="succeeded", values=["bad.example"]), "id": key}
    done |= {"decisions": [{**done["decisions"][0], "at": at}], "attempts": [{"number": 1, "began": at}]}
    world.evidence.records[TENANT][key] = done
    del world.evidence.records[TENANT][BLOCKED]


def list_taken_back(world: World, last: str = "unblock-list") -> None:
    """A list was blocked and taken back, or the other way round; nothing of it is in force."""
    listed(world, "block-list", "WK-LST2222222", "list:1", minute=2 if last == "block-list" else 0)
    listed(world, "unblock-list", "WK-LST3333333", "WK-LST2222222", minute=1)


def list_not_blocked_again(world: World) -> None:
    list_taken_back(world, last="block-list")


def several(world: World, stand: str, *states: str) -> None:
    """One request for several devices, each with a request of its own that ended so."""
    devices = list(world.customer.devices.values())[: len(states)]
    targets = [{"id": device.id, "name": device.name} for device in devices]
    members = [{"request": f"{ID}-{number:02}", "target": target} for number, target in enumerate(targets, 1)]
    whole = asked(world, "isolate", "", members=members)
    names = tuple(device.name for device in devices)
    world.evidence.wishes = {**world.evidence.wishes, "soak-0009": replace(world.wish("isolate", ""), names=names)}
    for member, state in zip(members, states, strict=True):
        more = {"batch": BLOCKED, "members": [], "state": state, "target": member["target"]}
        world.evidence.records[TENANT][str(member["request"])] = {**whole, "id": member["request"], **more}
    shown(world, "Isolate 2 devices", stand)


def not_done_on_all(world: World) -> None:
    several(world, "**Confirmed on every device.**", "succeeded", "failed")


def done_on_one_after_all(world: World) -> None:
    several(world, "**Done on no device.** Each is below.", "succeeded", "failed")


def done_in_another_way(world: World) -> None:
    several(world, "**Confirmed on every device.**", "succeeded", "succeeded")
    world.evidence.records[TENANT][f"{ID}-01"]["parameters"] = {"IsolationType": "Selective"}


def asked_otherwise(world: World) -> None:
    world.evidence.wishes = {"soak-0001": world.wish("release", world.device.id)}


def on_another_device(world: World) -> None:
    world.evidence.wishes = {"soak-0001": world.wish("isolate", "another")}


def with_another_choice(world: World) -> None:
    world.evidence.wishes = {"soak-0001": world.wish("isolate", world.device.id, IsolationType="Selective")}


def typed_by_nobody(world: World) -> None:
    world.record["reason"] = "soak-0002 looks bad"


def marked_twice(world: World) -> None:
    """It was sent again, and both calls bear the mark of the first attempt."""
    again = [world.record["decisions"][0], {**world.record["decisions"][0], "what": "sent again"}]
    asked(world, "warn", "x.example", decisions=again)
    shown(world, "Warn of x.example", "**Defender holds the indicator: Warn.**")
    press = world.evidence.presses[-1]
    world.evidence.presses.append(replace(press, verb="resend"))
    said = f'/api/indicators\n{{"title":"[{BLOCKED.lower()}/1]","indicatorvalue":"x.example","action":"warn"}}'
    for _ in range(2):
        call(world, said, "defender.indicators.submit")


def for_nothing(world: World) -> None:
    call(world, "/v1.0/users/somebody\n", "graph.users.update")


def cancelled_by_nobody(world: World) -> None:
    call(world, f'/api/machineactions/{world.action}/cancel\n{{"comment":"[{ID.lower()}]supersededbyrelease"}}', CANCEL)


CANCEL = "defender.machineactions.cancel"


def too_early(world: World) -> None:
    well_blocked(world)
    early = replace(world.evidence.taken[0], at=NOW - timedelta(seconds=1))
    world.evidence.taken[:] = [early]


def wiped_by_one(world: World) -> None:
    """Two must approve, one did, and the call was made."""
    target = next(iter(world.customer.intune.devices))
    asked(world, "wipe", target, parameters={"keepUserData": "false"}, state="given up")
    shown(world, f"Wipe {world.device.name}", "**Given up.** Look.")
    call(world, f'/devices/{target}/wipe\n{{"keepuserdata":false}}', "graph.intune.wipe")


def said_expired(world: World) -> None:
    asked(world, "warn", "x.example", state="expired")
    shown(world, "Warn of x.example", "**Expired: not decided in time. Nothing was sent.**")
    said = f'/api/indicators\n{{"title":"[{BLOCKED.lower()}/1]","indicatorvalue":"x.example","action":"warn"}}'
    call(world, said, "defender.indicators.submit")


def scripted(world: World, answer: str, stand: str = "**Defender reports: Succeeded.**") -> None:
    """A service that was asked to be stopped by a script, and what the script printed."""
    command = Command(type="RunScript", params={"ScriptName": "s.ps1", "Args": "-Apply"})
    command.result = transcript("s.ps1", Printed(output=answer))
    comment, session = f"[{BLOCKED}/1]", Session(commands=[command])
    order = Order(type="LiveResponse", scope=None, comment=comment, requestor="Watchkeeper", session=session)
    action = world.sim.dispatcher.submit(world.customer, world.device, order)
    action.status = "Succeeded"
    asked(world, "stop-service", world.device.id, state="failed")
    shown(world, f"Stop a service on {world.device.name}", stand, **{"Defender action": action.id})


def script_complained(world: World) -> None:
    scripted(world, '{"error":"There is no such service","changed":false}')


def script_changed_nothing(world: World) -> None:
    scripted(world, '{"error":"","changed":false}')


def script_did_it(world: World) -> None:
    scripted(world, '{"error":"","changed":true}', "**Failed. Defender reports: ScriptFailed.**")


def investigated(world: World) -> None:
    """An investigation that goes on, and a card that says that it is over."""
    one = start(world.customer, world.device, NOW)
    asked(world, "investigate", world.device.id, attempts=[{"number": 1, "action": one.id}])
    shown(world, f"Investigate {world.device.name}", "**Defender reports: Benign.**")


def investigated_elsewhere(world: World) -> None:
    investigated(world)
    one = next(iter(world.customer.investigations.values()))
    one.state, one.machine_id = "Benign", "another"


def cancelled_by_an_operator(world: World) -> None:
    """Only who decides may take an action back."""
    asked(world, "cancel", world.action, decisions=[])
    shown(world, "Cancel: Isolate", "**Cancelled.** Defender reports: Cancelled.")


def none_confirmed_after_one(world: World) -> None:
    several(world, "**Confirmed on no device; on some it is unknown.**", "succeeded", "timed out")


def some_where_all_failed(world: World) -> None:
    several(world, "**Confirmed on some devices, not on all.**", "failed", "failed")


FAMILY_BREACHES: list[tuple[str, Callable[[World], None]]] = [
    ("doubled actions", blocked_twice),
    ("doubled actions", blocked_though_rejected),
    ("doubled actions", marked_twice),
    ("doubled actions", for_nothing),
    ("doubled actions", cancelled_by_nobody),
    ("doubled actions", too_early),
    ("doubled actions", wiped_by_one),
    ("cards that say something else", never_blocked),
    ("cards that say something else", said_expired),
    ("cards that say something else", script_complained),
    ("cards that say something else", script_changed_nothing),
    ("cards that say something else", script_did_it),
    ("cards that say something else", investigated_elsewhere),
    ("cards that say something else", investigated),
    ("cards that say something else", not_done_on_all),
    ("cards that say something else", done_in_another_way),
    ("cards that say something else", done_on_one_after_all),
    ("cards that say something else", none_confirmed_after_one),
    ("cards that say something else", some_where_all_failed),
    ("unauthorised acts", cancelled_by_an_operator),
    ("out of order", unblocked_since),
    ("out of order", list_not_blocked_again),
    ("not as asked", asked_otherwise),
    ("not as asked", on_another_device),
    ("not as asked", with_another_choice),
    ("not as asked", typed_by_nobody),
]


@pytest.mark.parametrize(("rule", "breach"), FAMILY_BREACHES, ids=[breach.__name__ for _, breach in FAMILY_BREACHES])
def test_a_breach_of_a_family_is_found(rule: str, breach: Callable[[World], None]):
    """Each thing that must not be is found under its name."""
    world = World()
    breach(world)
    assert rule in world.findings()


def well_done_on_some(world: World) -> None:
    several(world, "**Confirmed on some devices, not on all.**", "succeeded", "failed")


def well_failed_by_a_script(world: World) -> None:
    answer = '{"error":"There is no such service","changed":false}'
    scripted(world, answer, "**Failed. Defender reports: ScriptFailed.**")


def well_investigated(world: World) -> None:
    investigated(world)
    next(iter(world.customer.investigations.values())).state = "Benign"


def well_made_way(world: World) -> None:
    """The release was approved while the isolation waited: the bot takes that one back."""
    asked(world, "release", world.device.id, state="failed")
    shown(world, f"Release {world.device.name}", "**Failed. Defender reports: Failed.**", **{"Defender action": "-"})
    world.edit(world.card, world.result())
    comment = f'{{"comment":"[{BLOCKED.lower()}]supersededbyrelease"}}'
    call(world, f"/api/machineactions/{world.action}/cancel\n{comment}", CANCEL)


WELL = [well_blocked, well_done_on_some, well_failed_by_a_script, well_investigated]


@pytest.mark.parametrize("well", WELL, ids=lambda well: well.__name__)
def test_what_is_right_of_a_family_is_no_breach(well: Callable[[World], None]):
    """What went well is not found."""
    world = World()
    well(world)
    assert world.findings() == {}


def test_a_list_that_was_taken_back_is_in_order():
    """What takes a whole list back is judged with it, although it names the request and not the list."""
    world = World()
    list_taken_back(world)
    assert "out of order" not in world.findings()


def test_what_makes_way_was_asked_for():
    """A waiting action that is taken back because its opposite was approved is no call for nothing."""
    world = World()
    well_made_way(world)
    assert "doubled actions" not in world.findings()


def test_every_response_is_played_or_named_with_a_reason():
    """Each response of the registry is in the repertoire, as it is declared, or named with why it is not played."""
    declared = {response.name: response for response in RESPONSES}
    assert set(declared) == set(BY_NAME) | set(BESIDE)
    assert all(BESIDE.values())
    for act in ACTS:
        response = declared[act.name]
        assert (act.family, act.alone, act.many) == (response.family, not response.approvals, response.many), act.name
        assert act.approvals == max(1, response.approvals), act.name
        assert act.back == response.inverse or act.name == "unblock"  # to block again what was freed needs a new choice


def test_every_response_is_asked_for_in_turn():
    """As many wishes as there are responses, twice over, and none is left out; where one needs another, that comes."""
    world = World()
    wishes = Wishes(world.sim, Things(world.sim, world.evidence.board, Random(1)), Random(1), Random(2))  # noqa: S311 - the same each time
    names = {wishes.next(number).act.name for number in range(2 * len(ACTS))}
    assert set(BY_NAME) - names <= set(INSTEAD)
