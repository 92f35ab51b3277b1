"""Example people, so that the CRM is worth a look: three users, forty contacts, and what happened with them.

Running it again adds only what is missing; nothing anybody has changed is touched.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from example_app.extensions import db
from example_app.models import Activity, Contact, User, now
from example_app.seed_booking import seed_booking

PASSWORD = "demo"  # printed on the login page of the demo, on purpose


@dataclass(frozen=True)
class Person:
    """A user of the example CRM."""

    name: str
    email: str
    time_zone: str
    colour: str
    is_admin: bool = False


PEOPLE = (
    Person("Ann Meyer", "ann@example.com", "America/New_York", "teal"),
    Person("Ben Vogel", "ben@example.com", "Europe/Berlin", "blue"),
    Person("Cleo Rao", "cleo@example.com", "Asia/Kolkata", "plum", is_admin=True),
)

# Name | company | mailbox at the company's domain, or "-" for none | phone | notes
CONTACTS = """
Amara Okafor | Harbour & Pine | amara.okafor@harbourpine | +1 212 555 0114 | Prefers mornings. Decides with Joel.
Joel Lindqvist | Harbour & Pine | joel@harbourpine | +1 212 555 0115 |
Priya Natarajan | Kestrel Logistics | priya.n@kestrel | +91 80 5550 0142 | Runs the depot in Pune.
Tomás Herrera | Casa Herrera | tomas@casaherrera | +34 91 555 01 33 |
Zoë Ängström | Norrsken Studio | zoe@norrsken | +46 8 555 012 40 | Writes in Swedish, reads everything.
Marcus Bell | Bell & Daughters | office@bellanddaughters | +1 917 555 0177 | Shares the office address with Ruth.
Ruth Bell | Bell & Daughters | office@bellanddaughters | +1 917 555 0178 |
Lena Hoffmann | Werkstatt Hoffmann | lena@werkstatt-hoffmann | +49 30 5550 1234 | Workshop closes on Wednesdays.
Samuel Adeyemi | Brightwell School | s.adeyemi@brightwell | +44 20 7946 0102 |
Chiara Moretti | Moretti Ceramiche | chiara@moretti | +39 055 555 0199 | Met at the fair in Milan.
Hiroshi Tanaka | Tanaka Instruments | tanaka@tanaka-inst | +81 3 5550 0181 |
Li Wei | Lotus Import | wei.li@lotusimport | +852 5550 0166 |
Fatima El-Sayed | Nile Textiles | fatima@niletextiles | +20 2 5550 0121 | Ask for samples before quoting.
Oliver Grant | Grant Orchards | - | +1 845 555 0109 | No e-mail; call after six.
Nadia Petrova | Petrova Consulting | nadia@petrova | +359 2 555 0137 |
Liam O'Connor | O'Connor Boats | liam@oconnorboats | +353 1 555 0150 | On the water from May to September.
Sofia Almeida | Almeida Law | sofia.almeida@almeidalaw | +351 21 555 0162 |
Jonas Weber | Weber Gartenbau | jonas@weber-garten | +49 89 5550 7788 |
Grace Kimani | Savanna Coffee | grace@savannacoffee | +254 20 555 0118 | Wants a yearly contract.
Diego Fuentes | Fuentes Taller | diego@fuentestaller | +52 55 5550 0190 |
Hannah Fischer | Kinderhaus Fischer | hannah@kinderhaus | +49 40 5550 3141 |
Arjun Mehta | Mehta Solar | arjun@mehtasolar | +91 22 5550 0133 | Second site opens in spring.
Emily Carter | Carter & Co | emily@carterco | +1 646 555 0121 |
Noah Dubois | Atelier Dubois | noah@atelierdubois | +33 1 55 55 01 44 |
Ingrid Solberg | Fjord Ferries | ingrid@fjordferries | +47 55 50 01 12 | Invoice goes to the head office in Bergen.
Yusuf Demir | Demir Furniture | yusuf@demir | +90 212 555 0158 |
Clara Jensen | Jensen Bakery | clara@jensenbakery | +45 55 50 01 77 | Early bird: reach her before eight.
Peter Novak | Novak Press | - | +420 555 012 345 |
Mei Lin Tan | Straits Events | meilin@straitsevents | +65 5550 0139 |
Rafael Costa | Costa Surf | rafael@costasurf | +55 21 5550 0104 |
Alice Fournier | Fournier Patisserie | alice@fournier | +33 4 55 55 01 20 |
David Cohen | Cohen Dental | reception@cohendental | +1 718 555 0188 |
Kavya Iyer | Iyer Analytics | kavya@iyeranalytics | +91 44 5550 0175 | Sends very precise questions. Answer in writing.
Mats van Dijk | Van Dijk Bikes | mats@vandijk | +31 20 555 0161 |
Elena Popescu | Popescu Wines | elena@popescuwines | +40 21 555 0147 |
Thomas Wright | Wright Roofing | tom@wrightroofing | +44 161 496 0155 |
Aisha Rahman | Rahman Travel | aisha@rahmantravel | +880 2 5550 0126 |
Victor Nguyen | Nguyen Kitchens | victor@nguyenkitchens | +1 408 555 0152 | Referred by Emily Carter.
Paula Schneider | Schneider Optik | paula@schneider-optik | +49 221 5550 909 |
Isaac Mensah | Gold Coast Print | isaac@goldcoastprint | +233 30 555 0113 |
""".strip()

# Kind | subject | details
HAPPENINGS = """
call | Called about the offer | Likes the shape of it. Wants to see a second option for the smaller team.
call | No answer, left a message |
call | Talked through the open invoice | Will be paid by the end of the week.
email | Sent the offer | Two variants, valid until the end of next month.
email | Sent notes from our call |
email | Asked for references | Answered with the two case studies.
email | Shared the price list |
meeting | Met for a first talk | Team of six, growing. The budget is decided in the first quarter.
meeting | Went through the contract | Two small changes wanted, both fine with us.
meeting | Yearly review | Happy overall. Asked for shorter reports.
note | Moved to a new office | Address updated.
note | Came through a recommendation |
note | Prefers e-mail over calls |
note | Budget confirmed | Same as last year, plus travel.
""".strip()


def cells(table: str, width: int) -> list[list[str | None]]:
    """Rows of a table drawn with ``|``; an empty cell is None."""
    rows = ([cell.strip() or None for cell in line.split("|")] for line in table.splitlines())
    return [row + [None] * (width - len(row)) for row in rows]


def seed() -> str:
    """Add the example users, contacts, activities and meetings that are missing; say how many were added."""
    users = [add_user(person) for person in PEOPLE]
    return f"{seed_contacts(users)} {seed_booking(users)}"


def seed_contacts(users: Sequence[User]) -> str:
    """Add the example contacts with what happened with them, in turn to the users."""
    db.session.flush()
    # Not for secrets: the same people should have the same past on every machine.
    chance = random.Random(2026)
    happenings = cells(HAPPENINGS, 3)
    known = {(name, company) for name, company in db.session.execute(select(Contact.name, Contact.company))}
    added = 0
    for number, (name, company, mailbox, phone, notes) in enumerate(cells(CONTACTS, 5)):
        if (name, company) in known:
            continue
        added += 1
        owner = users[number % len(users)]
        age = 3 + 400 * chance.random() ** 2
        since = working_hour(now() - timedelta(days=age), owner, chance)
        contact = Contact(
            name=name,
            company=company,
            email=f"{mailbox}.example.com" if mailbox != "-" else None,
            phone=phone,
            notes=notes,
            owner=owner,
            created_at=since,
        )
        for kind, subject, body in chance.sample(happenings, chance.randint(1, 5)):
            author = owner if chance.random() < 0.8 else chance.choice(users)
            later = since + timedelta(days=age * chance.random() ** 0.7)
            contact.activities.append(
                Activity(
                    kind=kind,
                    subject=subject,
                    body=body,
                    author=author,
                    happened_at=working_hour(later, author, chance),
                )
            )
        db.session.add(contact)
    db.session.commit()
    return f"Added {added} contacts." if added else "All example contacts are there already."


def working_hour(instant: datetime, user: User, chance: random.Random) -> datetime:
    """A time past, on the last weekday up to ``instant``, in the working hours of where the user lives."""
    there = min(instant, now() - timedelta(days=1)).astimezone(ZoneInfo(user.time_zone))
    there -= timedelta(days=max(0, there.weekday() - 4))
    return there.replace(hour=chance.randint(9, 16), minute=chance.choice((0, 5, 10, 20, 30, 40, 50)), second=0)


def add_user(person: Person) -> User:
    user = db.session.scalar(select(User).where(User.email == person.email))
    if user is None:
        user = User(
            name=person.name,
            email=person.email,
            time_zone=person.time_zone,
            colour=person.colour,
            is_admin=person.is_admin,
        )
        user.set_password(PASSWORD)
        db.session.add(user)
    return user
