"""Whether the live response library has our scripts in this version, and signed."""

from collections.abc import Sequence

from bot.defender.live.http import LIBRARY
from bot.defender.live.models import LibraryFile
from bot.doctor.findings import Finding, ok, unknown, warning
from bot.doctor.patient import Patient
from bot.errors import MissingPermission, NotInPlan, ServiceError, Unauthorised
from bot.http import read_all, values_of
from bot.library.catalogue import SCRIPTS, described
from bot.library.sync import TO_UPLOAD, compare, copies

KEY = "library.scripts"
SYNC = "python -m bot library sync"
SIGN = "Sign them (README, Live response) and run: " + SYNC + " --from FOLDER"


async def library_findings(patient: Patient, customer: str) -> list[Finding]:
    """One line; none where the permission is missing, which is said with the others."""
    try:
        answer = await patient.read(customer, LIBRARY)
        files = read_all(LIBRARY, LibraryFile, values_of(LIBRARY, answer))
    except (MissingPermission, Unauthorised):
        return []
    except NotInPlan as error:
        says = f"This tenant has no live response library ({error.code})."
        return [unknown(KEY, says, means="The responses by script are refused there.", customer=customer)]
    except ServiceError as error:
        says = f"The live response library cannot be read ({error.status or 'no answer'} {error.code})."
        return [unknown(KEY, says, do="Ask again.", customer=customer)]
    return [told(files, customer)]


def told(files: Sequence[LibraryFile], customer: str) -> Finding:
    """How our scripts stand there. Whether a signature holds, only Windows can tell."""
    lacking = [one.copy.script.name for one in compare(files, copies()) if one.state in TO_UPLOAD]
    signed = {said.name for file in files if (said := described(file.description)) and said.signed}
    unsigned = sorted(set(SCRIPTS) - signed - set(lacking))
    facts = {"lacking": lacking, "unsigned": unsigned}
    if lacking:
        return warning(
            KEY,
            f"Of {len(SCRIPTS)} scripts {len(lacking)} are not in the live response library in this version:"
            f" {', '.join(lacking)}.",
            means="The responses that run them are refused until then.",
            do=f"Run: {SYNC}. Defender for Business runs signed scripts only: sign them first.",
            customer=customer,
            facts=facts,
        )
    if unsigned:
        return warning(
            KEY,
            f"The live response library has all {len(SCRIPTS)} scripts; not signed: {', '.join(unsigned)}.",
            means="Defender for Business refuses to run them; Plan 2 does where unsigned scripts are allowed.",
            do=SIGN,
            customer=customer,
            facts=facts,
        )
    says = f"The live response library has all {len(SCRIPTS)} scripts in this version, with a signature block."
    return ok(KEY, says, customer=customer, facts=facts)
