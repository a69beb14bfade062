"""Access tokens of the simulated login, and the RS256 keys the Bot Connector signs with."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bot.clock import Clock

GRAPH = "https://graph.microsoft.com"
DEFENDER = "https://api.securitycenter.microsoft.com"
CONNECTOR = "https://api.botframework.com"
BOT_ISSUER = "https://api.botframework.com"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who calls, read from a token: an app in a tenant with the permissions granted when the token was issued."""

    app: str
    tenant: str
    audience: str
    roles: frozenset[str]


class AccessTokens:
    """Issues and reads access tokens. `life` is in seconds."""

    def __init__(self, clock: Clock, life: int = 3599) -> None:
        self.life = life
        self._clock = clock
        self._key = secrets.token_hex(32)

    def issue(self, caller: Caller) -> str:
        """A token for the caller."""
        now = self._clock.now()
        claims = {
            "aud": caller.audience,
            "iss": f"https://sts.windows.net/{caller.tenant}/",
            "tid": caller.tenant,
            "appid": caller.app,
            "idtyp": "app",
            "roles": sorted(caller.roles),
            "iat": now.timestamp(),
            "nbf": now.timestamp(),
            "exp": (now + timedelta(seconds=self.life)).timestamp(),
            "uti": secrets.token_urlsafe(12),
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    def read(self, header: str, audience: str) -> Caller | None:
        """The caller an Authorization header names; None where it is missing, foreign, expired or for another API."""
        scheme, _, token = header.partition(" ")
        if scheme.casefold() != "bearer":
            return None
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], options=options)
        except jwt.InvalidTokenError:
            return None
        expired = claims["exp"] <= self._clock.now().timestamp()
        if expired or claims["aud"] != audience:
            return None
        roles = frozenset(str(role) for role in claims["roles"])
        return Caller(app=claims["appid"], tenant=claims["tid"], audience=audience, roles=roles)

    def revoke(self) -> None:
        """Let every token issued so far be refused."""
        self._key = secrets.token_hex(32)


@dataclass
class _Key:
    id: str
    private: rsa.RSAPrivateKey = field(repr=False)
    endorsements: list[str] = field(default_factory=lambda: ["msteams"])

    def public(self) -> dict[str, Any]:
        """As the key list shows it."""
        shown: dict[str, Any] = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        shown.pop("key_ops", None)
        return {**shown, "use": "sig", "kid": self.id, "x5t": self.id, "endorsements": self.endorsements}


class Signer:
    """Signs what the Connector sends to the bot. Keys are made at first use, because making one takes a while."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keys: list[_Key] = []
        self._foreign: _Key | None = None

    def _current(self) -> _Key:
        if not self._keys:
            self._keys.append(_new_key())
        return self._keys[-1]

    def published(self) -> list[dict[str, Any]]:
        """The public keys, as `/v1/.well-known/keys` lists them."""
        self._current()
        return [key.public() for key in self._keys]

    def rotate(self, *, keep_old: bool = True, endorsements: list[str] | None = None) -> str:
        """Sign with a new key from now on; its id. The old keys stay published unless told otherwise."""
        if not keep_old:
            self._keys.clear()
        self._keys.append(_new_key())
        if endorsements is not None:
            self._keys[-1].endorsements = endorsements
        return self._keys[-1].id

    def sign(
        self,
        audience: str,
        service_url: str,
        *,
        claims: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
        foreign: bool = False,
    ) -> str:
        """A token as Teams sends it: `claims` and `headers` replace the true ones; a value of None leaves one out.

        `foreign` signs with a key that is not published (under the id of the one that is).
        """
        now = self._clock.now()
        body: dict[str, Any] = {
            "iss": BOT_ISSUER,
            "aud": audience,
            "serviceurl": service_url,
            "nbf": int(now.timestamp()) - 60,
            "exp": int(now.timestamp()) + 3600,
        } | dict(claims or {})
        body = {name: value for name, value in body.items() if value is not None}
        current = self._current()
        if foreign:
            self._foreign = self._foreign or _new_key()
        key = self._foreign.private if foreign and self._foreign else current.private
        return jwt.encode(body, key, algorithm="RS256", headers={"kid": current.id, **(headers or {})})


def _new_key() -> _Key:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _Key(secrets.token_urlsafe(20), private)
