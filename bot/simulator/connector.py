"""The Bot Connector as Teams answers it, for tests (reference/teams-platform.md 2.5 and 5).

It keeps every message with all its revisions and every call with its time, so that a test can say how many cards
there are about one subject. Conversations must be opened first: the Connector knows only those the bot is in.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from aiohttp import web

from bot.simulator.core import Core
from bot.simulator.files import Drive, check_files
from bot.simulator.limits import Limit
from bot.simulator.pipeline import Call, Exchange, Operation, RefusedError, Service, mount
from bot.simulator.tokens import BOT_ISSUER, CONNECTOR

MAX_BYTES = 100 * 1024
SEND = (Limit(7, 1), Limit(8, 2), Limit(60, 30), Limit(1800, 3600))
ROSTER = (Limit(14, 1), Limit(16, 2), Limit(120, 30), Limit(3600, 3600))
REFUSALS: Mapping[str, str] = {
    "BotNotInConversationRoster": "The bot is not part of the conversation roster.",
    "ConversationBlockedByUser": "User blocked the conversation with the bot.",
    "BotDisabledByAdmin": "The tenant admin disabled this bot.",
    "MessageWritesBlocked": "Message writes are blocked.",
}


def _error(_exchange: Exchange, _status: int, code: str, message: str) -> dict[str, Any]:
    if code == "MessageWritesBlocked":  # a subCode of 403; where it stands in the body is not in the reference pages
        return {"error": {"code": "Forbidden", "subCode": code, "message": message}}
    return {"error": {"code": code, "message": message}}


SERVICE = Service(
    name="connector",
    audience=CONNECTOR,
    error=_error,
    says={
        "expired": (401, "BotNotRegistered", "No registration found for this bot."),
        "forbidden": (403, "BotNotInConversationRoster", REFUSALS["BotNotInConversationRoster"]),
        "plan": (403, "BotDisabledByAdmin", REFUSALS["BotDisabledByAdmin"]),
        "throttled": (429, "Throttled", "Too many requests."),
        "error": (500, "ServiceError", "An internal server error occurred."),
        "missing": (404, "ConversationNotFound", "Conversation not found."),
    },
)


@dataclass
class Message:
    """A message of the bot: its revisions, oldest first, with their times."""

    id: str
    conversation: str
    thread: str
    revisions: list[dict[str, Any]]
    times: list[datetime]
    deleted: bool = False

    @property
    def activity(self) -> dict[str, Any]:
        """What it shows now."""
        return self.revisions[-1]

    @property
    def text(self) -> str:
        """All of it as JSON, for searching."""
        return json.dumps(self.activity, ensure_ascii=False)


@dataclass
class Chat:
    """A conversation. `refusal` is the 403 code with which it refuses, `gone` makes it 404.

    `members` are Teams' member objects by id (`29:...`); they are found by Entra object id too.
    """

    id: str
    tenant: str
    kind: str = "channel"
    refusal: str = ""
    gone: bool = False
    members: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One accepted call: `operation` is post, edit, delete or typing."""

    operation: str
    at: datetime
    conversation: str
    message: str
    activity: Mapping[str, Any]


class Connector:
    """Teams' memory: conversations, messages, and the record of all that was accepted."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.chats: dict[str, Chat] = {}
        self.all: dict[str, Message] = {}
        self.records: list[Record] = []
        self.drive = Drive()
        self._last = 0

    def open(self, conversation: str, tenant: str, *, kind: str = "channel") -> Chat:
        """Let the bot be in a conversation (`id` without the thread)."""
        return self.chats.setdefault(conversation, Chat(conversation, tenant, kind))

    def add_member(
        self, conversation: str, mri: str, entra_id: str, name: str, *, tenant: str = "", role: str = "user"
    ) -> None:
        """Put a person into a conversation's roster. `role` is Teams' `userRole` (user, guest, anonymous)."""
        chat = self.chats[conversation]
        chat.members[mri] = {
            "id": mri,
            "name": name,
            "aadObjectId": entra_id,
            "givenName": name.partition(" ")[0],
            "surname": name.partition(" ")[2],
            "email": f"{name.casefold().replace(' ', '.')}@example.com",
            "userPrincipalName": f"{name.casefold().replace(' ', '.')}@example.com",
            "tenantId": tenant or chat.tenant,
            "userRole": role,
        }

    def messages(self, containing: str = "", conversation: str = "") -> list[Message]:
        """The messages that are there, oldest first: those whose JSON holds a text, those of one conversation."""
        return [
            one
            for one in self.all.values()
            if not one.deleted and containing in one.text and conversation in {"", one.conversation}
        ]

    def chat(self, address: str) -> tuple[Chat, str]:
        """The conversation and thread of an address. Raises RefusedError."""
        base, _, thread = address.partition(";messageid=")
        chat = self.chats.get(base)
        if chat is None or chat.gone:
            raise RefusedError(404, "ConversationNotFound", "Conversation not found.")
        if chat.refusal:
            raise RefusedError(403, chat.refusal, REFUSALS.get(chat.refusal, "Forbidden."))
        return chat, thread

    def keep(self, operation: str, message: Message, activity: Mapping[str, Any]) -> None:
        """Note an accepted call."""
        record = Record(operation, self._core.clock.now(), message.conversation, message.id, activity)
        self.records.append(record)

    def new_id(self) -> str:
        """An id as Teams gives: the time in milliseconds, never twice."""
        self._last = max(self._last + 1, int(self._core.clock.now().timestamp() * 1000))
        return str(self._last)


class Routes:
    """The Connector's calls."""

    def __init__(self, core: Core, connector: Connector) -> None:
        self.core = core
        self.connector = connector

    def operations(self) -> tuple[Operation, ...]:
        """The documented calls, by their REST paths."""
        base = "/conversations/{conversation}"
        one = base + "/activities/{activity}"
        return (
            Operation(name="connector.post", method="POST", path=base + "/activities", handler=self.post),
            Operation(name="connector.reply", method="POST", path=one, handler=self.post),
            Operation(name="connector.edit", method="PUT", path=one, handler=self.edit),
            Operation(name="connector.delete", method="DELETE", path=one, handler=self.delete),
            Operation(name="connector.create", method="POST", path="/conversations", handler=self.create),
            Operation(name="connector.member", method="GET", path=base + "/members/{member}", handler=self.member),
            Operation(name="connector.members", method="GET", path=base + "/pagedmembers", handler=self.members),
        )

    async def post(self, call: Call) -> web.Response:
        """Send: 201 with the new message's id. In a channel without a thread it begins one."""
        chat, thread = self.connector.chat(call.path("conversation"))
        self._count(call, chat, "send", SEND)
        activity = await _activity(call)
        check_files(activity.get("attachments"), chat.kind)
        return web.json_response({"id": self._add(chat, thread, activity).id}, status=201)

    async def edit(self, call: Call) -> web.Response:
        """Replace one of the bot's own messages."""
        chat, _ = self.connector.chat(call.path("conversation"))
        self._count(call, chat, "send", SEND)
        message = self._own(call, chat)
        activity = await _activity(call)
        message.revisions.append(activity)
        message.times.append(self.core.clock.now())
        self.connector.keep("edit", message, activity)
        return web.json_response({"id": message.id})

    async def delete(self, call: Call) -> web.Response:
        """Take one of the bot's own messages away."""
        chat, _ = self.connector.chat(call.path("conversation"))
        message = self._own(call, chat)
        message.deleted = True
        self.connector.keep("delete", message, {})
        return web.Response(status=200)

    async def create(self, call: Call) -> web.Response:
        """A new thread in a channel (`channelData.channel.id`) or a chat with one person (`members`)."""
        body = await _activity(call, parameters=True)
        channel = body.get("channelData", {}).get("channel", {}).get("id", "")
        people = [str(member.get("id")) for member in body.get("members", [])]
        if not channel and len(people) != 1:
            raise RefusedError(400, "BadSyntax", "Bad format of conversation parameters.")
        known = next((chat.id for chat in self.connector.chats.values() if _is_chat_with(chat, people)), "")
        chat, _ = self.connector.chat(channel or known)
        self._count(call, chat, "create", SEND)
        first = body.get("activity")
        message = self._add(chat, "", first) if isinstance(first, dict) else None
        address = f"{chat.id};messageid={message.id}" if message and chat.kind == "channel" else chat.id
        return web.json_response({"id": address, "activityId": message.id if message else None}, status=201)

    async def member(self, call: Call) -> web.Response:
        """A person of the roster, by Teams id or Entra object id."""
        chat, _ = self.connector.chat(call.path("conversation"))
        self._count(call, chat, "roster", ROSTER)
        wanted = call.path("member")
        for member in chat.members.values():
            if wanted in {member["id"], member["aadObjectId"]}:
                return web.json_response(member)
        raise RefusedError(404, "MemberNotFoundInConversation", "Member not found in conversation.")

    async def members(self, call: Call) -> web.Response:
        """The roster, in pages."""
        chat, _ = self.connector.chat(call.path("conversation"))
        self._count(call, chat, "roster", ROSTER)
        query = call.request.query
        size, start = query.get("pageSize", "200"), query.get("continuationToken", "0")
        if not (size.isdigit() and int(size) and start.isdigit()):
            raise RefusedError(400, "Bad Argument", "Invalid page.")
        rows = list(chat.members.values())[int(start) :]
        left = len(rows) > int(size)
        token = {"continuationToken": str(int(start) + int(size))} if left else {}
        return web.json_response({**token, "members": rows[: int(size)]})

    def _add(self, chat: Chat, thread: str, activity: dict[str, Any]) -> Message:
        message = Message(self.connector.new_id(), chat.id, thread, [activity], [self.core.clock.now()])
        typing = activity.get("type") == "typing"
        if not typing:
            self.connector.all[message.id] = message
        self.connector.keep("typing" if typing else "post", message, activity)
        return message

    def _own(self, call: Call, chat: Chat) -> Message:
        message = self.connector.all.get(call.path("activity"))
        if message is None or message.deleted or message.conversation != chat.id:
            raise RefusedError(404, "ActivityNotFoundInConversation", "The activity was not found.")
        return message

    def _count(self, call: Call, chat: Chat, what: str, limits: tuple[Limit, ...]) -> None:
        wait = self.core.limiter.wait(("connector", call.caller.app, chat.id, what), limits)
        if wait:
            headers = {"Retry-After": str(max(1, -int(-wait // 1)))}
            raise RefusedError(429, "Throttled", "Too many requests.", headers)


def _is_chat_with(chat: Chat, people: list[str]) -> bool:
    return chat.kind == "personal" and bool(people) and people[0] in chat.members


async def _activity(call: Call, *, parameters: bool = False) -> dict[str, Any]:
    try:
        body = await call.json()
    except ValueError as bad:
        raise RefusedError(400, "BadSyntax", "Request body is not JSON.") from bad
    if not isinstance(body, dict) or not (parameters or body.get("type")):
        raise RefusedError(400, "BadSyntax", "Activity has no type.")
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    if len(written.encode("utf-16-le", "surrogatepass")) > MAX_BYTES:
        raise RefusedError(413, "MessageSizeTooBig", "Message size too large.")
    return body


def mount_connector(app: web.Application, core: Core, connector: Connector) -> None:
    """Serve the Connector below `/v3`, and the signing keys of what it sends to the bot."""
    mount(app, core, SERVICE, Routes(core, connector).operations(), "/v3")

    async def metadata(request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": BOT_ISSUER,
                "authorization_endpoint": "https://invalid.botframework.com",
                "jwks_uri": f"{request.scheme}://{request.host}/v1/.well-known/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            }
        )

    async def keys(_request: web.Request) -> web.Response:
        return web.json_response({"keys": core.signer.published()}, headers={"x-ms-request-id": str(uuid4())})

    app.router.add_put("/onedrive/upload", connector.drive.put)
    app.router.add_get("/onedrive/download", connector.drive.get)
    app.router.add_get("/v1/.well-known/openidconfiguration", metadata)
    app.router.add_get("/v1/.well-known/keys", keys)
