"""What must hold between settings, for `run` and for `serve`, and names that look like a slip of the pen."""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from bot.addresses import is_loopback

if TYPE_CHECKING:
    from bot.settings import Settings

Words = dict[str, str]
AUDIT_KEY_LENGTH = 32
ALIKE = 0.85  # REDIS_URI and ROLES_APROVER are taken for slips; APP_ENV, which other programs use, is not
LOCAL_ONLY = (
    "must be on this machine (http://127.0.0.1:...): `run` serves simulated customers only. "
    "For a real tenant use `python -m bot serve`."
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

REQUIRED: Mapping[str, str] = {
    "APP_ID": "the application (client) id of the bot's app registration",
    "APP_TENANT_ID": "the id of the Entra tenant in which the app is registered",
    "ALLOWED_TENANTS": "the ids of the Entra tenants whose people may talk to the bot, separated by commas",
    "REDIS_URL": "the address of your Redis, such as rediss://:password@host:6379/0",
    "AUDIT_KEY": f"a secret of at least {AUDIT_KEY_LENGTH} characters that seals the audit (openssl rand -hex 32)",
    "ROLES_OPERATOR": "ids of the people or groups who may ask for a response, separated by commas",
    "ROLES_APPROVER": "ids of the people or groups who may approve one, separated by commas",
}
PROOFS = ("APP_SECRET", "APP_CERTIFICATE", "MANAGED_IDENTITY_CLIENT_ID")
IDS = (
    "APP_ID",
    "APP_TENANT_ID",
    "MANAGED_IDENTITY_CLIENT_ID",
    "ALLOWED_TENANTS",
    "ROLES_READER",
    "ROLES_OPERATOR",
    "ROLES_APPROVER",
    "ROLES_ADMIN",
)


def development_problems(settings: "Settings") -> list[tuple[str, str]]:
    """(variable, sentence) for each thing that `run` will not do: above all, reach a real tenant."""
    return [*_foreign_urls(settings), *_foreign_identity(settings), *_shared_ports(settings)]


def production_problems(settings: "Settings") -> list[tuple[str, str]]:
    """(variable, sentence) for each thing that `serve` lacks."""
    return [
        *_missing(settings),
        *_proofs(settings),
        *_short_key(settings),
        *_malformed_ids(settings),
        *_plain_heartbeat(settings),
    ]


def slips(given: Collection[str], known: Collection[str]) -> list[str]:
    """A sentence for each given name that is nearly a known one which is not given."""
    free = [name for name in known if name not in given]
    alike = {name: get_close_matches(name, free, n=1, cutoff=ALIKE) for name in given if name not in known}
    return [f"{name} is not a setting: did you mean {match[0]}?" for name, match in sorted(alike.items()) if match]


def _foreign_urls(settings: "Settings") -> Iterator[tuple[str, str]]:
    for name in ("LOGIN_URL", "GRAPH_URL", "DEFENDER_URL"):
        if not is_loopback(getattr(settings, name.lower())):
            yield name, f"{name} {LOCAL_ONLY}"


def _foreign_identity(settings: "Settings") -> Iterator[tuple[str, str]]:
    if settings.managed_identity_client_id:
        yield "MANAGED_IDENTITY_CLIENT_ID", "MANAGED_IDENTITY_CLIENT_ID is a real identity: it is for `serve`."


def _shared_ports(settings: "Settings") -> Iterator[tuple[str, str]]:
    taken: dict[int, str] = {}
    for name in ("PORT", "SIMULATOR_PORT", "PLAYGROUND_PORT", "METRICS_PORT"):
        port: int = getattr(settings, name.lower())
        if port in taken:
            yield name, f"{name} is the same as {taken[port]} ({port}): choose another."
        taken.setdefault(port, name)


def _missing(settings: "Settings") -> Iterator[tuple[str, str]]:
    for name, meaning in REQUIRED.items():
        value = getattr(settings, name.lower())
        if not (value.get_secret_value() if hasattr(value, "get_secret_value") else value):
            yield name, f"{name} is missing: {meaning}."


def _proofs(settings: "Settings") -> Iterator[tuple[str, str]]:
    values = [getattr(settings, name.lower()) for name in PROOFS]
    given = [name for name, value in zip(PROOFS, values, strict=True) if value and str(value)]
    if not given:
        yield PROOFS[0], f"{PROOFS[0]} is missing: give it, or {PROOFS[1]} (a PEM file) or {PROOFS[2]} instead."
    if len(given) > 1:
        yield given[1], f"{' and '.join(given)} are both given: keep one of them."


def _short_key(settings: "Settings") -> Iterator[tuple[str, str]]:
    if 0 < len(settings.audit_key.get_secret_value()) < AUDIT_KEY_LENGTH:
        yield "AUDIT_KEY", f"AUDIT_KEY is too short: it needs at least {AUDIT_KEY_LENGTH} characters."


def _plain_heartbeat(settings: "Settings") -> Iterator[tuple[str, str]]:
    if settings.heartbeat_url.get_secret_value().startswith("http://"):
        yield "HEARTBEAT_URL", "HEARTBEAT_URL must begin with https://: what listens must be outside of this machine."


def _malformed_ids(settings: "Settings") -> Iterator[tuple[str, str]]:
    for name in IDS:
        value = getattr(settings, name.lower())
        ids = [value.lower()] if isinstance(value, str) else value
        if not all(_GUID.fullmatch(one) for one in ids if one):
            yield name, f"{name} must hold Entra ids, which look like 1b4e28ba-2fa1-4d2e-883f-0016d3cca427."
