"""What an address points to. A leaf; httpx parses it, which also sends, so that there is no second opinion."""

import functools
import ipaddress

import httpx


@functools.lru_cache(maxsize=256)  # the same few in every turn
def parts(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; all empty for what is no plain base address (a user name, a query, a fragment)."""
    try:
        parsed = httpx.URL(url)
        found = parsed.scheme, parsed.host, parsed.port
    except (httpx.InvalidURL, ValueError):  # an odd host only fails when it is asked for
        return "", "", None
    return ("", "", None) if parsed.userinfo or parsed.query or parsed.fragment else found


@functools.lru_cache(maxsize=256)
def is_loopback(url: str) -> bool:
    """Whether an http or https URL points to this very machine, by the name `localhost` or by address."""
    scheme, host, _ = parts(url)
    return scheme in {"http", "https"} and is_own_host(host)


def is_own_host(host: str) -> bool:
    """Whether the host is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
