"""Live response and its library over HTTP (defender-api 9)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from bot.defender.live.models import LibraryFile, LiveCommand, Upload, in_order
from bot.defender.models import MachineAction
from bot.defender.operations import changing, reading
from bot.http import Api, Operation, about, read_all, read_one
from bot.http_errors import unreadable
from bot.limits import Limit

UPLOAD_SECONDS = 90.0
"""For a file of 20 MB, the most that the library takes."""
RUN = changing(
    "run-live-response",
    "/api/machines/{id}/runliveresponse",
    "Machine.LiveResponse",
    "api:run-live-response",
    (Limit(10, 60.0),),
)
RESULT = reading(
    "live-response-result",
    "/api/machineactions/{id}/GetLiveResponseResultDownloadLink(index={n})",
    "Machine.Read.All",
    "api:get-live-response-result",
)
LIBRARY = reading("library-files", "/api/libraryfiles", "Library.Manage", "api:list-library-files")
UPLOAD = changing("upload-library-file", "/api/libraryfiles", "Library.Manage", "api:upload-library")
DELETE = replace(
    changing(
        "delete-library-file",
        "/api/libraryfiles/{fileName}",
        "Library.Manage",
        "api:delete-library",
        method="DELETE",
    ),
    empty=frozenset({HTTPStatus.NO_CONTENT}),
)

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "run_live_response": (RUN,),
    "live_result": (RESULT,),
    "library_files": (LIBRARY,),
    "upload_library_file": (UPLOAD,),
    "delete_library_file": (DELETE,),
}


class HttpLiveResponse:
    """`bot.defender.live.client.LiveResponse` for one customer."""

    _api: Api

    async def run_live_response(
        self, machine_id: str, *, commands: Sequence[LiveCommand], comment: str
    ) -> MachineAction:
        """api:run-live-response. The page says 201 and shows 200: both are an answer."""
        body = {"Commands": [one.body() for one in in_order(commands)], "Comment": comment}
        found = read_one(RUN, MachineAction, await self._api.call(RUN, ids={"id": machine_id}, body=body))
        about(RUN, machine_id, found.machine_id)
        return found

    async def live_result(self, action_id: str, index: int, *, most: int) -> bytes:
        """api:get-live-response-result: a link that is good for 30 minutes, followed at once and forgotten."""
        answer = await self._api.call(RESULT, ids={"id": action_id, "n": str(index)})
        link = answer.get("value")
        if not isinstance(link, str) or not link.strip('" '):
            raise unreadable(RESULT.service, RESULT.name, "no link")
        return await self._api.fetch(RESULT, link.strip('" '), most=most)

    async def library_files(self) -> list[LibraryFile]:
        """api:list-library-files."""
        return read_all(LIBRARY, LibraryFile, await self._api.items(LIBRARY))

    async def upload_library_file(self, upload: Upload) -> LibraryFile:
        """api:upload-library: a form of several parts."""
        parts: dict[str, Any] = {
            "File": (upload.name, upload.content, "application/octet-stream"),
            "Description": (None, upload.description),
            "ParametersDescription": (None, upload.parameters),
            "OverrideIfExists": (None, "true" if upload.override else "false"),
            "HasParameters": (None, "true" if upload.parameters else "false"),
        }
        return read_one(UPLOAD, LibraryFile, await self._api.call(UPLOAD, parts=parts, seconds=UPLOAD_SECONDS))

    async def delete_library_file(self, name: str) -> None:
        """api:delete-library."""
        await self._api.call(DELETE, ids={"fileName": name})
