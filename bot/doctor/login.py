"""What a token that cannot be had means."""

from collections.abc import Mapping

from bot.doctor.configured import SECRETS_PAGE
from bot.doctor.findings import Finding, problem, unknown
from bot.errors import ServiceError, Unauthorised
from bot.settings import Settings

NOT_CONFIGURED = "not-configured"
_RENEW = f"Check the secret or certificate in the settings, and {SECRETS_PAGE}."
_CODES: Mapping[str, tuple[str, str]] = {
    "AADSTS7000215": ("the client secret is wrong, or is over", _RENEW),
    "AADSTS700027": ("the certificate is not one of the app's, or is over", _RENEW),
    "AADSTS90002": ("there is no such tenant", "Check the tenant's id in ALLOWED_TENANTS and APP_TENANT_ID."),
    "AADSTS700016": ("the app is not known in that tenant: its administrator has not consented yet", ""),
    "AADSTS65001": ("the tenant's administrator has not consented yet", ""),
    "AADSTS53003": ("Conditional Access blocks the app", "Take the app out of that policy."),
    "bad-tenant": ("that is no tenant's id", "Check ALLOWED_TENANTS and APP_TENANT_ID."),
    "deadline": ("Microsoft's sign-in gives no answer in time", "See the services."),
}
"""What the codes mean (graph-api.md section 2.3)."""


def login_finding(key: str, error: ServiceError, settings: Settings, tenant: str, means: str) -> Finding:
    """Why there is no token for a tenant. The error's own text is not shown."""
    if error.code == NOT_CONFIGURED:
        return unknown(key, "Not tried: APP_ID, or what proves the app, is missing in the settings.")
    why, do = _CODES.get(error.code, ("", ""))
    if not why and isinstance(error, Unauthorised):
        why, do = f"Microsoft's sign-in refuses it ({error.code or error.status})", _RENEW
    if not why:
        why, do = f"Microsoft's sign-in is not reached or is in trouble ({error.code or error.status})", "Try again."
    if not do:
        do = consent(settings, tenant)
    return problem(key, f"No token: {why}.", means=means, do=do, facts={"code": error.code})


def consent(settings: Settings, tenant: str) -> str:
    """How an administrator consents for a tenant (graph-api.md section 2.3)."""
    link = f"{settings.login_url}/{tenant}/adminconsent?client_id={settings.app_id}&redirect_uri=URI"
    return (
        "Have an administrator of that tenant consent: Entra admin center > App registrations > the bot's app > API"
        f" permissions > Grant admin consent; in another tenant than the app's own by opening {link}"
        " (URI: a redirect URI of the app)."
    )
