"""How the live response library is changed (defender-api 9): a file is put there or taken away, and read back."""

from dataclasses import replace

from bot.defender.client import Defender
from bot.defender.live.models import LibraryFile, Upload
from bot.errors import Rejected
from bot.responses.declared import How, Remote
from bot.responses.how import IN_FORCE, setting
from bot.responses.live import HASH
from bot.responses.models import Request, Work

DESCRIPTION, REPLACE = "Description", "OverrideIfExists"
NEEDS = (Defender.library_files,)


async def file_of(remote: Remote, request: Request) -> LibraryFile | None:
    """The library's file of the request's name."""
    name = request.target.id
    return next((one for one in await remote.defender.library_files() if one.file_name.casefold() == name), None)


def deletion() -> How:
    """A file is taken away; one that is gone already needs nothing."""

    async def send(remote: Remote, request: Request, _comment: str) -> Work:
        await remote.defender.delete_library_file(request.target.name)
        return Work(status=IN_FORCE)

    async def holds(remote: Remote, request: Request) -> bool | None:
        return await file_of(remote, request) is None

    return setting(send, holds, needs=NEEDS)


def upload() -> How:
    """A file that was sent along is put there; what is sent has the hash that people decided about."""

    async def send(remote: Remote, request: Request, comment: str) -> Work:
        sha256 = request.parameters[HASH]
        content = await remote.kept(sha256) if remote.kept else None
        if content is None:
            raise Rejected("watchkeeper", "keep an upload", code="no-longer-kept")
        file = await remote.defender.upload_library_file(
            Upload(
                name=request.target.name,
                content=content,
                description=comment,
                override=request.parameters.get(REPLACE) == "true",
            )
        )
        return Work(status=IN_FORCE if _is(file, sha256) else "")

    async def holds(remote: Remote, request: Request) -> bool | None:
        found = await file_of(remote, request)
        return found is not None and _is(found, request.parameters[HASH])

    async def still(remote: Remote, request: Request) -> tuple[str, dict[str, str]]:
        kept = remote.kept and await remote.kept(request.parameters[HASH])
        return ("", {}) if kept else ("trouble.upload_gone", {"name": request.target.name})

    return replace(setting(send, holds, needs=NEEDS), still=still)


def _is(file: LibraryFile, sha256: str) -> bool:
    return (file.sha256 or "").casefold() == sha256.casefold()
