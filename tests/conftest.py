"""How `make test` spreads the tests over several processes (pytest-xdist); with `-n0`, or without `-n`, it does not."""

import pytest
from xdist.scheduler import LoadFileScheduling

ONE_BY_ONE = (
    "tests/playground/",
    "tests/replicas/",
    "tests/integration/test_loop_stalls.py",
    "tests/run/test_run_everything.py",
)
"""Tests that start many processes or a browser, or measure a delay: never two of them at the same time."""
LONG = ("tests/integration/", "tests/responses/", "tests/run/", "tests/test_architecture.py")


class ByFile(LoadFileScheduling):
    """The tests of a file run in one process, for they may share what their module made; so do all of ONE_BY_ONE."""

    def _split_scope(self, nodeid: str) -> str:
        return "one by one" if nodeid.startswith(ONE_BY_ONE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins early, so that nobody waits for it at the end."""
    items.sort(key=lambda item: 0 if item.nodeid.startswith(ONE_BY_ONE) else 2 - item.nodeid.startswith(LONG))
