"""The bot's own responses with the same effect as what waits in the Action center."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.capabilities.learning import known
from bot.capabilities.standing import offerable, standing_of
from bot.center import CenterItem, CenterOffer
from bot.errors import UsageError
from bot.responses.declared import Response
from bot.services import Services

MOST = 3
Words = Callable[[CenterItem], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Same:
    """A response, and the words after its name that aim it at an item; an empty one: the item lacks what it takes."""

    response: str
    words: Words


def _fact(item: CenterItem, *keys: str) -> str:
    """The first of these facts that the item has."""
    known = {fact.key: fact.value for fact in item.facts}
    return next((known[key] for key in keys if known.get(key)), "")


def _program(item: CenterItem) -> str:
    """The one process: its program's file, and its id, for there may be others of the same program."""
    name, number = _fact(item, "image").rpartition("\\")[2], _fact(item, "pid")
    return f"{name}:{number}" if name and number else ""


def _mail(item: CenterItem) -> Sequence[str]:
    """The message in one mailbox, to be deleted so that it can be recovered."""
    return _fact(item, "message"), _fact(item, "recipient"), "soft"


def _device(item: CenterItem) -> Sequence[str]:
    return (item.device,)


def _name(item: CenterItem) -> Sequence[str]:
    return (item.name,)


def _facts(*keys: str) -> Words:
    return lambda item: (_fact(item, *keys),)


def _on_device(*keys: str) -> Words:
    return lambda item: (item.device, _fact(item, *keys))


SAME: Mapping[str, tuple[Same, ...]] = {
    "file": (
        Same(response="quarantine", words=_on_device("sha1")),
        Same(response="block", words=_facts("sha256", "sha1")),
        Same(response="quarantine-file", words=_on_device("path")),
    ),
    "process": (
        Same(response="kill-process", words=lambda item: (item.device, _program(item))),
        Same(response="block", words=_facts("image-sha256")),
    ),
    "registrykey": (Same(response="remove-registry-key", words=_on_device("registry")),),
    "registryvalue": (
        Same(
            response="remove-registry-key",
            words=lambda item: (item.device, _fact(item, "registry"), _fact(item, "registry-value")),
        ),
    ),
    "ip": (Same(response="block", words=_name),),
    "url": (Same(response="block", words=_name),),
    "device": (Same(response="isolate", words=_device), Same(response="scan", words=_device)),
    "user": (Same(response="block-signin", words=_facts("account")),),
    "analyzedmessage": (Same(response="remediate-mail", words=_mail),),
}
"""By the folded kind of the evidence. Services, drivers and tasks have no kind of evidence (graph-api 3.3), so what an
investigation proposes for them cannot be told from what else it says; the scripts for them are there to be typed."""


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What may be offered: the declared responses, and whether the tenant has one."""

    responses: Mapping[str, Response]
    has: Callable[[Response], bool] = lambda _response: True

    def of(self, item: CenterItem) -> tuple[CenterOffer, ...]:
        """The responses with the same effect, each with its line; none for what does not wait by itself."""
        found = []
        for same in SAME.get(item.kind, ()) if item.told else ():
            response, words = self.responses.get(same.response), tuple(same.words(item))
            if response and all(map(_typable, words)) and takes(response, words[1:]) and self.has(response):
                line = " ".join((same.response, quoted(words[0]), *_typed(response, words[1:]), _reason(item)))
                found.append(CenterOffer(response=same.response, line=line))
        return tuple(found[:MOST])


async def offers_for(services: Services, customer: str) -> Offers:
    """What may be offered to a customer: not what its plan lacks. Raises StoreDown."""
    learnt, now = await known(services, customer), services.clock.now()
    return Offers(responses=services.responses, has=lambda one: offerable(standing_of(learnt, one, now)))


def _typed(response: Response, values: Sequence[str]) -> list[str]:
    """The words after the target; one that may be left out is told from the reason by its quotes."""
    optional = [parameter.optional for parameter in response.parameters] + [False] * len(values)
    return [quoted(value, always=optional[n]) for n, value in enumerate(values)]


def takes(response: Response, values: Sequence[str]) -> bool:
    """Whether the response's command takes these words after its target."""
    for parameter, value in zip(response.parameters, values, strict=False):
        if parameter.choices and value not in parameter.choices:
            return False
        try:
            _ = parameter.check(value) if parameter.check else value
        except UsageError:
            return False
    return True


def _typable(value: str) -> bool:
    """Whether it can stand in a line as one word, in quotes where need be: what came from outside may be anything."""
    return bool(value) and value.isprintable() and value == value.strip() and '"' not in value


def quoted(value: str, *, always: bool = False) -> str:
    """A value as one word of a command."""
    return f'"{value}"' if always or " " in value or value[:1] == "'" else value


def _reason(item: CenterItem) -> str:
    """Why: without a word from outside, for it is a part of a command."""
    number = f", investigation {item.investigation}" if item.investigation.isdigit() else ""
    return f"The same effect as what waits in the Action center{number}"
