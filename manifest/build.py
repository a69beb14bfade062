"""Builds the Teams app package from `template.json` and the registered commands: `python -m manifest.build`.

Follows teams-platform section 8. The package is a zip with its files at the root; the same input gives the same bytes.
"""

import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import handlers
from bot.command import Command
from bot.turn import Look
from cards.text import plain
from manifest.icons import ACCENT

FOLDER = Path(__file__).parent
PACKAGE = Path("dist/watchkeeper.zip")
SCHEMAS = ("1.29", "1.25")
"""The manifest schemas that the template holds for, the newest first; older admin centers may want the older one."""
SCOPES = ("team", "personal", "groupChat")
MOST_COMMANDS = 12
LOOK = Look(now=datetime(2000, 1, 1, tzinfo=UTC))
"""The manifest is in English and names no time."""
UNCHANGING = (1980, 1, 1, 0, 0, 0)
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


class ManifestError(Exception):
    """The package cannot be built; the text is one line that says what to do."""


@dataclass(frozen=True, kw_only=True)
class Developer:
    """Who offers the app, as its page in Teams shows it. The defaults lead nowhere: set your own before you publish."""

    name: str = "Watchkeeper"
    website: str = "https://watchkeeper.example"
    privacy: str = "https://watchkeeper.example/privacy"
    terms: str = "https://watchkeeper.example/terms"


def build(
    *,
    bot_id: str,
    app_id: str = "",
    version: str = SCHEMAS[0],
    developer: Developer | None = None,
    out: Path = PACKAGE,
) -> Path:
    """Write the package and return where it is. Raises ManifestError.

    `bot_id` is the application id of the bot's app registration, `app_id` the id of the Teams app (a GUID; one made
    of `bot_id` where none is given, the same each time), `version` that of the manifest schema.
    """
    made = manifest(bot_id=bot_id, app_id=app_id, version=version, developer=developer or Developer())
    files = {
        "manifest.json": json.dumps(made, indent=2, ensure_ascii=False).encode() + b"\n",
        "color.png": (FOLDER / "color.png").read_bytes(),
        "outline.png": (FOLDER / "outline.png").read_bytes(),
    }
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _write(out, files)
    except OSError as failure:
        raise ManifestError(f"{out} cannot be written ({failure.strerror}). Please check the folder.") from None
    return out


def manifest(*, bot_id: str, app_id: str, version: str, developer: Developer) -> dict[str, Any]:
    """The manifest as JSON-ready values. Raises ManifestError."""
    if version not in SCHEMAS:
        raise ManifestError(f"VERSION must be {' or '.join(SCHEMAS)}: the version of the manifest schema.")
    _check_id("APP_ID", bot_id, "the application (client) id of the bot's app registration")
    app_id = app_id or str(uuid5(NAMESPACE_URL, f"watchkeeper:{bot_id.lower()}"))
    _check_id("TEAMS_APP_ID", app_id, "an id of your choice for the Teams app; leave it out to have one made")
    values = {
        "schema": version,
        "version": _project_version(),
        "app_id": app_id.lower(),
        "bot_id": bot_id.lower(),
        "accent": ACCENT,
        "developer_name": _short("DEVELOPER_NAME", developer.name),
        "developer_url": _web("DEVELOPER_URL", developer.website),
        "privacy_url": _web("PRIVACY_URL", developer.privacy),
        "terms_url": _web("TERMS_URL", developer.terms),
    }
    made: dict[str, Any] = _filled(json.loads((FOLDER / "template.json").read_text(encoding="utf-8")), values)
    made["bots"][0]["commandLists"] = command_lists(handlers.COMMANDS)
    return made


def command_lists(commands: Sequence[Command[Any]]) -> list[dict[str, Any]]:
    """The commands that Teams offers while one types, for each scope. They reach the bot as ordinary text."""
    entries = [{"title": f"/{c.name}", "description": _described(c)} for c in commands if c.menu]
    if len(entries) > MOST_COMMANDS:
        raise ManifestError(f"{len(entries)} commands want menu=True, Teams takes {MOST_COMMANDS}: take it from some.")
    return [{"scopes": [scope], "commands": entries} for scope in SCOPES]


def _described(command: Command[Any]) -> str:
    summary = plain(LOOK, f"help.{command.name}.summary")
    sentence = f"{summary[:1].upper()}{summary[1:]}."
    if command.usage == f"/{command.name}":
        return sentence
    return f"{sentence} {plain(LOOK, 'help.usage')}: {command.usage}"


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """The template with a value in each {{place}}."""
    if isinstance(value, dict):
        return {name: _filled(inner, values) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, values) for inner in value]
    return _PLACE.sub(lambda found: values[found.group(1)], value) if isinstance(value, str) else value


def _check_id(name: str, value: str, meaning: str) -> None:
    if not value:
        raise ManifestError(f"{name} is missing: {meaning}.")
    if not _GUID.fullmatch(value):
        raise ManifestError(f"{name} must look like 1b4e28ba-2fa1-4d2e-883f-0016d3cca427: {meaning}.")


def _short(name: str, value: str, most: int = 32) -> str:
    if len(value) > most:
        raise ManifestError(f"{name} is too long: Teams takes {most} characters.")
    return value


def _web(name: str, value: str) -> str:
    if not re.fullmatch(r"https://[^\s/]+\S*", value):
        raise ManifestError(f"{name} must be a web address that begins with https://.")
    return value


def _project_version() -> str:
    project = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    with ZipFile(path, "w") as package:
        for name, content in files.items():
            entry = ZipInfo(name, UNCHANGING)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, content)


def from_environment(environ: Mapping[str, str], out: Path = PACKAGE) -> Path:
    """Build with what the environment says (the README lists the variables). Raises ManifestError."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    standard = Developer()
    return build(
        bot_id=given.get("APP_ID", ""),
        app_id=given.get("TEAMS_APP_ID", ""),
        version=given.get("VERSION", SCHEMAS[0]),
        developer=Developer(
            name=given.get("DEVELOPER_NAME", standard.name),
            website=given.get("DEVELOPER_URL", standard.website),
            privacy=given.get("PRIVACY_URL", standard.privacy),
            terms=given.get("TERMS_URL", standard.terms),
        ),
        out=out,
    )


def main(environ: Mapping[str, str], out: Path = PACKAGE) -> int:
    """Build, say where the package is, and return the exit code."""
    try:
        path = from_environment(environ, out)
    except ManifestError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{path} is ready: upload it in the Teams admin center.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(os.environ))
