"""What an indicator can be about, read from what a person typed or pasted, and written so that nobody clicks on it.

A hash, certificate, IP address, domain or URL; the defanged spellings of the trade (`hxxp://bad[.]example`) are
understood, and are how an address is shown. Pure.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit, urlunsplit

from bot.defender.indicators.models import IndicatorType
from bot.errors import UsageError

LONGEST = 400
"""A card shows as much of it, so that nobody decides about what is not seen."""
CERTIFICATE = "cert:"
"""What stands before a certificate's thumbprint, which looks like a SHA-1 otherwise."""
HASHES: dict[int, IndicatorType] = {64: "FileSha256", 40: "FileSha1", 32: "FileMd5"}
FILES = frozenset(HASHES.values())
WEB = frozenset({"DomainName", "Url"})
_REFANGED = (
    (re.compile(r"^h(?:xx|tt|\*\*)p(s?)(?=[\[:(])", re.IGNORECASE), r"http\1"),
    (re.compile(r"\[://\]"), "://"),
    (re.compile(r"\[:\]"), ":"),
    (re.compile(r"\[/\]"), "/"),
    (re.compile(r"\[\.\]|\(\.\)|\{\.\}|[\[({]dot[\])}]", re.IGNORECASE), "."),
)
_WRAPS = {"<": ">", '"': '"', "'": "'", "`": "`"}
_HEX = re.compile(r"[0-9a-f]+", re.IGNORECASE | re.ASCII)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_LEAST_HEX = 24
"""From so many hexadecimal digits on, a word is a hash that lost or gained some, rather than a name."""
_LONGEST_NAME = 253
_FILE_ENDING = re.compile(
    r"bat|bin|cmd|dll|docm?|docx|dmp|exe|hta|img|iso|jar|jse?|lnk|msi|pdf|psm?1|reg|scr|sys|tmp|vb[es]|wsf|xls[mx]?"
)
"""Endings of file names that are no top-level domains."""
_NEVER_ROUTED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
        "::/127",
        "fc00::/7",
        "fe80::/10",
        "ff00::/8",
    )
)
"""Networks inside a company, of the device itself or of no single device; those for documentation do not count."""


@dataclass(frozen=True)
class Value:
    """What an indicator is about; `text` is as the service is told."""

    type: IndicatorType
    text: str

    @property
    def id(self) -> str:
        """The one spelling that `recognise` takes for exactly this."""
        return f"{CERTIFICATE}{self.text}" if self.type == "CertificateThumbprint" else self.text

    @property
    def shown(self) -> str:
        """The same for a card, where an address must not become a link."""
        return defanged(self.text) if self.type in WEB or self.type == "IpAddress" else self.id

    @property
    def host(self) -> str:
        """The domain or address that a domain or URL names; empty for others."""
        return (urlsplit(self.text).hostname or "") if self.type == "Url" else self.text if self.type in WEB else ""

    @property
    def address(self) -> str:
        """The IP address that it is, or that a URL names for its host; empty for others."""
        return self.text if self.type == "IpAddress" else self.host if _ip(self.host) else ""


def defanged(text: str) -> str:
    """An address that no client makes a link of."""
    scheme, mark, rest = text.partition("://")
    host, slash, path = (rest if mark else text).partition("/")
    safe = host.replace(".", "[.]") if "." in host else host
    begins = re.sub("^http", "hxxp", scheme) + mark if mark else ""
    return f"{begins}{safe}{slash}{path}"


def refanged(text: str) -> str:
    """What was typed, without the brackets around it and without what makes an address harmless."""
    text = text.strip()
    while len(text) > 1 and _WRAPS.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    for pattern, plain in _REFANGED:
        text = pattern.sub(plain, text)
    return text


def recognise(text: str) -> Value:
    """The value that a word is. Raises UsageError, which says what is wrong with it."""
    if len(text) > LONGEST:
        raise UsageError("error.indicator.too-long", most=LONGEST)
    word = refanged(text)
    for read in (_certificate, _hash, _url, _address, _domain):
        if found := read(word):
            return found
    raise UsageError("error.indicator.unknown", value=text[:100])


def _certificate(word: str) -> Value | None:
    if not word.casefold().startswith(CERTIFICATE):
        return None
    digits = re.sub(r"[:\s-]", "", word[len(CERTIFICATE) :])
    if len(digits) != 40 or not _HEX.fullmatch(digits):  # noqa: PLR2004 - a thumbprint is a SHA-1
        raise UsageError("error.indicator.thumbprint")
    return Value("CertificateThumbprint", digits.lower())


def _hash(word: str) -> Value | None:
    said, _, digits = word.rpartition(":")
    said = said.casefold().replace("-", "")
    if said not in {"", "sha1", "sha256", "md5"} or not _HEX.fullmatch(digits):
        return None
    if not said and len(digits) < _LEAST_HEX:
        return None
    found = HASHES.get(len(digits))
    if found is None or said not in {"", found.removeprefix("File").casefold()}:
        raise UsageError("error.indicator.hash-length", count=len(digits))
    return Value(found, digits.lower())


def _url(word: str) -> Value | None:
    if "://" not in word:
        return None
    try:
        parts = urlsplit(word)
        host, port = parts.hostname or "", parts.port
    except ValueError as bad:
        raise UsageError("error.indicator.url", value=word[:100]) from bad
    if parts.scheme not in {"http", "https"} or not host or " " in word or not word.isprintable():
        raise UsageError("error.indicator.url", value=word[:100])
    if parts.username is not None or parts.password is not None:
        raise UsageError("error.indicator.url-user")
    named = _ip(host) or _name(host)
    if named is None:
        raise UsageError("error.indicator.url", value=word[:100])
    where = f"[{named}]" if isinstance(named, IPv6Address) else str(named)
    place = where if port is None else f"{where}:{port}"
    return Value("Url", urlunsplit((parts.scheme, place, parts.path, parts.query, "")))


def _address(word: str) -> Value | None:
    if found := _ip(word):
        return Value("IpAddress", str(found))
    before, slash, size = word.partition("/")
    if slash and _ip(before) and size.isdigit():
        raise UsageError("error.indicator.cidr")
    before, colon, port = word.rpartition(":")
    if colon and port.isdigit() and isinstance(_ip(before), IPv4Address):
        raise UsageError("error.indicator.port")
    return None


def _ip(word: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(word.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        return None if found.scope_id else found.ipv4_mapped or found
    return found


def _domain(word: str) -> Value | None:
    if "/" in word and _name(word.partition("/")[0]):
        raise UsageError("error.indicator.no-scheme")
    if word.startswith("*."):
        raise UsageError("error.indicator.wildcard")
    if "." in word and _FILE_ENDING.fullmatch(word.rpartition(".")[2].casefold()):
        raise UsageError("error.indicator.file-name", value=word[:100])
    named = _name(word)
    return Value("DomainName", named) if named else None


def _name(word: str) -> str | None:
    """A domain's name in ASCII and small letters; None where it is none."""
    try:
        name = word.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = name.split(".")
    fits = len(labels) > 1 and len(name) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)
    return name if fits and not labels[-1].isdigit() else None


def inside(value: Value) -> bool:
    """Whether it is an address that only exists inside a company or a device: blocking it hits the own network."""
    found = _ip(value.host or value.text)
    return found is not None and any(found in network for network in _NEVER_ROUTED if network.version == found.version)


def covers(value: Value, domain: str) -> bool:
    """Whether the indicator is for the whole of a domain or for a part of it: a URL with a path is for neither."""
    domain = domain.casefold()
    if value.type not in WEB or (value.type == "Url" and urlsplit(value.text).path.strip("/")):
        return False
    return value.host == domain or value.host.endswith(f".{domain}") or domain.endswith(f".{value.host}")
