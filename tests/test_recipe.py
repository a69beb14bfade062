"""The README's recipe for a response is a whole response, found without a change anywhere else."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPE = re.compile(r"### Add a response.*?```python\n(.*?)```", re.DOTALL)
ASKED = """
import json
import handlers
from bot.command import Features
from bot.permissions import grants
from cards.text import ENGLISH
features = handlers.features(60.0)
command = next(one for one in features.commands if one.name == "rescan")
asked = command.parse("LAPTOP-042 the quick one found something")
print(json.dumps({
    "usage": command.usage,
    "reason": asked.reason,
    "approvals": next(one for one in features.responses if one.name == "rescan").approvals,
    "permissions": [one.name for one in grants(features) if "/rescan" in one.users],
    "title": ENGLISH["response.rescan.title"],
}))
"""


def test_the_recipe_is_one_module_and_nothing_else(tmp_path):
    """Put beside the other responses, it has a command, a form, an approval, its permissions and its words."""
    found = RECIPE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found
    shutil.copytree(ROOT / "handlers", tmp_path / "handlers", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "handlers" / "responses" / "rescan.py").write_text(found[1], encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    run = subprocess.run(
        [sys.executable, "-c", ASKED], env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert said["usage"] == "/rescan DEVICE REASON"
    assert (said["reason"], said["approvals"]) == ("the quick one found something", 1)
    assert {"Machine.Scan", "Machine.Read.All"} <= set(said["permissions"])
    assert said["title"] == "Scan all of {device}"
