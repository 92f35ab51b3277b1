"""How hosts are shown: by the name the CRM gives, a picture or initials."""

from __future__ import annotations

import collections.abc as c
import dataclasses

from ..models import Booking, Host
from ..state import crm
from .shell import image_url


@dataclasses.dataclass(frozen=True)
class Face:
    """A host as guests see one; ``picture`` is an address, empty to show ``initials``."""

    name: str
    initials: str
    picture: str


def face(host: Host) -> Face:
    """The host as the CRM describes its user."""
    name = crm().display_name(host.user)
    return Face(name, initials(name), image_url(crm().avatar_url(host.user)))


def faces(hosts: c.Iterable[Host]) -> list[Face]:
    """Each active host."""
    return [face(host) for host in hosts if host.active]


def faces_of(booking: Booking) -> list[Face]:
    """Who answers for a booking, also those with whom nothing can be booked any more."""
    return [face(host) for host in booking.answering]


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name: AM for Ann Mary Meyer."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in dict.fromkeys((*words[:1], *words[-1:]))).upper() or "?"
