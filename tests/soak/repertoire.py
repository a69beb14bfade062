"""All that the soak's people ask for. Uses no code of the bot."""

from collections.abc import Mapping

from tests.soak.acts import Act
from tests.soak.acts_elsewhere import ELSEWHERE
from tests.soak.acts_on_devices import ON_DEVICES
from tests.soak.acts_scripted import SCRIPTED

ACTS = (*ON_DEVICES, *SCRIPTED, *ELSEWHERE)
BY_NAME: Mapping[str, Act] = {act.name: act for act in ACTS}
BESIDE: Mapping[str, str] = {}
"""Responses that are not played, each with the reason."""
