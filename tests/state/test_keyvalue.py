import pytest

from bot.errors import Conflict


@pytest.fixture
def keyvalue(drawer):
    """The contract below holds for every KeyValue."""
    return drawer.keyvalue


async def test_a_value_comes_back_with_its_etag(keyvalue):
    """What was put is got, with the eTag that the put returned; another key has nothing."""
    etag = await keyvalue.put("a", {"n": 1, "list": [1, None, "ü"]})
    assert await keyvalue.get("a") == ({"n": 1, "list": [1, None, "ü"]}, etag)
    assert await keyvalue.get("b") is None


async def test_each_write_has_a_new_etag(keyvalue):
    """An eTag never returns, not even for the same value."""
    assert await keyvalue.put("a", {}) != await keyvalue.put("a", {})


async def test_the_last_writer_wins_without_an_expected_etag(keyvalue):
    """Without an expected eTag a write always succeeds."""
    await keyvalue.put("a", {"n": 1})
    await keyvalue.put("a", {"n": 2})
    assert (await keyvalue.get("a"))[0] == {"n": 2}


async def test_an_outdated_etag_is_a_conflict(keyvalue):
    """Only the writer who has seen the newest value may write; the other changes nothing."""
    first = await keyvalue.put("a", {"n": 1})
    second = await keyvalue.put("a", {"n": 2}, expected=first)
    with pytest.raises(Conflict):
        await keyvalue.put("a", {"n": 3}, expected=first)
    assert await keyvalue.get("a") == ({"n": 2}, second)


async def test_any_etag_will_do_where_nothing_is_stored(keyvalue):
    """A first write with an eTag succeeds and gets an eTag of its own, so that the second such write conflicts."""
    assert await keyvalue.put("a", {}, expected="mine") != "mine"
    with pytest.raises(Conflict):
        await keyvalue.put("a", {}, expected="mine")


async def test_a_deleted_value_is_gone(keyvalue):
    """Deleting removes, also twice."""
    await keyvalue.put("a", {})
    await keyvalue.delete("a")
    await keyvalue.delete("a")
    assert await keyvalue.get("a") is None


async def test_a_value_lives_its_time_since_the_last_write(keyvalue, drawer):
    """The time to live starts again with each write; a value without one stays."""
    await keyvalue.put("a", {}, ttl=10)
    await keyvalue.put("b", {})
    drawer.age(9)
    await keyvalue.put("a", {}, ttl=10)
    drawer.age(9)
    assert await keyvalue.get("a") is not None
    drawer.age(1)
    assert await keyvalue.get("a") is None
    assert await keyvalue.get("b") is not None
    assert await keyvalue.put("a", {}, expected="an expired value is no value")


async def test_what_is_got_is_a_copy(keyvalue):
    """Changing what was got or put changes nothing that is stored."""
    value = {"list": [1]}
    await keyvalue.put("a", value)
    value["list"].append(2)
    (await keyvalue.get("a"))[0]["list"].append(3)
    assert (await keyvalue.get("a"))[0] == {"list": [1]}


async def test_what_is_no_json_is_a_type_error(keyvalue):
    """A set, or any other object, is refused at the write."""
    with pytest.raises(TypeError):
        await keyvalue.put("a", {"n": {1}})
    assert await keyvalue.get("a") is None
