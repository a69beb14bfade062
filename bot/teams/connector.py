"""Sending to Teams: the Bot Connector's REST interface over the one shared HTTP client.

Reference: teams-platform 2.5 (the calls), 5.2 (what is tried again). Creating a message has no idempotency key: a POST
is repeated only when it was certainly not accepted; who posts counts the uncertain ones (design section 4).
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import stamina
from pydantic import ValidationError

from bot.clock import Clock
from bot.download import Source, download
from bot.errors import Rejected, ServiceError, Throttled, Unavailable
from bot.http_errors import Progress, no_answer, read_object, unreadable
from bot.teams import outbound
from bot.teams.client import FileOffer, Member, StoredFile
from bot.teams.connector_errors import error_of
from bot.teams.roster import member_of
from bot.teams.service_urls import ServiceUrls
from bot.teams.upload import SERVICE, is_upload_address, upload
from bot.transport import LEAN
from bot.turn import Conversation, Shown

TIMEOUT = httpx.Timeout(10.0, connect=3.0, pool=3.0)
TYPING_TIMEOUT = httpx.Timeout(2.0)
LONGEST_WAIT = 2.0  # seconds; a longer Retry-After is the caller's to wait for
ATTEMPTS = 3
_POST = "POST"


class Connector:
    """Implements `bot.teams.client.Teams`; `send`, `replace` and `remove` take raw activities for the SDK's adapter.

    The token (`auth`) goes only to URLs on the allow-list and never along a redirect. `spoken` is told of each message
    to a conversation before it is sent.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        urls: ServiceUrls,
        clock: Clock,
        auth: httpx.Auth | None = None,
        spoken: Callable[[Conversation], None] = lambda _conversation: None,
    ) -> None:
        self._http = http
        self._urls = urls
        self._clock = clock
        self._auth = auth
        self._spoken = spoken

    async def post(self, conversation: Conversation, shown: Shown) -> str:
        """Post a card; in a channel into the thread where `conversation.thread` is set. Returns the message id."""
        self._spoken(conversation)
        activity = outbound.message(conversation, shown)
        return await self.send(conversation.service_url, conversation.address, activity)

    async def say(self, conversation: Conversation, shown: Shown | None, text: str) -> str:
        """Post a card, a plain text or both as one message. Returns the message id."""
        self._spoken(conversation)
        activity = outbound.message(conversation, shown, text)
        return await self.send(conversation.service_url, conversation.address, activity)

    async def edit(self, conversation: Conversation, message: str, shown: Shown) -> None:
        """Replace the card of one of the bot's own messages."""
        self._spoken(conversation)
        activity = outbound.message(conversation, shown) | {"id": message}
        await self.replace(conversation.service_url, conversation.address, message, activity)

    async def offer_file(self, conversation: Conversation, offer: FileOffer) -> str:
        """Ask whether a file may be put into the person's OneDrive (personal chats only). Returns the message id."""
        self._spoken(conversation)
        activity = outbound.file_consent(conversation, offer)
        return await self.send(conversation.service_url, conversation.address, activity)

    async def upload_file(self, url: str, content: bytes) -> None:
        """Put the file where Teams said. Raises Rejected for an address that is not SharePoint's."""
        await upload(self._http, url, content, self._clock.now(), loopback=self._urls.loopback)

    async def read_file(self, url: str, *, most: int) -> bytes:
        """The content of a file that a person sent along (teams-platform 7.4); our token does not go there."""
        near = self._urls.loopback
        if not is_upload_address(url, loopback=near):
            why = "the address is not SharePoint's"
            raise Rejected(SERVICE, "read-file", code="DownloadUrlNotAllowed", message=why)
        return await download(self._http, url, Source(service=SERVICE, operation="read-file", near=near), most=most)

    async def show_file(self, conversation: Conversation, file: StoredFile) -> str:
        """Post a card that opens a file which was uploaded. Returns the message id."""
        self._spoken(conversation)
        activity = outbound.file_info(conversation, file)
        return await self.send(conversation.service_url, conversation.address, activity)

    async def take_back(self, conversation: Conversation, message: str) -> None:
        """Delete one of the bot's own messages."""
        await self.remove(conversation.service_url, conversation.address, message)

    async def typing(self, conversation: Conversation) -> None:
        """Show that an answer is being made; a failure is not worth an error."""
        self._spoken(conversation)
        content = outbound.encode(outbound.typing(conversation))
        try:
            url = self._url(conversation.service_url, conversation.address, "activities")
            await self._once("typing", _POST, url, content, TYPING_TIMEOUT)
        except ServiceError:
            return

    async def member(self, conversation: Conversation, person: str) -> Member:
        """Look a person up by Teams id (MRI) in the conversation."""
        url = self._url(conversation.service_url, conversation.id, "members", person)
        answer = await self._call("member", "GET", url)
        try:
            return member_of(answer.content)
        except ValidationError:
            raise unreadable("teams", "member", "no member", status=answer.status_code) from None

    async def send(self, service_url: str, conversation: str, activity: Mapping[str, Any]) -> str:
        """POST `/v3/conversations/{id}/activities`. Returns the message id: without one it is not known to stand."""
        content = outbound.encode(activity)
        url = self._url(service_url, conversation, "activities")
        answer = await self._call("send", _POST, url, content)
        message = read_object(answer, service="teams", operation="send").get("id")
        if not isinstance(message, str) or not message:
            raise unreadable("teams", "send", "no message id", status=answer.status_code)
        return message

    async def replace(self, service_url: str, conversation: str, message: str, activity: Mapping[str, Any]) -> None:
        """PUT `/v3/conversations/{id}/activities/{message}`; Unavailable where the answer is no word of Teams."""
        content = outbound.encode(activity)
        url = self._url(service_url, conversation, "activities", message)
        answer = await self._call("edit", "PUT", url, content)
        if answer.content:  # what is no JSON was said by something on the way: the message may still show the old card
            read_object(answer, service="teams", operation="edit")

    async def remove(self, service_url: str, conversation: str, message: str) -> None:
        """DELETE `/v3/conversations/{id}/activities/{message}`."""
        url = self._url(service_url, conversation, "activities", message)
        await self._call("delete", "DELETE", url)

    def _url(self, service_url: str, conversation: str, *parts: str) -> httpx.URL:
        """The address, every part percent-encoded. Raises Rejected where the host is not one of Teams'."""
        if not self._urls.allows(service_url):
            raise Rejected("teams", "send", code="ServiceUrlNotAllowed", message="host is not on the list")
        if not all((conversation, *parts)):
            raise Rejected("teams", "send", code="BadAddress", message="an id is empty")
        return _address(service_url, conversation, *parts)

    async def _call(self, operation: str, method: str, url: httpx.URL, content: bytes | None = None) -> httpx.Response:
        """One call with its few quick repetitions; whoever asked waits for the slow ones."""
        again = functools.partial(try_again, repeatable=method != _POST)
        attempts = stamina.retry_context(
            on=again, attempts=ATTEMPTS, timeout=8.0, wait_initial=0.2, wait_max=1.0, wait_jitter=0.2
        )
        async for attempt in attempts:
            with attempt:
                return await self._once(operation, method, url, content, TIMEOUT)
        raise AssertionError("stamina raises the last error")

    async def _once(
        self, operation: str, method: str, url: httpx.URL, content: bytes | None, within: httpx.Timeout
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json; charset=utf-8"} if content is not None else None
        progress = Progress(step="handed over")  # until the transport knows better, it may have been sent
        broken: Exception | None = None
        try:
            answer = await self._http.request(
                method,
                url,
                content=content,
                headers=headers,
                auth=self._auth,
                timeout=within,
                follow_redirects=False,
                extensions={"progress": progress, "trace": progress.note, **LEAN},
            )
        except (httpx.HTTPError, OSError, RuntimeError) as error:  # the last two leak from the transport at times
            broken = error
        if broken:  # raised out here, so that no request, hence no token, hangs on the error as its context
            raise no_answer(broken, progress, service="teams", operation=operation)
        if not answer.is_success:
            raise error_of(operation, answer, self._clock.now())
        return answer


@functools.lru_cache(maxsize=1024)
def _address(service_url: str, *parts: str) -> httpx.URL:
    path = "/".join(quote(part, safe="") for part in parts)
    return httpx.URL(f"{service_url.rstrip('/')}/v3/conversations/{path}")


def try_again(error: Exception, *, repeatable: bool) -> bool | float:
    """Whether to try once more at once; a number is how many seconds to wait. For stamina."""
    if isinstance(error, Throttled):
        after = error.retry_after
        return after is None or (after if after <= LONGEST_WAIT else False)
    if isinstance(error, Unavailable):
        return error.service == "teams" and (repeatable or not error.sent)
    return False
