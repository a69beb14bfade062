"""`make audit`: asks the vulnerability service of pip-audit about every locked package.

A known vulnerability fails. A package that the service could not judge is named and does not fail, unless
REQUIRE_AUDIT=1: a network that reaches only a package mirror cannot ask.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = "requirements-dev.lock"
"""It holds all that runs in production, and the tools."""


def asked() -> list[dict[str, Any]] | None:
    """What pip-audit says of each locked package; None where it could not ask."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", LOCK, "--require-hashes", "--no-deps"]
    command += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return found


def judged(packages: Sequence[Mapping[str, Any]] | None, *, required: bool) -> tuple[int, list[str]]:
    """The exit code and what to say."""
    if packages is None:
        return int(required), ["Not audited: pip-audit could not ask its service."]
    lines = [
        f"{package['name']} {package['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or '-'}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]
    skipped = [str(package["name"]) for package in packages if "skip_reason" in package]
    said = [*lines, f"{len(packages) - len(skipped)} of {len(packages)} packages audited, {len(lines)} flaws known."]
    if skipped:
        which = "all of them" if len(skipped) == len(packages) else ", ".join(skipped)
        said.append(f"Not audited, for the service could not be asked about {which}.")
    return int(bool(lines) or (required and bool(skipped))), said


def main() -> int:
    """Audit, say what was found, and return the exit code."""
    code, lines = judged(asked(), required=os.environ.get("REQUIRE_AUDIT") == "1")
    sys.stdout.write("\n".join(lines) + "\n")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
