"""What the rest of the bot asks of Graph about people: the directory and Identity Protection."""

from typing import Protocol

from bot.graph.models import GraphAlert
from bot.graph.people.models import DirectoryUser, RiskyUser, RoleAssignment


class People(Protocol):
    """One customer's users. Each method raises `ServiceError`s of bot.errors with service `graph` or `login`.

    A user's sign-in and password are "sensitive" where the user is an administrator: the permission alone does not do
    then (`MissingPermission`), the app needs a directory role that is high enough (graph-api 4.2).
    """

    async def user(self, user: str) -> DirectoryUser:
        """A user by object id or user principal name; raises `Missing`."""

    async def users_named(self, words: str, top: int = 25) -> list[DirectoryUser]:
        """Users whose sign-in name, mail address, display name, first or last name begins with the words."""

    async def users_by_mail(self, address: str) -> list[DirectoryUser]:
        """Users with exactly that mail address."""

    async def role_assignments(self) -> list[RoleAssignment]:
        """Who holds which directory role, standing assignments only, with the holders."""

    async def user_alerts(self, upn: str, top: int = 50) -> list[GraphAlert]:
        """Open alerts that name the user as evidence, the last changed first."""

    async def set_account_enabled(self, user_id: str, *, enabled: bool) -> None:
        """Block or allow sign-in."""

    async def set_password(self, user_id: str, password: str) -> None:
        """Give the user a password that must be changed at the next sign-in."""

    async def revoke_sessions(self, user_id: str) -> None:
        """Let every session and refresh token of the user end; that takes minutes, and access tokens live on."""

    async def risky_user(self, user_id: str) -> RiskyUser | None:
        """How risky the user is; None where Identity Protection knows nothing of them. Needs Entra ID P2."""

    async def confirm_compromised(self, user_id: str) -> None:
        """Say that the user is compromised: the risk becomes high, after a while. Needs Entra ID P2."""

    async def dismiss_risk(self, user_id: str) -> None:
        """Say that the user is not at risk: the risk becomes none, after a while. Needs Entra ID P2."""
