"""What may be blocked from here, what an approver is told of it, and a list as it is typed or sent as a file."""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
import pytest_asyncio

from bot.errors import NotFound, Rejected, UsageError
from bot.responses.models import Evidence, Target
from bot.simulator import Fault
from bot.simulator.file_facts import files
from bot.simulator.tokens import GRAPH
from bot.turn import GivenFile, Look
from handlers.indicator_aim import find
from handlers.indicator_facts import gather
from handlers.indicator_list import LONGEST_LIST, gathering, listed, name_of, target_of, values_in_file
from handlers.responses import allow, block, block_list, unblock
from tests.responses.over_http import HttpStage, staged_over_http
from tests.responses.people import START, TENANT

pytestmark = pytest.mark.asyncio(loop_scope="module")
SHA1 = "3395856ce81f2b7382dee72602f798b642f14140"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company() -> AsyncIterator[HttpStage]:
    async with staged_over_http([block.RESPONSE]) as made:
        yield made


@pytest.fixture
def stage(company: HttpStage) -> AsyncIterator[HttpStage]:
    roles = {name: set(granted) for name, granted in company.sim.first.roles.items()}
    yield company
    company.sim.first.roles = roles
    company.sim.faults.clear()


def context(stage: HttpStage, **more):
    return SimpleNamespace(
        defender=stage.clients["defender"],
        graph=stage.clients["graph"],
        services=stage.services(),
        customer=TENANT,
        now=stage.clock.now(),
        look=Look(now=stage.clock.now()),
        turn=SimpleNamespace(files=()),
        **more,
    )


async def told(stage: HttpStage, value: str, response=block.RESPONSE) -> Evidence:
    return await gather(context(stage), Target(id=value, name=value, kind="indicator"), response)


def facts(evidence: Evidence) -> dict[str, str]:
    return {fact.key: fact.value for fact in evidence.facts}


def warned(evidence: Evidence) -> dict[str, str]:
    return {fact.key: fact.value for fact in evidence.warnings}


@pytest.mark.parametrize(
    ("typed", "key", "name"),
    [
        ("hxxps://Bad[.]example/A", "https://bad.example/A", "hxxps://bad[.]example/A"),
        (SHA1.upper(), SHA1, "SHA1 3395856ce81f…"),
        (f"cert:{SHA1}", f"cert:{SHA1}", "cert:3395856ce81f…"),
        ("198.51.100.7", "198.51.100.7", "198[.]51[.]100[.]7"),
    ],
)
async def test_a_value_becomes_the_target(stage, typed, key, name):
    """Its id is what the service is told, its name is short and no link."""
    target = await find(context(stage), typed, "block", "30d a reason")
    assert (target.id, target.name, target.kind) == (key, name, "indicator")


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("10.0.0.5", "inside"),
        ("http://127.0.0.1/", "inside"),
        ("login.microsoftonline.com", "microsoft"),
        ("fabrikam.example", "own"),
        ("mail.fabrikam.example", "own"),
        ("https://fabrikam.onmicrosoft.com", "own"),
        ("onmicrosoft.com", "microsoft"),
    ],
)
@pytest.mark.parametrize("command", ["block", "warn"])
async def test_what_the_own_company_needs_is_not_blocked(stage, typed, key, command):
    """Addresses inside, Microsoft's hosts and the own domains are refused with the reason."""
    with pytest.raises(UsageError) as refused:
        await find(context(stage), typed, command, "a reason")
    assert refused.value.key == f"error.indicator.{key}"


@pytest.mark.parametrize("typed", ["10.0.0.5", "login.microsoftonline.com", "fabrikam.example"])
@pytest.mark.parametrize("command", ["allow", "monitor"])
async def test_what_hurts_nobody_is_not_refused(stage, typed, command):
    """Allowing and monitoring keep nobody from anything."""
    assert (await find(context(stage), typed, command, "a reason")).kind == "indicator"


async def test_unread_domains_refuse_nothing_and_are_called_unread(stage):
    """Without Domain.Read.All nobody can tell: the card says so before a decision."""
    stage.sim.first.roles[GRAPH] -= {"Domain.Read.All"}
    stage.sim.faults.add("graph.domains.list", Fault(kind="forbidden", times=9))
    assert (await find(context(stage), "fabrikam.example", "block", "")).id == "fabrikam.example"
    assert "indicator-domains-unread" in warned(await told(stage, "fabrikam.example"))


@pytest.mark.parametrize(
    ("rest", "key"), [("45d a reason", "days"), ("high 2d a reason", "days"), ("remediate x", "remediate")]
)
async def test_a_word_that_was_meant_as_a_choice_is_not_taken_for_the_reason(stage, rest, key):
    """A number of days that is not offered, and remediate for what is no file, are said to be wrong."""
    with pytest.raises(UsageError) as wrong:
        await find(context(stage), "bad.example", "block", rest)
    assert wrong.value.key == f"error.indicator.{key}"


async def test_remediate_goes_with_a_file(stage):
    """Defender removes files."""
    assert (await find(context(stage), SHA1, "block", "remediate 30d a dropper")).id == SHA1


async def test_there_must_be_something_to_remove(stage):
    """Where no indicator is, that is said at once; where that cannot be read, the request goes its way."""
    with pytest.raises(NotFound):
        await find(context(stage), "bad.example", "unblock", "")
    stage.sim.faults.add("defender.indicators.list", Fault(kind="forbidden", times=2))
    assert (await find(context(stage), "bad.example", "unblock", "")).id == "bad.example"


async def test_a_file_is_told_of(stage):
    """Its spread, names, signer, devices and alerts, and who allowed it; that it is replaced is a warning."""
    seen = next(iter(files(stage.sim.first).values()))
    evidence = await told(stage, seen.key)
    known = facts(evidence)
    assert known["indicator-now"] == "Allowed"
    assert known["indicator-by"] == "patti@fabrikam.example"
    assert known["file-here"] == str(len(seen.devices(stage.sim.first)))
    assert seen.names[0][:60] in known["file-names"]
    assert seen.devices(stage.sim.first)[0].name[:60] in known["file-devices"]
    assert known["file-world"]
    assert {"file-signed", "file-signed-badly", "file-unsigned"} & set(known)
    assert warned(evidence)["indicator-replaces"] == "Allowed (patti@fabrikam.example)"
    assert warned(evidence)["indicator-in-use"] == known["file-here"]


async def test_a_file_is_told_of_by_its_sha256_too(stage):
    """Devices and alerts are asked for by the SHA-1 that the file's facts name."""
    seen = next(iter(files(stage.sim.first).values()))
    known = facts(await told(stage, seen.sha256))
    assert known["file-devices"] != ""
    assert known["file-alerts"] != ""


async def test_an_unknown_file_is_called_unknown(stage):
    """404 is no failure to read."""
    known = facts(await told(stage, "a" * 64))
    assert known["file-unknown"] == "no"
    assert "file-signer" not in known


async def test_an_address_and_a_domain_are_told_of(stage):
    """On how many devices they were seen, zero among it."""
    assert facts(await told(stage, "192.0.2.44"))["file-here"] == "0"
    assert facts(await told(stage, "http://never.example/x"))["file-here"] == "0"
    assert facts(await told(stage, "http://192.0.2.44/x"))["file-here"] == "0"
    assert facts(await told(stage, "http://[2001:db8::7]/x"))["file-here"] == "0"
    assert facts(await told(stage, "never.example"))["indicator-now"] == "none"


@pytest.mark.parametrize(
    ("operation", "key", "value"),
    [
        ("defender.indicators.list", "indicator-now", "file"),
        ("defender.files.get", "file-signer", "file"),
        ("defender.files.stats", "file-here", "file"),
        ("defender.files.machines", "file-devices", "file"),
        ("defender.files.alerts", "file-alerts", "file"),
        ("defender.ips.stats", "file-here", "198.51.100.250"),
        ("defender.domains.stats", "file-here", "login.example.test"),
    ],
)
async def test_each_part_that_cannot_be_read_is_unknown_by_itself(stage, operation, key, value):
    """A part that fails is an empty fact; it neither hides the others nor reads as none."""
    value = next(iter(files(stage.sim.first))) if value == "file" else value
    stage.sim.faults.add(operation, Fault(kind="forbidden", times=9))
    known = facts(await told(stage, value))
    assert known[key] == ""
    assert known["indicator-value"] != ""
    assert sum(text != "" for text in known.values()) > 1


async def test_md5_and_microsofts_files_are_called_out(stage):
    """An MD5 can be forged; a file validly signed by Microsoft may be needed."""
    assert "indicator-md5" in warned(await told(stage, "a" * 32))
    seen = next(iter(files(stage.sim.first).values()))
    before, seen_names = list(seen.alerts[0].evidence), seen.names
    for item in before:
        for name in ("fileDetails", "imageFile"):
            if item.get(name, {}).get("sha1") == seen.key:
                item[name]["fileName"] = "rundll32.exe"
    evidence = await told(stage, seen.key)
    for item in before:
        for name in ("fileDetails", "imageFile"):
            if item.get(name, {}).get("sha1") == seen.key:
                item[name]["fileName"] = seen_names[0]
    assert warned(evidence)["indicator-microsoft"] == "Microsoft Windows"


async def test_removing_replaces_nothing(stage):
    """The warning is for what takes another's place."""
    value = next(iter(files(stage.sim.first)))
    assert "indicator-replaces" not in warned(await told(stage, value, unblock.RESPONSE))
    assert "indicator-replaces" in warned(await told(stage, value, allow.RESPONSE))


async def test_a_list_holds_each_value_once(stage):
    """Two spellings of one value are one; the same list in another order is the same target."""
    one = await listed(context(stage), ["bad.example", "BAD[.]example", SHA1])
    other = await listed(context(stage), [SHA1, "bad.example"])
    assert [value.id for value in one] == ["bad.example", SHA1]
    assert target_of(one, "x").id == target_of(other, "y").id
    assert name_of(Look(now=START), one) == "2 values"


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["bad.example", "nonsense", "more"], "list-wrong"),
        ([], "list-empty"),
        ([f"{n}.example" for n in range(501)], "list-long"),
        (["bad.example"] * 2001, "list-long"),
        (["bad.example", "10.0.0.1"], "list-spared"),
        (["login.microsoftonline.com"], "list-spared"),
        (["www.fabrikam.example"], "list-spared"),
    ],
)
async def test_a_list_with_something_wrong_is_not_asked_for(stage, words, key):
    """What is no value, must not be blocked, or is too much is named; nothing of the list goes its way."""
    with pytest.raises(UsageError) as wrong:
        await listed(context(stage), words)
    assert wrong.value.key == f"error.indicator.{key}"


async def test_a_list_is_told_of(stage):
    """What is in it, how many indicators there are, and which are replaced."""
    value = next(iter(files(stage.sim.first)))
    values = await listed(context(stage), [value, "bad.example", "a" * 32])
    evidence = await gathering(values)(context(stage), target_of(values, "x"), block_list.RESPONSE)
    known = facts(evidence)
    assert (known["list-files"], known["list-domainname"]) == ("2", "1")
    assert known["list-active"].endswith("/ 15,000")
    assert warned(evidence) == {"list-replaces": "Allowed 1", "indicator-md5": ""}


async def test_a_list_that_finds_no_room_is_called_so(stage):
    """What would come above 15,000 is said before the decision."""
    (one, *_) = await stage.clients["defender"].indicators()

    async def full(**_options):
        return [one] * 15_000

    made = context(stage)
    made.defender = SimpleNamespace(indicators=full)
    values = await listed(made, ["bad.example"])
    evidence = await gathering(values)(made, target_of(values, "x"), block_list.RESPONSE)
    assert "list-no-room" in warned(evidence)


class _Reads:
    def __init__(self, content=b"", error=None):
        self.content, self.error, self.asked = content, error, []

    async def read_file(self, url, *, most):
        self.asked.append((url, most))
        if self.error:
            raise self.error
        return self.content


def with_file(stage, teams):
    made = context(stage)
    made.turn = SimpleNamespace(files=(GivenFile(name="bad.txt", url="https://x-my.sharepoint.com/secret"),))
    made.services = SimpleNamespace(teams=teams)
    return made


async def test_a_list_comes_from_a_file(stage):
    """A text file that was sent along is read, up to its bound; a mark of its encoding is no part of the first word."""
    teams = _Reads("\ufeffbad.example\n198.51.100.7\n".encode())
    assert await values_in_file(with_file(stage, teams)) == ["bad.example", "198.51.100.7"]
    assert teams.asked == [("https://x-my.sharepoint.com/secret", LONGEST_LIST)]
    assert await values_in_file(context(stage)) == []


@pytest.mark.parametrize(
    ("teams", "key"),
    [
        (_Reads(b"\xff\xfe\x00b"), "list-file"),
        (_Reads(error=Rejected("sharepoint", "read-file", code="too-large")), "list-file-large"),
    ],
)
async def test_a_file_that_is_no_list_is_said_to_be_none(stage, teams, key):
    """What is no text, or too large, is the person's to mend."""
    with pytest.raises(UsageError) as wrong:
        await values_in_file(with_file(stage, teams))
    assert wrong.value.key == f"error.indicator.{key}"
    assert "secret" not in repr(GivenFile(name="a", url="https://x/secret"))
