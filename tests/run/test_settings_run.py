"""Settings of `run`: a default for everything, and never a real tenant."""

import stat

import pytest

from bot import demo
from bot.auth import Secret
from bot.settings import SettingsError, load
from bot.simulator import Simulator
from bot.simulator.core import CLIENT_ID, CLIENT_SECRET
from bot.simulator.directory import FIRST_TENANT, PLAYGROUND
from bot.teams.seam import OPENID_URL


@pytest.fixture
def environ(tmp_path):
    return {"DATA_DIR": str(tmp_path / "data")}


def refusal(environ):
    with pytest.raises(SettingsError) as refused:
        load("run", environ)
    return refused.value.lines


def test_nothing_needs_to_be_set(environ):
    """`run` starts from an empty environment, anonymous, on loopback, against the simulator alone."""
    settings = load("run", environ)
    assert settings.development
    assert settings.anonymous
    assert settings.host == "127.0.0.1"
    assert settings.redis_url is None
    assert (settings.port, settings.simulator_port, settings.playground_port) == (3978, 3979, 56150)
    assert settings.login_url == settings.defender_url == "http://127.0.0.1:3979"
    assert settings.graph_url == "http://127.0.0.1:3979/v1.0"
    assert settings.credential() == Secret(CLIENT_SECRET)
    assert settings.app_id == CLIENT_ID
    assert settings.allowed_tenants == {FIRST_TENANT}


def test_the_demonstration_matches_the_simulated_directory(environ):
    """Each of the six people is in the group that the settings give their role to, and user-id-5 is in none."""
    settings = load("run", environ)
    directory = Simulator().first.directory
    for person in demo.PEOPLE:
        known = PLAYGROUND[person.id]
        assert (person.entra_id, person.name) == (known.id, known.name)
        for role in demo.GROUPS:
            member = directory.member_of(person.entra_id, getattr(settings, role.lower()))
            assert bool(member) == (role == person.role), (person.name, role)


@pytest.mark.parametrize("name", ["LOGIN_URL", "GRAPH_URL", "DEFENDER_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "https://graph.microsoft.com",
        "https://login.microsoftonline.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com:3979",
        "http://127.0.0.1@example.com",
        "http://example.com\\@127.0.0.1",
        "https://10.0.0.1",
        "ftp://127.0.0.1",
        "127.0.0.1:3979",
    ],
)
def test_a_url_elsewhere_is_refused(environ, name, url):
    """Login, Graph and Defender must be on this machine: anonymous callers never reach a real tenant."""
    (line,) = refusal(environ | {name: url})
    assert line.startswith(name)


def test_a_proxy_on_this_machine_may_stand_between(environ):
    """Another loopback port is accepted for each service, and Graph's version path is added where none is given."""
    settings = load(
        "run",
        environ | {"GRAPH_URL": "http://localhost:9/", "DEFENDER_URL": "http://127.0.0.1:9", "SIMULATOR_PORT": "8"},
    )
    assert settings.graph_url == "http://localhost:9/v1.0"
    assert settings.defender_url == "http://127.0.0.1:9"
    assert settings.login_url == "http://127.0.0.1:8"


def test_the_simulated_plan_is_one_of_three(environ):
    """The simulated company has Business Premium unless told otherwise; a plan that it does not know is refused."""
    assert load("run", environ).simulated_plan == "premium"
    assert load("run", environ | {"SIMULATED_PLAN": "Plan2"}).simulated_plan == "plan2"
    (line,) = refusal(environ | {"SIMULATED_PLAN": "gold"})
    assert line == "SIMULATED_PLAN must be business, premium or plan2."


def test_a_heart_beat_may_stay_on_this_machine(environ):
    """`run` beats to a listener of this machine, or to one outside over https; a token may stand in the query."""
    for url in ("http://127.0.0.1:8000/ping?token=x", "https://watch.example/ping"):
        assert load("run", environ | {"HEARTBEAT_URL": url}).heartbeat_url.get_secret_value() == url
    with pytest.raises(SettingsError, match="HEARTBEAT_URL"):
        load("run", environ | {"HEARTBEAT_URL": "http://watch.example/ping"})


def test_an_app_id_turns_anonymous_requests_off(environ):
    """Given APP_ID, `run` checks tokens too, with the keys that BOT_OPENID_URL names."""
    settings = load("run", environ | {"APP_ID": "my-app", "BOT_OPENID_URL": "http://127.0.0.1:7/keys"})
    assert settings.development
    assert not settings.anonymous
    assert settings.app_id == "my-app"
    assert settings.bot_openid_url == "http://127.0.0.1:7/keys"
    assert load("run", environ | {"APP_ID": "my-app"}).bot_openid_url == OPENID_URL


def test_every_problem_is_reported_at_once(environ):
    """Bad values, clashes and slips come in one message, each line beginning with its variable."""
    lines = refusal(
        environ
        | {"PORT": "0", "PLAYGROUND": "maybe", "GRAPH_URL": "https://graph.microsoft.com", "ROLES_APROVER": "x"}
        | {"METRICS_PORT": "3979", "POLL_SECONDS": "often", "REDIS_URL": "memcached://host"}
    )
    assert sorted(line.split()[0] for line in lines) == [
        "GRAPH_URL",
        "METRICS_PORT",
        "PLAYGROUND",
        "POLL_SECONDS",
        "PORT",
        "REDIS_URL",
        "ROLES_APROVER",
    ]
    assert "ROLES_APROVER is not a setting: did you mean ROLES_APPROVER?" in lines


def test_one_problem_is_one_line(environ):
    """A single bad name makes a message of one line."""
    with pytest.raises(SettingsError) as refused:
        load("run", environ | {"PORT": "eighty"})
    assert str(refused.value) == "PORT must be a whole number from 1 to 65535."


def test_variables_of_other_programs_are_left_alone(environ):
    """Names that other programs use do not count as slips."""
    others = {"APP_ENV": "dev", "HOST": "box", "PATH": "/bin", "REDIS_HOME": "/opt", "LOG_LEVEL": "3", "EMPTY": ""}
    assert load("run", environ | others).port == 3978


def test_an_empty_variable_counts_as_not_set(environ):
    """`PORT=` means the default, as people expect of a shell."""
    assert load("run", environ | {"PORT": "", "APP_ID": "  "}).anonymous


def test_the_audit_key_is_made_once_and_private(environ, tmp_path):
    """A key is made on the first run, found on the second, and only its owner can read it."""
    first = load("run", environ).audit_key.get_secret_value()
    again = load("run", environ).audit_key.get_secret_value()
    file = tmp_path / "data" / "audit.key"
    assert first == again == file.read_text()
    assert len(first) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load("run", environ | {"AUDIT_KEY": "given"}).audit_key.get_secret_value() == "given"


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path):
    """A DATA_DIR below a file is one clear line, not a traceback."""
    (tmp_path / "file").write_text("")
    (line,) = refusal({"DATA_DIR": str(tmp_path / "file" / "data")})
    assert line.startswith("DATA_DIR cannot be used")
