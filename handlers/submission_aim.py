"""What can be sent in to Microsoft: an address, a message in a mailbox, a file that was fetched from a device."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

from bot.command import Context
from bot.devices import first_word
from bot.errors import UsageError
from bot.graph.client import Graph
from bot.responses import requests
from bot.responses.declared import Parameter, Response
from bot.responses.mail import categories
from bot.responses.models import Evidence, Fact, State, Target
from handlers.accounts import NEEDS, accounts_of, untold
from handlers.aiming import Aim, called_out, last_time
from handlers.mail_aim import MAIL
from handlers.user_aim import find_user

SUBMISSION = "submission"
MESSAGE = "message"
FETCHED = "get-file"
"""The response that brings a file from a device."""
LONGEST_URL = 2000
LONGEST_MESSAGE = 400
CATEGORY = Parameter(name="category", choices=categories())
_MESSAGE_ID = re.compile(rf"[0-9A-Za-z_=-]{{20,{LONGEST_MESSAGE}}}")
_IN_PATH = re.compile(r"/(?:id|read)/([^/?#]+)")


def stands(name: str) -> dict[str, str]:
    """Where a submission stands, in words: what is said of all of them."""
    return {
        f"response.{name}.stand.sent": "**Microsoft looks at it,** which takes minutes to hours. It reports: {status}.",
        f"response.{name}.stand.succeeded": "**Microsoft has looked at it.** What it found is below.",
        f"response.{name}.stand.failed": "**Microsoft did not look at it.** It reports: {status}.",
    }


def web_address(text: str) -> str:
    """An http or https address; `hxxp` and `[.]`, by which people keep it from being clicked, are undone.

    Raises UsageError.
    """
    found = text.strip().strip("<>").replace("[.]", ".").replace("[:]", ":")
    found = re.sub(r"^hxxp", "http", found, flags=re.IGNORECASE)
    try:
        parts = urlsplit(found)
        fits = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        fits = False
    if not fits or len(found) > LONGEST_URL or not found.isprintable() or " " in found:
        raise UsageError("error.no_web_address", said=text)
    return found


def message_id(text: str) -> str:
    """Graph's id of a message: as it is, or out of the link that Outlook on the web shows. Raises UsageError."""
    found = text.strip().strip("<>")
    if found.startswith("https://"):
        found = _of_link(found)
    found = found.replace("/", "-").replace("+", "_")
    if not _MESSAGE_ID.fullmatch(found):
        raise UsageError("error.no_graph_message", said=text)
    return found


def _of_link(link: str) -> str:
    """What an Outlook link names the message by: `ItemID` in its query, or what follows `/id/` or `/read/`."""
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    named = parse_qs(parts.query.replace("+", "%2B")).get("ItemID")
    if named:
        return named[0]
    in_path = _IN_PATH.search(parts.path)
    return unquote(in_path[1]) if in_path else ""


TO_MESSAGE = Parameter(name=MESSAGE, hint="MESSAGE", check=message_id)
"""Which message of the mailbox is meant; it becomes a part of the target."""


async def _find_url(_context: Context, word: str, _command: str, _rest: str) -> Target:
    found = web_address(word)
    return Target(id=found, name=found, kind=SUBMISSION)


async def _gather(context: Context, target: Target, response: Response) -> Evidence:
    before = await last_time(context, target, response)
    facts = (Fact(key="submission-what", value=target.name), Fact(key="submission-goes", value="microsoft"))
    return Evidence(read_at=context.now, facts=facts, last_time=before[0], last_time_at=before[1])


async def _find_message(context: Context, word: str, command: str, rest: str) -> Target:
    """`USER MESSAGE`: whose mailbox, and which message in it."""
    user_id, _, named = word.partition("/")
    message = message_id(named or first_word(rest)[0])
    user = await find_user(context, user_id if named else word, command, rest)
    return Target(id=f"{user.id}/{message}", name=user.name, kind=MAIL)


async def _gather_message(context: Context, target: Target, response: Response) -> Evidence:
    people = await accounts_of(context, target.name)
    read = await _gather(context, target, response)
    warnings = (*called_out(context, people or ()), *untold(target.name, people))
    return read.model_copy(update={"users": people, "warnings": warnings})


async def _find_file(context: Context, word: str, _command: str, _rest: str) -> Target:
    """A file that `/get-file` fetched, by that request's id. Raises NotFound, UsageError."""
    fetched = await requests.get(context.services, context.customer, word.strip().upper())
    if fetched.response != FETCHED or fetched.state is not State.SUCCEEDED or not fetched.attempt:
        raise UsageError("error.no_fetched_file", id=fetched.id)
    path = fetched.parameters.get("Path", "")
    return Target(id=f"{fetched.attempt.action}/{base_name(path)}", name=base_name(path), kind=SUBMISSION)


def base_name(path: str) -> str:
    """The name of a file without its folders, whichever system it comes from."""
    return re.split(r"[\\/]", path)[-1] or "file"


URL = Aim(kind=SUBMISSION, hint="URL", find=_find_url, gather=_gather, missing="error.no_web_address_named")
FILE = Aim(kind=SUBMISSION, hint="REQUEST-ID", find=_find_file, gather=_gather, missing="error.no_fetched_file_named")
MESSAGE_OF = Aim(
    kind=MAIL,
    hint="USER",
    find=_find_message,
    gather=_gather_message,
    needs=(*NEEDS, Graph.users_named),
    missing="error.no_user",
)
