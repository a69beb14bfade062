"""From an activity to a Turn: what was said or clicked, by whom, where. Pure.

Reference: teams-platform 2.6 (mentions), 4.2 and 4.6 (clicks), 6.1 (conversations), 6.2 (installation), 7.1 (who).
"""

import html
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from bot.teams.inbound import Account, ChannelData, Inbound
from bot.turn import Actor, Click, Conversation, ConversationKind, GivenFile, Turn, input_name

CARD_INVOKE = "adaptiveCard/action"
FILE_INVOKE = "fileConsent/invoke"
_THREAD = re.compile(r"(?:^|;)messageid=([1-9][0-9]*)")
_TAG = re.compile(r"<[^<>]*>")
_INSTALLATION: Mapping[str, Literal["installed", "removed"]] = {
    "add": "installed",
    "add-upgrade": "installed",
    "remove": "removed",
    "remove-upgrade": "removed",  # a new version of the app without the bot: it is gone all the same
}
_GUESTS = frozenset({"guest", "anonymous"})
CONSENT = {"accept": "upload", "decline": "decline-upload"}
"""What a person does with a file that is offered, as the verb that a handler answers to."""
_UPLOAD = ("contentUrl", "name", "uploadUrl", "uniqueId", "fileType")
_GIVEN_FILE = "application/vnd.microsoft.teams.file.download.info"
_DIGITS = re.compile(r"[0-9]{1,16}")
_LARGEST = 2**53  # beyond it JSON numbers of the clients are no longer exact
_LONGEST = 600
"""Characters of a button's id, which can be a whole command line (`LONGEST_ID` of cards.button), and of a name."""


def turn_of(inbound: Inbound) -> Turn:
    """The turn that an activity means. Data that is not ours makes a malformed click, never an error."""
    kind = _kind(inbound)
    text = own_mention_removed(inbound) if kind == "message" else ""
    return Turn(
        kind=kind,
        id=inbound.id or uuid.uuid4().hex,  # without an id a redelivery is only recognised by its meaning
        actor=actor_of(inbound),
        conversation=conversation_of(inbound),
        text=text,
        click=click_of(inbound) if kind == "click" else None,
        files=files_of(inbound) if kind == "message" else (),
        invoke=inbound.type == "invoke" and inbound.name != FILE_INVOKE,  # its answer is a message of its own
        locale=inbound.locale,
        zone=zone_of(inbound),
    )


def is_card_action(inbound: Inbound) -> bool:
    """Whether an invoke carries an Action.Execute; its data is not looked at here."""
    action = (inbound.value or {}).get("action")
    return isinstance(action, dict) and action.get("type") == "Action.Execute"


def _kind(inbound: Inbound) -> Literal["message", "click", "installed", "removed", "other"]:
    if inbound.type == "message":
        return "message" if inbound.value is None else "click"
    if inbound.type == "invoke" and inbound.name in (CARD_INVOKE, FILE_INVOKE):
        return "click"
    if inbound.type == "installationUpdate":
        return _INSTALLATION.get(inbound.action, "other")
    if inbound.type == "conversationUpdate":
        return _membership(inbound)
    return "other"


def _membership(inbound: Inbound) -> Literal["installed", "removed", "other"]:
    bot = inbound.recipient.id
    if any(member.id == bot for member in inbound.members_added or ()):
        return "installed"
    if any(member.id == bot for member in inbound.members_removed or ()):
        return "removed"
    return "other"


def actor_of(inbound: Inbound) -> Actor:
    """Who acts. Without an Entra object id (bots, federated people) `id` stays empty, and nobody may do anything."""
    sender = inbound.sender
    return Actor(
        id=sender.aad_object_id.lower(),
        tenant=sender.tenant_id.lower() or _tenant(inbound),
        name=sender.name,
        mri=sender.id,
        guest=_is_guest(sender),
    )


def _is_guest(sender: Account) -> bool:
    return sender.user_role.lower() in _GUESTS


def conversation_of(inbound: Inbound) -> Conversation:
    """Where it happened, with the thread taken out of the id."""
    place = inbound.conversation
    data = inbound.channel_data or ChannelData()
    bare, _, rest = place.id.partition(";")
    thread = _THREAD.search(rest)
    return Conversation(
        id=bare,
        kind=_conversation_kind(inbound, bare),
        tenant=_tenant(inbound),
        service_url=inbound.service_url,
        bot_id=inbound.recipient.id,
        thread=thread[1] if thread else "",
        team_id=data.team.id if data.team else "",
        channel_id=data.channel.id if data.channel else "",
        name=place.name or (data.channel.name if data.channel else ""),
    )


def _tenant(inbound: Inbound) -> str:
    return next(iter(inbound.tenants), "")


def _conversation_kind(inbound: Inbound, bare: str) -> ConversationKind:
    """The kind as Teams says it, else as the id shows it."""
    for kind in get_args(ConversationKind):
        if inbound.conversation.conversation_type == kind:
            return kind  # type: ignore[no-any-return]  # get_args forgets the literal's type
    if not bare.startswith("19:"):
        return "personal"
    data = inbound.channel_data
    return "channel" if data and (data.team or data.channel) else "groupChat"


def own_mention_removed(inbound: Inbound) -> str:
    """The text as the person meant it: each mention of the bot taken out once, then plain text on one line."""
    text = inbound.text
    for entity in inbound.entities or ():
        mentioned = entity.get("mentioned")
        said = entity.get("text")
        if entity.get("type") != "mention" or not isinstance(mentioned, dict) or not isinstance(said, str):
            continue
        if mentioned.get("id") == inbound.recipient.id and said:
            text = _without(text, said)
    return " ".join(html.unescape(text).replace("\u00a0", " ").split())


def _without(text: str, said: str) -> str:
    """The text without the first occurrence of a mention; some clients add attributes to the tag."""
    if said in text:
        return text.replace(said, " ", 1)
    name = re.escape(_TAG.sub("", said))
    return re.sub(rf"<at\b[^<>]*>{name}</at>", " ", text, count=1)


def click_of(inbound: Inbound) -> Click:
    """The pressed button: from `value.action.data` of an invoke, from `value` itself of a message.

    The answer to an offered file (section 7.4) is a press, too: `upload` or `decline-upload`, with where to upload to.
    """
    value = inbound.value or {}
    if inbound.name == FILE_INVOKE and inbound.type == "invoke":
        return _consent(value, message=inbound.reply_to_id)
    if inbound.type != "invoke":
        return _click(value, message=inbound.reply_to_id, automatic=False)
    action = value.get("action")
    data = action.get("data") if isinstance(action, dict) else None
    return _click(data, message=inbound.reply_to_id, automatic=value.get("trigger") == "automatic")


def _consent(value: Mapping[str, Any], *, message: str) -> Click:
    """A person's answer to an offered file, as a press: `context` is what our card carried, echoed by the client."""
    context, info = value.get("context"), value.get("uploadInfo")
    data = {"v": 1, "verb": CONSENT.get(str(value.get("action"))), "rev": 0}
    data["id"] = context.get("id") if isinstance(context, dict) else None
    if isinstance(info, dict):
        data |= {name: info[name] for name in _UPLOAD if isinstance(info.get(name), str)}
    return _click(data, message=message, automatic=False)


def _click(data: Any, *, message: str, automatic: bool) -> Click:
    """Untrusted data as a Click. What is not `{v, verb, id, rev}` becomes version 0, which no card of ours has."""
    ours = {name: read(data.get(name)) for name, read in _BUTTON.items()} if isinstance(data, dict) else {}
    if not ours or None in ours.values():
        return Click(v=0, verb="", id="", rev=0, message=message, automatic=automatic)
    typed = ((name, _typed(value)) for name, value in data.items() if name not in _BUTTON)
    return Click(**ours, inputs=_inputs(typed), message=message, automatic=automatic)


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= _LONGEST else None


def _whole(value: Any) -> int | None:
    """A number of a button. JSON libraries of phones make 1.0 of 1, which is Gson's way, or text."""
    if (isinstance(value, str) and _DIGITS.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    fits = type(value) is int and 0 <= value < _LARGEST  # an exact type: True is an int, too
    return value if fits else None


_BUTTON: Mapping[str, Callable[[Any], Any]] = {"v": _whole, "verb": _word, "id": _word, "rev": _whole}


def _inputs(typed: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """What was typed, by name. Where a client sends the other forms of the card along, an empty one hides nothing."""
    inputs: dict[str, str] = {}
    for given, text in typed:
        name = input_name(given)
        if text is not None and (text.strip() or name not in inputs):
            inputs[name] = text
    return inputs


def files_of(inbound: Inbound) -> tuple[GivenFile, ...]:
    """The files that came with a message (section 7.4); Teams sends other attachments too, such as the text as HTML."""
    found = []
    for one in inbound.attachments or ():
        content = one.get("content")
        url = content.get("downloadUrl") if isinstance(content, dict) else None
        if one.get("contentType") == _GIVEN_FILE and isinstance(url, str):
            found.append(GivenFile(name=str(one.get("name") or "")[:_LONGEST], url=url))
    return tuple(found)


def _typed(value: Any) -> str | None:
    """What the person typed, as text; clients send text, some send numbers and booleans. Anything else is dropped."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    small = isinstance(value, float) or (isinstance(value, int) and abs(value) < _LARGEST)
    return str(value) if small else None


def zone_of(inbound: Inbound) -> str:
    """The person's time zone as an IANA name that this machine knows, else empty."""
    said: list[Any] = [inbound.local_timezone]
    said += [entity.get("timezone") for entity in inbound.entities or () if entity.get("type") == "clientInfo"]
    return next((zone for zone in said if isinstance(zone, str) and _is_zone(zone)), "")


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and bool(ZoneInfo(name))
    except (LookupError, ValueError, OSError):
        return False
