"""People, places and requests that the tests of this folder share."""

from datetime import UTC, datetime, timedelta

from bot.defender.models import MachineAction
from bot.posts import Place, Post
from bot.responses import machine
from bot.responses.how import of_action
from bot.responses.models import Member, Person, Request, State, Target, Work

START = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
TENANT = "00000000-0000-0000-0000-000000000001"
ADELE, MEGAN, ALEX, PATTI = (
    Person(id=f"person-{n}", tenant=TENANT, name=name) for n, name in enumerate(("Adele", "Megan", "Alex", "Patti"))
)


def place(name: str = "19:soc") -> Place:
    return Place(id=name, kind="channel", tenant=TENANT, service_url="http://127.0.0.1", bot_id="28:bot")


def request(**more) -> Request:
    """A request of Adele's to isolate a device, as it is proposed."""
    values = {
        "id": "WK-1",
        "customer": TENANT,
        "response": "isolate",
        "family": "isolation",
        "target": Target(id="a" * 40, name="pc"),
        "parameters": {"IsolationType": "Full"},
        "requester": ADELE,
        "created": START,
        "expires": START + HOUR,
        "inverse": "release",
        "posts": (Post(key="card", place=place()),),
        **more,
    }
    return Request(**values)


def machine_action(status: str = "Pending", mark: str = "[WK-1/1]", **more) -> MachineAction:
    """An isolation of the device, as the service lists it."""
    wire = {"id": "action-1", "type": "Isolate", "scope": "Full", "status": status, "requestorComment": f"{mark} why"}
    return MachineAction.model_validate(wire | {"requestor": "Watchkeeper"} | more)


def action(status: str = "Pending", mark: str = "[WK-1/1]", **more) -> Work:
    """How an isolation of the device stands, as the service's action says it."""
    return of_action(machine_action(status, mark, **more), ours=mark.startswith("[WK-1/"), same=True)


def member(state: State) -> Member:
    return Member(target=Target(id="b" * 40, name="pc2"), request="WK-1-01", state=state)


def in_state(state: State) -> Request:
    """A request that came to that state by the shortest way, at START."""
    proposed = request()
    approved = machine.approve(proposed, MEGAN, START, HOUR)
    sending = machine.begin(approved, START)
    sent = machine.accept(sending, START, action(), adopted=False)
    unknown = machine.lose(sending, START)
    ways = {
        State.PROPOSED: lambda: proposed,
        State.APPROVED: lambda: approved,
        State.SENDING: lambda: sending,
        State.SENT: lambda: sent,
        State.UNKNOWN: lambda: unknown,
        State.SUCCEEDED: lambda: machine.observe(sent, START, action("Succeeded")),
        State.FAILED: lambda: machine.observe(sent, START, action("Failed")),
        State.TIMED_OUT: lambda: machine.observe(sent, START, action("TimeOut")),
        State.CANCELLED: lambda: machine.observe(sent, START, action("Cancelled")),
        State.HANDED_OVER: lambda: machine.observe(sent, START, Work(id="action-1", state="handed over")),
        State.PARTLY: lambda: machine.collect(sent, START, (member(State.SUCCEEDED), member(State.FAILED))),
        State.REJECTED: lambda: machine.reject(proposed, MEGAN, START, "no"),
        State.EXPIRED: lambda: machine.expire(proposed, START + HOUR),
        State.WITHDRAWN: lambda: machine.withdraw(proposed, ADELE, START),
        State.GIVEN_UP: lambda: machine.give_up(unknown, MEGAN, START),
    }
    return ways[state]()
