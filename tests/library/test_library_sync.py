"""Our scripts on their way into a tenant's library: compared, uploaded where they differ, never put over better."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import cli
from bot.doctor.library import told
from bot.errors import MissingPermission
from bot.library.catalogue import SCRIPTS, SIGNATURE, content, is_signed
from bot.library.command_line import LACKING, UNABLE, one_customer
from bot.library.sync import FolderError, compare, copies, sync
from bot.simulator.tokens import DEFENDER
from tests.responses.live_stage import LiveStage, live_stage
from tests.responses.people import TENANT

SEAL = b"\r\n" + SIGNATURE + b"\r\n# MIIx\r\n# SIG # End signature block\r\n"


@pytest.fixture
async def stage() -> AsyncIterator[LiveStage]:
    async with live_stage() as stage:
        stage.sim.first.library.clear()
        yield stage


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """A folder with signed copies, as Set-AuthenticodeSignature leaves them: other line ends, a block at the end."""
    for script in SCRIPTS.values():
        (tmp_path / script.file).write_bytes(content(script).replace(b"\n", b"\r\n") + SEAL)
    return tmp_path


async def states(stage: LiveStage, folder: Path | None = None, *, check: bool = False) -> set[str]:
    return {one.state for one in await sync(stage.defender_client, copies(folder), check=check)}


async def test_what_is_missing_is_uploaded_once(stage: LiveStage):
    """A check changes nothing; a sync brings all there with a description; the next finds nothing to do."""
    assert await states(stage, check=True) == {"missing"}
    assert stage.sim.first.library == {}
    assert await states(stage) == {"missing"}
    assert await states(stage) == {"same"}
    assert sorted(stage.sim.first.library) == sorted(one.file for one in SCRIPTS.values())
    assert stage.sim.second.library == {}


async def test_signed_copies_replace_unsigned_ones_and_stay(stage: LiveStage, signed: Path):
    """A signed folder renews the library; the unsigned scripts that ship do not replace it afterwards."""
    await states(stage)
    assert await states(stage, signed) == {"unsigned"}
    assert await states(stage, signed) == {"same"}
    assert await states(stage) == {"kept"}
    assert all(is_signed(file.content) for file in stage.sim.first.library.values())


async def test_another_wording_is_replaced(stage: LiveStage, signed: Path):
    """What somebody changed, or another version left, is brought to this one's wording."""
    await states(stage, signed)
    file = stage.sim.first.library["watchkeeper-kill-process.ps1"]
    file.content, file.description = b"other", "mine"
    found = {one.copy.script.name: one.state for one in await sync(stage.defender_client, copies(signed))}
    assert found.pop("kill-process") == "other"
    assert set(found.values()) == {"same"}
    assert await states(stage, signed) == {"same"}


def test_a_folder_must_hold_these_very_scripts(signed: Path):
    """A copy that was changed before it was signed, or that is lacking, is named and nothing is uploaded."""
    path = signed / "watchkeeper-stop-service.ps1"
    path.write_bytes(path.read_bytes().replace(b"-Force", b""))
    with pytest.raises(FolderError, match=r"watchkeeper-stop-service\.ps1"):
        copies(signed)
    path.unlink()
    with pytest.raises(FolderError, match="cannot be read"):
        copies(signed)


async def test_the_command_says_what_it_did(stage: LiveStage, capsys: pytest.CaptureFixture[str]):
    """A line for each script; with --check an exit code of 1 where something is lacking; a permission is named."""
    assert await one_customer(stage.defender_client, TENANT, copies(), check=True) == LACKING
    assert "watchkeeper-kill-process.ps1 is not there: to be uploaded." in capsys.readouterr().out
    assert await one_customer(stage.defender_client, TENANT, copies(), check=False) == 0
    assert "watchkeeper-kill-process.ps1 is not there: uploaded." in capsys.readouterr().out
    assert await one_customer(stage.defender_client, TENANT, copies(), check=True) == 0
    assert "is there as it should be." in capsys.readouterr().out
    stage.sim.first.roles[DEFENDER].discard("Library.Manage")
    stage.clock.move(4000)
    with pytest.raises(MissingPermission):
        await stage.defender_client.library_files()
    assert await one_customer(stage.defender_client, TENANT, copies(), check=False) == LACKING
    assert "The permission Library.Manage is not granted" in capsys.readouterr().out


def test_the_command_needs_settings_and_a_right_folder(tmp_path: Path):
    """Without an app it does not begin; with a wrong folder neither, and it says which file it misses."""
    result = CliRunner().invoke(cli, ["library", "sync"], env=dict.fromkeys(("APP_ID", "ALLOWED_TENANTS"), ""))
    assert result.exit_code == UNABLE
    environ = {"DATA_DIR": str(tmp_path)}
    result = CliRunner().invoke(cli, ["library", "sync", "--simulated", "--from", str(tmp_path)], env=environ)
    assert result.exit_code == UNABLE
    assert "watchkeeper-quarantine-file.ps1 cannot be read" in result.output


async def test_doctor_tells_how_the_scripts_stand(stage: LiveStage, signed: Path):
    """Lacking, there but unsigned, there and signed: each with what follows and what to do."""
    lacking = told(await stage.defender_client.library_files(), TENANT)
    assert (lacking.outcome, len(lacking.facts["lacking"])) == ("warning", len(SCRIPTS))
    assert "library sync" in lacking.do
    await states(stage)
    unsigned = told(await stage.defender_client.library_files(), TENANT)
    assert (unsigned.outcome, unsigned.facts["lacking"]) == ("warning", [])
    assert len(unsigned.facts["unsigned"]) == len(SCRIPTS)
    assert "--from" in unsigned.do
    await states(stage, signed)
    assert told(await stage.defender_client.library_files(), TENANT).outcome == "ok"
    assert {one.state for one in compare(await stage.defender_client.library_files(), copies())} == {"kept"}
