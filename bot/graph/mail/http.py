"""Graph's analysed mail over HTTP. Each operation names the documented page it follows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from bot import odata
from bot.graph.mail.models import AnalyzedEmail, Remedy
from bot.graph.operations import changing, reading
from bot.http import Api, Operation, read_all, values_of

ANALYZED = reading(
    "analyzed-emails",
    "/security/collaboration/analyzedEmails",
    "SecurityAnalyzedMessage.Read.All",
    "api/security-collaborationroot-list-analyzedemails",
)
REMEDIATE = changing(
    "remediate-mail",
    "/security/collaboration/analyzedEmails/remediate",
    ("SecurityAnalyzedMessage.ReadWrite.All",),
    "api/security-analyzedemail-remediate",
    empty=HTTPStatus.ACCEPTED,
)

CALLS: Mapping[str, tuple[Operation, ...]] = {"analyzed_email": (ANALYZED,), "remediate_mail": (REMEDIATE,)}
"""The operations of each method of the client."""


class HttpMail:
    """`bot.graph.mail.client.Mail` for one customer."""

    _api: Api

    async def analyzed_email(
        self, network_message_id: str, recipient: str, since: datetime, until: datetime
    ) -> AnalyzedEmail | None:
        """api/security-collaborationroot-list-analyzedemails: by message and recipient, within whole days."""
        condition = odata.all_of(
            odata.equals("networkMessageId", network_message_id), odata.equals("recipientEmailAddress", recipient)
        )
        params: dict[str, str | int] = {"startTime": _day(since), "endTime": _day(until), "$filter": condition}
        answer = await self._api.call(ANALYZED, params=params)
        found = read_all(ANALYZED, AnalyzedEmail, values_of(ANALYZED, answer))
        return next((one for one in found if _is(one, network_message_id, recipient)), None)

    async def remediate_mail(self, network_message_id: str, recipient: str, remedy: Remedy, *, name: str) -> str:
        """api/security-analyzedemail-remediate: 202 without a body, and a Location."""
        body = {
            "displayName": name,
            "description": name,
            "severity": "medium",
            "action": remedy,
            "remediateSendersCopy": False,
            "analyzedEmails": [{"networkMessageId": network_message_id, "recipientEmailAddress": recipient}],
        }
        answer = await self._api.call(REMEDIATE, body=body)
        return str(answer.get("Location") or "")


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def _is(one: AnalyzedEmail, network_message_id: str, recipient: str) -> bool:
    """Whether the row is the one that was asked for; a service that ignores the filter must not show another's mail."""
    found = ((one.network_message_id or "").casefold(), (one.recipient_email_address or "").casefold())
    return found == (network_message_id.casefold(), recipient.casefold())
