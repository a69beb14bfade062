"""Where all is well, doctor says so, changes nothing, and shows no secret."""

import json
import os
from pathlib import Path

import pytest

from bot.demo import APP_SECRET, TENANT
from bot.doctor.findings import SECTIONS
from tests.doctor.conftest import AUDIT_KEY, as_text, steady, with_secret

GOLDEN = Path(__file__).parent / "golden"


def compare(name: str, text: str) -> None:
    """Hold a text against its golden file; UPDATE_GOLDEN=1 writes that anew."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


async def test_all_is_well(ward):
    """A sound installation has no problem, no warning and nothing unknown, and reads as the golden file."""
    report = await ward.report()
    assert [f.id for f in report.findings if f.outcome != "ok"] == []
    assert report.exit_code(strict=True) == 0
    compare("well", steady(report))


async def test_the_report_for_machines(ward):
    """The JSON has the same lines, with stable ids, sections and figures, and counts them."""
    report = await ward.report()
    told = json.loads(json.dumps(report.as_json()))
    assert told["v"] == 1
    assert told["counts"] == {"problem": 0, "warning": 0, "unknown": 0, "ok": len(report.findings)}
    by_id = {one["id"]: one for one in told["findings"]}
    assert len(by_id) == len(report.findings)
    assert {one["section"] for one in told["findings"]} == set(SECTIONS)
    assert by_id["redis.reached"]["facts"]["ms"] >= 0
    assert by_id["subscriptions.requests"]["customer"] == TENANT
    assert set(by_id["plan.bought"]) == {"id", "section", "outcome", "says", "means", "do", "customer", "facts"}


async def test_nothing_is_changed(ward):
    """An examination leaves Redis as it was but for the key of the probe, and only reads at Microsoft."""

    def kept():
        with ward.redis.client() as client:
            return {key: client.dump(key) for key in client.scan_iter() if key != "wk:ping"}

    before, ledger = kept(), list(ward.sim.world.ledger.entries)
    await ward.report()
    assert before
    assert kept() == before
    assert ward.sim.world.ledger.entries == ledger
    asked = {name for name, _, _ in ward.sim.calls}
    assert "graph.checkmembergroups" in asked
    reads = (".list", ".get", ".token", ".checkmembergroups", "score")
    assert [name for name in asked if not name.casefold().endswith(reads)] == []


@pytest.mark.parametrize("how", ["certificate", "secret"])
async def test_no_secret_is_shown(ward, how):
    """Neither text nor JSON holds a secret, a key or a token, whatever goes well or wrong."""
    if how == "secret":
        with_secret(ward)
    ward.environ["REDIS_URL"] = "redis://somebody:password-of-redis@127.0.0.1:1/0"
    ward.sim.first.roles.clear()
    report = await ward.report()
    for output in (as_text(report), json.dumps(report.as_json())):
        for secret in (APP_SECRET, AUDIT_KEY, "password-of-redis", "PRIVATE KEY", "MII", "eyJ"):
            assert secret not in output


async def test_one_customer_is_looked_at_alone(ward):
    """With a customer's id only that one is examined, of however many."""
    ward.environ["ALLOWED_TENANTS"] = f"{TENANT},00000000-0000-0000-0000-000000000002"
    both = {finding.customer for finding in (await ward.report()).findings}
    one = {finding.customer for finding in (await ward.report(TENANT)).findings}
    assert both == {"", TENANT, "00000000-0000-0000-0000-000000000002"}
    assert one == {"", TENANT}


async def test_of_many_customers_only_trouble_is_shown(ward):
    """From four customers on the text leaves out their lines that are well, and says how many those are."""
    others = [f"00000000-0000-0000-0000-00000000000{n}" for n in (7, 8, 9)]
    ward.environ["ALLOWED_TENANTS"] = ",".join([TENANT, *others])
    text = as_text(await ward.report())
    assert "lines are well" in text
    assert "all 6 permissions" not in text
    assert text.count("there is no such tenant") >= len(others)
