"""Hosts that are never blocked, because the block would hit the own company: a small list, with the reason. A leaf."""

from bot.defender.indicators.values import Value, covers

WHOLE = (
    "microsoft.com",
    "microsoftonline.com",
    "microsoftazuread-sso.com",
    "msauth.net",
    "msftauth.net",
    "cloud.microsoft",
    "office.com",
    "office.net",
    "office365.com",
    "windowsupdate.com",
    "skype.com",
)
"""Signing in, Teams, Office, updates and Defender itself: the domain and all below it."""
SHARED = ("sharepoint.com", "live.com", "windows.net", "azure.com", "azurewebsites.net", "onmicrosoft.com")
"""Domains that companies (attackers too) have a part of: the part may be blocked, the domain may not."""


def microsofts(value: Value) -> str:
    """The domain of Microsoft's that blocking the value would cut off; empty where there is none."""
    whole = (domain for domain in WHOLE if covers(value, domain))
    shared = (domain for domain in SHARED if covers(value, domain) and domain.endswith(value.host))
    return next(whole, "") or next(shared, "")
