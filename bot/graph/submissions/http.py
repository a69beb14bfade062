"""Graph's submissions to Microsoft over HTTP. Each operation names the documented page it follows.

`VERSION` is the one switch for all of them: v1.0 has no threatSubmission (graph-api 3.7).
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot import odata
from bot.graph.submissions.models import Category, Sort, Submission
from bot.http import Api, Operation, read_all, read_one, values_of

_SERVICE = "graph"
VERSION = "beta"
_ROOT = "/security/threatSubmission"
_READ = ("ThreatSubmission.Read.All",)
_WRITE = ("ThreatSubmission.ReadWrite.All",)
_PAGE = "beta:res/security-threatsubmission"
_MAIL_PAGE = "beta:api/security-emailthreatsubmission-post-emailthreats"
_FILE_PAGE = "beta:api/security-filethreatsubmission-post-filethreats"
_TYPE = "#microsoft.graph.security."
# A mail is named by its address in Graph; the documented example names this host whatever the cloud.
_MESSAGE = "https://graph.microsoft.com/beta/users/{user}/messages/{message}"
_PATHS: Mapping[Sort, str] = {"mail": "emailThreats", "url": "urlThreats", "file": "fileThreats"}


def _operation(name: str, path: str, page: str, permissions: tuple[str, ...], method: str = "GET") -> Operation:
    return Operation(
        service=_SERVICE,
        name=name,
        method=method,
        path=f"{_ROOT}/{path}",
        permissions=permissions,
        page=page,
        reads=method == "GET",
        version=VERSION,
    )


SUBMIT_MAIL = _operation("submit-mail", "emailThreats", _MAIL_PAGE, _WRITE, "POST")
SUBMIT_URL = _operation("submit-url", "urlThreats", _PAGE, _WRITE, "POST")
SUBMIT_FILE = _operation("submit-file", "fileThreats", _FILE_PAGE, _WRITE, "POST")
LISTS = {sort: _operation(f"{sort}-submissions", path, _PAGE, _READ) for sort, path in _PATHS.items()}
GETS = {sort: _operation(f"{sort}-submission", f"{path}/{{id}}", _PAGE, _READ) for sort, path in _PATHS.items()}

CALLS: Mapping[str, tuple[Operation, ...]] = {
    "submit_url": (SUBMIT_URL,),
    "submit_mail": (SUBMIT_MAIL,),
    "submit_file": (SUBMIT_FILE,),
    "submission": tuple(GETS.values()),
    "submissions": tuple(LISTS.values()),
}
"""The operations of each method of the client."""


class HttpSubmissions:
    """`bot.graph.submissions.client.Submissions` for one customer."""

    _api: Api

    async def submit_url(self, url: str, category: Category) -> Submission:
        """beta:res/security-threatsubmission: 201."""
        return await self._submit(SUBMIT_URL, "urlThreatSubmission", category, {"webUrl": url})

    async def submit_mail(self, user: str, message: str, recipient: str, category: Category) -> Submission:
        """beta:api/security-emailthreatsubmission-post-emailthreats, by reference: 201."""
        more = {
            "recipientEmailAddress": recipient,
            "messageUrl": _MESSAGE.format(user=user, message=message),
        }
        return await self._submit(SUBMIT_MAIL, "emailUrlThreatSubmission", category, more)

    async def submit_file(self, name: str, content: bytes, category: Category) -> Submission:
        """beta:api/security-filethreatsubmission-post-filethreats: 201."""
        more = {"fileName": name, "fileContent": base64.b64encode(content).decode("ascii")}
        return await self._submit(SUBMIT_FILE, "fileContentThreatSubmission", category, more)

    async def _submit(self, operation: Operation, kind: str, category: Category, more: Mapping[str, Any]) -> Submission:
        body = {"@odata.type": _TYPE + kind, "category": category, **more}
        return read_one(operation, Submission, await self._api.call(operation, body=body))

    async def submission(self, sort: Sort, submission_id: str) -> Submission:
        """beta:res/security-threatsubmission."""
        operation = GETS[sort]
        return read_one(operation, Submission, await self._api.call(operation, ids={"id": submission_id}))

    async def submissions(self, sort: Sort, since: datetime) -> list[Submission]:
        """beta:res/security-threatsubmission: by time and source, the documented filters."""
        operation = LISTS[sort]
        condition = odata.all_of(odata.at_least("createdDateTime", since), odata.equals("source", "administrator"))
        return read_all(
            operation, Submission, values_of(operation, await self._api.call(operation, params={"$filter": condition}))
        )
