"""Events made, changed and called off at the stand-in for Microsoft Graph, and whom Exchange mails for it: everybody
who is listed, always."""

from __future__ import annotations

import html
import json
import secrets
import uuid
from typing import Any

from werkzeug.wrappers import Request, Response

from .microsoft_errors import Refused, answered, not_found
from .microsoft_mailbox import Item, Mailbox
from .microsoft_push import Push
from .microsoft_schema import wrong
from .microsoft_shapes import Wanted, read_time, shown, shown_id, wanted

WRITABLE = {
    "subject", "body", "start", "end", "isAllDay", "location", "attendees", "showAs", "sensitivity", "importance",
    "allowNewTimeProposals", "hideAttendees", "responseRequested", "isOnlineMeeting", "onlineMeetingProvider",
    "singleValueExtendedProperties", "reminderMinutesBeforeStart", "isReminderOn", "categories",
}  # fmt: skip
FIRST_ONLY = {"transactionId"}


class Writes(Push):
    """The part of the stand-in that changes events."""

    def __init__(self) -> None:
        super().__init__()
        self.duplicate_status = 400
        """With which status a second event of one ``transactionId`` is refused: 400 or 409."""
        self.names_duplicate = True
        """Whether that refusal names the event."""
        self.keeps_deleted = False
        """Whether an immutable id still leads to an event among the deleted things."""
        self.echoes_zone = False
        self.shifts_days = False
        self.zone_skew: dict[str, int] = {}
        """Seconds by which Microsoft's rules of a zone differ from everybody else's."""
        self.refused_zones: set[str] = set()
        self.refuses_teams = False
        """Whether an event with an online meeting is refused, and not made without one."""

    def graph_event(self, request: Request, mailbox: Mailbox, event: str) -> Response:
        how = wanted(request, {"$select", "$expand"})
        with self.lock:
            item = self._item(mailbox, event)
            if request.method == "GET":
                return self.shows(item, mailbox, how)
            if request.method == "DELETE":
                if item.id in mailbox.deleted:
                    raise Refused(403, "ErrorCannotDeleteObject", "Object cannot be deleted.")
                mailbox.delete_event(item.id)
                return Response(status=204)
            if (etag := request.headers.get("If-Match")) and etag not in (item.etag, "*"):
                raise Refused(412, "ErrorIrresolvableConflict", "The change key passed does not match.")
            self._may_write(mailbox, item.calendar)
            asked = self._asked(request, WRITABLE)
            before, as_it_was = (item.start, item.end), dict(vars(item))
            try:
                self._apply(mailbox, item, asked)
            except Refused:
                vars(item).update(as_it_was)
                raise
            item.version += 1
            if item.id not in mailbox.deleted:
                mailbox.record(item, "updated", before)
            return self.shows(item, mailbox, how)

    def graph_cancel(self, request: Request, mailbox: Mailbox, event: str) -> Response:
        with self.lock:
            item = self._item(mailbox, event)
            asked = json.loads(request.get_data() or b"{}")
            if {name.lower() for name in asked} - {"comment"}:
                raise Refused(400, "BadRequest", "Unknown parameter.")
            if item.organizer != mailbox.mail or not item.attendees or item.id in mailbox.deleted:
                raise Refused(400, "ErrorInvalidRequest", "You need to be an organizer to cancel a meeting.")
            mailbox.delete_event(item.id)
        return Response(status=202)

    def create(self, request: Request, mailbox: Mailbox, calendar: str) -> Response:
        how = wanted(request, set())
        asked = self._asked(request, WRITABLE | FIRST_ONLY)
        with self.lock:
            self._may_write(mailbox, calendar)
            transaction, body = asked.get("transactionId"), json.dumps(asked, sort_keys=True)
            if transaction in mailbox.transactions:
                existing, before = mailbox.transactions[transaction]
                if before == body and existing in mailbox.items:
                    return self.shows(mailbox.items[existing], mailbox, how, 201)
                more = {"@event.existingEventId": shown_id(existing, how)} if self.names_duplicate else {}
                text = "The TransactionId specified in the request has already been used to create a different event."
                raise Refused(self.duplicate_status, "ErrorDuplicateTransactionId", text, **more)
            if not {"start", "end"} <= set(asked):
                raise Refused(400, "ErrorInvalidRequest", "An event needs a start and an end.")
            item = Item(mailbox.new_id(), calendar, organizer=mailbox.mail, uid=f"0400{uuid.uuid4().hex.upper()}")
            item.transaction = transaction
            self._apply(mailbox, item, asked)
            mailbox.items[item.id] = item
            if transaction:
                mailbox.transactions[transaction] = (item.id, body)
            mailbox.record(item, "created")
            return self.shows(item, mailbox, how, 201)

    def shows(self, item: Item, mailbox: Mailbox, how: Wanted, status: int = 200) -> Response:
        answer = answered(shown(item, mailbox, how, echo=self.echoes_zone, shifted=self.shifts_days), status)
        answer.headers["Preference-Applied"] = how.applied
        return answer

    def _item(self, mailbox: Mailbox, event: str) -> Item:
        try:
            return mailbox.find(event)
        except KeyError:
            if self.keeps_deleted and event in mailbox.deleted:
                return mailbox.deleted[event]
            raise not_found() from None

    @staticmethod
    def _may_write(mailbox: Mailbox, calendar: str) -> None:
        if not mailbox.calendars[calendar].can_edit:
            raise Refused(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")

    @staticmethod
    def _asked(request: Request, allowed: set[str]) -> dict[str, Any]:
        if request.mimetype != "application/json":
            raise Refused(415, "RequestBroker--ParseUri", "A media type of JSON is needed.")
        asked = json.loads(request.get_data())
        if problem := wrong(asked, "event"):
            raise Refused(400, "ErrorPropertyValidationFailure", problem)
        if unknown := set(asked) - allowed:
            raise Refused(400, "ErrorInvalidPropertySet", f"Can't be written: {sorted(unknown)}")
        if len(asked.get("attendees", ())) > 500:
            raise Refused(400, "ErrorRecipientLimit", "More than 500 attendees.")
        return asked

    def _apply(self, mailbox: Mailbox, item: Item, asked: dict[str, Any]) -> None:
        before = (item.start, item.end, item.subject, item.location)
        if asked.get("isOnlineMeeting") and self.refuses_teams:
            raise Refused(400, "ErrorInvalidRequest", "The online meeting provider isn't allowed.")
        self._apply_times(item, asked)
        item.subject = asked.get("subject", item.subject).strip()
        item.show_as = asked.get("showAs", item.show_as)
        item.sensitivity = asked.get("sensitivity", item.sensitivity)
        item.hide_attendees = asked.get("hideAttendees", item.hide_attendees)
        if "location" in asked:
            item.location = asked["location"].get("displayName", "")
        if "body" in asked:
            item.body = _html(asked["body"])
            if item.meeting and item.meeting not in item.body["content"]:
                item.meeting = ""  # the block by which Teams knows its meeting is torn out
        for each in asked.get("singleValueExtendedProperties", ()):
            item.properties[each["id"]] = each["value"]
        if asked.get("isOnlineMeeting") and not item.meeting and not mailbox.personal:
            item.meeting = f"https://teams.microsoft.com/l/meetup-join/{secrets.token_hex(8)}"
            item.body = {"contentType": "html", "content": f"{item.body['content']}<div>{item.meeting}</div>"}
            item.location = item.location or "Microsoft Teams Meeting"
        self._apply_attendees(mailbox, item, asked, (item.start, item.end, item.subject, item.location) != before)

    def _apply_times(self, item: Item, asked: dict[str, Any]) -> None:
        for name in ("start", "end"):
            if name in asked:
                if asked[name].get("timeZone") in self.refused_zones:
                    text = f"The following TimeZone value is not supported: '{asked[name]['timeZone']}'."
                    raise Refused(400, "TimeZoneNotSupportedException", text)
                at, item.zone = read_time(asked[name], self.zone_skew)
                item.label = ""
                setattr(item, name, at)
        item.all_day = asked.get("isAllDay", item.all_day)
        if item.all_day and "start" in asked and (item.start % 86400 or item.end % 86400):
            raise Refused(400, "ErrorInvalidRequest", "An all-day event is from midnight to midnight.")
        if item.end < item.start:
            raise Refused(400, "ErrorCalendarEndDateIsEarlierThanStartDate", "The end is before the start.")

    @staticmethod
    def _apply_attendees(mailbox: Mailbox, item: Item, asked: dict[str, Any], changed: bool) -> None:
        if "attendees" not in asked:
            if changed:
                mailbox.mail_all(item, "update")
            return
        old = {each["emailAddress"]["address"].lower(): each for each in item.attendees}
        new = {each["emailAddress"]["address"].lower(): each for each in asked["attendees"]}
        unanswered = {"response": "none", "time": "0001-01-01T00:00:00Z"}
        item.attendees = [
            {**each, "status": old.get(address, {}).get("status", unanswered)} for address, each in new.items()
        ]
        mailbox.mail_all(item, "invitation", [each for address, each in new.items() if address not in old])
        mailbox.mail_all(item, "cancellation", [each for address, each in old.items() if address not in new])
        if changed:
            mailbox.mail_all(item, "update", [each for address, each in new.items() if address in old])


def _html(body: dict[str, str]) -> dict[str, str]:
    if body["contentType"] == "html":
        return body
    text = html.escape(body["content"], quote=False).replace("\n", "<br>\r\n")
    return {"contentType": "html", "content": f"<html><body>{text}</body></html>"}
