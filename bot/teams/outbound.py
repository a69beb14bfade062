"""What goes out to Teams, as plain JSON: messages, typing, the answers of invokes.

Reference: teams-platform 2.5 (REST), 4.3 (invoke answers), 4.10 (size). Cards stay the dicts they are: the SDK's
serialiser would turn card objects into JSON text without an error (section 9).
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.errors import Rejected
from bot.teams.client import FileOffer, StoredFile
from bot.turn import Answer, Conversation, Shown

CARD = "application/vnd.microsoft.card.adaptive"
CONSENT = "application/vnd.microsoft.teams.card.file.consent"
FILE = "application/vnd.microsoft.teams.card.file.info"
NOTE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"
BUDGET = 60 * 1024  # bytes of UTF-16; Teams refuses a message at about 100 KB


def message(conversation: Conversation, shown: Shown | None = None, text: str = "") -> dict[str, Any]:
    """A message with a card, a plain text or both."""
    activity = _activity("message", conversation)
    if text:
        activity |= {"text": text, "textFormat": "plain"}
    if shown is not None:
        activity["summary"] = shown.summary
        activity["attachments"] = [{"contentType": CARD, "content": shown.card}]
    return activity


def file_consent(conversation: Conversation, offer: FileOffer) -> dict[str, Any]:
    """A card that asks whether a file may be put into the person's OneDrive (section 7.4)."""
    context = {"id": offer.id}
    content = {
        "description": offer.description,
        "sizeInBytes": offer.size,
        "acceptContext": context,
        "declineContext": context,
    }
    attachment = {"contentType": CONSENT, "name": offer.name, "content": content}
    return _activity("message", conversation) | {"summary": offer.name, "attachments": [attachment]}


def file_info(conversation: Conversation, file: StoredFile) -> dict[str, Any]:
    """A card that opens an uploaded file."""
    attachment = {
        "contentType": FILE,
        "contentUrl": file.content_url,
        "name": file.name,
        "content": {"uniqueId": file.unique_id, "fileType": file.file_type},
    }
    return _activity("message", conversation) | {"summary": file.name, "attachments": [attachment]}


def typing(conversation: Conversation) -> dict[str, Any]:
    """The sign that an answer is being made."""
    return _activity("typing", conversation)


def _activity(kind: str, conversation: Conversation) -> dict[str, Any]:
    activity: dict[str, Any] = {
        "type": kind,
        "from": {"id": conversation.bot_id},
        "conversation": {
            "id": conversation.address,
            "conversationType": conversation.kind,
            "tenantId": conversation.tenant,
        },
    }
    if conversation.thread:
        activity["replyToId"] = conversation.thread
    return activity


def invoke_answer(answer: Answer) -> dict[str, Any] | None:
    """The body for a pressed button: one thing only fits, so a card goes before a text. None: nothing to show."""
    if answer.shown is not None:
        return {"statusCode": 200, "type": CARD, "value": answer.shown.card}
    if answer.text:
        return {"statusCode": 200, "type": NOTE, "value": answer.text}
    return None


def invoke_error(status: int, code: str, message: str) -> dict[str, Any]:
    """The body that says what was wrong with an invoke; the HTTP status beside it is 200."""
    return {"statusCode": status, "type": ERROR, "value": {"code": code, "message": message}}


def encode(body: Mapping[str, Any]) -> bytes:
    """Compact JSON. Raises Rejected for what is no JSON or larger than the budget: better than what Teams would do."""
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_as_dict)
    except (TypeError, ValueError, RecursionError) as error:
        raise Rejected("teams", "encode", code="NotJson", message=str(error)) from error
    size = len(text.encode("utf-16-le", "surrogatepass"))
    if size > BUDGET:
        raise Rejected("teams", "encode", code="MessageSizeTooBig", message=f"{size} of {BUDGET} bytes")
    return text.encode("utf-8", "replace")  # half a character in a file name must not cost the card


def _as_dict(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
