"""Which Connector URLs the bot believes in: the only ones it accepts in an activity and the only ones it sends to."""

from dataclasses import dataclass

import httpx

TEAMS_HOSTS = (
    "smba.trafficmanager.net",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, kw_only=True)
class ServiceUrls:
    """An allow-list of host names (https, default port); `loopback` allows this machine instead, for development."""

    hosts: frozenset[str]
    loopback: bool = False

    def allows(self, url: str) -> bool:
        """Whether the bot may send there."""
        if self.loopback:
            return is_loopback(url)
        scheme, host, port = _parts(url)
        return scheme == "https" and host in self.hosts and port in {None, 443}


def is_loopback(url: str) -> bool:
    """Whether an http or https URL points to this machine."""
    scheme, host, _ = _parts(url)
    return scheme in {"http", "https"} and host in _LOOPBACK


def _parts(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; all empty for what is no plain base address (a user name, a query, a fragment).

    Parsed by httpx, which also sends: so there is no second opinion about what the host is.
    """
    try:
        parsed = httpx.URL(url)
        parts = parsed.scheme, parsed.host, parsed.port
    except (httpx.InvalidURL, ValueError):  # an odd host only fails when it is asked for
        return "", "", None
    return ("", "", None) if parsed.userinfo or parsed.query or parsed.fragment else parts
