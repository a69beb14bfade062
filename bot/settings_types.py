"""What a variable may hold. Each check raises ValueError with the end of a sentence that begins with the name."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BeforeValidator, SecretStr
from pydantic_settings import NoDecode

from bot.addresses import is_loopback
from bot.state.address import read_address

_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _number(kind: Callable[[str], float], low: float, high: float, words: str) -> BeforeValidator:
    def check(value: Any) -> float:
        try:
            number = kind(str(value))
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"must be {words}")
        return number

    return BeforeValidator(check)


def _yes_no(value: Any) -> bool:
    known = _WORDS.get(str(value).lower())
    if known is None:
        raise ValueError("must be 1 or 0 (or true, false, yes, no, on, off)")
    return known


def _url(value: Any) -> str:
    address = str(value).rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None or "\\" in address:
        raise ValueError("must be a web address such as https://host/path, without a user name")
    if parts.scheme == "http" and not is_loopback(address):
        raise ValueError("must begin with https:// (http:// is for this machine alone)")
    return address


def _graph_url(value: Any) -> str:
    address = _url(value)
    return address if urlsplit(address).path else f"{address}/v1.0"


def _redis_url(value: Any) -> SecretStr | None:
    if value is None or isinstance(value, SecretStr):
        return value
    read_address(str(value))
    return SecretStr(str(value))


def _secret_url(value: Any) -> SecretStr:
    """A web address whose path or query may hold a token: no message repeats it."""
    if isinstance(value, SecretStr):
        return value
    address = str(value).strip()
    if not address:
        return SecretStr("")
    place = urlsplit(address)
    if place.scheme not in {"http", "https"} or not place.hostname or place.username is not None or "\\" in address:
        raise ValueError("must be a web address such as https://host/path, without a user name")
    if place.scheme == "http" and not is_loopback(f"http://{place.netloc}"):
        raise ValueError("must begin with https:// (http:// is for this machine alone)")
    return SecretStr(address)


def _list(value: Any) -> frozenset[str]:
    return (
        value if isinstance(value, frozenset) else frozenset(part.strip() for part in value.split(",") if part.strip())
    )


def _guids(value: Any) -> frozenset[str]:
    return frozenset(part.lower() for part in _list(value))


def _connector_hosts(value: Any) -> frozenset[str]:
    hosts = {urlsplit(part if "://" in part else f"https://{part}").hostname for part in _list(value)}
    if None in hosts or not hosts:
        raise ValueError("must be a list of web addresses or host names, separated by commas")
    return frozenset(host for host in hosts if host)


def _pem(value: Any) -> SecretStr:
    """The text of the PEM file of that name. It must hold a private key and the certificate that belongs to it."""
    if isinstance(value, SecretStr):
        return value
    try:
        text = Path(str(value)).read_bytes()
        key = load_pem_private_key(text, password=None)
        certificate = x509.load_pem_x509_certificate(text)
    except OSError:
        raise ValueError("names a file that cannot be read") from None
    except (ValueError, TypeError):
        raise ValueError(
            "must name a PEM file that holds a private key without a password and its certificate"
        ) from None
    if key.public_key() != certificate.public_key():
        raise ValueError("names a file whose certificate does not belong to its private key")
    return SecretStr(text.decode())


def _plan(value: Any) -> str:
    """One of the profiles of the simulated company."""
    if (word := str(value).strip().casefold()) not in {"business", "premium", "plan2"}:
        raise ValueError("must be business, premium or plan2")
    return word


SimulatedPlan = Annotated[str, BeforeValidator(_plan)]
Port = Annotated[int, _number(int, 1, 65535, "a whole number from 1 to 65535")]
RecordDays = Annotated[int, _number(int, 30, 36_500, "a whole number of days, at least 30")]
Days = Annotated[int, _number(int, 0, 36_500, "a whole number of days, 0 to keep everything")]
SecretUrl = Annotated[SecretStr, BeforeValidator(_secret_url)]
Seconds = Annotated[float, _number(float, 1, 3600, "a number of seconds from 1 to 3600")]
YesNo = Annotated[bool, BeforeValidator(_yes_no)]
Text = Annotated[str, BeforeValidator(str)]
Host = Annotated[str, BeforeValidator(str)]
Url = Annotated[str, BeforeValidator(_url)]
GraphUrl = Annotated[str, BeforeValidator(_graph_url)]
RedisUrl = Annotated[SecretStr | None, BeforeValidator(_redis_url)]
Guids = Annotated[frozenset[str], NoDecode, BeforeValidator(_guids)]
ConnectorHosts = Annotated[frozenset[str], NoDecode, BeforeValidator(_connector_hosts)]
Pem = Annotated[SecretStr, BeforeValidator(_pem)]
