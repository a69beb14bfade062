"""The project's own Python as syntax trees: which module imports which, for the architecture test."""

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("bot", "cards", "handlers", "manifest", "tests")
PASSED_OVER = {".git", ".venv", ".data", ".tools", ".hypothesis", "__pycache__", "dist", "node_modules"}
CACHES = (".egg-info", "_cache")
BINARY = {".png", ".ico", ".zip", ".pdf", ".pyc"}

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

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Every function and method, nested ones too."""
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, Function))

    @cached_property
    def imports(self) -> tuple[tuple[str, str, int, bool], ...]:
        """Each import as it is written: the module, the name taken from it or "", the line, and whether it is early."""
        return tuple(
            (base, name, node.lineno, early)
            for node, early in _statements(self.tree, early=True)
            for base, name in _targets(self, node)
        )


class Tree(Mapping[str, Source]):
    """The sources by path."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.path: source for source in sources}
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
        before = self._sources[path].text if path in self._sources else ""
        return Tree([*self._sources.values(), Source(path, before + text)])

    def imports(self, source: Source) -> Iterator[Import]:
        """Every import of the file, wherever it stands."""
        for base, name, line, early in source.imports:
            inner = f"{base}.{name}"
            yield Import(target=inner if inner in self.modules else base, line=line, early=early)


def _targets(source: Source, node: ast.stmt) -> list[tuple[str, str]]:
    if isinstance(node, ast.Import):
        return [(alias.name, "") for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(_base(source, node), alias.name) for alias in node.names]
    return []


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
    return Tree(Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


def read_texts(root: Path = ROOT) -> dict[str, str]:
    """Every text file of the project by its path: what git does not ignore, by the folders' names."""
    found = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name for name in folders if name not in PASSED_OVER and not name.endswith((".egg-info", "_cache"))
        ]
        for name in names:
            path = Path(folder, name)
            if path.suffix not in BINARY:
                found[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8", errors="replace")
    return found
