"""Everything the bot can do: explicit tuples, in the order in which /help shows them."""

from typing import Any

from bot.command import Button, Command, Features, View
from bot.responses.declared import Response
from cards.error import error_card
from cards.pointer import pointer_card
from cards.welcome import welcome_card
from cards.working import working_card
from handlers import (
    actions,
    audit,
    auditor,
    capabilities,
    center_watch,
    deciding,
    device,
    devices,
    digest,
    files,
    help,  # noqa: A004 - the module is named after its command
    incident,
    incident_watch,
    incidents,
    library,
    listing,
    measuring,
    notices,
    output,
    package,
    policy,
    replies,
    request,
    respond,
    responses,
    running,
    score,
    status,
    subscribe,
    summaries,
    unsubscribe,
    whoami,
)

COMMANDS: tuple[Command[Any], ...] = (
    incidents.COMMAND,
    incident.COMMAND,
    score.COMMAND,
    devices.COMMAND,
    device.COMMAND,
    respond.COMMAND,
    *responses.COMMANDS,
    actions.COMMAND,
    request.COMMAND,
    listing.COMMAND,
    package.COMMAND,
    output.COMMAND,
    library.COMMAND,
    digest.COMMAND,
    subscribe.COMMAND,
    unsubscribe.COMMAND,
    audit.COMMAND,
    policy.COMMAND,
    status.COMMAND,
    whoami.COMMAND,
    help.COMMAND,
)

BUTTONS: tuple[Button, ...] = (running.BUTTON, *deciding.BUTTONS, actions.BUTTON, subscribe.BUTTON, *files.BUTTONS)

RESPONSES: tuple[Response, ...] = responses.RESPONSES

VIEWS: tuple[View, ...] = (
    deciding.VIEW,
    incident_watch.VIEW,
    *center_watch.VIEWS,
    summaries.VIEW,
    replies.VIEW,
    notices.VIEW,
    *digest.VIEWS,
)


def features(poll_seconds: float, *, demonstration: bool = False) -> Features:
    """All that the machine is told; `poll_seconds` is the pace of the watchers.

    A `demonstration` subscribes each conversation that the bot comes into.
    """
    return Features(
        commands=COMMANDS,
        buttons=BUTTONS,
        responses=RESPONSES,
        views=VIEWS,
        watchers=(
            incident_watch.watcher(poll_seconds),
            center_watch.watcher(poll_seconds),
            auditor.watcher(VIEWS, poll_seconds),
            measuring.watcher(),
            capabilities.watcher(),
            audit.WATCHER,
        ),
        on_error=error_card,
        working=working_card,
        done=replies.done_card,
        pointer=pointer_card,
        welcome=welcome_card,
        texts=replies.texts(),
        on_installed=subscribe.when_installed if demonstration else None,
    )
