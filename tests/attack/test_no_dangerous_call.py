"""What a message of Teams could be turned into code with does not stand in the source."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
CALLS = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
MODULES = {"pickle", "cloudpickle", "marshal", "shelve", "yaml", "ctypes"}
METHODS = {"system", "popen", "import_module"}
OWNERS = {"os", "importlib"}
"""Whose methods those are; a device has a `system` too, and that is a word."""
# What is run for the developer's machine alone: the embedded server and the Teams client in the browser.
STARTS_PROGRAMS = {"bot/embedded_redis.py", "bot/playground.py", "bot/redis_binary.py"}


def trees():
    for folder in ("bot", "cards", "handlers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def test_nothing_evaluates_or_unpickles():
    """No eval, exec, pickle or YAML anywhere in the bot; docket alone pickles, and gets ids only."""
    found = []
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                found.append((name, node.func.id))
            if isinstance(node, ast.Attribute) and node.attr in METHODS and ast.unparse(node.value) in OWNERS:
                found.append((name, node.attr))
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    {alias.name.partition(".")[0] for alias in node.names} if isinstance(node, ast.Import) else set()
                )
                names |= {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()
                found += [(name, one) for one in names & MODULES]
    assert found == []


def test_programs_are_started_by_run_alone():
    """Only what `run` needs on the developer's machine starts another program, and never through a shell."""
    found = set()
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "shell":
                raise AssertionError(name)
            if isinstance(node, ast.Attribute) and (node.attr.startswith("create_subprocess") or node.attr == "Popen"):
                assert node.attr != "create_subprocess_shell", name
                found.add(name)
    assert found <= STARTS_PROGRAMS, found - STARTS_PROGRAMS
