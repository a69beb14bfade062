"""What stands in Redis before a measurement: open requests to approve, subscriptions to post to."""

from datetime import UTC, datetime, timedelta

from bot.audit import Entry, Ledger
from bot.clock import SystemClock
from bot.demo import APP_ID, TENANT
from bot.posts import Place, Post
from bot.records import write
from bot.responses.models import Person, Request, Target
from bot.responses.requests import ASK, KIND, ask_key
from bot.state.redis import RedisStore
from bot.state.store import Change
from bot.subscribers import KIND as SUBSCRIPTION
from bot.subscriptions import Subscription
from bot.wire import MACHINE_ID
from tests.bench.subjects import AUDIT_KEY
from tests.bench.turns import conversation, message_of
from tests.state.redis_process import RedisProcess

REQUESTER = Person(id="00000000-0000-4000-8000-999999999999", tenant=TENANT, name="Somebody Else")


def place(number: int, cloud_url: str, tenant: str = TENANT, where: str = "") -> Place:
    """A conversation of the load's, as records keep it."""
    return Place(
        id=where or conversation(number), kind="channel", tenant=tenant, service_url=cloud_url, bot_id=f"28:{APP_ID}"
    )


def open_request(number: int, cloud_url: str) -> Request:
    """A request that waits for an approver, its card shown in one conversation, each for a device of its own."""
    now = datetime.now(UTC)
    machine = f"{number:040x}"
    assert MACHINE_ID.fullmatch(machine)
    post = Post(key="card", place=place(number, cloud_url), message=message_of(number), shown=1, state="live")
    return Request(
        id=f"WK-BENCH{number:05d}",
        customer=TENANT,
        response="isolate",
        family="isolation",
        target=Target(id=machine, name=f"bench-{number}.contoso.com"),
        parameters={"IsolationType": "Full"},
        reason="measured",
        requester=REQUESTER,
        origin=conversation(number),
        created=now,
        expires=now + timedelta(hours=1),
        inverse="release",
        posts=(post,),
    )


async def requests_in(redis: RedisProcess, cloud_url: str, first: int, count: int) -> dict[int, str]:
    """Write open requests, with the audit entry and the hold that each has; returns their ids by number."""
    store = RedisStore.open(redis.url)
    ledger = Ledger(store, AUDIT_KEY)
    names = {}
    for number in range(first, first + count):
        made = open_request(number, cloud_url)
        names[number] = made.id
        ask = Change(kind=ASK, id=ask_key(made.target.id, made.response), rev=0, data={"v": 1, "request": made.id})
        entry = Entry(at=made.created, what="proposed", who="bench", subject=f"request:{made.id}")
        await ledger.commit(TENANT, [write(KIND, made, made.created), ask], [entry])
    await store.close()
    return names


def customer(number: int) -> str:
    """A customer's tenant id."""
    return f"10000000-0000-4000-8000-{number:012d}"


async def subscriptions_in(redis: RedisProcess, cloud_url: str, count: int) -> None:
    """One channel for each customer, which wants every incident."""
    store = RedisStore.open(redis.url)
    ledger = Ledger(store, AUDIT_KEY)
    since = SystemClock().now() - timedelta(hours=1)
    for number in range(count):
        tenant = customer(number)
        where = place(number, cloud_url, tenant, f"19:customer-{number}@thread.tacv2")
        made = Subscription(id=where.id, customer=tenant, place=where, since=since)
        await ledger.commit(tenant, [Change(kind=SUBSCRIPTION, id=made.id, rev=0, data=made.model_dump(mode="json"))])
    await store.close()
