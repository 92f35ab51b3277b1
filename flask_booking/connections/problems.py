"""What can go wrong between us and another service, told apart by what there is to do about it.

Texts of these errors are shown to hosts and kept in logs: they name neither people nor secrets, and never repeat what a
service answered beyond its codes.
"""

from __future__ import annotations

import typing as t

from ..i18n import gettext, gettext_noop


class ProviderProblem(Exception):
    """Something that a service didn't do.

    ``code`` is kept with the connection or calendar and never changes between releases; ``text`` is a sentence for the
    host.  ``detail`` is for logs: a status and a code of the service, such as ``403 rateLimitExceeded``.
    """

    code: t.ClassVar[str] = "provider"
    text: t.ClassVar[str] = gettext_noop("The calendar service answered in a way we don't understand.")
    permanent: t.ClassVar[bool] = False
    """Whether trying the same again can't succeed."""

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        self.detail = detail[:200]
        self.retry_after = retry_after
        """Seconds that the service asks to be left alone for; None when it didn't say."""
        super().__init__(f"{self.code} {self.detail}".strip())

    @property
    def sentence(self) -> str:
        """``text`` in the language spoken now."""
        return gettext(self.text)


class Unreachable(ProviderProblem):
    """No answer, or one of a server in trouble (5xx).  What was asked for may have been done all the same."""

    code = "unreachable"
    text = gettext_noop("The calendar service can't be reached at the moment. We keep trying.")


class RateLimited(ProviderProblem):
    """The service wants to be left alone for ``retry_after`` seconds."""

    code = "rate_limited"
    text = gettext_noop("The calendar service asks us to wait. We go on in a while.")


class NeedsReconnect(ProviderProblem):
    """The account's authorization is gone: only its owner can give it again."""

    code = "needs_reconnect"
    text = gettext_noop("The account asks you to sign in again.")
    permanent = True


class LostAnswer(NeedsReconnect):
    """New tokens were made, but the answer with them never arrived, and the ones before are of no use any more."""

    code = "lost_answer"
    text = gettext_noop(
        "The service gave new access, but its answer was lost on the way. Nobody is to blame: please sign in again."
    )


class NotLasting(ProviderProblem):
    """The service gave access for an hour or so, and no means to renew it."""

    code = "not_lasting"
    text = gettext_noop(
        "The service gave access for a short time only. Remove this application in the settings of your account there, "
        "then connect again."
    )
    permanent = True


class MissingScope(ProviderProblem):
    """The account works, but its owner didn't allow what is needed."""

    code = "missing_scope"
    text = gettext_noop("A permission is missing. Connect the account again, and leave all boxes ticked.")
    permanent = True


class NoAccount(ProviderProblem):
    """None of the hosts has an account that makes the meeting's link; when one is connected, it is made."""

    code = "no_account"
    text = gettext_noop("No account is connected that makes the meeting's link.")
    permanent = True


class Misconfigured(ProviderProblem):
    """The CRM's own registration at the service is wrong: nobody's account is to blame, an operator must mend it."""

    code = "misconfigured"
    text = gettext_noop("The CRM's access to this service is set up wrongly. Your administrator has to mend it.")


class CursorExpired(ProviderProblem):
    """The service remembers no more what we had read: everything has to be read again."""

    code = "cursor_expired"


class Gone(ProviderProblem):
    """The event or calendar doesn't exist (any more)."""

    code = "gone"
    text = gettext_noop("This calendar isn't there any more.")
    permanent = True


class Changed(ProviderProblem):
    """Somebody changed the event since we last saw it (HTTP 412): read it, and try again."""

    code = "changed"


class NotAllowed(ProviderProblem):
    """The service refuses this for good: a calendar that can't be written to, a change that only the organizer may."""

    code = "not_allowed"
    text = gettext_noop("The calendar service doesn't allow this for that calendar.")
    permanent = True


class Unreadable(ProviderProblem):
    """An answer or file that can't be what it says it is, or is too large."""

    code = "unreadable"
    text = gettext_noop("What this address answers can't be read as a calendar.")


class ForbiddenAddress(ProviderProblem):
    """An address that must not be called from here: in a private network, or not http(s)."""

    code = "forbidden_address"
    text = gettext_noop("This address can't be used. Give the public https:// address of the calendar.")
    permanent = True


class LeadsElsewhere(ForbiddenAddress):
    """A server names another one, which its password mustn't be sent to."""

    code = "leads_elsewhere"
    text = gettext_noop(
        "This server leads to another one, which must not get your password. Give that server's address instead."
    )


ALL: dict[str, type[ProviderProblem]] = {
    kind.code: kind
    for kind in (
        ProviderProblem,
        Unreachable,
        RateLimited,
        NeedsReconnect,
        LostAnswer,
        NotLasting,
        MissingScope,
        NoAccount,
        Misconfigured,
        CursorExpired,
        Gone,
        Changed,
        NotAllowed,
        Unreadable,
        ForbiddenAddress,
        LeadsElsewhere,
    )
}
"""Each problem by its code, to say again in words what a row has kept."""
