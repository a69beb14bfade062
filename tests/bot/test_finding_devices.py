"""Which device is meant: what was kept of it is looked at before it names one."""

from types import SimpleNamespace
from typing import Any

import pytest

from bot.devices import find_device
from bot.errors import NotFound


@pytest.mark.parametrize("kept", ["", "..", "../machineactions", "x" * 40, f"{'a' * 40}\n", f"{'a' * 40}/isolate"])
async def test_it_is_a_device_or_nothing(kept):
    """What is remembered as "it" and is no device's id counts as nothing remembered, and no service is asked."""

    async def recall(*_: Any) -> str:
        return kept

    services = SimpleNamespace(memory=SimpleNamespace(recall=recall))
    context: Any = SimpleNamespace(services=services, conversation=None, actor=None, machines={}, defender=None)
    with pytest.raises(NotFound, match="no_it"):
        await find_device(context, "it", "device")
