"""What doctor says of the packages: as locked, other than locked, or not known."""

from importlib.metadata import version

from bot.doctor.software import software_findings


def packages(root):
    return {finding.id: finding for finding in software_findings(root)}["software.packages"]


def test_a_package_other_than_locked_is_a_warning(tmp_path):
    """A version that was not tested is named with the one that was; names are compared as pip does."""
    lock = [
        "Redis==0.0.1 \\",
        "    --hash=sha256:0",
        f"httpx=={version('httpx')} ; python_version < '4'",
        "nobody==1.0",
    ]
    (tmp_path / "requirements.lock").write_text("\n".join(lock))
    found = packages(tmp_path)
    assert found.outcome == "warning"
    assert found.facts["other"] == [f"redis {version('redis')} instead of 0.0.1"]


def test_without_a_lock_it_is_not_known(tmp_path):
    """Where the lock is not at hand nothing is claimed."""
    assert packages(tmp_path).outcome == "unknown"


def test_the_lock_of_the_project_is_read():
    """Every package of the project that is installed here stands in its lock."""
    found = {finding.id: finding for finding in software_findings()}["software.packages"]
    assert found.outcome == "ok", found.facts
    assert found.facts["packages"] > 30
