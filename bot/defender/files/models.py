"""What Defender knows of files, addresses and domains (defender-api 13). A leaf: no I/O.

Prevalence counts devices: in the organisation in the time looked back, and worldwide.
"""

from typing import Annotated

from bot.wire import Instant, NullIsEmpty, WireModel


class FileFacts(WireModel):
    """A file (api:files)."""

    sha1: str | None = None
    sha256: str | None = None
    global_prevalence: int | None = None
    global_first_observed: Instant | None = None
    global_last_observed: Instant | None = None
    size: int | None = None
    file_type: str | None = None
    is_pe_file: bool | None = None
    file_publisher: str | None = None
    file_product_name: str | None = None
    signer: str | None = None
    issuer: str | None = None
    signer_hash: str | None = None
    is_valid_certificate: bool | None = None
    determination_type: str | None = None
    determination_value: str | None = None


class FileStats(WireModel):
    """Where a file was seen (api:get-file-statistics); `globallyPrevalence` is the service's own spelling."""

    sha1: str | None = None
    organization_prevalence: int | None = None
    org_first_seen: Instant | None = None
    org_last_seen: Instant | None = None
    globally_prevalence: int | None = None
    global_first_observed: Instant | None = None
    global_last_observed: Instant | None = None
    top_file_names: Annotated[tuple[str, ...], NullIsEmpty] = ()


class AddressStats(WireModel):
    """Where an IP address (api:get-ip-statistics) or a domain (api:get-domain-statistics) was seen."""

    ip_address: str | None = None
    host: str | None = None
    organization_prevalence: int | None = None
    org_first_seen: Instant | None = None
    org_last_seen: Instant | None = None
