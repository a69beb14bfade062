"""Which customer a conversation speaks for, and who may speak there.

A conversation speaks for the tenant that owns it, unless an administrator bound it to a customer (a provider's
channel). People of other tenants, and guests, are refused unless the binding names their tenant.
"""

from dataclasses import dataclass

from bot.state.store import Record
from bot.turn import Conversation

KIND = "binding"


@dataclass(frozen=True, kw_only=True)
class Binding:
    """`customer` is whose Defender is meant; `people` are the tenants whose members may speak."""

    customer: str
    people: frozenset[str]


def binding_of(record: Record | None, conversation: Conversation) -> Binding:
    """The conversation's binding as its record says (kind, the conversation's id); without one its own tenant's."""
    if record is None:
        return Binding(customer=conversation.tenant, people=frozenset({conversation.tenant}))
    people = frozenset({conversation.tenant, *record.data.get("people", ())})
    return Binding(customer=str(record.data["customer"]), people=people)
