import json
import os
from pathlib import Path

import pytest

from tests.cards import gallery

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
CARDS = gallery.every()


@pytest.mark.parametrize("name", sorted(CARDS))
def test_card_is_as_its_golden_file(name):
    """Each card in each main state is exactly the JSON that was looked at (UPDATE_GOLDEN=1 writes it anew)."""
    path = GOLDEN / f"{name}.json"
    made = {"summary": CARDS[name].summary, "card": CARDS[name].card}
    if UPDATE:
        path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8")) == made


def test_no_golden_file_is_left_over():
    """Every golden file belongs to a card that is still made."""
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CARDS)
