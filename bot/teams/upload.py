"""Puts a file where Teams said that it may lie: a pre-authorised address in the person's OneDrive.

Reference: teams-platform 7.4. The address comes with the person's consent, so it is believed only where it is
SharePoint's; the bot's own token never goes there.
"""

from datetime import datetime

import httpx

from bot.addresses import is_own_host
from bot.errors import Rejected, Throttled, Unavailable
from bot.http_errors import Progress, no_answer, read_fault, retry_after
from bot.transport import LEAN

SERVICE, OPERATION = "sharepoint", "upload"
HOSTS = ".sharepoint.com"
TIMEOUT = httpx.Timeout(30.0, connect=5.0, pool=5.0)
TOO_MANY, SERVER = 429, 500


async def upload(http: httpx.AsyncClient, url: str, content: bytes, now: datetime, *, loopback: bool = False) -> None:
    """PUT the whole file at once. Raises Rejected, Throttled, Unavailable, all of the service `sharepoint`.

    `loopback` allows this machine instead of SharePoint, for the simulator.
    """
    if not is_upload_address(url, loopback=loopback):
        raise Rejected(SERVICE, OPERATION, code="UploadUrlNotAllowed", message="the address is not SharePoint's")
    size = len(content)
    headers = {"Content-Range": f"bytes 0-{size - 1}/{size}", "Content-Type": "application/octet-stream"}
    progress = Progress(step="handed over")
    broken: Exception | None = None
    try:
        answer = await http.request(
            "PUT",
            url,
            content=content,
            headers=headers,
            auth=None,
            timeout=TIMEOUT,
            follow_redirects=False,
            extensions={"progress": progress, "trace": progress.note, **LEAN},
        )
    except (httpx.HTTPError, OSError, RuntimeError) as error:  # the last two leak from the transport at times
        broken = error
    if broken:  # raised out here, so that the address, which opens the file, does not hang on the error
        raise no_answer(broken, progress, service=SERVICE, operation=OPERATION)
    if not answer.is_success:
        _refused(answer, now)


def is_upload_address(url: str, *, loopback: bool = False) -> bool:
    """Whether it is https on a host of SharePoint's, without a user name; the query holds the permission to write."""
    try:
        parsed = httpx.URL(url)
        scheme, host, port, user = parsed.scheme, parsed.host, parsed.port, parsed.userinfo
    except (httpx.InvalidURL, ValueError):
        return False
    if user or parsed.fragment:
        return False
    if loopback and scheme in {"http", "https"} and is_own_host(host):
        return True
    return scheme == "https" and host.endswith(HOSTS) and port in {None, 443}


def _refused(answer: httpx.Response, now: datetime) -> None:
    fault = read_fault(answer)
    code, message = (fault.code, fault.message) if fault else ("", "")
    if answer.status_code == TOO_MANY:
        wait = retry_after(answer, now)
        raise Throttled(SERVICE, OPERATION, retry_after=wait, status=answer.status_code, code=code, message=message)
    kind = Unavailable if answer.status_code >= SERVER else Rejected
    raise kind(SERVICE, OPERATION, status=answer.status_code, code=code, message=message)
