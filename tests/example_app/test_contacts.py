"""Contacts: finding, adding, changing, and putting them away."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from example_app.extensions import db
from example_app.models import Activity, Contact, User
from example_app.seed import seed


def contact_named(app: Flask, name: str) -> Contact:
    with app.app_context():
        return db.session.scalars(select(Contact).where(Contact.name == name)).one()


def test_the_list_goes_on_over_pages_and_misses_nobody(ann: FlaskClient) -> None:
    pages = [ann.get(f"/contacts/?page={number}").text for number in (1, 2, 3)]
    assert [page.count('<th scope="row">') for page in pages] == [15, 15, 10]
    assert "Page 2 of 3" in pages[1]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("bell", {"Marcus Bell", "Ruth Bell"}),
        ("BELL ruth", {"Ruth Bell"}),
        ("moretti.example", {"Chiara Moretti"}),
        ("0175", {"Kavya Iyer"}),
        ("harbour", {"Amara Okafor", "Joel Lindqvist"}),
        ("%", set()),
        ("_", set()),
    ],
)
def test_search_looks_in_name_company_mail_and_phone_for_every_word(ann: FlaskClient, q: str, names: set[str]) -> None:
    page = ann.get("/contacts/", query_string={"q": q}).text
    assert page.count('<th scope="row">') == len(names)
    for name in names:
        assert name in page


def test_mine_are_those_i_look_after(ann: FlaskClient, seeded: Flask) -> None:
    page = ann.get("/contacts/?show=mine").text
    assert "14 contacts" in page
    assert "Ben Vogel" not in page


def test_a_new_contact_is_kept_tidy_and_shown(ann: FlaskClient, seeded: Flask) -> None:
    assert f'selected value="{1}"' in ann.get("/contacts/new").text
    answer = ann.post(
        "/contacts/new",
        data={"name": "  Gus Guest ", "email": "Gus@Example.com", "phone": " ", "owner_id": "2", "notes": "a\nb"},
    )
    assert answer.status_code == 302
    contact = contact_named(seeded, "Gus Guest")
    assert (contact.email, contact.phone, contact.company, contact.owner_id) == ("gus@example.com", None, None, 2)
    assert "gus@example.com" in ann.get(answer.location).text


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "   "},
        {"name": "x" * 201},
        {"email": "not an address"},
        {"email": "a@example.com\r\nBcc: b@example.com"},
        {"owner_id": "999"},
        {"owner_id": "x"},
        {"phone": "1" * 41},
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_kept(
    ann: FlaskClient, seeded: Flask, wrong: dict[str, str]
) -> None:
    answer = ann.post("/contacts/new", data={"name": "Gus", "owner_id": "1"} | wrong)
    assert answer.status_code == 200
    (field,) = wrong
    assert f'id="{field}-error"' in answer.text
    with seeded.app_context():
        assert db.session.scalar(select(func.count()).select_from(Contact)) == 40


def test_a_strange_name_is_text_and_nothing_else(ann: FlaskClient, seeded: Flask) -> None:
    name = "<script>alert(1)</script> 🦊 \u202eevil"
    answer = ann.post("/contacts/new", data={"name": name, "owner_id": "1"})
    page = ann.get(answer.location).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; 🦊" in page


def test_changes_are_saved(ann: FlaskClient, seeded: Flask) -> None:
    contact = contact_named(seeded, "Mats van Dijk")
    form = ann.get(f"/contacts/{contact.id}/edit").text
    assert 'value="mats@vandijk.example.com"' in form
    ann.post(
        f"/contacts/{contact.id}/edit", data={"name": "Mats van Dyk", "email": "", "owner_id": "3", "company": "Bikes"}
    )
    changed = contact_named(seeded, "Mats van Dyk")
    assert (changed.id, changed.email, changed.company, changed.owner_id) == (contact.id, None, "Bikes", 3)


def test_an_archived_contact_leaves_the_lists_keeps_its_past_and_comes_back(ann: FlaskClient, seeded: Flask) -> None:
    contact = contact_named(seeded, "Oliver Grant")
    assert ann.get(f"/contacts/{contact.id}/archive").status_code == 405
    ann.post(f"/contacts/{contact.id}/archive")
    assert "Oliver Grant" not in ann.get("/contacts/?q=oliver").text
    assert "Oliver Grant" in ann.get("/contacts/?q=oliver&show=archived").text
    assert "Bring back" in ann.get(f"/contacts/{contact.id}").text
    ann.post(f"/contacts/{contact.id}/restore")
    assert "Oliver Grant" in ann.get("/contacts/?q=oliver").text


def test_what_happened_is_added_to_the_timeline_under_my_name(ann: FlaskClient, seeded: Flask) -> None:
    contact = contact_named(seeded, "Grace Kimani")
    ann.post(f"/contacts/{contact.id}", data={"kind": "call", "subject": "Rang about beans", "body": "Two sacks."})
    page = ann.get(f"/contacts/{contact.id}").text
    assert "Rang about beans" in page
    assert "Rang about beans" in ann.get("/activities/?kind=call&by=me").text
    assert "Rang about beans" not in ann.get("/activities/?kind=note").text
    with seeded.app_context():
        activity = db.session.scalars(select(Activity).where(Activity.subject == "Rang about beans")).one()
        assert activity.author.email == "ann@example.com"


@pytest.mark.parametrize(
    "path",
    ["/contacts/999", "/contacts/9999999999999999999", "/contacts/-1", "/contacts/x", "/contacts/999/edit", "/nowhere"],
)
def test_what_is_not_there_is_answered_with_a_page_that_says_so(ann: FlaskClient, path: str) -> None:
    answer = ann.get(path)
    assert answer.status_code == 404
    assert "Nothing here" in answer.text


@pytest.mark.parametrize("number", ["0", "-1", "99", "x", "9" * 30])
def test_a_page_number_out_of_range_breaks_nothing(ann: FlaskClient, number: str) -> None:
    assert ann.get("/contacts/", query_string={"page": number}).status_code == 200


def test_seeding_again_adds_only_what_is_missing_and_undoes_no_change(seeded: Flask) -> None:
    with seeded.app_context():
        ben = db.session.scalars(select(User).where(User.email == "ben@example.com")).one()
        ben.name = "Benjamin Vogel"
        db.session.delete(db.session.scalars(select(Contact).where(Contact.name == "Elena Popescu")).one())
        db.session.commit()
        assert seed().startswith("Added 1 contacts.")
        assert db.session.scalar(select(func.count()).select_from(Contact)) == 40
        assert db.session.scalar(select(func.count()).select_from(User)) == 3
        assert ben.name == "Benjamin Vogel"
