"""What of an incident's evidence is offered to be blocked."""

import pytest

from bot.defender.indicators.values import recognise
from bot.graph.models import Evidence
from handlers.blockable import MOST, blockable

SHA1, SHA256 = "3395856ce81f2b7382dee72602f798b642f14140", "a" * 64


def evidence(kind, **fields):
    return Evidence.model_validate({"@odata.type": f"#microsoft.graph.security.{kind}Evidence", **fields})


def file(**fields):
    return evidence("file", fileDetails={"fileName": "bad_(1).exe", **fields})


@pytest.mark.parametrize(
    ("item", "offered"),
    [
        (file(sha256=SHA256, sha1=SHA1), (SHA256, "bad_(1).exe")),
        (file(sha1=SHA1), (SHA1, "bad_(1).exe")),
        (evidence("url", url="https://bad.example/A"), ("https://bad.example/A", "hxxps://bad[.]example/A")),
        (evidence("ip", ipAddress="198.51.100.7"), ("198.51.100.7", "198[.]51[.]100[.]7")),
    ],
)
def test_files_urls_and_addresses_are_offered(item, offered):
    """A file by its SHA-256 where there is one, under its name; an address in a spelling that is no link."""
    assert blockable([item]) == (offered,)
    assert recognise(offered[0]).id == offered[0]


@pytest.mark.parametrize(
    "item",
    [
        file(),
        file(sha256="no hash"),
        evidence("url", url="not an address"),
        evidence("url"),
        evidence("ip", ipAddress="10.0.0.4"),
        evidence("url", url="https://login.microsoftonline.com/"),
        evidence("process", imageFile={"fileName": "rundll32.exe", "sha256": SHA256}),
        evidence("device", deviceDnsName="laptop-042"),
        evidence("user", userAccount={"userPrincipalName": "a@bad.example"}),
    ],
)
def test_what_must_not_or_cannot_be_blocked_is_not_offered(item):
    """Addresses inside, Microsoft's hosts, programs of Windows, and what has no value."""
    assert blockable([item]) == ()


def test_each_thing_is_offered_once_and_not_too_many():
    """The same file in two alerts is one; of many things the first few are offered."""
    many = [evidence("ip", ipAddress=f"198.51.100.{n}") for n in range(20)]
    assert len(blockable([file(sha1=SHA1), file(sha1=SHA1.upper())])) == 1
    assert len(blockable(many)) == MOST
