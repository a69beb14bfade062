"""Who wants what, by chance: every response in turn, and those that get in each other's way more often."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from bot.simulator.server import Simulator
from tests.soak.acts import Act, Given, filled
from tests.soak.acts_scripted import SUBJECTS
from tests.soak.cards_read import Seen
from tests.soak.repertoire import ACTS, BY_NAME
from tests.soak.things import Thing, Things
from tests.soak.world import BY_ITSELF, REQUESTS, TENANTS, Player, of

WAYS = {
    "approve": 30,
    "double click": 10,
    "two approvers": 10,
    "approve against reject": 6,
    "reject": 9,
    "withdraw": 6,
    "withdraw against approve": 4,
    "own request": 5,
    "without the role": 6,
    "from elsewhere": 4,
    "stale card": 8,
    "left alone": 2,
}
SEVERAL = 0.15
"""How often one request is for several devices, where that is possible."""
OPPOSITES = 0.25
"""How often the opposite of what was just asked for is asked for, on the same thing."""
BY_BUTTON, LOOK, LOOKED_AT = 0.12, 0.05, 0.08
"""How often every second one is the inverse of what is shown as done, by its card's button; a look at what a script
would change on a device; that script, after such a look."""
NOBODY_OBJECTS, VETO = 0.5, 0.25
"""How often what runs by itself is left alone, and how often it is rejected before."""
LOOKED = {name: script for script, words in SUBJECTS.items() for name, _ in words.values()}
"""By the parameter that a look was given: which script it was a look at."""
INSTEAD = {"submit-file": "get-file", "unblock-list": "block-list", "library-delete": "library-upload"}
"""What is asked for where there is nothing yet to do it to."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody wants: `tag` stands in the reason, so that it is found again. `names` are several devices.

    `given` are the parameters that are asked for, `line` what is typed, `file` what is sent along. `undoes` is the
    request whose inverse this is: it is asked for by the button of its card, or typed where that is gone.
    """

    tag: str
    tenant: str
    who: Player
    where: str
    act: Act
    target: Thing
    way: str
    line: str = ""
    given: Given = field(default_factory=dict)
    names: tuple[str, ...] = ()
    file: tuple[str, bytes] | None = None
    undoes: str = ""


class Wishes:
    """Everything by chance comes from `dice`; what follows from what was done, and what runs by itself, from `more`."""

    def __init__(self, sim: Simulator, things: Things, dice: Random, more: Random) -> None:
        self.sim, self.things, self.dice, self.more = sim, things, dice, more
        self._made: dict[str, Wish] = {}
        self._undone: set[str] = set()
        self.leave_alone = True
        self._before: dict[str, Wish] = {}
        self._round: list[Act] = []

    def next(self, number: int) -> Wish:
        """The next one: each response in turn, and between two of these one by how often it is wanted."""
        dice = self.dice
        tenant = dice.choices(TENANTS, (12, 8))[0]
        if not self._round:
            self._round = dice.sample(ACTS, len(ACTS))
        act = self._round.pop() if number % 2 else dice.choices(ACTS, [one.often for one in ACTS])[0]
        before = self._before.get(tenant)
        if not number % 2 and (after := self._after(number, tenant)):
            wish = after
        elif not number % 2 and before and before.act.back and dice.random() < OPPOSITES:
            wish = self._of(number, tenant, BY_NAME[before.act.back], before)
        else:
            wish = self._of(number, tenant, act)
        self._before[tenant] = self._made[wish.tag] = wish
        return wish

    def _after(self, number: int, tenant: str) -> Wish | None:
        """What follows from what was done and is shown."""
        chance = self.more.random()
        if chance < BY_BUTTON:
            return self._inverse(number, tenant)
        if chance < BY_BUTTON + LOOK:
            return self._of(number, tenant, BY_NAME["preview"])
        return self._looked_at(number, tenant) if chance < BY_BUTTON + LOOK + LOOKED_AT else None

    def _done(self, tenant: str) -> list[tuple[str, Seen, Wish]]:
        """Requests that are shown as done, each with its card and what was wanted, newest first."""
        board, found = self.things.board.look(), []
        for tag, wish in reversed(self._made.items()):
            for id_ in sorted(board.tagged[tag]) if wish.tenant == tenant else ():
                cards = board.cards("request", id_, REQUESTS[tenant])
                seen = board.shown[cards[-1]] if cards else None
                if seen and seen.stand == ("done on all" if wish.names else "succeeded"):
                    found.append((id_, seen, wish))
        return found

    def _inverse(self, number: int, tenant: str) -> Wish | None:
        """Of what is shown as done, by its card's button; not twice of the same."""
        for id_, seen, done in self._done(tenant):
            act = BY_NAME.get(done.act.back)
            if act and {"undo", "propose"} & seen.data.keys() and id_ not in self._undone:
                self._undone.add(id_)
                target = done.target if act.on == done.act.on else Thing(id=id_, typed=(id_,), shown=id_)
                wish = self._wished(number, tenant, act, target, *self._typed(act, done), names=done.names)
                given = {} if act is done.act else wish.given  # the one before, which nobody typed
                return replace(wish, given=given, where=REQUESTS[tenant], undoes=id_)
        return None

    def _looked_at(self, number: int, tenant: str) -> Wish | None:
        """The script that a look was at, on the same device."""
        looks = [wish for _, _, wish in self._done(tenant) if wish.act.name == "preview"]
        looks = [wish for wish in looks if wish.tag not in self._undone]
        if not looks:
            return None
        self._undone.add(looks[0].tag)
        act = BY_NAME[LOOKED[next(iter(looks[0].given))]]
        return self._wished(number, tenant, act, looks[0].target, *self._typed(act, looks[0]))

    def _of(self, number: int, tenant: str, act: Act, before: Wish | None = None) -> Wish:
        typed, given = self._typed(act, before)
        same = before.target if before and before.act.on == act.on else None
        target = same or self.things.choose(tenant, act, given)
        if target is None:
            return self._of(number, tenant, BY_NAME[INSTEAD[act.name]])
        names = self._several(tenant) if act.many and self.dice.random() < SEVERAL else ()
        return self._wished(number, tenant, act, target, typed, given, names)

    def _wished(
        self,
        number: int,
        tenant: str,
        act: Act,
        target: Thing,
        typed: dict[str, str],
        given: dict[str, str],
        names: tuple[str, ...] = (),
    ) -> Wish:
        who, tag = self._who(tenant, act), f"soak-{number:04d}"
        file = None
        if act.files:
            there = target.id in self.sim.world.customers[tenant].library
            file = (target.id, f"# {tag}".encode())
            typed = {"replace": "replace " if there else ""}
            given = {"OverrideIfExists": "true" if there else "false", "Sha256": hashlib.sha256(file[1]).hexdigest()}
        return Wish(
            tag=tag,
            tenant=tenant,
            who=who,
            where=who.chat if act.files or self.dice.random() < 0.25 else REQUESTS[tenant],
            act=act,
            target=target,
            way=self._way(act),
            line=self._line(act, target, names, {**typed, "tag": tag}),
            given=given,
            names=names,
            file=file,
        )

    def _typed(self, act: Act, before: Wish | None) -> tuple[dict[str, str], dict[str, str]]:
        """What is typed for each option, and the parameters that this is: the same as before where that fits."""
        typed, given = {}, {}
        for option, words in act.options.items():
            kept = [word for word, (name, value) in words.items() if before and before.given.get(name) == value]
            fresh = act.name == (before.act.name if before else "")
            word = self.dice.choice(kept if kept and not fresh else list(words))
            typed[option] = word
            name, value = words[word]
            given[name] = value
        return typed, given

    def _who(self, tenant: str, act: Act) -> Player:
        """Somebody who may ask, and beside whom there are enough who decide."""
        asking = [player for player in of(tenant) if (player.decides if act.decider else player.proposes)]
        deciders = {player for player in of(tenant) if player.decides}
        return self.dice.choice([player for player in asking if len(deciders - {player}) >= act.approvals])

    def _several(self, tenant: str) -> tuple[str, ...]:
        """The names of a few devices, for one request."""
        names = [one.shown for one in self.things.devices(self.sim.world.customers[tenant])]
        return tuple(self.dice.sample(names, self.dice.randint(2, 4)))

    def _way(self, act: Act) -> str:
        chance = self.more.random() if act.name in BY_ITSELF else 1.0
        if chance < NOBODY_OBJECTS + VETO:
            return "left alone" if chance < NOBODY_OBJECTS else "reject"
        way = self.dice.choices(list(WAYS), list(WAYS.values()))[0]
        return "approve" if way == "left alone" and not self.leave_alone else way

    def _line(self, act: Act, target: Thing, names: tuple[str, ...], words: Mapping[str, str]) -> str:
        name = f'"{", ".join(names)}"' if names else self.dice.choice(target.typed)
        return filled(act.line, {**words, "name": name})
