import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.teams.inbound import Inbound
from bot.teams.turns import is_card_action, own_mention_removed, turn_of
from bot.turn import Actor, Click, Conversation, input_id
from cards.button import LONGEST_ID
from tests.teams.microsoft import BOT, CHANNEL, OBJECT_ID, PERSON, SERVICE, STRANGERS, TENANT, activity, click


def turn(body):
    return turn_of(Inbound.model_validate(body))


def said(text, *mentions):
    """What is left of a text in which these (who, as written) are mentioned."""
    entities = [{"type": "mention", "mentioned": {"id": who}, "text": written} for who, written in mentions]
    return own_mention_removed(Inbound.model_validate(activity(text=text, entities=entities)))


def test_a_channel_message_in_full():
    """A message in a channel thread becomes a turn with everything that the bot goes by."""
    made = turn(activity())
    assert (made.kind, made.id, made.text, made.click, made.invoke) == (
        "message",
        "1700000000001",
        "/score",
        None,
        False,
    )
    assert (made.locale, made.zone) == ("en-GB", "Europe/Berlin")
    assert made.actor == Actor(id=OBJECT_ID, tenant=TENANT, name="Megan Bowen", mri=PERSON)
    assert made.conversation == Conversation(
        id=CHANNEL,
        kind="channel",
        tenant=TENANT,
        service_url=SERVICE,
        bot_id=BOT,
        thread="1700000000000",
        team_id="19:general@thread.tacv2",
        channel_id=CHANNEL,
    )
    assert made.conversation.address == f"{CHANNEL};messageid=1700000000000"


AT = "<at>Watchkeeper</at>"


@pytest.mark.parametrize(
    ("text", "mentions", "expected"),
    [
        (f"{AT} /score", [(BOT, AT)], "/score"),
        (f"/score {AT}", [(BOT, AT)], "/score"),
        (f"{AT}&nbsp;/score\r\n", [(BOT, AT)], "/score"),
        (f"{AT}\u00a0/device   a\tb ", [(BOT, AT)], "/device a b"),
        ("<at>DfB</at> /device DfB-laptop", [(BOT, "<at>DfB</at>")], "/device DfB-laptop"),
        ("Dora asks DfB", [(BOT, "DfB")], "Dora asks"),
        (f"{AT} {AT} twice", [(BOT, AT)], f"{AT} twice"),
        (f"{AT} {AT} twice", [(BOT, AT), (BOT, AT)], "twice"),
        ('<at id="0">Watchkeeper</at> /score', [(BOT, AT)], "/score"),
        (f"{AT} ask <at>Adele</at>", [(BOT, AT), ("29:adele", "<at>Adele</at>")], "ask <at>Adele</at>"),
        ("a &lt; b &amp;&amp; c", [], "a < b && c"),
        ("/isolate <at>x", [(BOT, "")], "/isolate <at>x"),
        ("/score", [(BOT, "not in the text")], "/score"),
        (None, [(BOT, AT)], ""),
    ],
)
def test_only_the_own_mention_goes(text, mentions, expected):
    """Each mention of the bot is taken out once, arguments and other people stay, the rest becomes plain text."""
    assert said(text, *mentions) == expected


@given(text=st.text(max_size=200), written=st.text(max_size=20))
def test_any_text_can_be_cleaned(text, written):
    """No text and no mention is too odd; what is left is on one line without outer blanks."""
    left = said(text, (BOT, written))
    assert left == " ".join(left.split())


@pytest.mark.parametrize("text", ["<at" * 80_000, "<" * 250_000, " " * 250_000])
@pytest.mark.timeout(5)
def test_a_hostile_text_takes_no_time(text):
    """Cleaning stays linear: a text made to be slow ends within the test's time-out."""
    assert len(said(text, (BOT, "<" * 100_000), (BOT, AT))) <= len(text)


def test_entities_of_any_shape_are_passed_over():
    """Entities without type, of unknown types or with odd insides change nothing."""
    odd = [
        {},
        {"type": "mention"},
        {"type": "mention", "mentioned": "x", "text": 5},
        {"type": "clientInfo", "timezone": 5},
    ]
    assert turn(activity(entities=odd)).text == "<at>Watchkeeper</at> /score"


DATA = {"v": 1, "verb": "isolate.approve", "id": "r-1", "rev": 3}
GOOD = Click(v=1, verb="isolate.approve", id="r-1", rev=3, message="1700000000000")


def test_an_execute_button_is_a_click_that_waits():
    """Action.Execute comes as an invoke; the message that carried the card is in replyToId."""
    made = turn(click(DATA | {"reason": "looks bad"}))
    assert (made.kind, made.invoke) == ("click", True)
    assert made.click == Click(**(vars(GOOD) | {"inputs": {"reason": "looks bad"}}))


def test_a_submit_button_is_the_same_click_as_a_message():
    """Action.Submit comes as a message with value and without text."""
    made = turn(activity(value=DATA, text=None, replyToId="1700000000000"))
    assert (made.kind, made.invoke, made.click) == ("click", False, GOOD)


@pytest.mark.parametrize(("trigger", "automatic"), [("automatic", True), ("manual", False), (None, False), ([], False)])
def test_a_refresh_is_told_from_a_press(trigger, automatic):
    """`trigger` is read from the activity itself, where the SDK's own model loses it."""
    body = click(DATA)
    body["value"]["trigger"] = trigger
    assert turn(body).click.automatic is automatic


def test_inputs_are_known_by_their_name():
    """An input that had to get a number on its card is the handler's all the same; other names are left as they are."""
    typed = {input_id("reason", 2): "x", input_id("Tag", 1): "y", "a__b": "z"}
    assert turn(click(DATA | typed)).click.inputs == {"reason": "x", "Tag": "y", "a__b": "z"}


def test_the_longest_button_is_taken():
    """Whatever a card may put into a button's id comes back whole."""
    assert turn(click(DATA | {"id": "x" * LONGEST_ID})).click.id == "x" * LONGEST_ID


def test_other_forms_of_a_card_hide_nothing():
    """A client that sends every form of a card along sends empty ones, too: what was typed is kept, wherever it is."""
    first, second, third = (input_id("reason", n) for n in (1, 2, 3))
    assert turn(click(DATA | {first: "x", second: "", third: " "})).click.inputs == {"reason": "x"}
    assert turn(click(DATA | {first: "", second: "y", third: ""})).click.inputs == {"reason": "y"}
    assert turn(click(DATA | {first: "", second: None})).click.inputs == {"reason": ""}


@pytest.mark.parametrize("numbers", [{"v": 1.0, "rev": 3.0}, {"v": "1", "rev": "3"}])
def test_numbers_may_come_as_phones_write_them(numbers):
    """A whole number is the same one as a float or as text: JSON libraries of phones turn one into the other."""
    made = turn(click(DATA | numbers)).click
    assert (made, type(made.v), type(made.rev)) == (GOOD, int, int)


def test_inputs_are_text():
    """What was typed is text whatever the client sends; what cannot have been typed is dropped."""
    typed = {"a": "x", "b": True, "c": 5, "d": 1.5, "e": None, "f": [], "g": {}, "h": 10**400, "msteams": {"width": 1}}
    assert turn(click(DATA | typed)).click.inputs == {"a": "x", "b": "true", "c": "5", "d": "1.5"}


@pytest.mark.parametrize(
    "data",
    [
        [],
        "x",
        {},
        {"verb": "isolate.approve"},
        DATA | {"v": "one"},
        DATA | {"v": ""},
        DATA | {"v": "\u0661"},
        DATA | {"v": True},
        DATA | {"rev": 1.5},
        DATA | {"rev": float("inf")},
        DATA | {"rev": "9" * 17},
        DATA | {"rev": "-1"},
        DATA | {"rev": -1},
        DATA | {"rev": 2**60},
        DATA | {"id": 5},
        DATA | {"id": None},
        DATA | {"id": "x" * 1000},
        DATA | {"verb": ["isolate.approve"]},
    ],
)
def test_foreign_data_is_a_malformed_click(data):
    """Data that is not ours becomes a click of version 0, which names no record, and never an error."""
    assert turn(click(data)).click == Click(v=0, verb="", id="", rev=0, message="1700000000000")


def test_an_invoke_without_execute_is_told():
    """Only a value with an Action.Execute counts as a card action."""
    values = [None, {}, {"action": None}, {"action": []}, {"action": {"type": "Action.Submit"}}]
    assert [is_card_action(Inbound.model_validate(click(value=value))) for value in values] == [False] * 5
    assert is_card_action(Inbound.model_validate(click()))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "installationUpdate", "action": "add"}, "installed"),
        ({"type": "installationUpdate", "action": "add-upgrade"}, "installed"),
        ({"type": "installationUpdate", "action": "remove"}, "removed"),
        ({"type": "installationUpdate", "action": "remove-upgrade"}, "removed"),
        ({"type": "installationUpdate", "action": "else"}, "other"),
        ({"type": "installationUpdate"}, "other"),
        ({"type": "conversationUpdate", "membersAdded": [{"id": "29:x"}, {"id": BOT}]}, "installed"),
        ({"type": "conversationUpdate", "membersRemoved": [{"id": BOT}]}, "removed"),
        ({"type": "conversationUpdate", "membersAdded": [{"id": "29:x"}]}, "other"),
        ({"type": "conversationUpdate", "membersAdded": [{}]}, "other"),
        ({"type": "conversationUpdate"}, "other"),
        ({"type": "messageUpdate"}, "other"),
        ({"type": "messageReaction"}, "other"),
        ({"type": "event", "name": "application/vnd.microsoft.readReceipt", "value": {}}, "other"),
        ({"type": "invoke", "name": "task/fetch", "value": {}}, "other"),
    ],
)
def test_events_are_told_apart(changes, kind):
    """Both events of one install mean the same; what does not concern the bot is `other`, without text and click."""
    made = turn(activity(**changes))
    assert (made.kind, made.text, made.click) == (kind, "", None)


@pytest.mark.parametrize(
    ("conversation", "channel_data", "kind"),
    [
        ({"id": "a:1", "conversationType": "personal"}, None, "personal"),
        ({"id": "19:x@thread.v2", "conversationType": "groupChat"}, None, "groupChat"),
        ({"id": "19:x@thread.tacv2", "conversationType": "channel"}, None, "channel"),
        ({"id": "a:1"}, None, "personal"),
        ({"id": "19:x@thread.v2"}, {"tenant": {"id": TENANT}}, "groupChat"),
        ({"id": "19:x@thread.tacv2"}, {"team": {"id": "19:t"}}, "channel"),
        ({"id": "19:x@thread.v2", "conversationType": "meeting"}, None, "groupChat"),
    ],
)
def test_the_kind_of_conversation(conversation, channel_data, kind):
    """The kind is what Teams says, else what the id shows."""
    assert turn(activity(conversation=conversation, channelData=channel_data)).conversation.kind == kind


@pytest.mark.parametrize(
    ("raw", "bare", "thread"),
    [
        ("19:x@thread.tacv2", "19:x@thread.tacv2", ""),
        ("19:x@thread.tacv2;messageid=17", "19:x@thread.tacv2", "17"),
        ("19:x@thread.tacv2;messageid=0", "19:x@thread.tacv2", ""),
        ("19:x@thread.tacv2;messageid=", "19:x@thread.tacv2", ""),
        ("19:x@thread.tacv2;other=1;messageid=17", "19:x@thread.tacv2", "17"),
        ("a:1", "a:1", ""),
    ],
)
def test_the_thread_is_taken_out_of_the_id(raw, bare, thread):
    """The id names the channel, the thread its root message."""
    made = turn(activity(conversation__id=raw)).conversation
    assert (made.id, made.thread) == (bare, thread)


def test_a_person_without_entra_id_has_none():
    """Bots and federated people come without aadObjectId; nothing takes its place."""
    assert turn(activity(sender={"id": PERSON, "name": OBJECT_ID})).actor.id == ""


def test_a_person_of_another_tenant_is_told():
    """In a shared channel the person's own tenant counts for the person, the channel's for the channel."""
    sender = {"id": PERSON, "aadObjectId": OBJECT_ID, "tenantId": STRANGERS, "userRole": "guest"}
    made = turn(activity(sender=sender))
    assert (made.actor.tenant, made.actor.guest, made.conversation.tenant) == (STRANGERS, True, TENANT)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (None, "Europe/London"),
        ("", "Europe/London"),
        ("Mars/Olympus", "Europe/London"),
        ("../../etc/passwd", "Europe/London"),
        ("Europe", "Europe/London"),
        ("x" * 5000, "Europe/London"),
        ("a\0b", "Europe/London"),
    ],
)
def test_the_zone_is_one_that_exists(zone, expected):
    """`localTimezone` counts where it names a zone, else the client's; a made-up name is nobody's zone."""
    assert turn(activity(localTimezone=zone)).zone == expected


def test_no_zone_at_all_is_empty():
    """Where nobody names a zone it stays empty."""
    assert turn(activity(localTimezone=None, entities=None)).zone == ""


def test_an_activity_without_id_gets_one_of_its_own():
    """Two activities without id are never taken for the same."""
    first, second = turn(activity(id=None)), turn(activity(id=None))
    assert first.id
    assert first.id != second.id
