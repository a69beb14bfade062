"""Saved lists of devices: all of them, and one."""

from collections.abc import Mapping, Sequence

from bot.turn import Look, Shown
from cards import button, parts
from cards.text import count, escape, plain, say

ROWS = 25


def lists_card(look: Look, lists: Sequence[tuple[str, Mapping[str, str]]]) -> Shown:
    """Show the names of all lists, each with how many devices it has."""
    made = parts.rows(
        look,
        lists,
        lambda one: parts.line(
            say(look, "lists.row", name=one[0], devices=count(look, "request.devices", len(one[1])))
        ),
        ROWS,
    )
    body = [
        parts.heading(say(look, "lists.title"), say(look, "lists.how")),
        *made,
        None if lists else parts.line(say(look, "lists.none")),
    ]
    return parts.shown(body, plain(look, "lists.summary", n=len(lists)))


def list_card(look: Look, name: str, devices: Sequence[str]) -> Shown:
    """Show the devices of one list."""
    body = [
        parts.heading(say(look, "lists.one", name=name), say(look, "lists.use", name=name)),
        *parts.rows(look, devices, lambda device: parts.line(escape(device)), ROWS),
        None if devices else parts.line(say(look, "lists.empty")),
    ]
    shown = plain(look, "lists.one-summary", name=name, devices=count(look, "request.devices", len(devices)))
    return parts.shown(body, shown, [button.run(plain(look, "lists.all"), "list")])
