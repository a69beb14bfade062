"""What is done to indicators, users, mail, the library and devices in Intune."""

from dataclasses import replace

from bot.simulator.world import Customer
from tests.soak.acts import WHY, Act, Given, Holds, by_intune, free, indicator, on_person

MARK = "[{request}/"
"""What the bot writes into whatever takes a text: which request it is for, and which attempt."""
PLACES = {
    "": ("action", "moveToJunk"),
    "inbox ": ("action", "moveToInbox"),
    "delete ": ("action", "moveToDeletedItems"),
    "soft ": ("action", "softDelete"),
    "purge ": ("action", "hardDelete"),
}
SORTS = {"": ("category", "phishing"), "spam ": ("category", "spam"), "clean ": ("category", "notJunk")}
FILES = {"": ("category", "malware"), "clean ": ("category", "notJunk")}
QUICK = {"": ("quickScan", "true"), "full ": ("quickScan", "false")}
ERASE = {"": ("keepUserData", "false"), "keep-data ": ("keepUserData", "true")}


def _all_blocked(customer: Customer, _: str, given: Given) -> bool:
    """Each value of a list is blocked; the values stand beside the parameters."""
    return all(indicator("Block")(customer, value, given) for value in given["values"].split())


def _list_gone(customer: Customer, target: str, _: Given) -> bool:
    return not any(entry.title.startswith(f"[{target}/") for entry in customer.entries.held.values())


def _was_deleted(customer: Customer, target: str, _: Given) -> bool:
    return any(what == "delete" and value.casefold() == target.casefold() for what, value, _ in customer.entries.said)


def _list_was_deleted(customer: Customer, target: str, _: Given) -> bool:
    return any(what == "delete" and title.startswith(f"[{target}/") for what, _, title in customer.entries.said)


def _uploaded(customer: Customer, target: str, given: Given) -> bool:
    file = customer.library.get(target)
    return file is not None and file.sha256 == given["Sha256"]


def _risk(state: str) -> Holds:
    return on_person(lambda person: person.risk is not None and person.risk.state == state)


def _left(customer: Customer, target: str, _: Given) -> bool:
    return target in customer.intune.gone


def _indicator(name: str, action: str, often: int = 1) -> Act:
    return Act(
        name=name,
        line=f"/{name} {{name}} " + WHY,
        on="value",
        operation="defender.indicators.submit",
        family="indicator",
        truth="call",
        needles=('"indicatorvalue":"{id}"', MARK, f'"action":"{action.casefold()}"'),
        back="unblock",
        holds=indicator(action),
        often=often,
    )


def _user(name: str, operation: str, family: str, holds: Holds, *needles: str) -> Act:
    return Act(
        name=name,
        line=f"/{name} {{name}} " + WHY,
        on="user",
        operation=operation,
        family=family,
        truth="call",
        needles=needles or ("{id}",),
        holds=holds,
    )


def _managed(name: str, action: str, family: str) -> Act:
    return Act(
        name=name,
        line=f"/{name} {{name}} " + WHY,
        on="managed",
        operation=f"graph.intune.{action}",
        family=family,
        truth="call",
        needles=("/{id}/",),
        holds=by_intune(action),
    )


INDICATORS = (
    _indicator("block", "Block", often=2),
    _indicator("warn", "Warn"),
    _indicator("monitor", "Audit"),
    _indicator("allow", "Allowed"),
    Act(
        name="unblock",
        line="/unblock {name} " + WHY,
        on="value",
        operation="defender.indicators.delete",
        family="indicator",
        truth="call",
        needles=(),
        back="block",
        holds=free,
        was=_was_deleted,
    ),
    Act(
        name="block-list",
        line="/block-list " + WHY + " {name}",
        on="list",
        operation="defender.indicators.import",
        family="indicator",
        thing="list",
        truth="call",
        needles=(MARK,),
        back="unblock-list",
        holds=_all_blocked,
        often=2,
    ),
    Act(
        name="unblock-list",
        line="/unblock-list {name} " + WHY,
        on="list made",
        operation="defender.indicators.batchdelete",
        family="indicator",
        thing="list",
        truth="call",
        needles=(),
        holds=_list_gone,
        was=_list_was_deleted,
    ),
)
BLOCK_SIGNIN = _user(
    "block-signin",
    "graph.users.update",
    "sign-in",
    on_person(lambda person: not person.enabled),
    "/{id}\n",
    '"accountenabled":false',
)
UNBLOCK_SIGNIN = _user(
    "unblock-signin",
    "graph.users.update",
    "sign-in",
    on_person(lambda person: person.enabled),
    "/{id}\n",
    '"accountenabled":true',
)
USERS = (
    replace(BLOCK_SIGNIN, back="unblock-signin", often=2),
    replace(UNBLOCK_SIGNIN, back="block-signin"),
    _user(
        "reset-password",
        "graph.users.update",
        "password",
        on_person(lambda person: person.passwords > 0),
        "/{id}\n",
        '"passwordprofile"',
    ),
    _user(
        "revoke-sessions",
        "graph.users.revoke",
        "sessions",
        on_person(lambda person: person.valid_from is not None),
    ),
    replace(
        _user("confirm-compromised", "graph.riskyusers.confirm", "user-risk", _risk("confirmedCompromised")),
        back="dismiss-risk",
    ),
    replace(
        _user("dismiss-risk", "graph.riskyusers.dismiss", "user-risk", _risk("dismissed")),
        back="confirm-compromised",
    ),
)
MAIL = (
    Act(
        name="remediate-mail",
        line="/remediate-mail {name} {place}" + WHY,
        on="letter",
        operation="graph.analyzedemails.remediate",
        family="mail",
        truth="call",
        needles=('"{left}"', '"{action}"', MARK),
        options={"place": PLACES},
        often=2,
    ),
    Act(
        name="submit-mail",
        line="/submit-mail {name} {sort}" + WHY,
        on="message",
        operation="graph.submissions.create",
        family="submission",
        truth="call",
        needles=("{left}", "{right}", '"category":"{category}"'),
        options={"sort": SORTS},
    ),
    Act(
        name="submit-url",
        line="/submit-url {name} {sort}" + WHY,
        on="address",
        operation="graph.submissions.create",
        family="submission",
        truth="call",
        needles=('"{id}"', '"category":"{category}"'),
        options={"sort": SORTS},
        alone=True,
    ),
    Act(
        name="submit-file",
        line="/submit-file {name} {sort}" + WHY,
        on="fetched",
        operation="graph.submissions.create",
        family="submission",
        truth="call",
        needles=('"filename":"{right}"', '"category":"{category}"'),
        options={"sort": FILES},
    ),
)
LIBRARY = (
    Act(
        name="library-upload",
        line="/library-upload {replace}" + WHY,
        on="upload",
        operation="defender.library.upload",
        family="library",
        truth="call",
        needles=("{id}", MARK),
        holds=_uploaded,
        files=True,
    ),
    Act(
        name="library-delete",
        line="/library-delete {name} " + WHY,
        on="stored",
        operation="defender.library.delete",
        family="library",
        truth="call",
        needles=("/{id}\n",),
        holds=lambda customer, target, _: target not in customer.library,
    ),
)
INTUNE = (
    replace(_managed("sync", "syncDevice", "intune-sync"), alone=True),
    replace(
        _managed("intune-scan", "windowsDefenderScan", "intune-scan"),
        line="/intune-scan {name} {quick}" + WHY,
        needles=("/{id}/", '"quickscan":{quickScan}'),
        options={"quick": QUICK},
        alone=True,
    ),
    replace(_managed("update-signatures", "windowsDefenderUpdateSignatures", "intune-signatures"), alone=True),
    _managed("restart", "rebootNow", "intune-restart"),
    _managed("lock", "remoteLock", "intune-lock"),
    replace(_managed("retire", "retire", "intune-removal"), on="enrolled", holds=_left),
    replace(
        _managed("wipe", "wipe", "intune-removal"),
        line="/wipe {name} {name} {keep}" + WHY,
        on="enrolled",
        needles=("/{id}/", '"keepuserdata":{keepUserData}'),
        options={"keep": ERASE},
        holds=_left,
        approvals=2,
    ),
)
ELSEWHERE = (*INDICATORS, *USERS, *MAIL, *LIBRARY, *INTUNE)
