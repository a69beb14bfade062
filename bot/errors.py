"""Everything that can go wrong, in the classes a caller asks about.

    BotError
    ├── PersonError          the person can mend it; its text may be shown as it is, escaped
    │   ├── UsageError       the command was not understood; carries the form that would work
    │   ├── NotAllowed       the person lacks a role
    │   ├── NotFound         no such device, incident, request
    │   ├── Ambiguous        several match; carries the choices
    │   └── Stale            the card is older than the record, or was never ours
    ├── ServiceError         a service of Microsoft's did not do what was asked; `service`, `operation`
    │   ├── Throttled        429; `retry_after` in seconds
    │   ├── Unavailable      5xx, a broken connection, an unreadable answer; `sent`: perhaps accepted
    │   ├── Unauthorised     401: our token is refused
    │   ├── MissingPermission  403: an application permission is not granted
    │   │   └── RoleTooLow     403 although it is granted: the target is an administrator
    │   ├── NotInPlan        403: the tenant's plan lacks the feature
    │   ├── Barred           403 of Teams: the bot is not (or no longer) in that conversation
    │   ├── Rejected         400 and other refusals of this very call; `code`
    │   └── Missing          404 at the service
    └── StoreError           our own state
        ├── Conflict         the record changed since it was read
        └── StoreDown        Redis cannot be reached or does not accept writes

Text for people stands in the catalogue (`cards/text.py`): an error carries a key and values, never a sentence.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class BotError(Exception):
    """The root; `reference` is set where the failure is logged and shown with an id."""


class PersonError(BotError):
    """The person's mistake or limit. `key` names a catalogue text, `values` fill it (they are escaped there)."""

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key)
        self.key = key
        self.values: Mapping[str, Any] = values


class UsageError(PersonError):
    """The words do not make a command. Values hold `usage` where a command was recognised."""


class NotAllowed(PersonError):  # noqa: N818 - reads as what happened, like the rest of the tree
    """The person lacks a role. Values hold `role`."""


class NotFound(PersonError):  # noqa: N818 - reads as what happened
    """Nothing of that name."""


class Stale(PersonError):  # noqa: N818 - reads as what happened
    """The button belongs to an older or a foreign card."""


class Ambiguous(PersonError):  # noqa: N818 - reads as what happened
    """Several match: `choices` are (id, label, detail) and `command` is what to do with the chosen one."""

    def __init__(self, key: str, choices: Sequence[tuple[str, str, str]], command: str, **values: Any) -> None:
        super().__init__(key, **values)
        self.choices = tuple(choices)
        self.command = command


class ServiceError(BotError):
    """A remote service failed: `service` (defender, graph, teams, login) and `operation` (what was asked for).

    `message` is the service's own sentence. It may name people, so it is for cards and no part of the error's text.
    """

    def __init__(
        self,
        service: str,
        operation: str,
        *,
        status: int | None = None,
        code: str = "",
        message: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(f"{service} {operation}: {status or 'no answer'} {code}".rstrip())
        self.service = service
        self.operation = operation
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id


class Throttled(ServiceError):  # noqa: N818 - reads as what happened
    """429. `retry_after` is in seconds, None where the service named none."""

    def __init__(self, service: str, operation: str, *, retry_after: float | None = None, **more: Any) -> None:
        super().__init__(service, operation, **more)
        self.retry_after = retry_after


class Unavailable(ServiceError):  # noqa: N818 - reads as what happened
    """5xx, time-out, broken connection or unreadable answer. `sent`: the service may have accepted the call."""

    def __init__(self, service: str, operation: str, *, sent: bool = True, **more: Any) -> None:
        super().__init__(service, operation, **more)
        self.sent = sent


class Unauthorised(ServiceError):  # noqa: N818 - reads as what happened
    """401, or the token endpoint refused the app's credentials."""


class MissingPermission(ServiceError):  # noqa: N818 - reads as what happened
    """403: the token lacks an application permission. `permission` is its exact name where it is known."""

    def __init__(self, service: str, operation: str, *, permission: str = "", **more: Any) -> None:
        super().__init__(service, operation, **more)
        self.permission = permission


class RoleTooLow(MissingPermission):
    """403 because the target is an administrator: beside the permission the app needs the directory `role`."""

    def __init__(self, service: str, operation: str, *, role: str, **more: Any) -> None:
        super().__init__(service, operation, **more)
        self.role = role


class NotInPlan(ServiceError):  # noqa: N818 - reads as what happened
    """403 with a code that says the tenant's plan or settings lack the feature."""


class Barred(ServiceError):  # noqa: N818 - reads as what happened
    """Teams does not let the bot write there: removed, blocked, a private channel. The conversation is over."""


class Rejected(ServiceError):  # noqa: N818 - reads as what happened
    """The service read the call and refused it; it was certainly not carried out. `code` says why."""


class Missing(ServiceError):  # noqa: N818 - reads as what happened
    """404 at the service."""


class StoreError(BotError):
    """Our own state failed."""


class Conflict(StoreError):  # noqa: N818 - reads as what happened
    """The record changed since it was read: read it again and decide again."""


class StoreDown(StoreError):  # noqa: N818 - reads as what happened
    """Redis cannot be reached, is read-only or full. Nothing was changed, or it is not known that it was."""
