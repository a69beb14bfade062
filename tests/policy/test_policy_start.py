"""A bad policy stops the start, and the command line and doctor say what is wrong with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import handlers
from bot.app import running_bot
from bot.doctor.ruled import policy_findings
from bot.policy.command_line import policy_commands
from bot.policy.load import EXAMPLE
from bot.settings import Settings, SettingsError, load
from bot.turn import Look
from cards.text import plain
from tests.policy.made import NOON

ROOT = Path(__file__).parents[2]
GUID = "1b4e28ba-2fa1-4d2e-883f-0016d3cca427"
COMPLETE = {
    **dict.fromkeys(("APP_ID", "APP_TENANT_ID", "ALLOWED_TENANTS", "ROLES_OPERATOR", "ROLES_APPROVER"), GUID),
    "APP_SECRET": "s3cret",
    "AUDIT_KEY": "k" * 32,
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
FEATURES = handlers.features(30.0)
BAD = "[response.isolat]\napprovals = 1\n[response.isolate]\napprovals = 0\n"
UNSEEN = "without anybody looking, which is high risk: use veto_minutes, or add i_accept_the_risk = true."
LINES = (
    "line 1, response.isolat: there is no response isolat: did you mean isolate?",
    f"line 4, response.isolate.approvals: would run isolate {UNSEEN}",
)


@pytest.fixture
def bad(tmp_path) -> str:
    path = tmp_path / "policy.toml"
    path.write_text(BAD, encoding="utf-8")
    return str(path)


def test_serve_does_not_start_with_a_bad_policy(bad):
    """All that is wrong is on standard error, before anything is opened, and the exit code says so."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "serve"],
        cwd=ROOT,
        env={"PATH": os.defpath, **COMPLETE, "POLICY_FILE": bad},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"The policy in {bad} cannot be used:", *(f"  {line}" for line in LINES)]


async def test_run_does_not_start_with_a_bad_policy(bad, tmp_path):
    """The bot of `run` refuses it as that of `serve` does; so it does a file that is not there."""
    for path in (bad, str(tmp_path / "none.toml")):
        settings = load("run", {"DATA_DIR": str(tmp_path), "REDIS_URL": "redis://127.0.0.1:1/0", "POLICY_FILE": path})
        with pytest.raises(SettingsError) as error:
            async with running_bot(settings, FEATURES):
                pass
        assert str(error.value).startswith(f"The policy in {path} cannot be used:\n  ")


def test_without_a_policy_nothing_is_asked_of_one():
    """POLICY_FILE is optional."""
    (finding,) = policy_findings(Settings(), FEATURES)
    assert (finding.id, finding.outcome, finding.facts) == ("settings.policy", "ok", {"rules": 0})


def test_doctor_names_each_thing_that_is_wrong(bad):
    """One line for each, the last with what follows and what to do."""
    found = list(policy_findings(Settings(policy_file=bad), FEATURES))
    assert [finding.says for finding in found] == list(LINES)
    assert {finding.outcome for finding in found} == {"problem"}
    assert len({finding.id for finding in found}) == 2
    assert found[-1].means == "`serve` does not start before the policy is mended."


def test_doctor_warns_of_what_one_account_can_do(tmp_path):
    """A policy that is taken, with what somebody should look at once more in it, each by its place."""
    path = tmp_path / "policy.toml"
    path.write_text(
        "[defaults]\nrequester_may = true\n"
        "[response.isolate]\napprovals = 0\ni_accept_the_risk = true\n"
        '[[rule]]\nname = "lab"\nwhen.tags = ["lab"]\nthen.preapproved = true\nthen.i_accept_the_risk = true\n',
        encoding="utf-8",
    )
    found = list(policy_findings(Settings(policy_file=str(path)), FEATURES))
    assert [(finding.outcome, finding.id) for finding in found] == [
        ("ok", "settings.policy"),
        ("warning", "settings.policy.own.defaults"),
        ("warning", "settings.policy.unseen.response.isolate"),
        ("warning", "settings.policy.unseen.rule1"),
    ]
    assert found[0].facts == {"rules": 1, "responses": 1}
    assert found[3].says.startswith("rule 1: lab runs what is of high risk")


def cli(*words: str, **environ: str):
    """What `python -m bot policy ...` says."""
    return CliRunner().invoke(policy_commands(lambda: FEATURES.responses), list(words), env=environ)


def test_the_example_is_printed_and_would_be_taken(tmp_path):
    """What `example` prints is the file of the README, and `check` takes it."""
    printed = cli("example")
    assert (printed.exit_code, printed.stdout) == (0, EXAMPLE.read_text(encoding="utf-8"))
    path = tmp_path / "mine.toml"
    path.write_text(printed.stdout, encoding="utf-8")
    for done in (cli("check", str(path)), cli("check", POLICY_FILE=str(path))):
        assert done.exit_code == 0, done.output
        assert "can be used: 4 rules, 2 responses by name." in done.stdout


def test_check_says_what_is_wrong(bad):
    """The same lines as at the start, and exit code 1; so without any file."""
    done = cli("check", bad)
    assert done.exit_code == 1
    assert all(line in done.output for line in LINES)
    assert cli("check", POLICY_FILE="").exit_code == 1


def test_no_summary_says_who_decides():
    """That follows from the policy, so a text that is always the same does not claim it."""
    said = {name: plain(Look(now=NOON), f"help.{name}.summary") for name in (one.name for one in FEATURES.responses)}
    assert [name for name, text in said.items() if "approve" in text or "decide" in text] == []
