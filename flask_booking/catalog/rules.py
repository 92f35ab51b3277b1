"""Writing the rules of reminders and follow-ups; messages still to be sent are derived anew."""

from __future__ import annotations

import collections.abc as c
import typing as t

import sqlalchemy as sa

from ..encryption import new_public_id
from ..i18n import gettext as _
from ..models import Anchor, Audience, EventType, Host, MessageRule, MessageState, OutboxMessage
from ..scheduling.reminders import plan_again
from ..state import session
from . import check
from .writing import remove, write

_FARTHEST = 90 * 1440


def save_rule(
    host: Host, values: c.Mapping[str, t.Any], rule: MessageRule | None = None, *, public_id: str | None = None
) -> MessageRule:
    """Make or change a rule; ``public_id`` is that of one which comes back.

    ``minutes`` are after the ``anchor``, negative ones before it.

    Raises :class:`~flask_booking.errors.InvalidInput`.
    """
    problems: check.Problems = {}
    get = values.get
    minutes = check.minutes(get("minutes"), "minutes", problems, least=-_FARTHEST, most=_FARTHEST)
    if minutes is None:
        problems.setdefault("minutes", _("Please say when."))
    anchor, audience = get("anchor", Anchor.START), get("audience", Audience.GUEST)
    if anchor not in set(Anchor) or audience not in set(Audience):
        problems["anchor"] = _("Please choose when and to whom.")
    event_type_id = check.number(get("event_type_id"), "event_type_id", problems, most=2**62)
    kept = rule is not None and event_type_id == rule.event_type_id  # though the host may not hold it any more
    if event_type_id is not None and not kept and not _owns(host, event_type_id):
        problems["event_type_id"] = _("Please choose one of your event types.")
    subject = check.line(get("subject"), "subject", problems, most=300)
    body = check.lines(get("body"), "body", problems)
    check.finish(problems)

    def work() -> MessageRule:
        row = rule or MessageRule(host_id=host.id, public_id=public_id or new_public_id())
        row.minutes, row.anchor, row.audience = minutes or 0, Anchor(anchor), Audience(audience)
        row.event_type_id, row.subject, row.body, row.active = event_type_id, subject, body, bool(get("active", True))
        session().add(row)
        session().flush()
        plan_again(session(), host)
        return row

    return write([host.id], work)


def delete_rule(rule: MessageRule) -> None:
    """Delete a rule, and its messages that were not sent yet."""
    db, row = session(), OutboxMessage

    def work() -> None:
        db.execute(sa.delete(row).where(row.rule_id == rule.id, row.state == MessageState.WAITING))
        db.execute(sa.update(row).where(row.rule_id == rule.id).values(rule_id=None))
        db.delete(rule)

    remove([rule.host_id], work)


def _owns(host: Host, event_type_id: int) -> bool:
    event = session().get(EventType, event_type_id)
    return event is not None and any(one.id == host.id for one in event.hosts)
