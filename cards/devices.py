"""A page of devices."""

from dataclasses import dataclass

from bot.defender.models import Machine
from bot.turn import Look, Shown
from cards import button, parts
from cards.device import risk_line
from cards.elements import Action, Container, TextBlock
from cards.text import Safe, count, escape, plain, plain_word, say


@dataclass(frozen=True, kw_only=True)
class DeviceRow:
    """A device, and what more there is to say of it (`cards.device.isolation_line`, say)."""

    machine: Machine
    label: Safe | None = None


@dataclass(frozen=True, kw_only=True)
class DeviceList:
    """One page of the devices that match. `filter` and `text` are as typed after `devices`; `total` counts all pages.

    `note` says what the list does not show; `unread` names sources that could not be read.
    """

    filter: str = ""
    text: str = ""
    page: int = 1
    pages: int = 1
    total: int
    rows: tuple[DeviceRow, ...] = ()
    note: Safe | None = None
    unread: tuple[str, ...] = ()
    tenant: str = ""


def devices_card(look: Look, listed: DeviceList) -> Shown:
    """Show a page of devices; tapping a row shows the device."""
    number = count(look, "devices.count", listed.total)
    above = escape(number)
    if listed.pages > 1:
        above = say(look, "devices.page", count=number, page=listed.page, pages=listed.pages)
    body = [
        parts.heading(escape(_title(look, listed)), above),
        parts.unread(look, listed.unread),
        parts.note(listed.note) if listed.note else None,
        parts.note(say(look, "devices.tap")) if listed.rows else parts.line(say(look, "devices.none")),
        *parts.rows(look, listed.rows, lambda row: _row(look, row), 25),
        parts.as_of(look),
    ]
    summary = plain(look, "devices.summary", title=_title(look, listed), count=number)
    return parts.shown(body, summary, _buttons(look, listed))


def _title(look: Look, listed: DeviceList) -> str:
    kind = plain_word(look, "filter", listed.filter)
    if listed.filter and listed.text:
        return plain(look, "devices.title.both", filter=kind, text=listed.text)
    if listed.filter:
        return plain(look, "devices.title.filter", filter=kind)
    if listed.text:
        return plain(look, "devices.title.text", text=listed.text)
    return plain(look, "devices.title")


def _row(look: Look, row: DeviceRow) -> Container:
    machine = row.machine
    items = [
        TextBlock(escape(machine.name), bold=True),
        TextBlock(row.label, spacing="None", color="Accent") if row.label else None,
        TextBlock(risk_line(look, machine), spacing="None", color=parts.level_color(machine.risk)),
        TextBlock(
            say(look, "devices.contact", at=parts.moment(look, machine.last_seen)),
            spacing="None",
            subtle=True,
            size="Small",
        ),
    ]
    opens = parts.device_run(look, machine.id, machine.name)
    return Container(items, separator=True, spacing="Small", select=opens)


def _buttons(look: Look, listed: DeviceList) -> list[Action]:
    asked = " ".join(part for part in ("devices", listed.filter, listed.text) if part)
    previous = button.run(plain(look, "part.previous"), f"{asked} page {listed.page - 1}")
    following = button.run(plain(look, "part.next"), f"{asked} page {listed.page + 1}")
    pages = [previous if listed.page > 1 else None, following if listed.page < listed.pages else None]
    link = parts.link(plain(look, "device.portal"), parts.portal(parts.DEVICES_PAGE, listed.tenant))
    return parts.bar(pages, link)
