"""The report for people: coloured on a terminal, plain text elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TextIO

from rich.console import Console
from rich.text import Text

from bot.doctor.findings import Finding, Outcome, Report

WIDEST, PLAIN_WIDTH, COLUMN = 110, 100, 13
MOST_REPEATED = 8
MANY_CUSTOMERS = 3
"""Of more customers than these only what is not well is shown."""
MARKS: Mapping[Outcome, tuple[str, str]] = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "problem": ("PROBLEM", "bold red"),
    "unknown": ("not known", "cyan"),
}
COUNTED: Mapping[Outcome, tuple[str, str]] = {
    "problem": ("problem", "problems"),
    "warning": ("warning", "warnings"),
    "unknown": ("not known", "not known"),
    "ok": ("ok", "ok"),
}
TITLES: Mapping[str, str] = {
    "settings": "Settings and roles",
    "identity": "How the app proves itself",
    "services": "Microsoft's services and this machine's clock",
    "redis": "Redis",
    "software": "Software",
}
PROMISE = "It only looks: nothing is changed, at Microsoft or here (but for a key in Redis that lives a minute)."


def show(report: Report, stream: TextIO, *, strict: bool = False) -> None:
    """Write the report. Texts are never read as markup."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    console.width = min(console.width, WIDEST) if console.is_terminal else PLAIN_WIDTH
    _write(console, Text(f"Watchkeeper doctor, {report.at:%Y-%m-%d %H:%M} UTC. {PROMISE}"))
    few = len({finding.customer for finding in report.findings} - {""}) <= MANY_CUSTOMERS
    for title, findings in _groups(report):
        _write(console, Text(f"\n{title}", style="bold"))
        for finding in findings:
            if few or not finding.customer or finding.outcome != "ok":
                _row(console, finding)
        if not few and findings[0].customer:
            _write(console, Text(f"{_count(findings, 'ok')} lines are well"), "  ok")
    _write(console, Text(""))
    for line in _summary(report, strict=strict):
        _write(console, line)


def _groups(report: Report) -> Iterator[tuple[str, list[Finding]]]:
    """What concerns all by section, then each customer."""
    for title, of in groupby(report.findings, _title):
        yield title, list(of)


def _title(finding: Finding) -> str:
    return f"Customer {finding.customer}" if finding.customer else TITLES[finding.section]


def _row(console: Console, finding: Finding) -> None:
    """The outcome in a column of its own, and the words beside it."""
    word, style = MARKS[finding.outcome]
    _write(console, Text(finding.says), f"  {word}", style)
    if finding.means:
        _write(console, Text(finding.means, style="dim"), " ")
    if finding.do:
        _write(console, Text.assemble(("Do: ", "bold"), finding.do), " ")


def _write(console: Console, words: Text, label: str = "", style: str = "") -> None:
    """Words, wrapped beside their label; without one over the whole width."""
    column = COLUMN if label else 0
    for line in words.wrap(console, console.width - column):
        line.rstrip()
        start = Text.assemble((label.ljust(column), style), line)
        start.rstrip()
        console.print(start, soft_wrap=True)
        label = ""


def _summary(report: Report, *, strict: bool) -> Iterator[Text]:
    worst = [finding for finding in report.findings if finding.outcome == "problem"]
    told = ", ".join(_told(_count(report.findings, outcome), *words) for outcome, words in COUNTED.items())
    yield Text(f"{told}. Exit code {report.exit_code(strict=strict)}.", style="bold")
    if worst:
        yield Text("Begin with the problems:")
    for number, finding in enumerate(worst[:MOST_REPEATED], 1):
        of = f" (customer {finding.customer})" if finding.customer else ""
        yield Text(f"{number}. {finding.says}{of}")
    if len(worst) > MOST_REPEATED:
        yield Text(f"and {len(worst) - MOST_REPEATED} more, above.")


def _told(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _count(findings: Sequence[Finding], outcome: str) -> int:
    return sum(finding.outcome == outcome for finding in findings)
