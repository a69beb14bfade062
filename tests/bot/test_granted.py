"""Which permissions our tokens carry: read from a fresh token, and never the token itself."""

import httpx
import jwt
import pytest

from bot.auth import GRAPH_SCOPE, roles_of
from bot.errors import Unauthorised
from tests.bot.login_help import TENANT, Login, refusal, source

KEY = "a key of thirty-two characters at least"


def token(**claims) -> str:
    return jwt.encode({"aud": "x", **claims}, KEY, algorithm="HS256")


def answer(text: str) -> httpx.Response:
    return httpx.Response(200, json={"token_type": "Bearer", "expires_in": 3600, "access_token": text})


async def test_roles_are_those_of_a_fresh_token():
    """What was granted after the held token was issued is seen, and the fresh token is used from then on."""
    login = Login()
    tokens = source(login)
    login.step = answer(token(roles=["A"]))
    await tokens.token(TENANT, GRAPH_SCOPE)
    login.step = answer(token(roles=["A", "B"]))
    assert await tokens.roles(TENANT, GRAPH_SCOPE) == {"A", "B"}
    assert roles_of(await tokens.token(TENANT, GRAPH_SCOPE)) == {"A", "B"}
    assert len(login.forms) == 2


@pytest.mark.parametrize(
    ("text", "roles"),
    [("opaque", None), (token(roles="A"), None), (token(), frozenset()), (token(roles=["A"]), frozenset({"A"}))],
)
def test_what_a_token_says_of_itself(text, roles):
    """A token that cannot be read says nothing; one without the claim carries no permission."""
    assert roles_of(text) == roles


async def test_without_a_token_no_roles_are_made_up():
    """Where the login service refuses, its error passes."""
    login = Login()
    login.step = refusal(401, "invalid_client", 7000215, "bad secret")
    with pytest.raises(Unauthorised):
        await source(login).roles(TENANT, GRAPH_SCOPE)
