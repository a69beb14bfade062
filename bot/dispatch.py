"""The fixed pipeline of a turn: seen before? -> who -> find -> may they -> parse -> run -> answer.

No handler can skip a step. Whatever fails becomes one of the answers of design section 3.5; nothing is raised but the
store being down before anything was done.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot import slow
from bot.bindings import Binding, binding_of
from bot.command import Button, Context, Features, Reply
from bot.conversations import note
from bot.errors import BotError, NotAllowed, PersonError, ServiceError, Stale, StoreError
from bot.line import Commands
from bot.metrics import TURN_SECONDS, TURNS
from bot.posts import Place
from bot.roles import RoleBook
from bot.services import Services
from bot.state.store import Claimed
from bot.turn import Actor, Answer, Click, Look, Shown, Turn

log = structlog.get_logger()

CLAIM_SECONDS = 20.0
ANSWER_KEPT_SECONDS = 600.0
MEANING_KEPT_SECONDS = 60.0
PERSON_KEPT_SECONDS = 300.0
AT_ONCE = 0.8
INVOKE_PATIENCE = 2.0
WAIT_FOR_OTHER = 8.0
NEWEST_BUTTON = 1
LONGEST_WORK = 60.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be run for a turn: the line (for cards), whether it may take long, and the doing."""

    line: str
    slow: bool
    run: Callable[[], Awaitable[Reply]]
    meaning: str = ""


class Dispatch:
    """Turns a Turn into an Answer."""

    def __init__(self, services: Services, features: Features, roles: RoleBook) -> None:
        self.services = services
        self.features = features
        self.roles = roles
        self.commands = Commands(features.commands)
        self.buttons: Mapping[str, Button] = {button.verb: button for button in features.buttons}
        self._background: set[asyncio.Task[None]] = set()

    async def __call__(self, turn: Turn) -> Answer:
        """Answer a turn."""
        if turn.kind == "other":
            return Answer()
        with TURN_SECONDS.labels(turn.kind).time():
            return await self._answer(turn)

    async def drain(self, seconds: float) -> None:
        """Let slow answers finish before the process ends."""
        if self._background:
            await asyncio.wait(self._background, timeout=seconds)

    async def _answer(self, turn: Turn) -> Answer:
        look = Look(now=self.services.clock.now(), locale=turn.locale or "en", zone=turn.zone or "UTC")
        try:
            binding = await binding_of(self.services.store, turn.conversation)
            claim = await self._claim(binding.customer, _delivery(turn), wait=1.5 if turn.invoke else WAIT_FOR_OTHER)
            if claim.state != "fresh":
                TURNS.labels(turn.kind, "again").inc()
                return self._again(claim, turn)
            await note(self.services.store, turn.conversation)
            answer = await self._fresh(turn, binding, look)
            await self._keep(binding.customer, _delivery(turn), answer, ANSWER_KEPT_SECONDS)
        except Exception as error:  # noqa: BLE001 - the one place where everything becomes an answer
            return Answer(shown=self._failed(turn, look, error))
        return answer

    async def _fresh(self, turn: Turn, binding: Binding, look: Look) -> Answer:
        if turn.kind == "installed":
            return await self._installed(turn, binding, look)
        if turn.kind == "removed":
            if self.services.barred:
                await self.services.barred(binding.customer, Place.of(turn.conversation))
            return Answer()
        try:
            context = await self._context(turn, binding, look)
            work = self._click_work(context) if turn.kind == "click" else self._line_work(context, turn.text)
        except BotError as error:
            return Answer(shown=self._failed(turn, look, error))
        return await self._do(context, work)

    async def _installed(self, turn: Turn, binding: Binding, look: Look) -> Answer:
        """Greet once, however many events say that the bot was added."""
        claim = await self.services.store.claim(binding.customer, f"welcome:{turn.conversation.id}", 60.0)
        return Answer(shown=self.features.welcome(look)) if claim.state == "fresh" else Answer()

    async def _context(self, turn: Turn, binding: Binding, look: Look) -> Context:
        actor = await self._who(turn)
        if actor.tenant not in binding.people or (actor.guest and actor.tenant == turn.conversation.tenant):
            raise NotAllowed("error.foreign_person")
        role = await self.roles.role(actor, self.services.graph(actor.tenant))
        return Context(
            turn=turn,
            actor=actor,
            role=role,
            customer=binding.customer,
            conversation=turn.conversation,
            look=look,
            services=self.services,
            features=self.features,
        )

    async def _who(self, turn: Turn) -> Actor:
        """The person with the tenant that the Connector gives for them; kept five minutes."""
        if not turn.actor.id:
            raise NotAllowed("error.no_identity")
        name = f"person:{turn.conversation.id}:{turn.actor.mri}"
        kept = await self.services.store.get_value(turn.conversation.tenant, name)
        if kept is None:
            member = await self.services.teams.member(turn.conversation, turn.actor.mri)
            kept = {"id": member.id, "tenant": member.tenant or turn.conversation.tenant, "guest": member.guest}
            await self.services.store.put_value(turn.conversation.tenant, name, kept, PERSON_KEPT_SECONDS)
        if kept["id"] and kept["id"].casefold() != turn.actor.id.casefold():
            raise NotAllowed("error.no_identity")
        return replace(turn.actor, tenant=str(kept["tenant"]), guest=bool(kept["guest"]))

    def _line_work(self, context: Context, line: str) -> Work:
        command, words = self.commands.find(line)
        if context.role < command.role:
            raise NotAllowed("error.role", role=command.role.word, command=command.name)
        arguments = command.parse(words)
        return Work(line=line, slow=command.slow, run=lambda: command.run(context, arguments))

    def _click_work(self, context: Context) -> Work:
        click = context.turn.click
        button = self.buttons.get(click.verb) if click else None
        if click is None or button is None or click.automatic:
            raise Stale("error.unknown_button")
        if click.v > NEWEST_BUTTON:
            raise Stale("error.newer_card")
        if context.role < button.role:
            raise NotAllowed("error.role_button", role=button.role.word)
        meaning = _meaning(context, click) if button.once else ""
        return Work(line=click.verb, slow=button.slow, run=lambda: button.run(context, click), meaning=meaning)

    async def _do(self, context: Context, work: Work) -> Answer:
        if not work.meaning:
            return await self._run(context, work)
        claim = await self._claim(context.customer, work.meaning, wait=1.5)
        if claim.state != "fresh":
            return self._again(claim, context.turn)
        answer = await self._run(context, work)
        await self._keep(context.customer, work.meaning, answer, MEANING_KEPT_SECONDS)
        return answer

    async def _run(self, context: Context, work: Work) -> Answer:
        """Run at once, or, where it takes longer than a moment, behind a working card."""
        task = asyncio.create_task(self._guarded(context, work))
        if not work.slow:
            return await task
        await asyncio.wait({task}, timeout=INVOKE_PATIENCE if context.turn.invoke else AT_ONCE)
        if task.done():
            return task.result()
        shown = self.features.working(context.look, work.line)
        try:
            message = await slow.start(self.services, context.customer, context.turn, work.line, shown)
        except (ServiceError, StoreError) as error:
            log.warning("working_card_not_shown", error=str(error))
            return await task
        ending = asyncio.create_task(self._finish(context, task, message))
        self._background.add(ending)
        ending.add_done_callback(self._background.discard)
        return Answer(text=self.features.texts["working_below"]) if context.turn.invoke else Answer()

    async def _finish(self, context: Context, task: asyncio.Task[Answer], message: str) -> None:
        answer = await task
        shown = answer.shown or self.features.done(context.look, answer.text)
        await slow.end(self.services, context.customer, context.turn, message, shown)

    async def _guarded(self, context: Context, work: Work) -> Answer:
        """Run the handler; whatever it raises becomes a card."""
        try:
            async with asyncio.timeout(LONGEST_WORK):
                reply = await work.run()
        except Exception as error:  # noqa: BLE001 - every failure is an answer
            return Answer(shown=self._failed(context.turn, context.look, error))
        if reply.follow:
            await self.services.wake(context.customer, *reply.follow)
        TURNS.labels(context.turn.kind, "ok").inc()
        if reply.beside and reply.shown and context.turn.invoke:
            await self.services.teams.post(context.conversation, reply.shown)
            return Answer(text=reply.note)
        return Answer(shown=reply.shown, text=reply.note)

    def _failed(self, turn: Turn, look: Look, error: Exception) -> Shown:
        """The card of a failure; what the person cannot mend is logged under the reference that the card shows."""
        reference = secrets.token_hex(4)
        TURNS.labels(turn.kind, type(error).__name__).inc()
        if isinstance(error, PersonError):
            log.info("turn_refused", why=error.key, turn=turn.id, person=turn.actor.id)
        elif isinstance(error, BotError | TimeoutError):
            log.warning("turn_failed", reference=reference, turn=turn.id, error=str(error))
        else:
            log.error("turn_crashed", reference=reference, turn=turn.id, exc_info=error)
        return self.features.on_error(look, error, reference)

    async def _claim(self, customer: str, name: str, *, wait: float) -> Claimed:
        """Claim a turn; while another process is at it, wait a while for its answer or its end."""
        waited = 0.0
        while True:
            claim = await self.services.store.claim(customer, name, CLAIM_SECONDS)
            if claim.state != "busy" or waited >= wait:
                return claim
            await asyncio.sleep(0.25)
            waited += 0.25

    async def _keep(self, customer: str, name: str, answer: Answer, seconds: float) -> None:
        value: dict[str, Any] = {"text": answer.text}
        if answer.shown:
            value |= {"card": answer.shown.card, "summary": answer.shown.summary}
        try:
            await self.services.store.finish(customer, name, value, seconds)
        except StoreError as error:
            log.warning("answer_not_kept", error=str(error))

    def _again(self, claim: Claimed, turn: Turn) -> Answer:
        """What a redelivery gets: an invoke the same answer once more, a message nothing (it was answered)."""
        if not turn.invoke:
            return Answer()
        if claim.state == "busy":
            return Answer(text=self.features.texts["still_working"])
        value = claim.answer
        shown = Shown(card=value["card"], summary=value["summary"]) if "card" in value else None
        return Answer(shown=shown, text=str(value.get("text", "")))


def _delivery(turn: Turn) -> str:
    return "turn:" + _digest(turn.conversation.address, turn.id)


def _meaning(context: Context, click: Click) -> str:
    inputs = json.dumps(dict(click.inputs), sort_keys=True)
    return "click:" + _digest(context.actor.tenant, context.actor.id, click.verb, click.id, str(click.rev), inputs)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
