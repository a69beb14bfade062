"""What the dependency audit makes of pip-audit's answer."""

import pytest

from tests.dependency_audit import judged

SOUND = {"name": "sound", "version": "1", "vulns": []}
FLAWED = {"name": "flawed", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "unknown", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "required", "code", "says"),
    [
        ([SOUND], False, 0, "1 of 1 packages audited, 0 flaws known."),
        ([SOUND, FLAWED], False, 1, "flawed 2: CVE-1, mended in 3"),
        ([SOUND, SKIPPED], False, 0, "Not audited, for the service could not be asked about unknown."),
        ([SOUND, SKIPPED], True, 1, "1 of 2 packages audited"),
        (None, False, 0, "Not audited"),
        (None, True, 1, "Not audited"),
    ],
)
def test_a_known_flaw_fails_and_what_was_not_judged_is_said(packages, required, code, says):
    """A flaw fails, silence of the service is said and fails only where an audit is required."""
    found, lines = judged(packages, required=required)
    assert found == code
    assert says in "\n".join(lines)
