import json
import os
import re
from pathlib import Path

import pytest
from jsonschema import Draft6Validator

from tests.cards import gallery, walk

CHARTS = {
    "Chart.Line": {
        *("type", "fallback", "title", "showTitle", "colorSet", "maxWidth", "showLegend"),
        *("data", "xAxisTitle", "yAxisTitle", "yMin", "yMax"),
    }
}
CODE = {"type", "fallback", "codeSnippet", "language"}
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
        if kind in CHARTS:
            found += chart_problems(node)
            continue
        if kind == "CodeBlock":
            found += code_problems(node)
            continue
        if kind not in definitions:
            found.append(f"no such element: {kind}")
            continue
        bare = {name: value for name, value in node.items() if name not in TEAMS_ONLY.get(kind, ())}
        bare = json.loads(json.dumps(bare), object_hook=plain_element)
        found += [f"{kind}: {error.message[:200]}" for error in definitions[kind].iter_errors(bare)]
    return found


def plain_element(node):
    """The element as 1.5 knows it: without what is Teams' own, charts included."""
    return {name: without_charts(value) for name, value in node.items() if name != "msteams"}


def without_charts(value):
    if not isinstance(value, list):
        return value
    return [inner for inner in value if not (isinstance(inner, dict) and inner.get("type") in {*CHARTS, "CodeBlock"})]


def chart_problems(node) -> list[str]:
    """What a chart has that teams-platform 4.8 does not list; and where no chart is drawn nothing may be in its way."""
    found = [f"{node['type']} has no {name}" for name in set(node) - CHARTS[node["type"]]]
    if node.get("fallback") != "drop":
        found.append(f"{node['type']}: fallback must be drop")
    for line in node["data"]:
        xs = [point["x"] for point in line["values"]]
        if xs != sorted(xs) or not all(re.fullmatch(r"\d{4}-\d\d-\d\d", x) for x in xs):
            found.append(f"{node['type']}: x is no row of days")
    return found


def code_problems(node) -> list[str]:
    """What a block of code has that teams-platform 4.8 does not list; where none is shown, plain text stands there."""
    found = [f"CodeBlock has no {name}" for name in set(node) - CODE]
    if node.get("fallback", {}).get("type") != "Container" or node.get("language") != "PlainText":
        found.append("CodeBlock: needs plain elements to fall back to, and a language")
    return found


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
    chart = {"type": "Chart.Line", "tilte": "x", "data": [{"values": [{"x": "1", "y": 2}]}]}
    assert len(problems(definitions, {"type": "AdaptiveCard", "body": [chart]})) == 3
    code = {"type": "CodeBlock", "code": "x"}
    assert len(problems(definitions, {"type": "AdaptiveCard", "body": [code]})) == 2
