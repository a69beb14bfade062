"""Files that the bot offers in a chat: Teams' consent card, the person's answer, and the OneDrive that it uploads to.

Reference: teams-platform 7.4. Only personal chats take a consent card; the upload address needs no token, because it
is a secret itself. What OneDrive answers to a wrong upload is not in the reference pages: here it refuses.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

from bot.simulator.pipeline import RefusedError

CONSENT = "application/vnd.microsoft.teams.card.file.consent"
FILE = "application/vnd.microsoft.teams.card.file.info"
GIVEN = "application/vnd.microsoft.teams.file.download.info"
_RANGE = re.compile(r"bytes 0-(\d+)/(\d+)")


@dataclass
class Drive:
    """What was uploaded, by the secret of its address; None as long as nothing was. `given` are files of people."""

    uploads: dict[str, bytes | None] = field(default_factory=dict)
    given: dict[str, bytes] = field(default_factory=dict)
    sessions: int = 0

    @property
    def files(self) -> list[bytes]:
        """The contents that were uploaded."""
        return [content for content in self.uploads.values() if content is not None]

    def answer(self, activity: Mapping[str, Any], base: str, *, accept: bool = True) -> dict[str, Any]:
        """The value of the `fileConsent/invoke` that Teams sends when a person answers a consent card.

        `base` is where this simulator is served.
        """
        card = next(one for one in activity["attachments"] if one["contentType"] == CONSENT)
        content = card["content"]
        if not accept:
            return {"type": "fileUpload", "action": "decline", "context": content["declineContext"]}
        secret, name = uuid4().hex, str(card["name"])
        self.uploads[secret] = None
        self.sessions += 1
        info = {
            "contentUrl": f"{base}/onedrive/{secret}/{name}",
            "name": name,
            "uploadUrl": f"{base}/onedrive/upload?session={secret}",
            "uniqueId": str(uuid4()),
            "fileType": name.rpartition(".")[2],
        }
        return {"type": "fileUpload", "action": "accept", "context": content["acceptContext"], "uploadInfo": info}

    def give(self, name: str, content: bytes, base: str) -> dict[str, Any]:
        """The attachment of a message by which a person sends a file along; its address needs no token."""
        secret = uuid4().hex
        self.given[secret] = content
        info = {
            "downloadUrl": f"{base}/onedrive/download?tempauth={secret}",
            "uniqueId": str(uuid4()),
            "fileType": name.rpartition(".")[2],
        }
        return {"contentType": GIVEN, "contentUrl": f"{base}/onedrive/{name}", "name": name, "content": info}

    async def get(self, request: web.Request) -> web.Response:
        """The content of a file that was given; 404 for another secret."""
        content = self.given.get(request.query.get("tempauth", ""))
        if content is None:
            return _refused(404, "itemNotFound", "The resource could not be found.")
        return web.Response(body=content)

    async def put(self, request: web.Request) -> web.Response:
        """Take the file, whole: `Content-Range: bytes 0-(n-1)/n`. 201, then 404 for the same address again."""
        secret, content = request.query.get("session", ""), await request.read()
        told = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
        if self.uploads.get(secret, b"") is not None:
            return _refused(404, "itemNotFound", "The upload session was not found")
        if not told or int(told[1]) + 1 != len(content) or int(told[2]) != len(content):
            return _refused(416, "invalidRange", "The Content-Range does not fit the content")
        self.uploads[secret] = content
        return web.json_response({"id": secret, "size": len(content)}, status=201)


def check_files(attachments: Any, kind: str) -> None:
    """Refuse a file card that Teams would not take. Raises RefusedError."""
    for one in attachments if isinstance(attachments, list) else ():
        if one.get("contentType") not in (CONSENT, FILE):
            continue
        if kind != "personal":
            raise RefusedError(400, "BadArgument", "File cards are supported in personal chats only.")
        if one["contentType"] == CONSENT:
            _check_consent(one)
        elif not (one.get("contentUrl") and {"uniqueId", "fileType"} <= set(one.get("content") or {})):
            raise RefusedError(400, "BadArgument", "A file info card needs contentUrl, uniqueId and fileType.")


def _check_consent(card: Mapping[str, Any]) -> None:
    content = card.get("content") or {}
    size = content.get("sizeInBytes")
    contexts = {"acceptContext", "declineContext"} <= set(content)
    if not card.get("name") or not isinstance(size, int) or size <= 0 or not contexts:
        raise RefusedError(400, "BadArgument", "A consent card needs a name, sizeInBytes and both contexts.")


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
