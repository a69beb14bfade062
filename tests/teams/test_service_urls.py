import pytest

from bot.teams.service_urls import TEAMS_HOSTS, ServiceUrls

PRODUCTION = ServiceUrls(hosts=frozenset(TEAMS_HOSTS))
DEVELOPMENT = ServiceUrls(hosts=frozenset(), loopback=True)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://smba.trafficmanager.net/emea/", True),
        ("https://SMBA.trafficmanager.net:443/amer/tenant", True),
        ("https://smba.infra.gov.teams.microsoft.us/teams", True),
        ("http://smba.trafficmanager.net/emea/", False),
        ("https://smba.trafficmanager.net:8443/", False),
        ("https://smba.trafficmanager.net.evil.example/", False),
        ("https://evil.example/smba.trafficmanager.net", False),
        ("https://smba.trafficmanager.net@evil.example/", False),
        ("https://user@smba.trafficmanager.net/", False),
        ("https://evil.example\\@smba.trafficmanager.net/", False),
        ("https://smba.trafficmanager.net/?next=https://evil.example", False),
        ("https://smba.trafficmanager.net/#x", False),
        ("https://127.0.0.1/", False),
        ("https://xn--/", False),
        ("https://smba.trafficmanager.net\t/", False),
        ("smba.trafficmanager.net", False),
        ("", False),
    ],
)
def test_production_believes_in_listed_hosts_over_https(url, allowed):
    """Only https to a host on the list counts, whatever else the URL pretends."""
    assert PRODUCTION.allows(url) is allowed


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:56150/_connector", True),
        ("http://localhost:56150", True),
        ("http://[::1]:56150/", True),
        ("https://smba.trafficmanager.net/emea/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://127.0.0.1@evil.example/", False),
        ("http://169.254.169.254/", False),
        ("http://10.0.0.1/", False),
        ("ftp://127.0.0.1/", False),
    ],
)
def test_development_believes_in_this_machine_alone(url, allowed):
    """In development nothing outside this machine is ever sent to."""
    assert DEVELOPMENT.allows(url) is allowed
