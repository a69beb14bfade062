"""What stands in the way of a request, as one line."""

from collections.abc import Mapping
from typing import Any

from bot.turn import Look
from cards.text import Safe, told, word


def trouble(look: Look, key: str, values: Mapping[str, str]) -> Safe:
    """Say a trouble that came with a record, with the service and its actions named as people know them."""
    named: dict[str, Any] = dict(values)
    if "service" in named:
        named["service"] = word(look, "service", named["service"])
    if key == "trouble.other_action":
        named["type"] = word(look, "action", named.get("type"))
        key = key if values.get("id") and values.get("who") not in {"", "?"} else "trouble.other_action.nameless"
    return told(look, key, named, "trouble.other")
