"""One typed, frozen object made of environment variables; what is missing or bad is reported all at once.

`load("run", environ)` has a default for everything and serves the simulated company only. `load("serve", environ)` is
production: it refuses to start half configured.
"""

import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bot import demo
from bot.auth import PUBLIC_LOGIN, Certificate, Credential, Secret, managed_identity
from bot.defender.http import PUBLIC_URL as PUBLIC_DEFENDER
from bot.graph.http import PUBLIC_URL as PUBLIC_GRAPH
from bot.settings_checks import Words, development_problems, production_problems, slips
from bot.settings_types import (
    ConnectorHosts,
    Days,
    GraphUrl,
    Guids,
    Host,
    Pem,
    Port,
    RecordDays,
    RedisUrl,
    Seconds,
    SecretUrl,
    SimulatedPlan,
    Text,
    Url,
    YesNo,
)
from bot.teams.service_urls import TEAMS_HOSTS
from bot.teams.signing_keys import OPENID_URL

Mode = Literal["run", "serve"]
AUDIT_KEY_FILE = "audit.key"


class SettingsError(Exception):
    """The settings cannot be used. `lines` are sentences, each about one variable; no value of a secret is in them."""

    def __init__(self, lines: Collection[str]) -> None:
        self.lines = tuple(lines)
        several = "These settings need your attention:\n  " + "\n  ".join(self.lines)
        super().__init__(self.lines[0] if len(self.lines) == 1 else several)


class Settings(BaseSettings):
    """Every setting under the name of its variable in lower case. Secrets are SecretStr and stay out of `repr`.

    `development` is true for `run`: simulated customers, and every URL on this machine. `anonymous` says that requests
    come without a token, as the Playground sends them; giving `run` an APP_ID turns that off.
    `app_certificate` is the PEM text of the file that APP_CERTIFICATE names.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, validate_default=False)

    development: bool = False
    anonymous: bool = False
    port: Port = 3978
    simulator_port: Port = 3979
    playground_port: Port = 56150
    playground: YesNo = True
    simulated_plan: SimulatedPlan = "premium"
    data_dir: Path = Path(".data")
    redis_url: RedisUrl = None
    login_url: Url = PUBLIC_LOGIN
    graph_url: GraphUrl = PUBLIC_GRAPH
    defender_url: Url = PUBLIC_DEFENDER
    app_id: Text = ""
    app_tenant_id: Text = ""
    app_secret: SecretStr = SecretStr("")
    app_certificate: Pem = SecretStr("")
    managed_identity_client_id: Text = ""
    bot_openid_url: Url = OPENID_URL
    allowed_tenants: Guids = frozenset()
    allowed_service_urls: ConnectorHosts = frozenset(TEAMS_HOSTS)
    roles_reader: Guids = frozenset()
    roles_operator: Guids = frozenset()
    roles_approver: Guids = frozenset()
    roles_admin: Guids = frozenset()
    audit_key: SecretStr = SecretStr("")
    metrics_host: Host = "127.0.0.1"
    metrics_port: Port = 9464
    poll_seconds: Seconds = 30.0
    four_eyes: YesNo = True
    policy_file: Text = ""
    heartbeat_url: SecretUrl = SecretStr("")
    audit_days: Days = 400
    record_days: RecordDays = 180

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings hands in all its sources
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings hands in all its sources
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings hands in all its sources
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables are handed in by `load`; beside them only files of SECRETS_DIR count."""
        return init_settings, file_secret_settings

    @property
    def host(self) -> str:
        """The address to listen on: this machine only in development, every one in a container."""
        return "127.0.0.1" if self.development else "0.0.0.0"  # noqa: S104 - a container's port must be reachable

    def credential(self) -> Credential:
        """How the app proves itself to Microsoft; `load` saw to it that exactly one way is given."""
        if self.app_certificate.get_secret_value():
            return Certificate(pem=self.app_certificate.get_secret_value())
        if self.managed_identity_client_id:
            return managed_identity(self.managed_identity_client_id)
        return Secret(self.app_secret.get_secret_value())


def load(mode: Mode, environ: Mapping[str, str]) -> Settings:
    """The settings for `run` or `serve`. Raises SettingsError with a line for each missing, bad or misspelt variable.

    In `run` the key of the audit trail is made once and kept in DATA_DIR, readable by its owner only.
    """
    settings, lines = examined(mode, environ)
    if lines:
        raise SettingsError(lines)
    return _with_audit_key(settings) if mode == "run" else settings


def examined(mode: Mode, environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """The settings as far as they can be used (a bad one has its default), and a line for each that is not right."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    values: dict[str, Any] = {name.lower(): value for name, value in (_defaults(mode, given) | given).items()}
    values |= {"development": mode == "run", "anonymous": mode == "run" and "APP_ID" not in given}
    folder, lines = _secrets_dir(mode, given)
    settings, bad = _build(values, folder)
    lines += [line for name, line in bad.items()]
    found = development_problems(settings) if mode == "run" else production_problems(settings)
    lines += [words for name, words in found if name not in bad]
    lines += slips(given, {name.upper() for name in Settings.model_fields} | {"SECRETS_DIR"})
    return settings, lines


def load_part(environ: Mapping[str, str], needed: Collection[str]) -> Settings:
    """The settings for a tool that needs only those variables; nothing else is judged. Raises SettingsError."""
    given = {name: value.strip() for name, value in environ.items() if value.strip()}
    folder, lines = _secrets_dir("serve", given)
    settings, bad = _build({name.lower(): value for name, value in given.items()}, folder)
    lines += [line for name, line in bad.items() if name in needed]
    lines += [words for name, words in production_problems(settings) if name in needed and name not in bad]
    if lines:
        raise SettingsError(lines)
    return settings


def _defaults(mode: Mode, given: Mapping[str, str]) -> dict[str, str]:
    if mode == "serve":
        return {}
    simulator = f"http://127.0.0.1:{given.get('SIMULATOR_PORT', Settings.model_fields['simulator_port'].default)}"
    own_proof = {"APP_SECRET", "APP_CERTIFICATE", "MANAGED_IDENTITY_CLIENT_ID"} & given.keys()
    proof = {} if own_proof else {"APP_SECRET": demo.APP_SECRET}
    return proof | {
        "LOGIN_URL": simulator,
        "GRAPH_URL": simulator,
        "DEFENDER_URL": simulator,
        "APP_ID": demo.APP_ID,
        "APP_TENANT_ID": demo.TENANT,
        "ALLOWED_TENANTS": demo.TENANT,
        "ALLOWED_SERVICE_URLS": "http://localhost",
        "POLL_SECONDS": "5",
        **demo.GROUPS,
    }


def _secrets_dir(mode: Mode, given: Mapping[str, str]) -> tuple[str | None, list[str]]:
    folder = given.get("SECRETS_DIR") if mode == "serve" else None
    if folder and not Path(folder).is_dir():
        return None, ["SECRETS_DIR is not a folder: it holds one file for each secret, such as audit_key."]
    return folder, []


def _build(values: Mapping[str, Any], secrets_dir: str | None) -> tuple[Settings, Words]:
    """The settings, and a line for each bad variable; a bad one has its default, so that the rest can be checked."""
    try:
        return Settings(_secrets_dir=secrets_dir, **values), {}
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False, include_input=False)
    reasons = {str(error["loc"][0]): error.get("ctx", {}).get("error", error["msg"]) for error in errors}
    defaults = {name: Settings.model_fields[name].default for name in reasons}
    bad = {name.upper(): f"{name.upper()} {reason}." for name, reason in reasons.items()}
    return Settings(_secrets_dir=secrets_dir, **(dict(values) | defaults)), bad


def _with_audit_key(settings: Settings) -> Settings:
    if settings.audit_key.get_secret_value():
        return settings
    try:
        key = _kept_key(settings.data_dir / AUDIT_KEY_FILE)
    except OSError as failure:
        raise SettingsError(
            [f"DATA_DIR cannot be used ({failure.strerror}): name a folder that you may write to."]
        ) from None
    return settings.model_copy(update={"audit_key": SecretStr(key)})


def _kept_key(path: Path) -> str:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        key = secrets.token_hex(32)
        file.write(key)
    return key
