"""What the audit key makes: the seals of entries, of checkpoints and of the lines of an export. A leaf.

Each use has a key of its own, made of AUDIT_KEY, so that no seal of one can be passed off as one of another. Entries
use AUDIT_KEY itself, as the first release did.
"""

import hmac


class Seals:
    """HMAC-SHA256 under one audit key; every seal is 64 hexadecimal digits."""

    def __init__(self, key: str) -> None:
        self._entries = key.encode()
        self._checkpoints = hmac.digest(self._entries, b"watchkeeper audit checkpoint", "sha256")
        self._lines = hmac.digest(self._entries, b"watchkeeper audit export line", "sha256")

    @property
    def fingerprint(self) -> str:
        """Tells keys apart without giving one away."""
        return hmac.digest(self._entries, b"watchkeeper audit key", "sha256").hex()[:16]

    def entry(self, before: str, text: str) -> str:
        """The hash of an entry that follows the one with the hash `before` (empty for the first)."""
        return hmac.digest(self._entries, f"{before}\n{text}".encode("utf-8", "surrogatepass"), "sha256").hex()

    def follows(self, before: str, text: str, found: str) -> bool:
        """Whether `found` is the hash of such an entry."""
        return hmac.compare_digest(self.entry(before, text).encode(), found.encode("utf-8", "surrogatepass"))

    def checkpoint(self, body: str) -> str:
        """The seal of a checkpoint."""
        return hmac.digest(self._checkpoints, body.encode(), "sha256").hex()

    def line(self, body: bytes) -> str:
        """The seal of an export's line."""
        return hmac.digest(self._lines, body, "sha256").hex()
