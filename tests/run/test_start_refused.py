"""`python -m bot ...` when it cannot start: one line that says what to do, on stderr, and no traceback."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUID = "1b4e28ba-2fa1-4d2e-883f-0016d3cca427"
COMPLETE = {
    **dict.fromkeys(("APP_ID", "APP_TENANT_ID", "ALLOWED_TENANTS", "ROLES_OPERATOR", "ROLES_APPROVER"), GUID),
    "APP_SECRET": "s3cret",
    "AUDIT_KEY": "k" * 32,
}


def bot(*words, **environ):
    """What `python -m bot` says in an environment that holds only these variables."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        cwd=ROOT,
        env={"PATH": os.defpath, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def only_line(done):
    """The one line that was said."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("key", [{}, {"AUDIT_KEY": "given"}])
def test_a_data_folder_that_cannot_be_written_is_one_line(tmp_path, key):
    """`run` names DATA_DIR where it cannot write its log or its key there."""
    (tmp_path / "bot.log").mkdir()
    assert only_line(bot("run", DATA_DIR=str(tmp_path), **key)).startswith("DATA_DIR cannot be used (Is a directory)")
    (tmp_path / "file").write_text("")
    below = str(tmp_path / "file" / "data")
    assert only_line(bot("run", DATA_DIR=below, **key)).startswith("DATA_DIR cannot be used (Not a directory)")


def test_a_redis_that_is_not_there_is_one_line(unused_tcp_port):
    """`serve` with everything set names REDIS_URL, without its password, where nobody answers."""
    done = bot("serve", **COMPLETE, REDIS_URL=f"redis://:s3cret@127.0.0.1:{unused_tcp_port}/0")
    assert only_line(done) == (
        "Redis cannot be reached, or refuses the password. Please check REDIS_URL and that the server runs."
    )


def test_everything_that_is_missing_comes_at_once():
    """`serve` with nothing set lists each variable that it needs, one a line."""
    done = bot("serve")
    assert done.returncode == 1
    head, *lines = done.stderr.splitlines()
    assert head == "These settings need your attention:"
    assert {line.split()[0] for line in lines} == {*COMPLETE, "REDIS_URL"}


def test_a_taken_port_of_the_simulator_is_one_line():
    """`simulate` names the port and the option, where somebody listens there already."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        line = only_line(bot("simulate", "--port", str(port)))
    assert str(port) in line
    assert line.endswith("Please choose another with --port.")
