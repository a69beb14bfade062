"""Bodies that are made to hurt: deep, full of odd numbers. The bot answers each as a client's mistake."""

import json

import pytest

from bot.demo import ADELE, APP_ID
from tests.integration.talk import ask, chat, words


def deep(levels: int, opening: str = '{"a":', inner: str = "1", closing: str = "}") -> str:
    return opening * levels + inner + closing * levels


NUMBERS = ("1e400", "-1e400", "-0", "1.0", "9" * 4000, "-1", "9007199254740993", '"1"', "true", "null", "[1]", "1e2")


async def raw(stage, body: str):
    token = stage.sim.signer.sign(audience=APP_ID, service_url=stage.service_url)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return await stage.http.post(f"{stage.url}/api/messages", content=body.encode(), headers=headers, timeout=20)


def press(stage, here: str, data: str) -> str:
    value = '{"action":{"type":"Action.Execute","verb":"approve","data":DATA},"trigger":"manual"}'.replace("DATA", data)
    body = stage.activity(ADELE, here) | {"type": "invoke", "name": "adaptiveCard/action", "replyToId": "1", "value": 0}
    return json.dumps(body).replace('"value": 0', f'"value": {value}')


async def test_no_number_decides_or_breaks_anything(stage):
    """Whatever stands where a version or revision should be, the press is answered and decides nothing."""
    here = chat(stage, [ADELE])
    for name in ("v", "rev"):
        for number in NUMBERS:
            data = {"v": 1, "verb": "withdraw", "id": "WK-1", "rev": 1}
            text = json.dumps(data | {name: 0}).replace(f'"{name}": 0', f'"{name}": {number}')
            answer = await raw(stage, press(stage, here, text))
            assert answer.status_code in (200, 400), (name, number[:20], answer.status_code)
    assert "Adele" in words(await ask(stage, ADELE, "/whoami", here))


@pytest.mark.parametrize("levels", [120, 199, 5000])
@pytest.mark.parametrize("where", ["value", "data", "entities", "channelData", "unknown"])
async def test_depth_is_no_server_error(stage, levels, where):
    """However deep a body is, the answer is no server error, and the bot goes on."""
    here = chat(stage, [ADELE])
    body = json.dumps(stage.activity(ADELE, here, text="/whoami"))
    if where == "data":
        body = press(stage, here, '{"v":1,"verb":"withdraw","id":"x","rev":1,"extra":' + deep(levels) + "}")
    elif where == "entities":
        body = body[:-1] + ', "entities": [' + deep(levels) + "]}"
    elif where == "channelData":
        body = body.replace('"channelData": {', '"channelData": {"x": ' + deep(levels, "[", "1", "]") + ", ")
    else:
        body = body[:-1] + f', "{where}": ' + deep(levels) + "}"
    answer = await raw(stage, body)
    assert answer.status_code in (200, 202, 400, 413), answer.status_code
