import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft6Validator

from tests.cards import gallery, walk

TEAMS_ONLY = {"AdaptiveCard": {"msteams"}}
CARDS = gallery.every()


def schema_file() -> Path | None:
    """The stored schema: in SHARED_DIR or beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared"
    folder = Path(os.environ.get("SHARED_DIR") or beside) / "reference" / "schemas"
    path = folder / "adaptive-card-1.5.schema.json"
    return path if path.is_file() else None


@pytest.fixture(scope="module")
def definitions():
    """The schema's validators by element type."""
    path = schema_file()
    if path is None:
        assert os.environ.get("CI") != "true", "CI must have the Adaptive Card schema: set SHARED_DIR"
        pytest.skip("the Adaptive Card schema is not here; set SHARED_DIR to the folder that holds reference/schemas")
    schema = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: Draft6Validator({"$ref": f"#/definitions/{name}", "definitions": schema["definitions"]})
        for name in schema["definitions"]
    }


def problems(definitions, card) -> list[str]:
    """What the schema says against each element on its own, so that the message names the element."""
    found = []
    for node in walk.nodes(card):
        kind = node.get("type")
        if kind is None:
            continue
        if kind not in definitions:
            found.append(f"no such element: {kind}")
            continue
        bare = {name: value for name, value in node.items() if name not in TEAMS_ONLY.get(kind, ())}
        bare = json.loads(json.dumps(bare), object_hook=without_msteams)
        found += [f"{kind}: {error.message[:200]}" for error in definitions[kind].iter_errors(bare)]
    return found


def without_msteams(node):
    return {name: value for name, value in node.items() if name != "msteams"}


@pytest.mark.parametrize("name", sorted(CARDS))
def test_card_follows_the_schema(definitions, name):
    """Each element of each card is one of Adaptive Cards 1.5, with no property that 1.5 does not know."""
    assert problems(definitions, CARDS[name].card) == []


def test_the_schema_check_can_fail(definitions):
    """A property that 1.5 does not know, and an unknown element, are reported."""
    card = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "x", "tetx": "y"}, {"type": "Badge"}]}
    reported = problems(definitions, card)
    assert any("tetx" in problem for problem in reported)
    assert "no such element: Badge" in reported
