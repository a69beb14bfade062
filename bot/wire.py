"""What the models of all remote systems are made of: they keep what they do not know. A leaf."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _none_is_empty(value: Any) -> Any:
    return () if value is None else value


Instant = Annotated[datetime, AfterValidator(_in_utc)]
"""A moment in UTC; 0 to 7 digits of fraction are read (the seventh is dropped); without a zone it counts as UTC."""
MACHINE_ID = re.compile("[0-9a-f]{40}", re.IGNORECASE | re.ASCII)
MachineId = Annotated[str, Field(pattern="^[0-9a-fA-F]{40}$"), AfterValidator(str.lower)]
"""Defender's id of a device (defender-api: 40 hex), in small letters; anything else that a service names is none."""
NullIsEmpty = BeforeValidator(_none_is_empty)
"""For tuples: the services send null where they mean an empty list."""


def folded(text: str | None) -> str:
    """An enum value ready for comparison: lower case, no spaces, empty for null (the pages differ in case)."""
    return (text or "").replace(" ", "").lower()


def _names(name: str, info: FieldInfo) -> set[str]:
    """All names under which a value for the field may stand in the JSON."""
    aliases: set[str] = {name, info.alias or name}
    match info.validation_alias:
        case str() as one:
            aliases.add(one)
        case AliasChoices(choices=choices):
            aliases.update(choice for choice in choices if not isinstance(choice, AliasPath))
    return aliases


class WireModel(BaseModel):
    """One JSON object of a service: read-only, snake_case here, camelCase there, unknown fields kept.

    A field whose value is of an unforeseen shape reads as absent, so that one odd value never hides the object it
    stands in. Only a missing id makes an object unreadable (`pydantic.ValidationError`).
    """

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True, protected_namespaces=()
    )

    @model_validator(mode="wrap")
    @classmethod
    def _without_odd_values(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as refused:
            if not isinstance(data, Mapping):
                raise
            odd = {str(error["loc"][0]) for error in refused.errors() if error["loc"]}
        doubtful = {
            alias
            for name, info in cls.model_fields.items()
            if not info.is_required() and odd & (aliases := _names(name, info))
            for alias in aliases
        }
        return handler({key: value for key, value in data.items() if key not in doubtful})

    def wire(self) -> dict[str, Any]:
        """What the service sent, as JSON-ready values under its own names (times normalised to UTC)."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
