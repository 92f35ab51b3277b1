"""A host's own words are filled in, and nobody else's are."""

from __future__ import annotations

import pytest

from flask_booking.messages.variables import VARIABLES, fill, fill_html, unknown_variables, variable_values
from tests.messages.made import view


def test_every_variable_has_a_value_and_a_description() -> None:
    assert list(variable_values(view())) == list(VARIABLES)
    assert all(str(description) for description in VARIABLES.values())


def test_variables_are_filled_in() -> None:
    values = variable_values(view())
    assert fill("Hi {guest_first_name}, {title} at {time}", values) == "Hi Grace, Consultation at 14:00"
    assert values["when"] == "Thursday, 3 December 2026, 14:00 – 15:00 (Europe/Paris)"


def test_mistyped_variables_are_reported_and_stay_visible() -> None:
    text = "Hi {gest_name} {gest_name}, {title} { title } {0} {a.b} {TITLE} {}"
    assert unknown_variables(text) == ["gest_name"]
    assert fill(text, variable_values(view())).startswith("Hi {gest_name} {gest_name}, Consultation")


@pytest.mark.parametrize(
    "name", ["{manage_url}", "{{ 7 * 7 }}", "{% for x in y %}", "%(title)s", "{guest_name.__class__}", "\\1 \\g<0>"]
)
def test_a_guests_name_is_never_a_template(name: str) -> None:
    values = variable_values(view(guest_name=name))
    assert fill("Hi {guest_name}!", values) == f"Hi {name}!"


def test_html_is_escaped_and_keeps_its_paragraphs() -> None:
    values = variable_values(view(guest_name="<img src=x onerror=alert(1)>"))
    html = fill_html("Hi {guest_name} & <b>all</b>,\nsee you.\n\nAnn", values)
    assert "<img" not in html
    assert "<b>" not in html
    assert html.count("<p ") == 2
    assert html.count("<br>") == 1


def test_addresses_of_the_host_become_links_and_those_of_a_guest_do_not() -> None:
    values = variable_values(view(guest_name="https://evil.example.com", notes="https://evil.example.com"))
    html = fill_html("{guest_name} {notes} {manage_url} https://ann.example.com/a?b=1&c=2.", values)
    assert html.count("<a ") == 2
    assert 'href="https://crm.example.com/book/manage/tok"' in html
    assert 'href="https://ann.example.com/a?b=1&amp;c=2"' in html


def test_a_script_address_is_no_link() -> None:
    assert "<a" not in fill_html("{join_url} javascript:alert(1)", variable_values(view(location_url="javascript:x")))
