"""What a response is as people type it, and how one sees at the services whether it came about."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.simulator.world import Customer

Given = Mapping[str, str]
"""The parameters that were asked for, under the service's own names."""
Holds = Callable[[Customer, str, Given], bool]
"""Whether it is so: the customer, the target's id and what was asked along with it."""
Truth = Literal["action", "investigation", "call"]
"""Where the truth of it is: in a machine action, in an investigation, or in the calls that were accepted."""
Choice = tuple[str, str]
"""A parameter by the service's name, and its value."""
WHY = "{tag} looks bad"
DONE = frozenset({"succeeded", "handed over"})


@dataclass(frozen=True, kw_only=True)
class Act:
    """A response as people type it.

    `line` has {name} for its target (of the kind `on`), {tag} for the word by which its request is found again, and a
    name for each of the `options`: what may be typed there, and which parameter that is. `operation` is what the
    service calls it; of its calls those belong to a request in which all `needles` stand (without any: all of them),
    where {id}, {left} and {right} are the target's id and its parts around a slash, {request} the request's own id,
    and {Name} a parameter's value. `family` is of what one at a time is under way, `thing` whose state it is that the
    act decides. `back` undoes it. `holds`: whether it is in force; without it the machine action tells. `was`: whether
    it ever was, for what names no target in its call. `done` are the words of a card that say so. `script`: what it
    prints decides, beside its action. `alone`: it runs without a decision; `approvals`: how many it needs otherwise.
    `decider`: only they may ask. `files`: a file is sent along.
    """

    name: str
    line: str
    on: str
    operation: str
    family: str
    thing: str = ""
    truth: Truth = "action"
    needles: Sequence[str] = ("{id}",)
    options: Mapping[str, Mapping[str, Choice]] = field(default_factory=dict)
    back: str = ""
    holds: Holds | None = None
    was: Holds | None = None
    done: frozenset[str] = DONE
    alone: bool = False
    approvals: int = 1
    decider: bool = False
    files: bool = False
    script: bool = False
    many: bool = False
    often: int = 1

    def of(self, given: Given) -> str:
        """Whose state it decides."""
        return filled(self.thing or self.family, given)


def filled(text: str, values: Given) -> str:
    """A text with the values that it names; those that are not there are left out."""
    return text.format_map(_Lenient(values))


class _Lenient(dict[str, Any]):
    def __missing__(self, _key: str) -> str:
        return ""


def any_of(name: str, *words: str, typed: str = "{}") -> Mapping[str, Choice]:
    """Words that are typed as they are the parameter's value."""
    return {typed.format(word): (name, word) for word in words}


def on_device(look: Callable[..., bool]) -> Holds:
    """What one sees at the device."""
    return lambda customer, target, given: look(customer.devices[target], given)


def on_person(look: Callable[..., bool]) -> Holds:
    """What one sees at the user."""
    return lambda customer, target, _: look(customer.directory.people[target])


def by_intune(name: str) -> Holds:
    """Intune took such an action for the device."""
    return lambda customer, target, _: any((a.device, a.name) == (target, name) for a in customer.intune.accepted)


def indicator(action: str) -> Holds:
    """There is an indicator of that action for the value."""
    return lambda customer, target, _: any(
        entry.value.casefold() == target.casefold() and entry.action == action
        for entry in customer.entries.held.values()
    )


def free(customer: Customer, target: str, _: Given) -> bool:
    """There is no indicator for the value."""
    return not any(entry.value.casefold() == target.casefold() for entry in customer.entries.held.values())
