import pytest

from cards.button import LONGEST_ID, button, payload, run
from cards.elements import (
    LARGEST,
    Card,
    CardTooLarge,
    Container,
    Execute,
    Fact,
    InputText,
    ShowCard,
    TextBlock,
    measure,
)
from cards.parts import device_run, link, portal
from cards.text import Safe
from tests.cards.samples import LOOK, MACHINE, TENANT


def test_a_misspelt_property_is_refused():
    """The package drops an unknown keyword silently; ours refuses it."""
    with pytest.raises(TypeError, match="has no titel"):
        ShowCard(titel="x")
    with pytest.raises(TypeError):
        Container([], stile="good")  # type: ignore[call-arg]  # the point of the test


def test_a_positional_text_is_not_lost():
    """The package drops a positional text silently; ours keeps it."""
    assert Card([TextBlock(Safe("x"))]).to_dict()["body"] == [{"text": "x", "wrap": True, "type": "TextBlock"}]


def test_none_is_left_out_everywhere():
    """None among elements and properties is left out, also deep inside."""
    card = Card([None, Container([None, TextBlock(Safe("x"), color=None)])], [None]).to_dict()
    assert card["body"][0]["items"] == [{"text": "x", "wrap": True, "type": "TextBlock"}]
    assert "actions" not in card


def test_the_card_is_plain_data():
    """What leaves is made of plain dicts, lists and strings, which any encoder takes."""
    card = Card([TextBlock(Safe("x"))], [button("Go", "go", "1")]).to_dict()
    assert type(card["body"][0]["text"]) is str
    assert type(card["actions"][0]["fallback"]) is dict


def test_to_dict_gives_a_new_card_each_time():
    """Changing what was given out changes nothing that is given out later."""
    card = Card([TextBlock(Safe("x"))])
    card.to_dict()["body"].clear()
    assert len(card.to_dict()["body"]) == 1


def test_a_fact_needs_safe_text():
    """Facts are Markdown too, so they refuse a plain str."""
    with pytest.raises(TypeError):
        Fact("a", Safe("b"))  # type: ignore[arg-type]  # the point of the test


def test_size_is_measured_in_utf_16():
    """Teams counts UTF-16: two bytes for most characters, four for those outside the first plane."""
    assert measure({"a": "bc"}) == 2 * len('{"a":"bc"}')
    assert measure({"a": "\U0001f600"}) - measure({"a": ""}) == 4


def test_a_card_that_is_too_large_is_refused():
    """A card over 60 KB never reaches Teams, where it would fail as a whole."""
    fits = Card([TextBlock(Safe("x" * (LARGEST // 2 - 400)))])
    assert measure(fits.to_dict()) <= LARGEST
    with pytest.raises(CardTooLarge):
        Card([TextBlock(Safe("x" * (LARGEST // 2)))]).to_dict()


def test_a_button_with_inputs_sends_them_only_from_the_unfolded_part():
    """Approve sends no input; Reject unfolds its reason and sends that."""
    assert button("Approve", "approve", "r1", 3).render()["associatedInputs"] == "none"
    unfolds = button("Reject", "reject", "r1", 3, inputs=[InputText("reason", "Reason", error="Say why")])
    assert isinstance(unfolds, ShowCard)
    sends = unfolds.card.actions[0]
    assert isinstance(sends, Execute)
    assert sends.data == payload("reject", "r1", 3) == {"v": 1, "verb": "reject", "id": "r1", "rev": 3}
    assert sends.inputs == "auto"


def test_a_line_too_long_for_a_button_makes_none():
    """A command line that nobody would type is not put into a card."""
    assert run("Go", "x" * LONGEST_ID) is not None
    assert run("Go", "x" * (LONGEST_ID + 1)) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://security.microsoft.com/incidents/1",
        "https://security.microsoft.com.evil.example/",
        "https://evil.example/https://security.microsoft.com/",
        "https://security.microsoft.com@evil.example/",
        "https://security.microsoft.com:443@evil.example/",
        "https://security.microsoft.com\\@evil.example/",
        "https://security.microsoft.com/\\evil",
        "https://security.microsoft.com\n.evil.example/",
        "https://security.microsoft.com/a b",
        "https://SECURITY.microsoft.com.evil.example",
        "//security.microsoft.com/",
        "javascript:alert(1)",
        "https://login.microsoft.com/",
        "",
        "https://security.microsoft.com/" + "a" * 2000,
    ],
)
def test_a_link_elsewhere_is_dropped(url):
    """A link that is not https on a host we know is not shown at all."""
    assert link("Open", url) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://security.microsoft.com",
        "https://security.microsoft.com/incidents/2972?tid=0f0e0d0c-0000-4000-8000-00000000000a",
        'https://security.microsoft.com/action-center/history?filters={"bulkId":["a"]}&tid=b',
        "https://entra.microsoft.com/#view/x",
        "https://admin.microsoft.com/#/users",
    ],
)
def test_a_link_to_microsoft_is_kept(url):
    """A link to a page of Microsoft's portals is shown as it is."""
    made = link("Open", url)
    assert made is not None
    assert made.url == url


def test_pages_are_pinned_to_the_tenant():
    """A provider's admin lands in the right customer; a tenant that is no id is left out."""
    assert portal("https://a/b", TENANT) == f"https://a/b?tid={TENANT}"
    assert portal("https://a/b?c=d", TENANT) == f"https://a/b?c=d&tid={TENANT}"
    assert portal("https://a/b", "x&y") == "https://a/b"


def test_an_odd_device_id_makes_no_button():
    """An id that could change the command line makes no button."""
    assert device_run(LOOK, MACHINE, "a") is not None
    assert device_run(LOOK, "1 page 2", "a") is None
    assert device_run(LOOK, "", "a") is None
