import asyncio

import pytest
from botbuilder.core import ConversationState, StoreItem, TurnContext
from botbuilder.core.adapters import TestAdapter as SdkTestAdapter
from botbuilder.schema import Activity, ConversationAccount

from bot.clock import SystemClock
from bot.errors import Conflict
from bot.state.keyvalue import MemoryKeyValue
from bot.teams.storage import StateStorage

KEY = "msteams/conversations/19:x"


@pytest.fixture
def keyvalue():
    return MemoryKeyValue(SystemClock())


@pytest.fixture
def storage(keyvalue):
    return StateStorage(keyvalue)


async def test_items_come_back_with_an_etag(storage):
    """What was written is read; missing keys are left out; no keys, no items."""
    await storage.write({"a": {"n": 1}, "b": {"n": 2}})
    found = await storage.read(["a", "b", "c"])
    assert {key: item["n"] for key, item in found.items()} == {"a": 1, "b": 2}
    assert found["a"]["e_tag"]
    assert await storage.read([]) == await storage.read(None) == {}


async def test_an_object_is_stored_by_its_attributes(storage):
    """The SDK's StoreItem is an item, too."""
    await storage.write({"a": StoreItem(e_tag=None, n=1)})
    assert (await storage.read(["a"]))["a"]["n"] == 1


@pytest.mark.parametrize("etag", [None, "*"])
async def test_no_etag_lets_the_last_writer_win(storage, etag):
    """A missing eTag and a star overwrite whatever is there."""
    await storage.write({"a": {"n": 1}})
    await storage.write({"a": {"n": 2, "e_tag": etag}})
    assert (await storage.read(["a"]))["a"]["n"] == 2


async def test_an_empty_etag_is_an_error(storage):
    """An empty eTag is a mistake of the writer's and writes nothing."""
    with pytest.raises(ValueError, match="eTag is missing"):
        await storage.write({"a": {"n": 1, "e_tag": ""}})
    assert await storage.read(["a"]) == {}


async def test_an_outdated_etag_conflicts_in_the_words_the_sdk_knows(storage):
    """Of two who read the same item the second to write fails, and the text says `Etag conflict`."""
    await storage.write({"a": {"n": 1}})
    one = (await storage.read(["a"]))["a"]
    two = (await storage.read(["a"]))["a"]
    await storage.write({"a": one | {"n": 2}})
    with pytest.raises(Conflict, match="Etag conflict"):
        await storage.write({"a": two | {"n": 3}})
    assert (await storage.read(["a"]))["a"]["n"] == 2


async def test_the_same_first_write_succeeds_once(storage):
    """Two identical first writes with an eTag: the second conflicts. The SDK's memory storage lets it pass."""
    await storage.write({"a": {"e_tag": "exchange-1"}})
    with pytest.raises(Conflict, match="Etag conflict"):
        await storage.write({"a": {"e_tag": "exchange-1"}})


async def test_many_read_modify_writes_lose_nothing(storage):
    """Fifty who count at the same time, each trying again after a conflict, count to fifty."""
    await storage.write({"a": {"n": 0}})

    async def count():
        while True:
            item = (await storage.read(["a"]))["a"]
            await asyncio.sleep(0)
            try:
                return await storage.write({"a": item | {"n": item["n"] + 1}})
            except Conflict:
                continue

    await asyncio.gather(*(count() for _ in range(50)))
    assert (await storage.read(["a"]))["a"]["n"] == 50


async def test_deleting_takes_a_set(storage):
    """BotState deletes with a set; a missing key is no error."""
    await storage.write({"a": {}})
    await storage.delete({"a", "b"})
    assert await storage.read(["a"]) == {}


async def test_keys_carry_the_prefix(keyvalue):
    """The prefix keeps state apart from everything else in the store."""
    await StateStorage(keyvalue, prefix="wk:state:").write({"a": {"n": 1}})
    assert (await keyvalue.get("wk:state:a"))[0] == {"n": 1}


def turn():
    activity = Activity(type="message", channel_id="msteams", conversation=ConversationAccount(id="19:x"), text="hello")
    return TurnContext(SdkTestAdapter(), activity)


async def test_bot_state_keeps_what_was_set(keyvalue):
    """ConversationState works on the storage: set in one turn, there in the next, saved twice in one turn."""
    state = ConversationState(StateStorage(keyvalue, etags=False))
    device = state.create_property("device")
    first = turn()
    await device.set(first, "laptop-1")
    await state.save_changes(first)
    await device.set(first, "laptop-2")
    await state.save_changes(first)
    assert await device.get(turn()) == "laptop-2"
    assert (await keyvalue.get(KEY))[0] == {"device": "laptop-2"}


async def test_bot_state_survives_concurrent_turns(keyvalue):
    """Two turns of one conversation may both save: the last one wins, none fails, as BotState knows no eTag."""
    state = ConversationState(StateStorage(keyvalue, etags=False))
    device = state.create_property("device")
    turns = [turn() for _ in range(10)]
    for number, context in enumerate(turns):
        await device.get(context)
        await device.set(context, number)
    await asyncio.gather(*(state.save_changes(context) for context in turns))
    assert await device.get(turn()) in range(10)


async def test_without_etags_an_item_is_just_what_was_written(keyvalue):
    """With eTags switched off none is read, and one that is handed in is neither compared nor stored."""
    storage = StateStorage(keyvalue, etags=False)
    await storage.write({"a": {"n": 1}})
    assert await storage.read(["a"]) == {"a": {"n": 1}}
    await storage.write({"a": {"n": 2, "e_tag": "stale"}})
    await storage.write({"a": {"n": 3, "e_tag": ""}})
    assert (await keyvalue.get("a"))[0] == {"n": 3}


async def test_with_etags_bot_state_would_lose(keyvalue):
    """The reason for the switch: a BotState that read an eTag cannot save twice in one turn."""
    state = ConversationState(StateStorage(keyvalue))
    device = state.create_property("device")
    await StateStorage(keyvalue).write({KEY: {"device": "old"}})
    context = turn()
    await device.set(context, "new")
    await state.save_changes(context)
    await device.set(context, "newer")
    with pytest.raises(Conflict):
        await state.save_changes(context)


async def test_bot_state_can_be_deleted(keyvalue):
    """Deleting the conversation's state removes it from the store."""
    state = ConversationState(StateStorage(keyvalue, etags=False))
    context = turn()
    await state.create_property("device").set(context, "laptop-1")
    await state.save_changes(context)
    await state.delete(context)
    assert await keyvalue.get(KEY) is None
