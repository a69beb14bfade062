import functools
import re
from datetime import timedelta

import pytest

from bot.center import CenterAlert, CenterFact
from bot.graph.models import Incident
from bot.turn import input_name
from cards.actions import ActionsView, actions_card
from cards.center import center_card
from cards.device import device_card
from cards.devices import devices_card
from cards.elements import LARGEST, measure
from cards.incident import IncidentDetails, incident_card, incident_details_card
from cards.incidents import IncidentList, incidents_card
from cards.past import past_card
from cards.request import request_card
from cards.text import escape
from tests.cards import centers, gallery, samples, walk
from tests.cards.samples import LOOK, NOW

HUGE = "*[x](" * 2000


def huge(_default: str) -> str:
    return HUGE


NEEDED: dict[str, dict[str, type]] = {
    "Action.Execute": {"title": str, "verb": str, "data": dict},
    "Action.OpenUrl": {"title": str, "url": str},
    "Action.ShowCard": {"title": str, "card": dict},
    "Action.Submit": {"title": str, "data": dict},
    "Column": {"items": list},
    "ColumnSet": {"columns": list},
    "Container": {"items": list},
    "FactSet": {"facts": list},
    "Input.ChoiceSet": {"id": str, "label": str, "choices": list},
    "Input.Text": {"id": str, "label": str},
    "Table": {"columns": list, "rows": list},
    "TextBlock": {"text": str},
}
"""What the parser of the phones (the shared object model of microsoft/AdaptiveCards) wants there, or shows no card."""
TYPES: dict[type, set[str]] = {
    bool: {"isMultiline", "isRequired", "isSubtle", "separator", "wrap"},
    int: {"maxLength"},
    dict: {"card", "data", "fallback", "msteams", "selectAction"},
    list: {"actions", "body", "choices", "columns", "facts", "items", "rows"},
    str: {
        *("$schema", "associatedInputs", "color", "errorMessage", "fallbackText", "fontType", "id", "label", "mode"),
        *("placeholder", "size", "spacing", "style", "text", "title", "tooltip", "type", "url", "value", "verb"),
        *("version", "weight"),
    },
}
"""The only properties that cards have, and their types: the same parser refuses a card for one that is there and wrong.

What is not listed nobody has looked up in it yet.
"""
TYPE_OF = {name: of_type for of_type, names in TYPES.items() for name in names}
TEAMS_OWN = {"Chart.Line", "CodeBlock"}
"""Unknown to that parser, which takes their fallback; the schema test looks at them."""
DEEPEST, MOST, MOST_IN_A_LIST = 32, 5000, 200
"""Elements and buttons within each other, and in all (`ParseContext` of Teams-AdaptiveCards-Mobile), and in one list
(AdaptiveCards#9373): beyond that the phones show no card, or only its beginning."""
URL = re.compile(r"[\w.~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII)
CARDS = gallery.every()
HOSTILE = gallery.every(huge)


def too_much(card) -> bool:
    """Whether a card is more than phones parse."""
    depths = list(walk.depths(card))
    lists = [len(value) for node in walk.nodes(card) for value in node.values() if isinstance(value, list)]
    return len(depths) > MOST or max(depths) > DEEPEST or max(lists) > MOST_IN_A_LIST


@pytest.mark.parametrize("name", sorted(CARDS))
class TestEveryCard:
    """What holds for each card of the gallery."""

    def test_is_a_teams_card(self, name):
        """Each card is version 1.5, names the schema, is full width, and where it is not shown its summary stands."""
        card = CARDS[name].card
        assert card["fallbackText"] == escape(CARDS[name].summary, 500)
        assert not any("fallbackText" in panel for panel in walk.panels(card))
        assert card["version"] == "1.5"
        assert card["$schema"].endswith("adaptive-card.json")
        assert card["msteams"] == {"width": "Full"}

    def test_has_a_one_line_summary(self, name):
        """Each card has a summary of one line without Markdown, for notifications."""
        summary = CARDS[name].summary
        assert summary.strip() == summary
        assert summary
        assert "\n" not in summary
        assert "**" not in summary

    def test_button_data_names_a_record_and_nothing_else(self, name):
        """Button data is exactly v, verb, id and rev, the same in the fallback, and the verb is the action's."""
        for action in walk.actions(CARDS[name].card):
            if action["type"] == "Action.Execute":
                assert set(action["data"]) == {"v", "verb", "id", "rev"}
                assert action["data"]["verb"] == action["verb"]
                assert action["fallback"]["type"] == "Action.Submit"
                assert action["fallback"]["data"] == action["data"]
                assert action["fallback"]["title"] == action["title"]

    def test_holds_no_null(self, name):
        """No value is null: one null can blank a card on a phone."""
        assert all(value is not None for node in walk.nodes(CARDS[name].card) for value in node.values())

    def test_inputs_have_labels(self, name):
        """Each input has an id and a label, and a required one says what is missing."""
        for node in walk.nodes(CARDS[name].card):
            if str(node.get("type", "")).startswith("Input."):
                assert node["id"]
                assert node["label"]
                assert not node.get("isRequired") or node["errorMessage"]
            titles = [choice["title"] for choice in node.get("choices", ())]
            assert len(titles) == len(set(titles))  # an iPhone looks up the value by the title that was chosen

    def test_ids_are_unique(self, name):
        """No id occurs twice, folded parts included: the parser of the phones refuses the whole card."""
        ids = [node["id"] for node in walk.nodes(CARDS[name].card) if "type" in node and "id" in node]
        assert len(ids) == len(set(ids))

    def test_no_panel_asks_for_what_the_card_asks(self, name):
        """A press sends the inputs of its panel and of the card around it: no name is among them twice."""
        for ids in walk.sent(CARDS[name].card):
            names = [input_name(one) for one in ids]
            assert len(names) == len(set(names))
            assert not {*names} & {"v", "verb", "id", "rev", "msteams"}  # clients put them into the button's data

    def test_inputs_stand_in_panels(self, name):
        """Each input stands in a panel whose buttons send it, and each panel unfolds on phones.

        Clients did not heed `associatedInputs: none` (AdaptiveCards#8585, msteams-docs#4862): a required input
        elsewhere would stop every button. They did not unfold what is in an overflow menu (msteams-docs#9223).
        """
        card = CARDS[name].card
        assert next(walk.sent(card)) == ()
        for panel in walk.panels(card):
            sends = "none" if next(walk.sent(panel)) == () else "auto"
            assert {one["associatedInputs"] for one in walk.actions(panel) if "verb" in one} <= {sends}
            assert not list(walk.panels(panel))
        for node in walk.nodes(card):
            assert node.get("type") != "Action.ShowCard" or "mode" not in node
            assert node.get("selectAction", {}).get("type") != "Action.ShowCard"

    def test_phones_can_parse_it(self, name):
        """What the parser of the phones requires is there, all is of its type, and nothing too much for it."""
        assert not too_much(CARDS[name].card)
        for node in walk.nodes(CARDS[name].card):
            for field, of_type in NEEDED.get(str(node.get("type")), {}).items():
                assert type(node[field]) is of_type
                assert node[field] or of_type is str
            if "type" in node and node["type"] not in TEAMS_OWN:
                assert {field: type(value) for field, value in node.items()} == {
                    field: TYPE_OF[field] for field in node
                }
            for row in (*node.get("facts", ()), *node.get("choices", ())):
                assert {field: type(value) for field, value in row.items()} == {"title": str, "value": str}

    def test_text_wraps_and_is_not_empty(self, name):
        """Each line wraps (phones are 320 pixels wide) and says something."""
        for node in walk.nodes(CARDS[name].card):
            if node.get("type") == "TextBlock":
                assert node["wrap"] is True
                assert node["text"].strip()
            for fact in node.get("facts", ()):
                assert fact["title"].strip()
                assert fact["value"].strip()

    def test_has_at_most_six_buttons_in_its_bar(self, name):
        """A bar has at most six buttons; those that can wait are secondary."""
        for node in walk.nodes(CARDS[name].card):
            bar = node.get("actions", ())
            assert len(bar) <= 6
            assert sum(button.get("mode") != "secondary" for button in bar) <= 4
            assert not bar or any(button.get("mode") != "secondary" for button in bar)

    def test_links_lead_to_microsoft(self, name):
        """Each link is https on a host of Microsoft's, a handed-over file among them."""
        for action in walk.actions(CARDS[name].card):
            if action["type"] == "Action.OpenUrl":
                page = r"(security|entra|admin|intune)\.microsoft\.com(/|$)"
                file = r"[a-z-]+\.securitycenter\.windows\.com:443/safedownload/"
                assert re.match(f"https://({page}|{file})", action["url"])
                assert URL.fullmatch(action["url"])  # an iPhone makes no address of one with other characters

    def test_times_name_their_zone(self, name):
        """Wherever a time of day stands, its zone stands right after it."""
        for text in [*walk.markdown_texts(CARDS[name].card), CARDS[name].summary]:
            for found in re.finditer(r"\b\d\d:\d\d(?::\d\d)?\b", text):
                assert re.match(r" (CET|CEST)\b", text[found.end() :]), text


def big_cards():
    """Cards with as much in them as a tenant can have, all of it hostile."""
    x = huge
    alerts = tuple(samples.graph_alert(x, n) for n in range(120))
    some = samples.requests(x)
    many = tuple(some.values()) * 5
    actions = tuple(samples.action(x) for _ in range(120))
    view = samples.device_view(x)
    yield "devices", devices_card(LOOK, samples.device_list(str, 120, total=120, pages=1, page=1))
    yield "devices hostile", devices_card(LOOK, samples.device_list(x, 10, text=HUGE))
    yield "incident", incident_card(LOOK, samples.incident_record(x, assets=samples.incident_record(x).assets * 60))
    yield "details", incident_details_card(LOOK, IncidentDetails(incident=samples.incident(x), alerts=alerts))
    rows = tuple(samples.incident(x) for _ in range(120))
    yield "incidents", incidents_card(LOOK, IncidentList(total=120, rows=rows))
    yield (
        "device",
        device_card(
            LOOK,
            samples.device_view(
                x, users=view.users * 60, alerts=view.alerts * 60, actions=actions, requests=view.requests * 60
            ),
        ),
    )
    yield (
        "actions",
        actions_card(LOOK, ActionsView(requests=many, queued=actions, center=(centers.item(x),) * 60)),
    )
    yield "history", past_card(LOOK, centers.past(x, rows=(centers.entry(x),) * 60, filters=(("by", HUGE),) * 4))
    facts = tuple(CenterFact(key="path", value=HUGE) for _ in range(15))
    alerts = tuple(CenterAlert(id=str(n), title=HUGE, incident=str(n), word=HUGE) for n in range(20))
    yield "center", center_card(LOOK, centers.item(x, facts=facts, alerts=alerts))
    steps = tuple(samples.step(NOW - timedelta(minutes=n), "rejected", who=HUGE, reason=HUGE) for n in range(60))
    yield "request", request_card(LOOK, samples.sent(x, story=steps, evidence=samples.facts(x, users=(HUGE,) * 300)))


@pytest.mark.parametrize(("name", "shown"), list(big_cards()))
def test_card_fits_into_a_message(name, shown):
    """However much there is, and however long and hostile it is, a card stays under 60 KB."""
    assert 2000 < measure(shown.card) < LARGEST
    assert not too_much(shown.card)


@pytest.mark.parametrize("name", sorted(CARDS))
def test_hostile_text_of_any_length_fits(name):
    """Each card in the gallery stays under 60 KB when every outside text is 10,000 hostile characters."""
    assert measure(HOSTILE[name].card) < LARGEST


@pytest.mark.parametrize(
    "body",
    [
        [{"type": "TextBlock", "text": "x"}] * 201,
        [{"type": "Container", "items": [{"type": "TextBlock", "text": "x"}] * 100}] * 50,
        functools.reduce(lambda inner, _: [{"type": "Container", "items": inner}], range(32), [{"type": "TextBlock"}]),
        [{"type": "CodeBlock", "fallback": {"type": "Container", "items": [{"type": "TextBlock"}] * 199}}] * 25,
    ],
)
def test_too_much_is_seen(body):
    """Too long a list, too many elements, too deep a one, and what stands in fallbacks, are told as too much."""
    assert too_much({"type": "AdaptiveCard", "body": body})
    assert not too_much({"type": "AdaptiveCard", "body": [{"type": "TextBlock"}] * 200})


def test_rows_that_are_not_shown_are_counted():
    """A list that is cut says how many rows are missing."""
    incidents = tuple(Incident(id=str(n), last_update_date_time=NOW) for n in range(25))
    card = incidents_card(LOOK, IncidentList(total=25, rows=incidents)).card
    assert "5 more" in walk.text_of(card)
