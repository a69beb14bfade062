"""The Playground: what it is told, and that nothing of it stays when it ends."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from bot.playground import (
    CONFIG,
    OLDEST_NODE,
    PACKAGE,
    WATCHDOG,
    NoPlaygroundError,
    Playground,
    check_node,
    configuration,
    environment,
)


def program(folder, name, script):
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def path_with(folder):
    return f"{folder}{os.pathsep}{os.defpath}"


def test_the_configuration_has_the_shape_the_playground_asks_for():
    """Six people under its default ids, a personal chat, a group chat and a team with one channel; every id once."""
    config = configuration("28:bot")
    people = [config["currentUser"], *config["users"]]
    assert [person["id"] for person in people] == [f"user-id-{number}" for number in range(6)]
    assert [person["aadObjectId"] for person in people] == [
        f"00000000-0000-0000-0000-00000000000{20 + number}" for number in range(6)
    ]
    assert people[0]["name"] == "Alex Wilber"
    assert config["tenantId"] == "00000000-0000-0000-0000-000000000001"
    assert config["bot"] == {"id": "28:bot", "name": "Watchkeeper"}
    assert len(config["team"]["channels"]) == 1
    places = [config["personalChat"], config["groupChat"], config["team"], *config["team"]["channels"]]
    ids = [one["id"] for one in (*people, *places)]
    assert len(set(ids)) == len(ids)


def test_the_package_is_pinned():
    """One exact version is asked for."""
    assert re.fullmatch(r"@microsoft/m365agentsplayground@\d+\.\d+\.\d+", PACKAGE)


def test_its_environment_holds_no_secret(tmp_path):
    """The bot's secrets and stray credentials are not handed on; installation events are on, the browser is off."""
    ours = {"APP_SECRET": "x", "AUDIT_KEY": "x", "AUTH_CLIENT_SECRET": "x", "REDIS_URL": "x"}
    given = environment(ours | {"PATH": "/bin", "HOME": "/root"}, tmp_path)
    assert not ours.keys() & given.keys()
    assert given["PATH"] == "/bin"
    assert given["npm_config_fetch_retries"] == "1"
    assert environment({"npm_config_fetch_retries": "5"}, tmp_path)["npm_config_fetch_retries"] == "5"
    assert given["SEND_INSTALLATION_ACTIVITY"] == "true"
    assert given["TEAMSAPPTESTER_BROWSER"] == "none"
    assert given["M365_AGENTS_PLAYGROUND_CONFIG_PATH"] == str(tmp_path / CONFIG)


@pytest.mark.parametrize(
    ("node", "npx", "says"),
    [
        (None, None, "is missing"),
        ("echo v20.1.0", None, "is missing"),
        (f"echo v{OLDEST_NODE - 1}.9.0", "exit 0", "is too old"),
        ("echo oops", "exit 0", "is too old"),
    ],
)
async def test_a_node_that_cannot_serve_is_said(tmp_path, node, npx, says):
    """No Node, no npx or an old Node: the error says what is needed."""
    for name, script in (("node", node), ("npx", npx)):
        if script:
            program(tmp_path, name, script)
    with pytest.raises(NoPlaygroundError, match=says):
        await check_node(str(tmp_path))


async def test_an_npx_that_fails_is_said(tmp_path, unused_tcp_port):
    """When npx cannot fetch the package the error names its log, and no process is left."""
    program(tmp_path / "bin", "node", "echo v20.1.0")
    program(tmp_path / "bin", "npx", "echo network down; exit 1")
    playground = Playground(
        port=unused_tcp_port,
        bot_url="http://127.0.0.1:1/api/messages",
        bot_id="28:bot",
        folder=tmp_path / "playground",
        path=path_with(tmp_path / "bin"),
    )
    with pytest.raises(NoPlaygroundError, match=r"output\.log"):
        await playground.start()
    assert (tmp_path / "playground" / "output.log").read_text() == "network down\n"
    assert json.loads((tmp_path / "playground" / CONFIG).read_text()) == configuration("28:bot")
    await playground.stop()


PRETEND = """
sleep 1000 & echo $! > child
exec {python} -c '
import http.server, sys
class Ping(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"pong")
http.server.HTTPServer(("127.0.0.1", {port}), Ping).serve_forever()'
"""


def gone(pid):
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


async def until_gone(pid):
    while not gone(pid):  # noqa: ASYNC110 - a process that is not ours to wait for
        await asyncio.sleep(0.02)


async def test_it_is_ready_when_it_answers_and_ends_with_all_its_children(tmp_path, unused_tcp_port):
    """`start` waits for the ping; `stop` ends the whole group, also what npx started."""
    python = "/usr/bin/env python3"
    program(tmp_path / "bin", "node", "echo v20.1.0")
    program(tmp_path / "bin", "npx", PRETEND.format(python=python, port=unused_tcp_port))
    folder = tmp_path / "playground"
    bot_url = "http://127.0.0.1:1/api/messages"
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    async with Playground(port=unused_tcp_port, bot_url=bot_url, bot_id="28:b", folder=folder, path=path) as playground:
        assert playground.url == f"http://localhost:{unused_tcp_port}"
        child = int((folder / "child").read_text())
        assert not gone(child)
    await until_gone(child)


async def test_the_watchdog_ends_the_group_when_we_die(tmp_path):
    """Closing the pipe, which is what our sudden death does, ends the process and its children."""
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", WATCHDOG, "sh", "sh", "-c", "sleep 1000 & echo $! > child; echo up; wait"),
        cwd=tmp_path,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert await process.stdout.readline() == b"up\n"
    child = int((tmp_path / "child").read_text())
    assert not gone(child)
    process.stdin.close()
    await process.wait()
    await until_gone(child)
