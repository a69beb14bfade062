"""Talking to a stage as people do: open a conversation, say something, wait for the answer to it."""

import json
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.demo import APP_ID, TENANT, Person
from bot.simulator.connector import Message
from tests.integration.conftest import RedisProcess, Stage

BOTH_READERS = "a0000000-0000-4000-8000-000000000001,b0000000-0000-4000-8000-000000000001"
BOTH_APPROVERS = "a0000000-0000-4000-8000-000000000003,b0000000-0000-4000-8000-000000000003"
BOTH = {"ROLES_READER": BOTH_READERS, "ROLES_APPROVER": BOTH_APPROVERS}
"""Settings in which the second company's person is an approver too."""


@contextmanager
def redis_of_its_own() -> Iterator[RedisProcess]:
    """A Redis that no other test sees."""
    with tempfile.TemporaryDirectory(prefix="wk-redis-") as folder:
        server = RedisProcess(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop(kill=True)


def chat(stage: Stage, people: Iterable[Person], kind: str = "personal", tenant: str = TENANT) -> str:
    """A new conversation of that kind with these people; returns its id."""
    name = uuid.uuid4().hex
    ids = {"personal": f"a:{name}", "groupChat": f"19:{name}@thread.v2", "channel": f"19:{name}@thread.tacv2"}
    stage.sim.connector.open(ids[kind], tenant, kind=kind)
    for person in people:
        stage.sim.connector.add_member(ids[kind], f"29:{person.id}", person.entra_id, person.name)
    return ids[kind]


def heard(stage: Stage, conversation: str) -> list[Message]:
    """The bot's messages in a conversation."""
    return stage.sim.connector.messages(conversation=conversation.partition(";")[0])


def working(message: Message) -> bool:
    """Whether it is still a working card."""
    return "Working on it" in message.text


async def ask(stage: Stage, person: Person, text: str, conversation: str, seconds: float = 15, **more: Any) -> Message:
    """Say something and wait for the one answer to it; a working card is waited for to end."""
    before = len(heard(stage, conversation))
    await stage.say(person, text, conversation, **more)
    return await answered(stage, conversation, before, seconds)


async def answered(stage: Stage, conversation: str, before: int, seconds: float = 15) -> Message:
    """The message after the first `before` ones, once it is no working card."""

    def there() -> Message | None:
        new = heard(stage, conversation)[before:]
        return new[0] if new and not working(new[0]) else None

    found: Message = await stage.until(there, seconds)
    return found


def mentioned(text: str) -> tuple[str, dict[str, Any]]:
    """The text of a message that mentions the bot first, and what else it carries."""
    tag = "<at>Watchkeeper</at>"
    entity = {"type": "mention", "text": tag, "mentioned": {"id": f"28:{APP_ID}", "name": "Watchkeeper"}}
    return f"{tag} {text}", {"entities": [entity]}


def words(shown: Any) -> str:
    """All that a card or an invoke's answer says, without the marks of Markdown that escape."""
    content = shown.activity if isinstance(shown, Message) else shown
    return json.dumps(content, ensure_ascii=False).replace("\\\\", "")


def markdown(shown: Any) -> list[str]:
    """Each text of a card that Teams reads as Markdown."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "TextBlock":
                found.append(node["text"])
            for fact in node.get("facts", ()):
                found.extend((fact["title"], fact["value"]))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(shown.activity if isinstance(shown, Message) else shown)
    return found


def verbs(shown: Any) -> set[str]:
    """The verbs of the buttons of a card."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "Action.Execute":
                found.add(str(node.get("verb")))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(shown.activity if isinstance(shown, Message) else shown)
    return found


async def audit(stage: Stage, customer: str = TENANT) -> list[dict[str, Any]]:
    """The audit entries of a customer, oldest first."""
    return [json.loads(text) for _, text, _ in await stage.bot.store.audit(customer)]
