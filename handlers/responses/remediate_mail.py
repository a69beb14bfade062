"""/remediate-mail MESSAGE-ID RECIPIENT [junk|inbox|delete|purge|soft] REASON: asks to move or delete a message."""

from bot.graph.client import Graph
from bot.responses.declared import Parameter, Response
from bot.responses.mail import ACTION, remediation
from bot.roles import Role
from handlers.mail_aim import AIM, MAIL, TO_RECIPIENT
from handlers.proposing import command_for

RESPONSE = Response(
    name="remediate-mail",
    family="mail",
    how=remediation(),
    calls=(Graph.remediate_mail,),
    group="mail",
    target=MAIL,
    risk="high",
    asks=Role.OPERATOR,
    parameters=(
        TO_RECIPIENT,
        Parameter(
            name=ACTION,
            choices={
                "junk": "moveToJunk",
                "inbox": "moveToInbox",
                "delete": "moveToDeletedItems",
                "soft": "softDelete",
                "purge": "hardDelete",
            },
        ),
    ),
    plans=frozenset({"THREAT_INTELLIGENCE"}),
    unsure=frozenset({"ATP_ENTERPRISE"}),
    each=True,
)

COMMAND = command_for(
    RESPONSE,
    aim=AIM,
    examples=(
        "/remediate-mail 2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19 anna@contoso.com junk it is a lure",
        "/remediate-mail 2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19 anna@contoso.com purge it carries malware",
    ),
)

TEXTS = {
    "help.remediate-mail.summary": "asks to move or delete a delivered message",
    "response.remediate-mail.name": "Mail remediation",
    "response.remediate-mail.title": "Move or delete the message {device}",
    "response.remediate-mail.title.movetojunk": "Move to junk: {device}",
    "response.remediate-mail.title.movetoinbox": "Move to the inbox: {device}",
    "response.remediate-mail.title.movetodeleteditems": "Move to the deleted items: {device}",
    "response.remediate-mail.title.softdelete": "Soft-delete the message {device}",
    "response.remediate-mail.title.harddelete": "Purge the message {device}",
    "response.remediate-mail.button": "Remediate mail",
    "response.remediate-mail.effect": "The message goes to the junk folder of this recipient. Defender takes the order"
    " and does not say how it ends: the Action center does.",
    "response.remediate-mail.effect.movetoinbox": "The message goes back to the inbox of this recipient. Defender takes"
    " the order and does not say how it ends: the Action center does.",
    "response.remediate-mail.effect.movetodeleteditems": "The message goes to the deleted items of this recipient, who"
    " still sees it there. Defender takes the order and does not say how it ends: the Action center does.",
    "response.remediate-mail.effect.softdelete": "The message is deleted; it can be recovered for a while. Defender"
    " takes the order and does not say how it ends: the Action center does.",
    "response.remediate-mail.effect.harddelete": "The message is purged: it does not come back. Defender takes the"
    " order and does not say how it ends: the Action center does.",
    "response.remediate-mail.undo": "Ask again with another place, **inbox** for example. What was purged is gone.",
    "parameter.recipientemailaddress": "Recipient",
    "parameter.action": "What is done",
    "choice.action.movetojunk": "Move to junk",
    "choice.action.movetoinbox": "Move to the inbox",
    "choice.action.movetodeleteditems": "Move to the deleted items",
    "choice.action.softdelete": "Soft delete: it can be recovered",
    "choice.action.harddelete": "Purge: it is gone for good",
    "response.remediate-mail.stand.handedover": "**Defender took the order.** It does not tell how it ended: the Action"
    " center's history does.",
}
