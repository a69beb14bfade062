"""The fixed pipeline of a turn: seen before? -> who -> find -> may they -> parse -> run -> answer.

No handler can skip a step. Whatever fails becomes one of the answers of design section 3.5; nothing is raised but the
store being down before anything was done.
"""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import structlog

from bot import slow
from bot.bindings import Binding, binding_of
from bot.command import Button, Context, Features, Reply
from bot.errors import Ambiguous, BotError, Missing, NotAllowed, PersonError, ServiceError, Stale
from bot.line import Commands
from bot.logs import followed, new_correlation
from bot.metrics import TURN_SECONDS, TURNS
from bot.posts import Place
from bot.redelivery import Redelivery, meaning
from bot.roles import RoleBook, kept_name
from bot.services import Services
from bot.state.store import Begun
from bot.turn import Actor, Answer, Look, Turn

log = structlog.get_logger()
T = TypeVar("T")

ANSWER_KEPT_SECONDS = 600.0
MEANING_KEPT_SECONDS = 60.0
PERSON_KEPT_SECONDS = 300.0
AT_ONCE = 0.8
AFTER_ANSWER = 0.5
WAIT_FOR_OTHER = 8.0
OLDEST_BUTTON, NEWEST_BUTTON = 1, 1
LONGEST_WORK = 60.0
CANCELS, CANCEL_SECONDS = 3, 0.3
RECORD_ID = re.compile(r"[\w-]{1,40}")
LONGEST_SHOWN = 200
"""So much of a line stands on a working card."""

# A pressed button is answered within 3 s, whatever Microsoft's services do: all of this together.
INVOKE_SECONDS = 2.4
INVOKE_WAITS_FOR_OTHER = 1.0
INVOKE_WHO = 1.8
INVOKE_POST = 0.4
LEAST_PATIENCE = 0.2
MESSAGE_WHO = 6.0


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be run for a turn: its name (for logs), the line (for cards), whether it may take long, the doing."""

    name: str
    line: str
    slow: bool
    run: Callable[[], Awaitable[Reply]]
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a turn. `beside`: the pressed card stays as it is and the answer's card is a message of its own.

    `failed`: the same again may do better.
    """

    answer: Answer
    beside: bool = False
    failed: bool = False


class Dispatch:
    """Turns a Turn into an Answer."""

    def __init__(self, services: Services, features: Features, roles: RoleBook) -> None:
        self.services = services
        self.features = features
        self.roles = roles
        self.commands = Commands(features.commands)
        self.buttons: Mapping[str, Button] = {button.verb: button for button in features.buttons}
        self._seen = Redelivery(lambda: self.services.store, lambda: self.features.texts["still_working"])
        self._background: set[asyncio.Task[Any]] = set()
        self._unsaid: set[tuple[str, str]] = set()

    async def __call__(self, turn: Turn) -> Answer:
        """Answer a turn."""
        if turn.kind == "other":
            return Answer()
        with followed("turn", self._correlation(turn), turn=turn.id), TURN_SECONDS.labels(turn.kind).time():
            return await self._answer(turn)

    def _correlation(self, turn: Turn) -> str:
        """What this turn and all that follows from it are found by: the record that a button names, else a fresh id."""
        click = turn.click
        button = self.buttons.get(click.verb) if click else None
        named = button is not None and not button.typed and click is not None and RECORD_ID.fullmatch(click.id)
        return click.id if named and click else new_correlation("turn")

    async def drain(self, seconds: float) -> None:
        """Let slow answers finish before the process ends; the cards of those that do not end as interrupted."""
        if self._background:
            _, late = await asyncio.wait(self._background, timeout=seconds)
            for _ in range(CANCELS if late else 0):  # on Python 3.11 a cancel can be lost inside redis-py
                for task in late:
                    task.cancel()
                _, late = await asyncio.wait(late, timeout=CANCEL_SECONDS)
                if not late:
                    return
            if late:
                log.warning("answers_not_ended", n=len(late))

    def _aside(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let something go on by itself; what it raises is for whoever still waits for it."""
        task = asyncio.create_task(work)
        self._background.add(task)

        def over(ended: asyncio.Task[T]) -> None:
            self._background.discard(ended)
            if not ended.cancelled() and (error := ended.exception()):
                log.info("background_work_failed", error=str(error))

        task.add_done_callback(over)
        return task

    async def _answer(self, turn: Turn) -> Answer:
        look = Look(now=self.services.clock.now(), locale=turn.locale or "en", zone=turn.zone or "UTC")
        try:
            wait = INVOKE_WAITS_FOR_OTHER if turn.invoke else WAIT_FOR_OTHER
            begun = await self._seen.begin(turn, (_person(turn), kept_name(turn.actor)), wait=wait)
            if begun.claimed.state != "fresh":
                TURNS.labels(turn.kind, "again").inc()
                return self._seen.again(begun.claimed, turn)
            answer = await self._fresh(turn, begun, look)
            if turn.invoke:
                self._aside(self._seen.done(turn, answer, ANSWER_KEPT_SECONDS))
            else:
                self._unsaid.add((turn.conversation.id, turn.id))
        except Exception as error:  # noqa: BLE001 - the one place where everything becomes an answer
            self._seen.dropped(turn)
            return await self._given(turn, self._failed(turn, look, error))
        return answer

    def said(self, turn: Turn) -> None:
        """The answer to a message is out. Until then a crash leaves the turn to its redelivery."""
        if (turn.conversation.id, turn.id) in self._unsaid:
            self._unsaid.discard((turn.conversation.id, turn.id))
            self._aside(self._seen.done(turn, Answer(), ANSWER_KEPT_SECONDS))

    async def _fresh(self, turn: Turn, begun: Begun, look: Look) -> Answer:
        binding = binding_of(begun.record, turn.conversation)
        if turn.kind == "installed":
            return await self._installed(turn, binding, look)
        if turn.kind == "removed":
            if self.services.barred:
                await self.services.barred(binding.customer, Place.of(turn.conversation))
            return Answer()
        ends = asyncio.get_running_loop().time() + INVOKE_SECONDS
        try:
            context = await self._known(turn, begun, binding, look)
            work = self._click_work(context) if turn.kind == "click" else self._line_work(context, turn.text)
        except BotError as error:
            return await self._given(turn, self._failed(turn, look, error))
        return await self._do(context, work, ends)

    async def _installed(self, turn: Turn, binding: Binding, look: Look) -> Answer:
        """Greet once, however many events say that the bot was added."""
        claim = await self.services.store.claim(binding.customer, f"welcome:{turn.conversation.id}", 60.0)
        if claim.state != "fresh":
            return Answer()
        if self.features.on_installed:
            await self.features.on_installed(self.services, binding.customer, turn)
        return Answer(shown=self.features.welcome(look))

    async def _known(self, turn: Turn, begun: Begun, binding: Binding, look: Look) -> Context:
        """The context, unless Teams or Graph take too long over who it is; what they say then serves the next turn."""
        asking = self._aside(self._context(turn, begun, binding, look))
        await asyncio.wait({asking}, timeout=INVOKE_WHO if turn.invoke else MESSAGE_WHO)
        if not asking.done():
            raise PersonError("error.role_unread")
        return asking.result()

    async def _context(self, turn: Turn, begun: Begun, binding: Binding, look: Look) -> Context:
        person, groups = begun.values
        actor = await self._who(turn, person)
        if actor.tenant not in binding.people or (actor.guest and actor.tenant == turn.conversation.tenant):
            raise NotAllowed("error.foreign_person")
        kept = groups if actor.tenant == turn.conversation.tenant else None
        held = await self.roles.held(actor, self.services.graph(actor.tenant), kept)
        return Context(
            turn=turn,
            actor=actor,
            role=held.role,
            doubt=held.doubt,
            customer=binding.customer,
            conversation=turn.conversation,
            look=look,
            services=self.services,
            features=self.features,
        )

    async def _who(self, turn: Turn, kept: Mapping[str, Any] | None) -> Actor:
        """The person with the tenant that the Connector gives for them; kept five minutes."""
        if not turn.actor.id:
            raise NotAllowed("error.no_identity")
        if kept is None:
            try:
                member = await self.services.teams.member(turn.conversation, turn.actor.mri)
            except Missing as error:
                raise NotAllowed("error.no_identity") from error
            kept = {"id": member.id, "tenant": member.tenant or turn.conversation.tenant, "guest": member.guest}
            await self.services.store.put_value(turn.conversation.tenant, _person(turn), kept, PERSON_KEPT_SECONDS)
        if str(kept["id"]).casefold() != turn.actor.id.casefold():
            raise NotAllowed("error.no_identity")
        return replace(turn.actor, tenant=str(kept["tenant"]), guest=turn.actor.guest or bool(kept["guest"]))

    def _line_work(self, context: Context, line: str) -> Work:
        command, words = self.commands.find(line)
        context.require(command.role, NotAllowed("error.role", role=command.role.word, command=command.name))
        arguments = command.parse(words)
        return Work(name=command.name, line=_cut(line), slow=command.slow, run=lambda: command.run(context, arguments))

    def _click_work(self, context: Context) -> Work:
        click = context.turn.click
        button = self.buttons.get(click.verb) if click else None
        if click is None or button is None or click.automatic or click.v < OLDEST_BUTTON:
            raise Stale("error.unknown_button")
        if click.v > NEWEST_BUTTON:
            raise Stale("error.newer_card")
        context.require(button.role, NotAllowed("error.role_button", role=button.role.word))
        return Work(
            name=button.verb,
            line=click.id if button.typed else click.verb,
            slow=button.slow,
            run=lambda: button.run(context, click),
            meaning=meaning(context.actor, click) if button.once else "",
        )

    async def _do(self, context: Context, work: Work, ends: float) -> Answer:
        if work.meaning:
            claim = await self._seen.claim(context.customer, work.meaning, wait=INVOKE_WAITS_FOR_OTHER)
            if claim.state != "fresh":
                return self._seen.again(claim, context.turn)
        return await self._run(context, work, ends)

    async def _run(self, context: Context, work: Work, ends: float) -> Answer:
        """Run at once, or, where it takes longer than a moment, behind a working card."""
        turn = context.turn
        task = asyncio.create_task(self._guarded(context, work))
        if not work.slow:
            return await self._given(turn, await task)
        left = max(LEAST_PATIENCE, ends - asyncio.get_running_loop().time())
        await asyncio.wait({task}, timeout=left if turn.invoke else AT_ONCE)
        if task.done():
            return await self._given(turn, task.result())
        if turn.conversation.kind != "channel" and not turn.invoke:
            self._aside(self.services.teams.typing(turn.conversation))
        starting = self._aside(self._start(context, work))
        self._aside(self._finish(context, task, starting))
        if turn.invoke:
            return Answer(text=self.features.texts["working_below"])
        await asyncio.wait({starting})
        return Answer()

    async def _start(self, context: Context, work: Work) -> str:
        """Post the working card; returns its message id, empty where it cannot be shown."""
        shown = self.features.working(context.look, work.line)
        try:
            return await slow.start(self.services, context.customer, context.turn, work.line, shown)
        except ServiceError as error:
            log.warning("working_card_not_shown", error=str(error))
            return ""

    async def _finish(self, context: Context, task: asyncio.Task[Outcome], starting: asyncio.Task[str]) -> None:
        """Put the answer in the working card's place; where there is none, it is a message of its own."""
        message = await starting
        answer = (await task).answer
        shown = answer.shown or self.features.done(context.look, answer.text)
        if message:
            await slow.end(self.services, context.customer, context.turn, message, shown)
        else:
            await self.services.teams.post(context.conversation, shown)

    async def _guarded(self, context: Context, work: Work) -> Outcome:
        """Run the handler; whatever it raises becomes an answer, and only what succeeded is kept for redeliveries."""
        outcome = await self._worked(context, work)
        if work.meaning and outcome.failed:
            await self._seen.give_back(context.customer, work.meaning)
        elif work.meaning:
            self._aside(self._seen.keep(context.customer, work.meaning, outcome.answer, MEANING_KEPT_SECONDS))
        return outcome

    async def _worked(self, context: Context, work: Work) -> Outcome:
        try:
            async with asyncio.timeout(LONGEST_WORK):
                reply = await work.run()
        except Exception as error:  # noqa: BLE001 - every failure is an answer
            return self._failed(context.turn, context.look, error)
        if reply.follow and reply.shown:
            self._aside(self._follow(context, reply.follow))
        elif reply.follow:
            await self.services.wake(context.customer, *reply.follow)
        TURNS.labels(context.turn.kind, "ok").inc()
        log.info("turn_done", what=work.name, person=context.actor.id, customer=context.customer)
        return Outcome(answer=Answer(shown=reply.shown, text=reply.note), beside=reply.beside)

    async def _follow(self, context: Context, record: tuple[str, str]) -> None:
        """A record's card comes after the answer that speaks of it."""
        await asyncio.sleep(AFTER_ANSWER)
        await self.services.wake(context.customer, *record)

    async def _given(self, turn: Turn, outcome: Outcome) -> Answer:
        """The answer as the turn takes it: for a press, a card that stands beside the pressed one is posted."""
        answer = outcome.answer
        if not (turn.invoke and outcome.beside and answer.shown):
            return answer
        posting = self._aside(self.services.teams.post(turn.conversation, answer.shown))
        await asyncio.wait({posting}, timeout=INVOKE_POST)
        unposted = posting.done() and posting.exception()
        return answer if unposted else Answer(text=answer.text)

    def _failed(self, turn: Turn, look: Look, error: Exception) -> Outcome:
        """The answer to a failure; what the person cannot mend is logged under the reference that the card shows.

        It never takes the place of a pressed card, which may be the one to try again on.
        """
        reference = secrets.token_hex(4)
        TURNS.labels(turn.kind, type(error).__name__).inc()
        if isinstance(error, PersonError):
            log.info("turn_refused", why=error.key, turn=turn.id, person=turn.actor.id)
        elif isinstance(error, BotError | TimeoutError):
            log.warning("turn_failed", reference=reference, turn=turn.id, error=str(error))
        else:
            log.error("turn_crashed", reference=reference, turn=turn.id, exc_info=error)
        shown = self.features.on_error(look, error, reference)
        if not turn.invoke:
            return Outcome(answer=Answer(shown=shown), failed=True)
        if isinstance(error, PersonError) and not isinstance(error, Ambiguous):
            return Outcome(answer=Answer(text=shown.summary), failed=True)
        return Outcome(answer=Answer(shown=shown, text=shown.summary), beside=True, failed=True)


def _cut(line: str) -> str:
    """A line as a working card shows it: some commands take a whole list."""
    return line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}…"


def _person(turn: Turn) -> str:
    """The name of the value that keeps who somebody is, as the conversation knows them."""
    return f"person:{turn.conversation.id}:{turn.actor.mri}"
