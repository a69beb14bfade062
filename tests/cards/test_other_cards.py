from dataclasses import replace
from datetime import timedelta

import pytest

from bot import errors
from bot.graph.models import Evidence, GraphAlert
from bot.responses.models import Attempt, State, Target
from bot.roles import Role
from cards.actions import ActionsView, actions_card
from cards.audit import Exported, exported_card
from cards.device import Isolation, device_card
from cards.device_lists import list_card
from cards.error import error_card
from cards.help import CommandHelp, help_card
from cards.incident import IncidentDetails, asset_text, assets_of, incident_card, incident_details_card
from cards.incidents import IncidentList, incidents_card
from cards.past import PastList, exported_past_card, past_card
from cards.reminder import reminder_card
from cards.request import request_card
from cards.whoami import WhoAmI, whoami_card
from tests.cards import centers, gallery, policies, samples, walk
from tests.cards.samples import COMMANDS, LOOK, MACHINE

EVIDENCE = "#microsoft.graph.security."
CARDS = gallery.every()


def text(name: str) -> str:
    return walk.text_of(CARDS[name].card)


def ids(card, verb: str) -> list[str]:
    return [a["data"]["id"] for a in walk.actions(card) if a["type"] == "Action.Execute" and a["verb"] == verb]


class TestDevice:
    """The device card."""

    def test_offers_unfold_their_inputs(self):
        """A response that needs a reason unfolds one, its choices are lists with the service's words."""
        card = CARDS["device"].card
        assert ids(card, "propose") == [f"scan:{MACHINE}", f"isolate:{MACHINE}", f"release:{MACHINE}"]
        lists = {n["id"]: n for n in walk.nodes(card) if n.get("type") == "Input.ChoiceSet"}
        assert [c["value"] for c in lists["IsolationType"]["choices"]] == ["Full", "Selective"]
        assert lists["IsolationType"]["value"] == "Full"
        assert sum(n.get("type") == "Input.Text" for n in walk.nodes(card)) == 2

    def test_what_could_not_be_read_is_said(self):
        """A source that failed is named, and its part says so instead of showing nothing."""
        said = text("device-unread")
        assert said.count("could not be read") == 3
        assert "Could not be read: who logged on (Defender), alerts (Defender), machine actions" in said
        assert "No open alerts" not in said

    def test_nothing_there_is_said(self):
        """An empty source that was read is said to be empty."""
        said = text("device-quiet")
        assert "No open alerts." in said
        assert "could not be read" not in said

    def test_isolation_is_said_to_be_derived(self):
        """The state of the network is not the service's word, and the card says so."""
        assert "derived from machine actions" in text("device")

    def test_a_domain_admin_stands_out(self):
        """That a domain admin logged on is said in words."""
        assert "**domain admin**" in text("device")

    @pytest.mark.parametrize("state", ["isolated", "not isolated", "unknown", "being isolated", "being released"])
    def test_each_network_state_has_its_words(self, state):
        """What is only being done is not said to be done."""
        said = walk.text_of(device_card(LOOK, samples.device_view(str, isolation=Isolation(state=state))).card)
        assert ("not confirmed yet" in said) == state.startswith("being")


class TestDevices:
    """The list of devices."""

    def test_rows_open_devices_and_pages_turn(self):
        """Tapping a row shows the device; the pages keep the filter."""
        lines = ids(CARDS["devices"].card, "run")
        assert lines[:2] == [f"device {MACHINE}", f"device {MACHINE}"]
        assert lines[-2:] == ["devices high-risk page 1", "devices high-risk page 3"]

    def test_the_last_page_has_no_next(self):
        """No button leads beyond the last page."""
        assert ids(CARDS["devices-none"].card, "run") == []


class TestIncident:
    """The incident cards."""

    def test_a_reply_is_short_and_says_why(self):
        """A reply that asks to look again says what changed, and leads to the incident."""
        card = incident_card(LOOK, samples.incident_record(str), "severity:high").card
        assert "Severity is now high" in walk.text_of(card)
        assert len(card["body"]) == 2
        assert ids(card, "run") == ["incident 2972"]

    def test_unread_alerts_are_not_zero(self):
        """An incident whose alerts could not be read does not show a number."""
        assert "could not be read" in text("incident-resolved")

    def test_the_action_center_is_only_linked(self):
        """What waits for approval is read-only here: the card says so and links the page."""
        card = CARDS["incident"].card
        assert "No public API can approve or reject" in walk.text_of(card)
        links = [a["url"] for a in walk.actions(card) if a["type"] == "Action.OpenUrl"]
        assert any("/action-center/pending" in url for url in links)

    def test_an_incident_without_a_safe_link_has_none(self):
        """A link of another host is left out; the card stays."""
        card = incident_card(LOOK, samples.incident_record(str, url="https://evil.example/")).card
        assert not any("evil" in a.get("url", "") for a in walk.actions(card))

    def test_each_thing_is_shown_once_and_what_waits_wins(self):
        """Evidence that several alerts name is one line, and that it waits for approval is not hidden by another."""
        kind = f"{EVIDENCE}fileEvidence"
        file = {"file_details": {"file_name": "a.exe"}}
        done = Evidence(odata_type=kind, remediation_status="remediated", **file)
        waits = Evidence(odata_type=kind, remediation_status="pendingApproval", **file)
        assert [asset.remediation for asset in assets_of([done, waits, done])] == ["pendingApproval"]

    @pytest.mark.parametrize(("status", "color"), [("new", "Attention"), ("resolved", "Default")])
    def test_only_an_open_alert_is_marked(self, status, color):
        """A high alert stands out for as long as it is open; one that somebody resolved does not."""
        alert = GraphAlert(id="da1", title="Beacon", severity="high", status=status)
        card = incident_details_card(LOOK, IncidentDetails(incident=samples.incident(str), alerts=(alert,))).card
        (line,) = [node for node in walk.nodes(card) if "Beacon" in str(node.get("text"))]
        assert line.get("color") == color

    def test_a_registry_key_has_its_name(self):
        """A registry key is named as in the registry, with its hive."""
        key = Evidence(odata_type=f"{EVIDENCE}registryKeyEvidence", registry_hive="HKEY_USERS", registry_key="Run\\x")
        assert [asset.name for asset in assets_of([key])] == ["HKEY_USERS\\Run\\x"]

    def test_evidence_of_a_new_kind_says_so(self):
        """A kind that the catalogue does not know is no word of ours: it is named as the service sent it."""
        (asset,) = assets_of([Evidence(odata_type=f"{EVIDENCE}aiAgentEvidence", display_name="Helper")])
        assert asset_text(LOOK, asset) == "Other evidence (aiagent) Helper"

    def test_devices_can_be_opened(self):
        """A device that an incident names has a button that shows it."""
        assert f"device {MACHINE}" in ids(CARDS["incident"].card, "run")
        assert f"device {MACHINE}" in ids(CARDS["incident-details"].card, "run")


class TestLists:
    """Incidents, actions, history."""

    def test_an_unknown_total_is_not_zero(self):
        """Where the incidents could not be read, nothing says that there are none."""
        said = walk.text_of(incidents_card(LOOK, IncidentList(total=None, unread=("incidents",))).card)
        assert "unknown" in said
        assert "No incident matches" not in said

    def test_machine_actions_can_be_cancelled_only_by_those_who_may(self):
        """The button to cancel names the machine action, and is left out for others."""
        view = ActionsView(requests=(), queued=(samples.action(str),))
        assert ids(actions_card(LOOK, view).card, "cancel") == [samples.ACTION]
        reader = ActionsView(requests=(), queued=(samples.action(str),), cancel=False)
        assert ids(actions_card(LOOK, reader).card, "cancel") == []

    def test_what_runs_by_itself_is_not_said_to_be_decided_later(self):
        """The list says when it runs unless somebody rejects it, not when the request would expire."""
        veto = policies.terms(runs_at=LOOK.now + timedelta(seconds=40), veto_minutes=10)
        said = walk.text_of(
            actions_card(LOOK, ActionsView(requests=(samples.request(str, terms=veto),), queued=())).card
        )
        assert "Runs by itself at" in said
        assert "(in less than 1 min), unless an approver rejects it before" in said
        assert "To be decided by" not in said

    def test_only_what_waits_in_defender_is_said_to_be_cancelled_here(self):
        """For what waits in Intune no call cancels it, so the reminder and the card do not speak of it."""
        for kind, says in (("device", True), ("managed", False)):
            target = Target(id="x", name="pc-1", kind=kind)
            waits = samples.request(str, state=State.SENT, status="Pending", sent_at=LOOK.now, target=target)
            for shown in (reminder_card(LOOK, waits, "reply:waits"), request_card(LOOK, waits)):
                assert ("an approver can cancel it" in walk.text_of(shown.card)) is says

    def test_an_action_of_an_open_request_is_not_counted_twice(self):
        """The machine action of a request that stands above says that it belongs to one."""
        action = samples.action(str)
        sent = samples.request(str, state=State.SENT, attempts=(Attempt(number=1, began=LOOK.now, action=action.id),))
        for requests, says in (((sent,), True), ((samples.request(str),), False)):
            said = walk.text_of(actions_card(LOOK, ActionsView(requests=requests, queued=(action,))).card)
            assert ("It belongs to an open request" in said, "Started by" in said) == (says, not says)

    def test_nothing_found_says_what_else_to_ask(self):
        """With a filter it can be left out; without one only more days can find more."""
        bare = walk.text_of(past_card(LOOK, PastList(line="actions history 30 days", days=30)).card)
        assert ("actions history 180 days" in bare, "filter" in bare) == (True, False)
        chosen = PastList(line="actions history by a 30 days", days=30, filters=(("by", "a"),))
        assert "leave a filter out" in walk.text_of(past_card(LOOK, chosen).card)

    def test_the_action_center_has_no_buttons_but_a_link(self):
        """Nothing that waits in the Action center can be pressed, whatever waits."""
        assert set(walk.verbs(CARDS["actions"].card)) == {"cancel", "run"}
        assert "Read-only: no public API can approve or reject these." in text("actions")

    def test_unread_sources_are_not_empty(self):
        """A source that could not be read is named, and is not said to be empty."""
        said = text("actions-unread")
        assert "Could not be read: machine actions (Defender), investigations (Defender)" in said
        assert "no action that waits or runs" not in said
        assert "Nothing that the APIs show" not in said

    def test_what_others_started_is_marked(self):
        """History says of each entry who began it: this bot, the portal, another app, or somebody unknown."""
        said = text("history")
        for words in ("Asked by", "Started in the Defender portal by", "Started by another app", "outside the bot by"):
            assert words in said

    def test_what_was_not_read_of_the_history_is_said(self):
        """An unread source and a bound that was reached are named, and nothing is said to be empty."""
        said = text("history-unread")
        assert "Could not be read: machine actions (Defender)" in said
        assert "more requests of that time than the 2,000" in said
        assert "Nothing in the time" not in said

    def test_pages_and_the_file_keep_the_filters(self):
        """Older, Newer and Export CSV carry the same words."""
        lines = ids(CARDS["history"].card, "run")
        chosen = f"device {MACHINE} 30 days"
        assert [line for line in lines if line.startswith("actions")] == [
            f"actions history {chosen} page 3",
            f"actions history {chosen} page 1",
            f"actions history export {chosen}",
        ]


class TestTheActionCenter:
    """What waits there, and what became of it."""

    @pytest.mark.parametrize("name", [name for name in centers.items(str) if name.startswith("center-")])
    def test_no_card_says_decided_of_what_waits(self, name):
        """Whether it waits is said in the same words on each card, and never both."""
        item, said = centers.items(str)[name], text(name)
        over = [words for words in ("No longer waits", "No longer listed", "Not in the list any more") if words in said]
        assert bool(over) == (item.state != "waiting")
        assert ("Waits for approval" in said) == (item.state == "waiting")

    def test_nothing_decides_here(self):
        """A card has links and lines that ask for a response of the bot's own, said to be that."""
        assert set(walk.verbs(CARDS["center-file"].card)) == {"run"}
        assert "These are responses of this bot, with their own approval" in text("center-file")
        assert "until somebody decides it or it expires" in text("center-file")
        assert "no public API can approve or reject" in text("center-file")

    @pytest.mark.parametrize("name", ["center-remediated", "center-covered", "center-running"])
    def test_what_does_not_wait_by_itself_offers_nothing(self, name):
        """A response is offered only for what waits."""
        assert "by this bot" not in text(name)

    def test_where_a_time_comes_from_is_said(self):
        """The service's own time and the bot's first sight are told apart."""
        assert "by Defender's time" in text("center-file")
        assert "when the bot first saw it; Defender gives no time" in text("center-last-day")

    def test_expiry_is_said_only_where_it_is_known(self):
        """What was declined in time is not called expired."""
        assert "counts as a rejection" in text("center-expired")
        assert "counts as a rejection" not in text("center-declined")
        assert "the 7 days are over" in text("center-unlisted-late")
        assert "days" not in text("center-unlisted").partition("As of")[0].partition("Waited since")[0]


class TestErrors:
    """The error card."""

    def test_every_class_of_error_has_its_own_card(self):
        """Each failure says something else, and none shows what the log is for."""
        shown = {name: text(name) for name in CARDS if name.startswith("error-")}
        assert len(set(shown.values())) == len(shown)
        assert "secret detail" not in shown["error-unexpected"]

    def test_every_error_of_the_tree_is_taken(self):
        """Every class in bot.errors, and any other exception, gives a card."""
        service = [errors.ServiceError, *errors.ServiceError.__subclasses__()]
        for kind in service:
            assert error_card(LOOK, kind("defender", "x"), "R1").card["body"]
        for other in (errors.BotError(), errors.StoreError(), RuntimeError("x")):
            assert "R1" in walk.text_of(error_card(LOOK, other, "R1").card)

    def test_a_missing_permission_is_named_with_the_place_to_grant_it(self):
        """An administrator reads the exact name and where to grant it."""
        said = text("error-permission")
        for part in ("Machine.Isolate", "Entra admin center > App registrations > API permissions", "admin consent"):
            assert part in said

    def test_a_usage_error_shows_the_form(self):
        """A command that was not understood is answered with the form that works."""
        assert "/devices \\[FILTER\\]" in text("error-usage")

    def test_what_may_have_been_accepted_is_not_said_to_have_failed(self):
        """A call without an answer leaves it open whether something changed."""
        assert "is unknown" in text("error-unavailable-sent")
        assert "is unknown" not in text("error-unavailable")

    def test_an_ambiguous_name_gives_buttons(self):
        """Each choice runs the command with that device, whether the choice is a whole line or an id."""
        assert ids(CARDS["error-ambiguous"].card, "run") == [f"device {MACHINE}"] * 2

    def test_a_wait_is_rounded_up(self):
        """Nobody is told to come back before the service allows it."""
        assert "in 12 s" in text("error-throttled")

    def test_states_are_worded(self):
        """A state in an error is said as on the card."""
        assert "already timed out" in text("error-stale")


class TestHelp:
    """Help."""

    def test_commands_are_grouped_by_role_and_all_are_there(self):
        """Each command stands under the role it needs; those above the person's role say so."""
        said = walk.text_of(help_card(LOOK, Role.READER, COMMANDS).card)
        assert all(command.usage.split()[0] in said for command in COMMANDS)
        assert said.count("needs the role operator") == 3
        assert said.count("needs the role admin") == 2
        assert "needs the role reader" not in said

    def test_the_list_shows_forms_without_their_inner_brackets(self):
        """What a form takes in detail stands on the command's own card."""
        usage = "/actions [pending|history [export] [device NAME] [at [DAY] HH:MM]] [page N]"
        shown = help_card(LOOK, Role.READER, [CommandHelp(name="actions", usage=usage, role=Role.READER)])
        assert "/actions \\[pending|history ...\\] \\[page N\\]" in walk.text_of(shown.card)

    def test_who_one_is_comes_without_the_list_of_commands(self):
        """Each role has its sentence, in which the role stands; a role that could not be read is not claimed."""
        for role in Role:
            who = WhoAmI(name="Zoe", role=role, object_id="z", tenant="t", customer="", conversation_kind="personal")
            said = walk.text_of(whoami_card(LOOK, who).card)
            assert f"**{'no role' if role is Role.NONE else role.word}**" in said
            assert "isolate" not in said
            assert "Your role could not be read" in walk.text_of(whoami_card(LOOK, replace(who, unread=True)).card)

    def test_without_a_role_the_way_to_one_is_shown(self):
        """A person without a role reads who can give one, and the id to send."""
        said = text("whoami-none")
        assert "administrator" in said
        assert "ROLES_READER" in said.replace("\\", "")


class TestOne:
    """One of something is said in the singular."""

    def test_one_entry_and_one_device(self):
        """A file of one entry and a list of one device say so."""
        trail = exported_card(LOOK, Exported(name="audit.csv", entries=1, cut=False))
        history = exported_past_card(LOOK, "actions.csv", 1, whole=True)
        for shown in (trail, history):
            assert "holds 1 entry." in walk.text_of(shown.card)
        assert list_card(LOOK, "kiosks", ["kiosk-01"]).summary == "List kiosks: 1 device"
