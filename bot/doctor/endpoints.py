"""Whether the services are reached: who answers, how fast, with which TLS certificate, and what their clocks say."""

import asyncio
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from bot.auth import CONNECTOR_SCOPE
from bot.defender.http import EXPOSURE
from bot.doctor.findings import Finding, ok, problem, unknown, warning
from bot.doctor.login import login_finding
from bot.doctor.patient import Patient, all_of
from bot.errors import ServiceError
from bot.graph.http import SCORES
from bot.teams.signing_keys import KeysUnavailable, SigningKeys

SLOW = 3.0  # seconds
OFF, FAR_OFF = 60.0, 240.0  # seconds: Microsoft bears five minutes of difference
DEAF = "The bot cannot tell who speaks, so it answers nobody in Teams."
RUN = "Start `make run` in another terminal, then ask again."


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An address that is asked, without a token, whether anybody is there."""

    id: str
    name: str
    url: str

    @property
    def host(self) -> str:
        """The host, with a port that is not the usual one."""
        return httpx.URL(self.url).netloc.decode()


def endpoints(patient: Patient) -> Iterator[Endpoint]:
    """What the bot speaks to. The Connector's addresses come with each conversation and are not asked."""
    settings = patient.settings
    document = f"{settings.login_url}/{settings.app_tenant_id or 'common'}/v2.0/.well-known/openid-configuration"
    yield Endpoint(id="login", name="Microsoft's sign-in", url=document)
    yield Endpoint(id="graph", name="Microsoft Graph", url=settings.graph_url + SCORES.path)
    yield Endpoint(id="defender", name="Defender", url=settings.defender_url + EXPOSURE.path)


async def service_findings(patient: Patient) -> list[Finding]:
    """A line for each service, and for what Teams needs."""
    checks = [_reached(patient, one) for one in endpoints(patient)]
    return await all_of("services", [*checks, _teams(patient), _connector(patient)])


async def _reached(patient: Patient, endpoint: Endpoint) -> list[Finding]:
    began = time.monotonic()
    try:
        async with asyncio.timeout(patient.limit):
            answer = await patient.http.get(endpoint.url, auth=None, timeout=patient.limit)
    except (httpx.HTTPError, OSError) as error:  # a TimeoutError is an OSError
        return [_unreached(patient, endpoint, _why(error, patient.limit))]
    took = time.monotonic() - began
    _note_clock(patient, endpoint, answer, took)
    return [_answered(endpoint, answer, took)]


def _unreached(patient: Patient, endpoint: Endpoint, why: str) -> Finding:
    return problem(
        f"services.{endpoint.id}",
        f"{_capital(endpoint.name)} ({endpoint.host}) {why}.",
        means="Whatever the bot wants of it fails until it is reached.",
        do=RUN if patient.settings.development else f"Check DNS, firewall, proxy: HTTPS to {endpoint.host} must pass.",
        facts={"host": endpoint.host},
    )


def _why(error: BaseException, limit: float) -> str:
    """What stood in the way. The text of an error is not told, but for why a certificate was refused."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"shows a TLS certificate that cannot be believed ({seen.verify_message})"
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        return f"gives no answer within {limit:.0f} s"
    return f"cannot be reached ({type(error).__name__})"


def _answered(endpoint: Endpoint, answer: httpx.Response, took: float) -> Finding:
    key, until = f"services.{endpoint.id}", _tls_until(answer)
    facts = {
        "host": endpoint.host,
        "status": answer.status_code,
        "ms": round(took * 1000),
        "tls_until": until.isoformat() if until else None,
    }
    says = f"{_capital(endpoint.name)} ({endpoint.host}) answers in {facts['ms']} ms"
    if answer.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        do = "Put the proxy's user and password into HTTPS_PROXY."
        return problem(key, f"A proxy stands before {endpoint.host} and wants a password.", do=do, facts=facts)
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        means, do = "It is in trouble. The bot tries again by itself.", "Look at the service health of Microsoft 365."
        return warning(key, f"{says}, but with error {answer.status_code}.", means=means, do=do, facts=facts)
    if until:
        says += f"; its TLS certificate is good until {until:%Y-%m-%d}"
    if took > SLOW:
        return warning(key, f"{says}. That is slow.", means="Cards come late.", facts=facts)
    return ok(key, f"{says}.", facts=facts)


def _tls_until(answer: httpx.Response) -> datetime | None:
    """The end of the certificate that the service showed; None without TLS."""
    stream = answer.extensions.get("network_stream")
    shown = stream.get_extra_info("ssl_object") if stream else None
    ends = (shown.getpeercert() or {}).get("notAfter") if shown else None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None


def _note_clock(patient: Patient, endpoint: Endpoint, answer: httpx.Response, took: float) -> None:
    """How far our clock is behind the service's, as its `Date` says; that header counts whole seconds."""
    with suppress(ValueError):
        said = parsedate_to_datetime(answer.headers.get("Date", ""))
        theirs = said.replace(tzinfo=said.tzinfo or UTC).timestamp() + 0.5
        patient.behind[endpoint.name] = theirs - (patient.clock.now().timestamp() - took / 2)


def clock_finding(patient: Patient) -> Finding:
    """Whether our clock is right, by those of everybody who was asked."""
    if not patient.behind:
        return unknown("services.clock", "Whether this machine's clock is right is not known: nobody told the time.")
    behind = max(patient.behind.values(), key=abs)
    facts = {"behind_seconds": {who: round(seconds, 1) for who, seconds in sorted(patient.behind.items())}}
    if abs(behind) <= OFF:
        return ok("services.clock", f"This machine's clock agrees with {_and(patient.behind)}.", facts=facts)
    others = _and([who for who, seconds in patient.behind.items() if abs(seconds) > OFF])
    says = f"This machine's clock is {abs(behind):.0f} s {'behind' if behind > 0 else 'ahead of'} {others}."
    do = "Switch time synchronisation on (NTP, chrony), or find out which of the two is wrong."
    if abs(behind) <= FAR_OFF:
        return warning("services.clock", says, means="From five minutes on, tokens are refused.", do=do, facts=facts)
    means = "Tokens are refused in both directions, and requests run out at the wrong time."
    return problem("services.clock", says, means=means, do=do, facts=facts)


async def _teams(patient: Patient) -> list[Finding]:
    """Whether the keys can be fetched with which Teams signs its requests."""
    settings, key = patient.settings, "services.keys"
    if settings.anonymous:
        return [ok(key, "Requests come without a token, as the Playground sends them. Only `run` takes them.")]
    (reached,) = await _reached(patient, Endpoint(id="bot-login", name="Teams' sign-in", url=settings.bot_openid_url))
    if reached.outcome == "problem":
        return [replace(reached, means=DEAF)]
    keys = SigningKeys(patient.http, settings.bot_openid_url, patient.clock, timeout=patient.limit)
    try:
        await keys.find("")
    except KeysUnavailable:
        do = "See what stands at BOT_OPENID_URL, and whether something on the way changes the answers."
        return [reached, problem(key, "The keys that prove Teams' requests are not there.", means=DEAF, do=do)]
    finally:
        await keys.close()
    return [reached, ok(key, "The keys that prove Teams' requests can be fetched.")]


async def _connector(patient: Patient) -> list[Finding]:
    """Whether there is a token for sending to Teams. Where to send only a conversation says."""
    settings, key = patient.settings, "services.connector"
    if settings.anonymous:
        return []
    try:
        await patient.token(settings.app_tenant_id, CONNECTOR_SCOPE)
    except ServiceError as error:
        return [login_finding(key, error, patient.settings, settings.app_tenant_id, "Nothing can be sent to Teams.")]
    says = "There is a token for sending to Teams. Where to send, each conversation says: that is not tried."
    return [ok(key, says)]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _and(names: Collection[str]) -> str:
    *some, last = sorted(names)
    return f"{', '.join(some)} and {last}" if some else last
