"""Where Redis is: one server, a master that Sentinels know, or a cluster. A leaf.

    redis://:password@host:6379/0                                       one server; rediss:// with TLS; unix:///path
    redis+sentinel://:password@host1:26379,host2:26379/mymaster/0       its master, as the Sentinels name it
    redis+cluster://:password@host:6379                                 a cluster, by one of its nodes

rediss+sentinel:// and rediss+cluster:// are the same with TLS. The Sentinels' own name and password are
`?sentinel_username=...&sentinel_password=...`. docket (bot/jobs.py) takes the same addresses.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

SCHEMES = {
    "redis": "one",
    "rediss": "one",
    "unix": "one",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
SENTINEL_PORT = 26379
_NUMBER = re.compile(r"(/\d*)?")
_SENTINEL_OPTIONS = {"sentinel_username", "sentinel_password"}
_FORMS = {
    "one": "must look like redis://:password@host:6379/0, with / # ? @ in the password as %2F %23 %3F %40",
    "sentinel": "must look like redis+sentinel://:password@host1:26379,host2:26379/mymaster/0, "
    "with / # ? @ in the password as %2F %23 %3F %40",
    "cluster": "must look like redis+cluster://:password@host:6379, without a database (a cluster has one only), "
    "and the password needs to be of letters, digits and - . _ ~ (docket takes it as it is written)",
}


@dataclass(frozen=True, kw_only=True)
class Address:
    """An address read. `plain` is what redis-py takes for one server or one node of a cluster.

    The rest is for Sentinels: where they are, under which name they know the master, and how to speak to both.
    """

    kind: Literal["one", "sentinel", "cluster"]
    plain: str
    tls: bool = False
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""
    database: int = 0
    username: str | None = None
    password: str | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = None


def read_address(url: str) -> Address:
    """Read an address. Raises ValueError with the end of a sentence that begins with the setting's name."""
    scheme, _, rest = url.partition("://")
    kind = SCHEMES.get(scheme)
    if kind is None:
        raise ValueError("must begin with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
    try:
        found = _READERS[kind](url, scheme, rest)
    except ValueError:  # a port that is none, or a password with a sign that ends the host's part
        found = None
    if found is None:
        raise ValueError(_FORMS[kind])
    return found


def _one(url: str, scheme: str, _rest: str) -> Address | None:
    parts = urlsplit(url)
    fits = scheme == "unix" or (parts.hostname and parts.port != 0 and _NUMBER.fullmatch(parts.path))
    return Address(kind="one", plain=url, tls=scheme == "rediss") if fits else None


def _cluster(_url: str, scheme: str, rest: str) -> Address | None:
    plain = f"{scheme.partition('+')[0]}://{rest}"
    parts = urlsplit(plain)
    fits = parts.hostname and parts.port != 0 and not set(",%") & set(parts.netloc) and parts.path in ("", "/", "/0")
    return Address(kind="cluster", plain=plain, tls=scheme.startswith("rediss")) if fits else None


def _sentinel(_url: str, scheme: str, rest: str) -> Address | None:
    netloc, _, tail = rest.partition("/")
    login, _, hosts = netloc.rpartition("@")
    path, _, query = tail.partition("?")
    service, _, database = path.partition("/")
    members = tuple(_member(host) for host in hosts.split(","))
    options = parse_qs(query, keep_blank_values=True)
    name, _, password = login.partition(":")
    if not service or "#" in tail or not (database or "0").isdigit() or not options.keys() <= _SENTINEL_OPTIONS:
        return None
    return Address(
        kind="sentinel",
        plain="",
        tls=scheme.startswith("rediss"),
        sentinels=members,
        service=unquote(service),
        database=int(database or 0),
        username=unquote(name) or None,
        password=unquote(password) or None,
        sentinel_username=options.get("sentinel_username", [""])[0] or None,
        sentinel_password=options.get("sentinel_password", [""])[0] or None,
    )


def _member(host: str) -> tuple[str, int]:
    """One Sentinel's host and port. Raises ValueError."""
    parts = urlsplit(f"//{host}")
    if not parts.hostname or parts.port == 0:
        raise ValueError("no host")
    return parts.hostname, parts.port or SENTINEL_PORT


_READERS = {"one": _one, "sentinel": _sentinel, "cluster": _cluster}
