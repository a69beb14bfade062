"""The lease under which a record's posts are sent: renewed while the work goes on, and never after it."""

import asyncio
from types import SimpleNamespace

from bot.posting import holding
from bot.state.memory import MemoryStore


class Store(MemoryStore):
    """Counts renewals. With `deaf` a renewal loses the cancel that meets it, as redis-py does on Python 3.11."""

    def __init__(self, *, deaf=False):
        super().__init__()
        self.deaf = deaf
        self.renewals = 0
        self.renewing = asyncio.Event()

    async def lease(self, customer, name, owner, seconds):
        """As the store does it; the second call and all later ones are renewals."""
        if await super().lease(customer, name, owner, seconds) and self.renewals:
            self.renewing.set()
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                if not self.deaf:
                    raise
        self.renewals += 1
        return await super().lease(customer, name, owner, seconds)


def services(store):
    return SimpleNamespace(store=store, worker="worker")


async def test_it_is_renewed_while_the_work_goes_on():
    """Work that takes longer than the lease keeps it: nobody else gets in until it is over."""
    store = Store()
    async with holding(services(store), "customer", "post", 1.0) as held:
        assert held
        await asyncio.sleep(1.4)
        async with holding(services(store), "customer", "post", 1.0) as second:
            assert not second
    async with holding(services(store), "customer", "post", 1.0) as third:
        assert third


async def test_a_renewal_that_loses_its_cancel_ends_all_the_same():
    """A renewal that does not hear its cancel is the last one, and what it renewed is released."""
    store = Store(deaf=True)
    async with holding(services(store), "customer", "post", 0.3):
        await store.renewing.wait()
    before = store.renewals
    async with holding(services(Store()), "customer", "other", 0.3):
        await asyncio.sleep(0.3)
    assert store.renewals == before
    assert await store.lease("customer", "post", "somebody else", 1)
