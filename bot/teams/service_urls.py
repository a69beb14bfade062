"""Which Connector URLs the bot believes in: the only ones it accepts in an activity and the only ones it sends to."""

from dataclasses import dataclass

from bot.addresses import is_loopback, parts

TEAMS_HOSTS = (
    "smba.trafficmanager.net",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
)


@dataclass(frozen=True, kw_only=True)
class ServiceUrls:
    """An allow-list of host names (https, default port); `loopback` allows this machine instead, for development."""

    hosts: frozenset[str]
    loopback: bool = False

    def allows(self, url: str) -> bool:
        """Whether the bot may send there."""
        if self.loopback:
            return is_loopback(url)
        scheme, host, port = parts(url)
        return scheme == "https" and host in self.hosts and port in {None, 443}
