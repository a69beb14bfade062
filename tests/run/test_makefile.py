"""The Makefile on a machine that lacks something: one clear line that says what to install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "cmp", "cp", "rm", "mkdir", "make")
# What a Python says when it is asked for its version, for its venv module, and to make an environment.
TOO_OLD = "exit 1"
WITHOUT_VENV = 'case "$*" in *ensurepip*) exit 1;; esac; exit 0'
COMPLETE = """
case "$*" in
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo made by "$0" >> made;;
  *"pip install"*) echo "$*" >> installed;;
  *"-m bot run"*) echo running;;
esac"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def machine(tmp_path):
    """A checkout with the Makefile and the locks, and a PATH that holds a few tools but no Python."""
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    for name in ("Makefile", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def python(machine, name, script):
    file = machine / "bin" / name
    file.write_text(f"#!{shutil.which('sh')}\n{script}\n")
    file.chmod(0o755)


def make(machine, *words, **more):
    path = machine / "bin"
    return subprocess.run(
        [path / "make", *words],
        cwd=machine,
        env={"PATH": os.fspath(path), **more},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("target", ["run", "test"])
@pytest.mark.parametrize("found", [{}, {"python3": TOO_OLD}, {"python3.13": TOO_OLD, "python3": TOO_OLD}])
def test_no_fitting_python_is_one_line(machine, target, found):
    """Without a Python 3.11 to 3.13 one line says which package to install, and make fails."""
    for name, script in found.items():
        python(machine, name, script)
    done = make(machine, target)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert (
        "Watchkeeper needs Python 3.11, 3.12 or 3.13. On Debian or Ubuntu: sudo apt install python3 python3-venv"
        in line
    )


@pytest.mark.parametrize("target", ["run", "test"])
def test_a_missing_venv_module_is_one_line(machine, target):
    """Where Debian's python3 has no ensurepip, one line names python3-venv, and no half-made environment is left."""
    python(machine, "python3", WITHOUT_VENV)
    done = make(machine, target)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert "python3 lacks its venv module. On Debian or Ubuntu: sudo apt install python3-venv" in line
    assert not (machine / ".venv").exists()


def test_the_newest_complete_python_is_taken(machine):
    """A newer Python without venv, and a name that does not run, are passed over."""
    python(machine, "python3.13", TOO_OLD)
    python(machine, "python3.12", WITHOUT_VENV)
    python(machine, "python3.11", COMPLETE)
    python(machine, "python3", TOO_OLD)
    assert make(machine, "run").returncode == 0
    assert (machine / "made").read_text().endswith("bin/python3.11\n")


def test_python_can_be_named(machine):
    """PYTHON=... chooses; a choice that does not fit is refused."""
    python(machine, "python3.13", COMPLETE)
    python(machine, "mine", COMPLETE)
    python(machine, "old", TOO_OLD)
    assert "needs Python 3.11" in make(machine, "run", "PYTHON=old").stderr
    assert make(machine, "run", PYTHON="mine").returncode == 0
    assert (machine / "made").read_text().endswith("bin/mine\n")


def test_the_lock_is_installed_once_with_its_hashes(machine):
    """The first run installs exactly the lock; the next ones do so only after the lock has changed."""
    python(machine, "python3.12", COMPLETE)
    assert make(machine, "run").stdout.splitlines()[-1] == "running"
    assert make(machine, "run").stdout == "running\n"
    (line,) = (machine / "installed").read_text().splitlines()
    assert {"--require-hashes", "--no-deps", "requirements.lock"} <= set(line.split())
    with (machine / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    make(machine, "run")
    make(machine, "test")
    assert [line.split()[-1] for line in (machine / "installed").read_text().splitlines()] == [
        "requirements.lock",
        "requirements.lock",
        "requirements-dev.lock",
    ]
    assert len((machine / "made").read_text().splitlines()) == 1


def test_an_installation_that_failed_is_tried_again(machine):
    """A failed install ends make with an error and is not taken for done the next time."""
    python(machine, "python3.12", COMPLETE.replace('echo "$*" >> installed', 'echo "$*" >> installed; exit 1'))
    done = make(machine, "run")
    assert done.returncode != 0
    assert "The packages could not be installed (see above): check the network" in done.stderr
    assert "running" not in make(machine, "run").stdout
    assert len((machine / "installed").read_text().splitlines()) == 2


def test_variables_reach_the_bot(machine):
    """`make run PORT=4000` hands the variable on."""
    python(machine, "python3.12", COMPLETE.replace("echo running", 'echo "running on $PORT"'))
    assert make(machine, "run", "PORT=4000").stdout.endswith("running on 4000\n")


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_locks_carry_hashes_and_name_no_index(name):
    """Each locked package has a hash, and no line says where packages are fetched from."""
    lines = (ROOT / name).read_text().splitlines()
    pinned = [at for at, line in enumerate(lines) if "==" in line and line[0].isalnum()]
    assert pinned
    assert all(lines[at + 1].lstrip().startswith("--hash=sha256:") for at in pinned)
    assert not [line for line in lines if line.startswith("-")]
