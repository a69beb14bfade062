"""A list as it is typed, and what the service's answer to it says of each value."""

import pytest

from bot.defender.indicators.models import Imported
from bot.errors import Unavailable, UsageError
from bot.responses.indicator_list import FAILED, NAMED, answered
from bot.responses.models import Request, Target
from handlers.indicator_list import split
from handlers.responses import block_list
from tests.responses.people import ADELE, START


def test_a_list_is_split_at_what_people_put_between():
    """Spaces, lines, commas, semicolons; remarks are left out."""
    text = "# from ticket 4711\nbad.example, worse.example;\r\n198[.]51[.]100[.]7\n\n  # end\n"
    assert split(text) == ["bad.example", "worse.example", "198[.]51[.]100[.]7"]


@pytest.mark.parametrize(
    ("line", "parameters", "reason", "values"),
    [
        (
            "30d high phishing kit of ticket 4711: bad.example, 198.51.100.7",
            ("30d", "High"),
            "phishing kit of ticket 4711:",
            ("bad.example", "198.51.100.7"),
        ),
        ("phishing bad.example", ("forever", "Medium"), "phishing", ("bad.example",)),
        ("phishing kit", ("forever", "Medium"), "phishing kit", ()),
    ],
)
def test_the_words_of_a_list_are_choices_reason_values(line, parameters, reason, values):
    """The reason ends at the first word that is a value."""
    asked = block_list.COMMAND.parse(line)
    assert tuple(asked.parameters.values()) == parameters
    assert (asked.reason, asked.values) == (reason, values)


def test_a_list_needs_a_reason():
    """Values alone are not enough for whoever must judge them."""
    with pytest.raises(UsageError):
        block_list.COMMAND.parse("30d bad.example")


def made(values: tuple[str, ...]) -> Request:
    return Request(
        id="WK-1",
        customer="c",
        response="block-list",
        family="indicator",
        target=Target(id="list:1", name="a list", kind="values"),
        values=values,
        requester=ADELE,
        created=START,
        expires=START,
    )


def test_an_answer_that_leaves_values_out_is_no_answer():
    """Where the service does not speak of each value, what became of them must be looked up."""
    with pytest.raises(Unavailable) as unclear:
        answered(made(("a.example", "b.example")), [Imported(id="1", indicator="a.example", is_failed=False)])
    assert unclear.value.sent


def test_five_hundred_failures_do_not_swell_the_record():
    """The first are named in a few words, the rest is counted."""
    values = tuple(f"{n}.example" for n in range(500))
    results = [Imported(indicator=value * 9, is_failed=True, failure_reason="why " * 99) for value in values]
    work = answered(made(values), results)
    assert work.result[FAILED] == "500"
    assert sum(key.startswith("list-failure") for key in work.result) == NAMED
    assert len(str(work.result)) < 4000
