import httpx
import pytest

from bot.errors import ServiceError, Unavailable
from tests.bot.wire_help import READ, Script, api, error_body, ok


def pages(*bodies: dict[str, object]) -> Script:
    return Script(*(ok(body) for body in bodies))


def rows(*ids: object) -> list[dict[str, object]]:
    return [{"id": str(one)} for one in ids]


async def test_links_are_followed_before_stepping():
    """Where the service names a next page, that very address is asked."""
    link = "https://service.test/api/x?%24skiptoken=a%2Bb%3D"
    script = pages({"value": rows(1, 2), "@odata.nextLink": link}, {"value": rows(3)})
    found = await api(script).items(READ, ids={"id": "x"}, page_size=10, params={"$filter": "f"})
    assert [row["id"] for row in found] == ["1", "2", "3"]
    assert str(script.requests[1].url) == link


async def test_without_links_full_pages_are_stepped_over():
    """`$skip` moves on by what came, until a page is not full."""
    script = pages({"value": rows(1, 2)}, {"value": rows(3, 4)}, {"value": rows(5)})
    found = await api(script).items(READ, ids={"id": "x"}, page_size=2)
    assert [row["id"] for row in found] == ["1", "2", "3", "4", "5"]
    assert [request.url.params.get("$skip") for request in script.requests] == [None, "2", "4"]


async def test_a_row_that_slid_to_the_next_page_counts_once():
    """While a list grows at its head, rows move down and are met twice."""
    script = pages({"value": rows(1, 2)}, {"value": rows(2, 3)}, {"value": []})
    found = await api(script).items(READ, ids={"id": "x"}, page_size=2)
    assert [row["id"] for row in found] == ["1", "2", "3"]


async def test_no_more_than_wanted_is_asked_for():
    """`$top` is what is still missing."""
    script = pages({"value": rows(1, 2)}, {"value": rows(3)})
    found = await api(script).items(READ, ids={"id": "x"}, page_size=2, top=3)
    assert len(found) == 3
    assert [request.url.params.get("$top") for request in script.requests] == ["2", "1"]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/api/more?x=1",
        "//evil.test/api/more?x=1",
        "http://service.test:81/api/more?x=1",
        "/api/more?x=1",
    ],
)
async def test_a_token_never_follows_a_link_to_another_host(link: str):
    """Only path and query of a next link are taken; the host is always ours."""
    script = pages({"value": rows(1), "@odata.nextLink": link}, {"value": []})
    await api(script).items(READ, ids={"id": "x"}, page_size=5)
    assert [str(request.url) for request in script.requests][1] == "https://service.test/api/more?x=1"


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": "x"}, {"value": [1]}, {"value": {"id": "a"}}])
async def test_a_list_that_is_none_is_no_empty_list(body: dict[str, object]):
    """`No devices` is only said when the service said so."""
    with pytest.raises(Unavailable):
        await api(pages(body)).items(READ, ids={"id": "x"})


async def test_pages_without_end_end():
    """A service whose next links never stop is not followed for ever."""
    script = pages({"value": rows(1), "@odata.nextLink": "https://service.test/api/x"})
    with pytest.raises(Unavailable):
        await api(script).items(READ, ids={"id": "x"}, page_size=5)


async def test_only_the_services_own_404_ends_a_list():
    """A 404 of a wrong address or a gateway must not read as `no devices`."""
    own = Script(httpx.Response(404, json=error_body("ResourceNotFound")))
    assert await api(own).items(READ, ids={"id": "x"}, missing_is_end=True) == []
    for foreign in (httpx.Response(404), httpx.Response(404, text="<html>")):
        with pytest.raises(ServiceError):
            await api(Script(foreign)).items(READ, ids={"id": "x"}, missing_is_end=True)
