"""A time kept for a guest who fills in the form: for some minutes, and owned by that form alone."""

from __future__ import annotations

import time

import sqlalchemy as sa

from ..encryption import new_token, sign, token_hash, unsign
from ..errors import InvalidHold, NotBookable
from ..models import Hold
from ..state import Session, session
from . import snapshot as snapshots
from .choose import Ignoring, choose
from .load import load_of
from .occupy import forget_expired, occupy, release_hold_rows
from .transaction import transact

_TOKEN_AGE = 24 * 3600
"""How long a form may lie open, in seconds; the hold itself is much shorter."""


def new_hold_token(event_type_id: int) -> str:
    """A token for one form of one event type.  It is signed: nobody else can make one up, and it opens nothing else."""
    return sign("hold", [event_type_id, new_token()])


def check_hold_token(token: str, event_type_id: int) -> str:
    """``token``, if this application gave it to a form of this event type; else raises :class:`InvalidHold`."""
    value = unsign("hold", token, max_age=_TOKEN_AGE) if len(token) < 300 else None
    if not isinstance(value, list) or len(value) != 2 or value[0] != event_type_id:
        raise InvalidHold
    return token


def own_hold(db_session: Session, token: str | None) -> Hold | None:
    """The hold that the form with this token has, expired or not."""
    if not token:
        return None
    return db_session.scalar(sa.select(Hold).where(Hold.token_hash == token_hash(token)))


def ignoring_hold(token: str | None) -> Ignoring:
    """What to ignore when offering times to the form with this token: its own hold is not in its way."""
    hold = own_hold(session(), token)
    return Ignoring(hold_id=hold.id if hold else None)


def place_hold(
    event_type_id: int, token: str, start: int, duration: int | None = None, now: int | None = None, shown: int = 0
) -> int:
    """Keep ``start`` (epoch seconds) for the form with ``token``; the form's earlier hold is given back.

    ``shown`` is when the page that asks was shown, in milliseconds by its browser's clock, if its script says so.
    Returns the expiry in epoch seconds (0 when the event type wants no holds).  Raises :class:`InvalidHold` for a
    token of another form, :class:`SlotTaken` and :class:`SlotUnavailable`.
    """
    check_hold_token(token, event_type_id)
    db = session()
    moment = int(time.time()) if now is None else now

    def work() -> int:
        event, hosts = snapshots.event_to_book(db, event_type_id)
        if event is None or not event.active:
            raise NotBookable
        minutes = event.duration if duration is None else duration
        earlier = own_hold(db, token)
        snapshot = snapshots.load(db, event, hosts, start, start + 1, now=moment, locked=True)
        forget_expired(db, snapshot.calendars, moment)
        ignoring = Ignoring(hold_id=earlier.id if earlier else None)
        chosen = choose(snapshot, minutes, start, now=moment, ignoring=ignoring, load=load_of(db, event, hosts))
        if earlier:
            release_hold_rows(db, earlier.id)
        if not event.hold_minutes:
            return 0
        hold = Hold(
            token_hash=token_hash(token),
            event_type_id=event_type_id,
            starts=start,
            ends=start + minutes * 60,
            expires=moment + event.hold_minutes * 60,
            shown=max(shown, earlier.shown) if earlier else shown,
        )
        db.add(hold)
        db.flush()
        occupy(db, event, chosen, hold.starts, hold.ends, hold=hold)
        return hold.expires

    return transact(db, work)


def release_hold(event_type_id: int, token: str, shown: int | None = None) -> None:
    """Give back what the form with ``token`` holds.  Nothing happens when it holds nothing.

    Nor when a page that was shown later than ``shown`` has asked for it again: a page that is loaded anew gives its
    time back and takes it at once, and nothing says which of the two requests arrives first.
    """
    check_hold_token(token, event_type_id)
    db = session()

    def work() -> None:
        snapshots.event_to_book(db, event_type_id)
        hold = own_hold(db, token)
        if hold and (shown is None or hold.shown <= shown):
            release_hold_rows(db, hold.id)

    transact(db, work)
