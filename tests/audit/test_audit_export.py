"""Exports: a changed byte anywhere in a JSON-lines file is found at its line, and a spreadsheet computes nothing."""

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.chain import Break
from bot.audit.export import About, Csv, Ending, JsonLines, csv_row, harmless, whole_file
from bot.audit.seals import Seals
from bot.audit.trail import recent, seen
from bot.audit.verify import Checked, Fault, Unreadable, verify_file
from bot.clock import ManualClock
from bot.state.memory import MemoryStore
from tests.audit.test_audit_chain import CHECKPOINT
from tests.audit.trails import NOW, ONE, SEALS, entry, exported, filled, rows

each_bit = pytest.mark.parametrize("flip", [*(1 << bit for bit in range(8)), 0xFF])


def check(content: bytes, seals: Seals = SEALS, noted: str = "") -> Checked | Fault:
    return verify_file(seals, io.BytesIO(content), noted)


def made(length: int, *, filters: str = "", broken: Break | None = None, cut: bool = False) -> bytes:
    """An export of a trail that was trimmed once; its header holds the checkpoint."""
    before, entries = CHECKPOINT.hash, []
    for row in rows(length, before=before):
        entries.append(seen(row, before))
        before = row[2]
    about = About(customer=ONE, made=NOW, filters=filters, checkpoint=CHECKPOINT)
    ending = Ending(head=before, count=length + 40, broken=broken, cut=cut)
    return whole_file(JsonLines(SEALS, "e" * 16), about, entries, ending)


WHOLE = made(3)


def test_an_export_holds():
    """A file as it was written holds, and says whose it is and what is in it."""
    found = check(WHOLE)
    assert isinstance(found, Checked)
    assert (found.customer, found.entries, found.count, found.head) == (ONE, 3, 43, rows(3, before="a" * 64)[-1][2])
    assert (found.first, found.last, found.cut) == ("1000-0", "1002-0", False)
    assert isinstance(check(made(0)), Checked)


def test_the_entries_are_as_they_were_sealed():
    """A verifier finds each entry's text exactly as it was sealed, and the hash before it, to compute the chain."""
    lines = [json.loads(line) for line in WHOLE.splitlines()[1:-1]]
    assert [(line["position"], line["entry"], line["hash"]) for line in lines] == rows(3, before=CHECKPOINT.hash)
    assert [line["before"] for line in lines] == [CHECKPOINT.hash, *(line["hash"] for line in lines[:-1])]


@each_bit
def test_a_changed_byte_anywhere_is_found_at_its_line(flip):
    """Header, checkpoint, position, text, hash, seal, footer, line ends: whichever byte it is, its line is named."""
    for at in range(len(WHOLE)):
        changed = WHOLE[:at] + bytes([WHOLE[at] ^ flip]) + WHOLE[at + 1 :]
        found = check(changed)
        assert isinstance(found, Fault), at
        assert (found.line, found.kind, found.exported) == (WHOLE[:at].count(b"\n") + 1, "changed", False), at


def test_a_cut_anywhere_is_found():
    """However much is missing at the end, it is found; where only whole lines are missing, that is said."""
    for end in range(1, len(WHOLE)):
        try:
            found = check(WHOLE[:end])
        except Unreadable:
            assert b"\n" not in WHOLE[:end]
            continue
        assert isinstance(found, Fault)
        assert found.kind == ("dropped" if WHOLE[end - 1 : end] == b"\n" else "changed")


@given(st.binary(min_size=1, max_size=40), st.data())
def test_bytes_put_in_anywhere_are_found(more, data):
    """Nothing can be added: not in front, not inside, not behind the end."""
    at = data.draw(st.integers(0, len(WHOLE)))
    found = check(WHOLE[:at] + more + WHOLE[at:])
    assert isinstance(found, Fault)
    assert found.line <= WHOLE[:at].count(b"\n") + 2


@pytest.mark.parametrize("more", [b"\n", b"x", b"{}\n", b"\x00" * 9, WHOLE.splitlines(keepends=True)[1]])
def test_nothing_may_follow_the_end(more):
    """What stands behind the footer was put there, and is said to be."""
    found = check(WHOLE + more)
    assert (found.line, found.kind) == (6, "inserted")


@given(length=st.integers(1, 8), data=st.data())
def test_lines_dropped_doubled_and_moved_are_found_in_their_place(length, data):
    """What happened to a line is named at the first place where another stands than was written."""
    lines = made(length).splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 2))
    to = data.draw(st.integers(at + 1, len(lines) - 1))
    without = lines[:at] + lines[at + 1 :]
    for kind, changed in (
        ("dropped", without),
        ("inserted", [*lines[: at + 1], lines[at], *lines[at + 1 :]]),
        ("inserted", [*lines[:at], b'{"line":1}\n', *lines[at:]]),
        (
            "inserted",
            [*lines[:at], made(1, filters="x").replace(b"e" * 16, b"f" * 16).splitlines(keepends=True)[1], *lines[at:]],
        ),
        ("reordered", [*without[:to], lines[at], *without[to:]]),
    ):
        found = check(b"".join(changed))
        assert isinstance(found, Fault)
        doubled = changed[at] == lines[at]
        assert (found.kind, found.line) == (kind, at + 2 if doubled else at + 1)


def test_lines_of_two_exports_cannot_be_mixed():
    """A line of another export, though sealed with the same key, is found."""
    other = whole_file(
        JsonLines(SEALS, "f" * 16),
        About(customer=ONE, made=NOW, checkpoint=CHECKPOINT),
        [seen(row, "") for row in rows(3)],
        Ending(head="", count=43),
    ).splitlines(keepends=True)
    lines = WHOLE.splitlines(keepends=True)
    found = check(b"".join([*lines[:2], other[2], *lines[3:]]))
    assert (found.line, found.kind, found.position) == (3, "inserted", "1001-0")


def test_another_key_and_other_files_are_told_apart():
    """A file that another key sealed is not called changed; neither is one that is no export at all."""
    with pytest.raises(Unreadable, match="another key"):
        check(WHOLE, Seals("another key"))
    for content in (b"", b"\n", b"a,b\r\n1,2\r\n", b"{}\n", b"\xff\xfe\x00"):
        with pytest.raises(Unreadable, match="not an export"):
            check(content)


def test_an_export_of_a_newer_version_is_not_judged():
    """What a later version wrote is left to that version."""
    lines = JsonLines(SEALS)
    header = lines._line({"format": "watchkeeper-audit", "v": 2})
    with pytest.raises(Unreadable, match="newer"):
        check((header + lines.end(Ending(head="", count=0))).encode())


def test_a_trail_that_was_broken_already_is_said_to_be():
    """The file is as it was written, but the trail in it was not: at the entry that the bot named, or that is found."""
    named = check(made(3, broken=Break(position="1001-0", kind="inserted")))
    assert (named.line, named.position, named.kind, named.exported) == (3, "1001-0", "inserted", True)
    at_end = check(made(3, broken=Break(position="", kind="head")))
    assert (at_end.kind, at_end.exported) == ("head", True)


def broken_inside(change) -> Checked | Fault:
    """A file sealed by the bot's own hand whose entries do not follow: the chain alone can tell."""
    before, entries = "", []
    for row in rows(3):
        entries.append(seen(row, before))
        before = row[2]
    about = About(customer=ONE, made=NOW)
    return check(whole_file(JsonLines(SEALS), about, change(entries), Ending(head=before, count=3)))


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda e: [e[0], e[2]], 3),
        (lambda e: e[1:], 2),
        (lambda e: [e[0], replace(e[1], text=e[1].text.replace("approved", "rejected")), e[2]], 3),
        (lambda e: [e[0], replace(e[1], hash="0" * 64), e[2]], 3),
        (lambda e: [e[0], replace(e[1], before="0" * 64), e[2]], 3),
    ],
)
def test_the_chain_is_computed_again(change, line):
    """The seals of the lines do not stand in for the chain: it is computed from the entries."""
    found = broken_inside(change)
    assert (found.line, found.exported) == (line, True)
    assert broken_inside(lambda entries: entries).entries == 3


def test_chosen_entries_hold_one_by_one():
    """Where a filter chose, entries need not follow one another, but each must fit the hash before it."""
    entries = [seen(row, rows(4)[n - 1][2] if n else "") for n, row in enumerate(rows(4))]
    about = About(customer=ONE, made=NOW, filters="device abc")
    content = whole_file(JsonLines(SEALS), about, [entries[1], entries[3]], Ending(head="h", count=4))
    assert check(content).entries == 2
    entries[3] = replace(entries[3], text="{}")
    assert check(whole_file(JsonLines(SEALS), about, [entries[1], entries[3]], Ending(head="h", count=4))).line == 3


async def test_days_and_cuts_begin_anywhere():
    """An export of the last days, or one that was cut, need not begin at the checkpoint; a whole one must."""
    assert (await _checked(since=2.5)).entries == 2
    assert (await _checked(since=0)).entries == 3
    lines = JsonLines(SEALS)
    tail = [seen(row, "c" * 64) for row in rows(1, before="c" * 64)]
    for cut, kind in ((True, Checked), (False, Fault)):
        content = whole_file(lines, About(customer=ONE, made=NOW), tail, Ending(head="", count=9, cut=cut))
        assert isinstance(check(content), kind)
        lines = JsonLines(SEALS)


async def _checked(since: float) -> Checked:
    found = check(await exported(since=since))
    assert isinstance(found, Checked)
    return found


def test_a_noted_head_is_looked_for():
    """A head that was noted earlier, or its beginning, is in the file or is not."""
    heads = [seal for _, _, seal in rows(3, before=CHECKPOINT.hash)]
    assert [check(WHOLE, noted=noted).noted for noted in (heads[1], heads[1][:10], "f" * 12, "")] == [
        True,
        True,
        False,
        False,
    ]


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\u3000+1",
]


@pytest.mark.parametrize("value", FORMULAS)
def test_no_value_is_a_formula(value):
    """What a spreadsheet would compute begins with an apostrophe, also in full-width signs and behind blanks."""
    assert harmless(value) == f"'{value}"
    assert [harmless(plain) for plain in ("a=1", "", "1", "'=1", "é")] == ["a=1", "", "1", "'=1", "é"]


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_table_is_read_back(values):
    """Whatever the values are, a reader of RFC 4180 gets them back, none of them a formula, none with a NUL."""
    read = list(csv.reader(io.StringIO(csv_row(values), newline=""), strict=True))
    assert read == [[harmless(value) for value in values]]
    assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) for cell in read[0])
    assert csv_row(values).endswith('"\r\n')


async def test_the_table_names_people():
    """The table begins with a byte order mark and its columns; a person has a name where one is known."""
    store = MemoryStore(ManualClock(NOW))
    ledger = await filled(store, [1])
    await ledger.commit(ONE, [], [replace(entry(1), who="=HYPERLINK(1)", what="ü")])
    window = await recent(store, ledger.seals, ONE, NOW.replace(year=2000), 10)
    names = {f"{ONE}/p0": "Megan"}
    file = whole_file(
        Csv(name=lambda who: names.get(who, "")),
        About(customer=ONE, made=NOW),
        window.entries,
        Ending(head="", count=2),
    )
    assert file.startswith(b"\xef\xbb\xbf")
    columns, first, second = csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""))
    assert columns[:5] == ["position", "time (UTC)", "what", "who", "name"]
    assert (first[2:6], first[7]) == (["approved", f"{ONE}/p0", "Megan", "request:0"], window.entries[0].hash)
    assert second[2:5] == ["ü", "'=HYPERLINK(1)", ""]
    assert json.loads(first[6]) == {"n": 0, "ü": "é"}


def test_an_entry_that_cannot_be_read_is_in_the_table_as_it_stands():
    """Its text, which is no entry any more, is not lost on the way."""
    _, row = csv.reader(io.StringIO(csv_row(["x"]) + Csv().add(seen(("1-0", "{broken", "h"), "")), newline=""))
    assert (row[0], row[6], row[7]) == ("1-0", "{broken", "h")
