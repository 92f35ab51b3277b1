"""WebDAV's XML as far as calendars need it (RFC 4918, 4791, 6578): what is asked, and what answers say."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t
import urllib.parse
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException, ElementTree  # of the extra: without it the registry leaves CalDAV out

from ...connections.problems import Unreadable

if t.TYPE_CHECKING:
    from xml.etree.ElementTree import Element

D = "{DAV:}"
C = "{urn:ietf:params:xml:ns:caldav}"
CS = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"

MOST_TAGS = 1_000_000
"""Opening and closing tags of one answer: as many as a list of 50,000 events has."""

_PREFIXES = {D: "d", C: "c", CS: "s", APPLE: "a"}
_SPACES = "".join(f' xmlns:{prefix}="{name[1:-1]}"' for name, prefix in _PREFIXES.items())
_SAFE = "~!$&'()*+,;=:@-._"


@dataclasses.dataclass(frozen=True)
class Response:
    """What a multistatus says of one resource: its path, a status of its own, and the properties that it has."""

    path: str
    status: int = 200
    props: c.Mapping[str, Element] = dataclasses.field(default_factory=dict)

    def text(self, name: str) -> str:
        """The text of a property, empty if there is none."""
        found = self.props.get(name)
        return ((found.text if found is not None else "") or "").strip()

    def hrefs(self, name: str) -> list[str]:
        """The addresses in a property."""
        found = self.props.get(name)
        return [] if found is None else [(one.text or "").strip() for one in found.iter(f"{D}href") if one.text]

    def has(self, name: str, child: str) -> bool:
        """Whether a property holds this element, at any depth."""
        found = self.props.get(name)
        return found is not None and next(found.iter(child), None) is not None


@dataclasses.dataclass(frozen=True)
class Multistatus:
    """An answer 207."""

    responses: tuple[Response, ...]
    sync_token: str = ""


def parsed(body: bytes) -> Element:
    """The document of an answer.

    Raises :class:`Unreadable`, also for one with entities or a document type.
    """
    if body.count(b"<") > MOST_TAGS:
        raise Unreadable("too many elements")
    try:
        return ElementTree.fromstring(body, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        raise Unreadable("no XML") from None


def multistatus(body: bytes) -> Multistatus:
    """Raises :class:`Unreadable`."""
    root = parsed(body)
    if root.tag != f"{D}multistatus":
        raise Unreadable("no multistatus")
    responses: list[Response] = []
    for one in root.iterfind(f"{D}response"):
        # Without propstat a response may name several resources with one status (RFC 4918 §14.24).
        status = _status(one.findtext(f"{D}status"))
        props: dict[str, Element] = {}
        for part in one.iterfind(f"{D}propstat"):
            if _status(part.findtext(f"{D}status")) == 200:
                for prop in part.iterfind(f"{D}prop"):
                    props.update((str(child.tag), child) for child in prop)
        responses += [Response(path_of(href.text), status, props) for href in one.iterfind(f"{D}href") if href.text]
    return Multistatus(tuple(responses), (root.findtext(f"{D}sync-token") or "").strip())


def conditions(body: bytes) -> dict[str, list[str]]:
    """The preconditions that an error names (RFC 4918 §16), and the addresses in each; empty for any other body."""
    try:
        root = parsed(body)
    except Unreadable:
        return {}
    if root.tag != f"{D}error":
        return {}
    return {str(one.tag): [path_of(href.text) for href in one.iter(f"{D}href") if href.text] for one in root}


def path_of(href: str) -> str:
    """The path of an address, written in one way: servers differ in what they escape, also from answer to answer."""
    try:
        path = urllib.parse.urlsplit(href.strip()).path
    except ValueError:
        raise Unreadable("no address") from None
    # Part by part: an escaped slash is no slash.
    parts = (urllib.parse.unquote_to_bytes(part) for part in path.split("/"))
    return "/".join(urllib.parse.quote(part, safe=_SAFE) for part in parts)


def _status(line: str | None) -> int:
    parts = (line or "").split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdecimal() and len(parts[1]) == 3 else 200


# -- what is asked ----------------------------------------------------------------------------------------------------


def propfind(*names: str) -> bytes:
    """A request for these properties."""
    return _document("d:propfind", _props(names))


def sync_collection(token: str, *names: str) -> bytes:
    """A request for what changed since ``token`` (RFC 6578 §3.2); for everything when it is empty."""
    level = f"<d:sync-token>{escape(token)}</d:sync-token><d:sync-level>1</d:sync-level>"
    return _document("d:sync-collection", level + _props(names))


def multiget(paths: c.Iterable[str]) -> bytes:
    """A request for the texts of these resources (RFC 4791 §7.9)."""
    hrefs = "".join(f"<d:href>{escape(path)}</d:href>" for path in paths)
    return _document("c:calendar-multiget", _props((f"{D}getetag", f"{C}calendar-data")) + hrefs)


def query_uid(uid: str) -> bytes:
    """A request for the events with this UID (RFC 4791 §7.8.6)."""
    match = f'<c:text-match collation="i;octet">{escape(uid)}</c:text-match>'
    inner = f'<c:comp-filter name="VEVENT"><c:prop-filter name="UID">{match}</c:prop-filter></c:comp-filter>'
    filtered = f'<c:filter><c:comp-filter name="VCALENDAR">{inner}</c:comp-filter></c:filter>'
    return _document("c:calendar-query", _props((f"{D}getetag", f"{C}calendar-data")) + filtered)


def _props(names: c.Iterable[str]) -> str:
    tags = "".join(f"<{_PREFIXES[space + '}']}:{name}/>" for space, name in (one.split("}") for one in names))
    return f"<d:prop>{tags}</d:prop>"


def _document(name: str, inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{name}{_SPACES}>{inner}</{name}>'.encode()
