"""What people type or paste as the value of an indicator, read, normalised and shown so that nobody clicks on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.defender.indicators.spared import SHARED, WHOLE, microsofts
from bot.defender.indicators.values import LONGEST, covers, defanged, inside, recognise, refanged
from bot.errors import UsageError

SHA1 = "3395856ce81f2b7382dee72602f798b642f14140"
HEX = "0123456789abcdefABCDEF"
LABEL = st.from_regex(r"[a-z][a-z0-9]{0,10}", fullmatch=True)
HOST = st.builds(lambda labels: ".".join([*labels, "example"]), st.lists(LABEL, min_size=1, max_size=4))
PATH = st.text(alphabet="abcXYZ019_*-.~/?&=%", max_size=40).map(lambda text: f"/{text}")
URL = st.builds(lambda scheme, host, path: f"{scheme}://{host}{path}", st.sampled_from(["http", "https"]), HOST, PATH)
TYPED = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="0123456789abcdef.:/[](){}%@*-xhtpscer ", max_size=80),
    HOST,
    URL,
    st.text(alphabet=HEX, min_size=20, max_size=70),
    st.ip_addresses().map(str),
)


@pytest.mark.parametrize(
    ("typed", "kind", "value"),
    [
        (SHA1, "FileSha1", SHA1),
        (SHA1.upper(), "FileSha1", SHA1),
        (f"  '{SHA1}' ", "FileSha1", SHA1),
        ("A" * 64, "FileSha256", "a" * 64),
        (f"sha256:{'B' * 64}", "FileSha256", "b" * 64),
        ("SHA-1:" + SHA1, "FileSha1", SHA1),
        ("1234567890123456789012345678901f", "FileMd5", "1234567890123456789012345678901f"),
        (f"cert:{SHA1}", "CertificateThumbprint", SHA1),
        ("CERT:" + ":".join(["AB"] * 20), "CertificateThumbprint", "ab" * 20),
        ("198.51.100.7", "IpAddress", "198.51.100.7"),
        ("198[.]51[.]100[.]7", "IpAddress", "198.51.100.7"),
        ("2001:DB8::0:1", "IpAddress", "2001:db8::1"),
        ("[2001:db8::1]", "IpAddress", "2001:db8::1"),
        ("::ffff:198.51.100.7", "IpAddress", "198.51.100.7"),
        ("bad.example", "DomainName", "bad.example"),
        ("BAD[.]Example.", "DomainName", "bad.example"),
        ("bad(dot)example", "DomainName", "bad.example"),
        ("bad{.}example", "DomainName", "bad.example"),
        ("bücher.example", "DomainName", "xn--bcher-kva.example"),
        ("feed.beef", "DomainName", "feed.beef"),
        ("http://bad.example", "Url", "http://bad.example"),
        ("hxxps://bad[.]example/A_b?x=1", "Url", "https://bad.example/A_b?x=1"),
        ("HXXP[://]BAD.example:8080/", "Url", "http://bad.example:8080/"),
        ("h**p://bad.example/", "Url", "http://bad.example/"),
        ("<https://bad.example/#part>", "Url", "https://bad.example/"),
        ("http://[2001:db8::1]:8/x", "Url", "http://[2001:db8::1]:8/x"),
    ],
)
def test_a_value_is_recognised_and_written_one_way(typed, kind, value):
    """Each spelling that people use comes to the one that the service is told."""
    assert (recognise(typed).type, recognise(typed).text) == (kind, value)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("", "unknown"),
        ("word", "unknown"),
        ("someone@bad.example", "unknown"),
        ("bad.example:443", "unknown"),
        ("fe80::1%eth0", "unknown"),
        ("-bad.example", "unknown"),
        ("a..example", "unknown"),
        ("1.2.3.4.5", "unknown"),
        ("x" * 64 + ".example", "unknown"),
        ("x" * (LONGEST + 1), "too-long"),
        ("cert:abc", "thumbprint"),
        (f"cert:{'a' * 64}", "thumbprint"),
        ("a" * 39, "hash-length"),
        ("sha1:abc", "hash-length"),
        (f"sha1:{'a' * 64}", "hash-length"),
        ("ftp://bad.example/", "url"),
        ("http://", "url"),
        ("http://bad example/", "url"),
        ("http://bad.example:99999/", "url"),
        ("http://localhost/", "url"),
        ("http://user:pass@bad.example/", "url-user"),
        ("198.51.100.0/24", "cidr"),
        ("2001:db8::/32", "cidr"),
        ("198.51.100.7:443", "port"),
        ("bad.example/path", "no-scheme"),
        ("*.bad.example", "wildcard"),
        ("invoice.exe", "file-name"),
        ("macro.docm", "file-name"),
    ],
)
def test_what_is_no_value_is_said_to_be_so(typed, key):
    """The answer names what is wrong, not only that something is."""
    with pytest.raises(UsageError) as wrong:
        recognise(typed)
    assert wrong.value.key == f"error.indicator.{key}"


@given(TYPED)
def test_whatever_is_typed_is_read_or_refused(text):
    """No text makes it fail otherwise; what is read is read again as the same, from its id and from how it is shown."""
    try:
        value = recognise(text)
    except UsageError:
        return
    assert recognise(value.id) == value
    assert recognise(value.shown) == value


@given(URL)
def test_a_shown_url_is_no_link_and_comes_back(url):
    """Neither scheme nor host is left as a client would make a link of."""
    value = recognise(url)
    assert not value.shown.startswith("http")
    assert value.host not in value.shown
    assert refanged(value.shown) == value.text


@given(HOST)
def test_a_shown_domain_comes_back(host):
    """A domain loses no letter on its way through a card."""
    assert recognise(defanged(host)).text == host


@given(st.text(alphabet=HEX, min_size=40, max_size=40))
def test_forty_digits_are_a_file_unless_said_otherwise(digits):
    """A thumbprint looks like a SHA-1: only the word in front tells them apart."""
    file, certificate = recognise(digits), recognise(f"cert:{digits}")
    assert (file.type, certificate.type) == ("FileSha1", "CertificateThumbprint")
    assert file.text == certificate.text == digits.lower()
    assert file.id != certificate.id


@pytest.mark.parametrize(
    "text",
    ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "127.0.0.1", "169.254.1.1", "0.0.0.9", "100.64.0.1",
     "224.0.0.1", "255.255.255.255", "::1", "::", "fd00::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1",
     "http://192.168.1.1/login", "http://[fe80::1]/"],
)  # fmt: skip
def test_addresses_inside_are_known(text):
    """Private, loopback, link-local, multicast and reserved ones, also in a URL."""
    assert inside(recognise(text))


@pytest.mark.parametrize("text", ["198.51.100.7", "8.8.8.8", "172.32.0.1", "2001:db8::1", "bad.example", SHA1])
def test_other_things_are_not_inside(text):
    """Public addresses, names and hashes."""
    assert not inside(recognise(text))


@given(st.ip_addresses())
def test_being_inside_is_told_of_every_address(address):
    """No address makes it fail, and a global one is never called inside."""
    value = recognise(str(address))
    meant = getattr(address, "ipv4_mapped", None) or address
    assert not (inside(value) and meant.is_global and not meant.is_multicast)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("microsoft.com", "microsoft.com"),
        ("login.microsoftonline.com", "microsoftonline.com"),
        ("teams.cloud.microsoft", "cloud.microsoft"),
        ("https://forms.office.com/", "office.com"),
        ("https://LOGIN.microsoft.com", "microsoft.com"),
        ("sharepoint.com", "sharepoint.com"),
        ("https://forms.office.com/r/phish", ""),
        ("evil-my.sharepoint.com", ""),
        ("evil.blob.core.windows.net", ""),
        ("notmicrosoft.com", ""),
        ("microsoft.com.evil.example", ""),
        ("198.51.100.7", ""),
        (SHA1, ""),
    ],
)
def test_what_is_microsofts_is_spared(text, host):
    """The domain, what is below it and what is above it; never a look-alike, a single page or a customer's part."""
    assert microsofts(recognise(text)) == host


def test_the_list_is_small_and_of_domains():
    """Each entry is a domain in small letters."""
    assert len(WHOLE) + len(SHARED) < 20
    assert all(recognise(domain).text == domain for domain in (*WHOLE, *SHARED))


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("fabrikam.example", True),
        ("www.fabrikam.example", True),
        ("https://fabrikam.example", True),
        ("https://fabrikam.example/", True),
        ("https://fabrikam.example/hacked/page", False),
        ("notfabrikam.example", False),
        ("fabrikam.example.evil.example", False),
    ],
)
def test_the_own_domain_is_covered(text, covered):
    """The whole of it or a host in it; a single page may be blocked."""
    assert covers(recognise(text), "Fabrikam.example") is covered


def test_what_stands_above_the_own_domain_covers_it():
    """A block of the parent hits the child."""
    assert covers(recognise("onmicrosoft.com"), "fabrikam.onmicrosoft.com")
    assert not covers(recognise("microsoft.com"), "fabrikam.onmicrosoft.com")
