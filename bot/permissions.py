"""Which application permissions the bot needs and what for: derived from the client methods that something calls.

A command names the methods (`Graph.secure_scores`), a method's operations stand beside the client (`CALLS`), and an
operation names its permissions and the page it follows. Nothing is written down twice.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot import roles
from bot.command import Features
from bot.defender import http as defender
from bot.defender.device import http as device
from bot.defender.files import http as files
from bot.defender.indicators import http as indicators
from bot.defender.live import http as live
from bot.graph import http as graph
from bot.graph.client import Graph
from bot.graph.domains import http as domains
from bot.graph.intune import http as intune
from bot.graph.mail import http as mail
from bot.graph.people import http as people
from bot.graph.submissions import http as submissions
from bot.http import Operation
from bot.responses.declared import Call

APIS: Mapping[str, str] = {"defender": "WindowsDefenderATP", "graph": "Microsoft Graph"}
"""The APIs under the names by which Entra finds them."""
DOCTOR = "doctor"
NICE_TO_HAVE = (Graph.subscribed_skus,)
"""What the bot works without: what the tenant has then stays unknown, and nothing is held back for it."""
_OPERATIONS: Mapping[str, tuple[Operation, ...]] = {
    **{f"Defender.{name}": operations for name, operations in defender.CALLS.items()},
    **{f"DeviceResponses.{name}": operations for name, operations in device.CALLS.items()},
    **{f"Files.{name}": operations for name, operations in files.CALLS.items()},
    **{f"Indicators.{name}": operations for name, operations in indicators.CALLS.items()},
    **{f"LiveResponse.{name}": operations for name, operations in live.CALLS.items()},
    **{f"Graph.{name}": operations for name, operations in graph.CALLS.items()},
    **{f"Domains.{name}": operations for name, operations in domains.CALLS.items()},
    **{f"Intune.{name}": operations for name, operations in intune.CALLS.items()},
    **{f"People.{name}": operations for name, operations in people.CALLS.items()},
    **{f"Mail.{name}": operations for name, operations in mail.CALLS.items()},
    **{f"Submissions.{name}": operations for name, operations in submissions.CALLS.items()},
}


@dataclass(frozen=True, kw_only=True)
class Grant:
    """An application permission of one API: who needs it, and the pages that say so.

    `optional`: see `NICE_TO_HAVE`. `for_responses`: only responses need it; who does not want those leaves it out.
    """

    service: str
    name: str
    users: tuple[str, ...]
    pages: tuple[str, ...]
    optional: bool = False
    for_responses: bool = False

    @property
    def api(self) -> str:
        """The API's name in Entra."""
        return APIS[self.service]


def operations_of(calls: Iterable[Call]) -> tuple[Operation, ...]:
    """The operations of client methods, each once. Raises KeyError for what is no method of a client."""
    found = (operation for call in calls for operation in _OPERATIONS[call.__qualname__])
    return tuple(dict.fromkeys(found))


def uses(features: Features) -> Iterator[tuple[str, tuple[Operation, ...]]]:
    """Who needs which operations: each command, button, response and watcher, and the machine itself."""
    yield "roles by group", operations_of(roles.NEEDS)
    for command in features.commands:
        yield f"/{command.name}", operations_of(command.needs)
    for response in features.responses:
        yield f"/{response.name}", operations_of((*response.calls, *response.how.needs))
    for button in features.buttons:
        yield f"button {button.verb}", operations_of(button.needs)
    for view in features.views:
        yield f"following a {view.kind}", operations_of(view.needs)
    for watcher in features.watchers:
        yield f"watching {watcher.name}", operations_of(watcher.needs)
    yield DOCTOR, operations_of(NICE_TO_HAVE)


def grants(features: Features) -> list[Grant]:
    """All permissions that the bot needs, by API and name."""
    users: dict[tuple[str, str], dict[str, None]] = {}
    pages: dict[tuple[str, str], dict[str, None]] = {}
    responses = {f"/{response.name}" for response in features.responses}
    spared = {operation.page for operation in operations_of(NICE_TO_HAVE)}
    for user, operations in uses(features):
        for operation in operations:
            for permission in operation.permissions:
                key = operation.service, permission
                users.setdefault(key, {})[user] = None
                pages.setdefault(key, {})[operation.page] = None
    return [
        Grant(
            service=key[0],
            name=key[1],
            users=tuple(of),
            pages=tuple(pages[key]),
            optional=pages[key].keys() <= spared,
            for_responses=of.keys() <= responses,
        )
        for key, of in sorted(users.items())
    ]
