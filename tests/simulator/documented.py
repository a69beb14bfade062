"""What the documentation names, for the tests of more than one service."""

import json
from pathlib import Path
from typing import Any

CONTEXT = {"@odata.context"}
_FIELDS = json.loads((Path(__file__).parent / "documented_fields.json").read_text(encoding="utf-8"))


def documented(name: str) -> set[str]:
    """The fields of an entity, in the samples and in the reference's text."""
    return set().union(*_FIELDS[name].values())


def keys_of(form: Any) -> set[str]:
    """Every name in a form, however deep."""
    if isinstance(form, dict):
        return set(form).union(*(keys_of(value) for value in form.values()))
    return set().union(*(keys_of(value) for value in form)) if isinstance(form, list) else set()
