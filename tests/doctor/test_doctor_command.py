"""The command itself, in a process of its own: what it prints, and what it returns."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bot.demo import TENANT
from bot.doctor.command_line import Order, called
from tests.doctor.conftest import FEATURES, Ward

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:1"


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`python -m bot doctor` with these variables and none of ours."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "PYTHONPATH", "LANG"}}
    command = [sys.executable, "-m", "bot", "doctor", *words]
    environ = {**kept, "DATA_DIR": str(folder), **more}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=50)


def test_the_command_without_anything(tmp_path):
    """JSON alone is printed, problems are counted, 1 is returned, and no stack is shown."""
    names = ("LOGIN_URL", "GRAPH_URL", "DEFENDER_URL", "BOT_OPENID_URL")
    done = run(tmp_path, "--json", **dict.fromkeys(names, NOBODY))
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert told["counts"]["problem"] > 7
    assert "Traceback" not in done.stdout + done.stderr


def test_run_that_is_not_up(tmp_path):
    """Where no `make run` is up, doctor says to start it, and makes no file and no folder."""
    folder = tmp_path / "data"
    done = run(folder, "--simulated", SIMULATOR_PORT="1", PORT="2", METRICS_PORT="3", PLAYGROUND_PORT="4")
    assert done.returncode == 1
    assert done.stdout.count("Do: Start `make run` in another terminal, then ask again.") == 4
    assert "APP_SECRET" not in done.stdout
    assert not folder.exists()


async def test_the_simulated_company(ward: Ward):
    """Beside a `run` that is up the same is examined, with what differs there: no tokens from Teams, and no warning."""
    import asyncio  # noqa: PLC0415 - `called` has a loop of its own
    import io  # noqa: PLC0415 - as above

    port = ward.sim.url.rpartition(":")[2]
    out = io.StringIO()
    environ = {"SIMULATOR_PORT": port, "REDIS_URL": ward.redis.url}
    order = Order(simulated=True, as_json=True)
    code = await asyncio.to_thread(called, order, FEATURES, environ, out)
    told = {one["id"]: one for one in json.loads(out.getvalue())["findings"]}
    assert code == 0
    assert told["identity.proof"]["outcome"] == "ok"
    assert "Playground" in told["services.keys"]["says"]
    assert told["subscriptions.requests"]["customer"] == TENANT


async def test_a_warning_counts_where_it_is_asked_for(ward: Ward):
    """0 is returned where there are only warnings, and 1 with --strict."""
    ward.environ["FOUR_EYES"] = "0"
    report = await ward.report()
    assert report.count("warning") >= 1  # on a busy machine Redis may be called slow as well
    assert report.count("problem") == 0
    assert (report.exit_code(), report.exit_code(strict=True)) == (0, 1)
