"""Investigation packages: an address that opens one to whoever has it, for a short time (`api:get-package-sas-uri`)."""

import io
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

PACKAGE_NAME = "WDATP_Investigation_Package.zip"
LINK_LIFE = timedelta(minutes=10)
"""The page says that a link is good for a short time, and no more."""


@dataclass
class Packages:
    """The links that were given out: the secret of each, whose package it opens and until when."""

    links: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)

    def link(self, base: str, action: str, now: datetime) -> str:
        """A new address of an action's package."""
        secret = uuid4().hex
        self.links[secret] = (action, now + LINK_LIFE)
        return f"{base}/safedownload/{PACKAGE_NAME}?token={secret}"


def packed(action: str) -> bytes:
    """The package itself."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("Forensics Collection Summary.txt", f"Simulated package of {action}\n")
    return content.getvalue()
