"""What the settings say: what is configured, who may do what, and how the bot proves itself."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from cryptography import x509

from bot.addresses import is_loopback
from bot.auth import PUBLIC_LOGIN
from bot.doctor.findings import Finding, Outcome, ok, problem, unknown, warning
from bot.settings import Settings

SOON = timedelta(days=30)
SECRETS_PAGE = "Entra admin center > App registrations > the bot's app > Certificates & secrets"
ROLES = ("reader", "operator", "approver", "admin")


def settings_findings(settings: Settings, complaints: Sequence[str]) -> Iterator[Finding]:
    """What is missing or bad, each variable on a line of its own, then what is there. No secret's value is said."""
    named = [(line.partition(" ")[0], line) for line in complaints]
    yield from (problem(f"settings.{name}", line) for name, line in named[:-1])
    for name, line in named[-1:]:
        many = f"these {len(named)} are" if len(named) > 1 else "this is"
        means = f"`serve` does not start before {many} mended."
        yield problem(f"settings.{name}", line, means=means, do="The README lists all settings. Then ask again.")
    if settings.app_id and settings.app_tenant_id:
        says = f"App {settings.app_id}, registered in tenant {settings.app_tenant_id}."
        yield ok("settings.app", says)
    if settings.allowed_tenants:
        count = len(settings.allowed_tenants)
        says = f"{count} customer{'s' if count > 1 else ''}: the bot answers people of, and reads, {_these(count)}."
        yield ok("settings.customers", says, facts={"customers": count})
    if settings.login_url != PUBLIC_LOGIN and not is_loopback(settings.login_url):
        yield warning(
            "settings.cloud",
            "LOGIN_URL is not Microsoft's public cloud.",
            means="The bot asks for tokens of the public cloud only; other clouds refuse that.",
            do="Leave LOGIN_URL out, unless a gateway of yours stands there.",
        )
    yield from _roles(settings, {name for name, _ in named})


def _these(count: int) -> str:
    return "those tenants" if count > 1 else "that tenant"


def _roles(settings: Settings, bad: Collection[str]) -> Iterator[Finding]:
    held = {role: len(getattr(settings, f"roles_{role}")) for role in ROLES}
    counts = ", ".join(f"{role} {number}" for role, number in held.items())
    says = f"Ids of people or groups for each role: {counts}. A higher role includes the lower ones."
    yield ok("settings.roles", says, facts=held)
    if not held["approver"] + held["admin"] and "ROLES_APPROVER" not in bad:
        yield problem(
            "settings.roles.approver",
            "Nobody may approve.",
            means="Every request that needs a decision runs out.",
            do="Put the ids of approvers, or of their group, into ROLES_APPROVER.",
        )
    if not held["admin"]:
        yield warning(
            "settings.roles.admin",
            "Nobody is an admin.",
            means="Nobody can subscribe a conversation, so that it gets incidents and requests.",
            do="Put at least one id into ROLES_ADMIN.",
        )
    if not settings.four_eyes:
        yield warning(
            "settings.four-eyes",
            "FOUR_EYES=0: people may approve their own requests.",
            means="One stolen account is enough to isolate every device. The audit says so at each request.",
            do="Set FOUR_EYES=1 as soon as two people can decide.",
        )


def identity_findings(settings: Settings, now: datetime) -> Iterator[Finding]:
    """How the app proves itself to Microsoft, and until when that holds."""
    if pem := settings.app_certificate.get_secret_value():
        yield _certificate(x509.load_pem_x509_certificate(pem.encode()), now)
    elif settings.managed_identity_client_id:
        says = (
            f"A managed identity proves the app ({settings.managed_identity_client_id}). It has no end and no secret."
        )
        yield ok("identity.proof", says)
    elif settings.app_secret.get_secret_value():
        yield from _secret(settings)


def _certificate(certificate: x509.Certificate, now: datetime) -> Finding:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    left = ends - now
    outcome, means = _judged(begins, left, now)
    return Finding(
        id="identity.proof",
        outcome=outcome,
        says=f"A certificate proves the app, valid until {ends:%Y-%m-%d %H:%M} UTC ({_days(left)}).",
        means=means,
        do="" if outcome == "ok" else f"Upload a new one: {SECRETS_PAGE} > Certificates; then renew APP_CERTIFICATE.",
        facts={"ends": ends.isoformat(), "days": left.days},
    )


def _judged(begins: datetime, left: timedelta, now: datetime) -> tuple[Outcome, str]:
    if left <= timedelta(0):
        return "problem", "It is over: Microsoft gives no tokens for it, and nothing works."
    if begins > now:
        return "problem", f"It is not valid before {begins:%Y-%m-%d %H:%M} UTC: until then nothing works."
    if left < SOON:
        return "warning", "After that day Microsoft gives no tokens, and nothing works."
    return "ok", ""


def _days(left: timedelta) -> str:
    return f"{left.days} days left" if left > timedelta(0) else f"over for {-left.days} days"


def _secret(settings: Settings) -> Iterator[Finding]:
    if settings.development:
        says = "A client secret that opens nothing but the simulator."
        yield ok("identity.proof", says)
        return
    yield warning(
        "identity.proof",
        "A client secret proves the app.",
        means="Whoever reads it is the bot, from anywhere.",
        do="Use a managed identity or a certificate instead; the README says how, under `On a real tenant`, step 2.",
    )
    yield unknown(
        "identity.end",
        "When the client secret ends cannot be read.",
        means="Reading it would take the permission Application.Read.All, which the bot does not ask for.",
        do=f"Look at {SECRETS_PAGE} > Client secrets, and put the day into a calendar.",
    )
