"""The company's own domains, as Graph speaks of them. A leaf: no I/O."""

from bot.wire import WireModel


class Domain(WireModel):
    """A domain of the tenant (graph-api.md section 6.4); its id is its name."""

    id: str
    is_verified: bool | None = None
    is_default: bool | None = None
    is_initial: bool | None = None
