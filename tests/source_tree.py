"""The project's own Python as syntax trees: which module imports which, for the architecture test."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("bot", "cards", "handlers", "manifest", "tests")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported name: `target` is the module in full; `early` says that it happens when the module is loaded."""

    target: str
    line: int
    early: bool

    def within(self, *packages: str) -> bool:
        """Whether it is one of these packages or stands in one."""
        return any(f"{self.target}.".startswith(f"{package}.") for package in packages)


@dataclass(frozen=True)
class Source:
    """One file: its path from the project's root, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """The name it is imported by."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @property
    def is_test(self) -> bool:
        """Whether it belongs to the tests."""
        return self.path.startswith("tests/")

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


class Tree(Mapping[str, Source]):
    """The sources by path."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._sources = {path: Source(path, text) for path, text in texts.items()}
        self.modules = {source.module: source for source in self._sources.values()}

    def __getitem__(self, path: str) -> Source:
        return self._sources[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def of(self, *folders: str) -> list[Source]:
        """The files below these folders (or these files), in order of path."""
        return [self[path] for path in sorted(self) if path.startswith(folders)]

    def planted(self, path: str, text: str) -> "Tree":
        """A copy in which one file has that text at its end, or is new."""
        texts = {source.path: source.text for source in self._sources.values()}
        return Tree(texts | {path: texts.get(path, "") + text})

    def imports(self, source: Source) -> Iterator[Import]:
        """Every import of the file, wherever it stands."""
        for node, early in _statements(source.tree, early=True):
            for target in self._targets(source, node):
                yield Import(target=target, line=node.lineno, early=early)

    def _targets(self, source: Source, node: ast.stmt) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if not isinstance(node, ast.ImportFrom):
            return []
        base = _base(source, node)
        inner = [f"{base}.{alias.name}" for alias in node.names]
        return [name if name in self.modules else base for name in inner]


def _base(source: Source, node: ast.ImportFrom) -> str:
    """The module that is imported from, with the dots of a relative import resolved."""
    if not node.level:
        return node.module or ""
    package = source.path.removesuffix(".py").split("/")[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def _statements(node: ast.AST, *, early: bool) -> Iterator[tuple[ast.stmt, bool]]:
    """Every statement with whether it runs when the module is loaded: not in a function, not for type checkers only."""
    for child in ast.iter_child_nodes(node):
        now = early and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            now = False
        if isinstance(child, ast.stmt):
            yield child, now
        yield from _statements(child, early=now)


def read(root: Path = ROOT) -> Tree:
    """The project's own files."""
    paths = [path for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    return Tree({path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths})
