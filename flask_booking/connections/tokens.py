"""Access tokens of a connection: valid when they are used, and renewed by one worker at a time.

Some services (Zoom) make a refresh token useless with its first use.  Two workers that renew at once, or one that dies
between the service's answer and the commit, lose such an account, so:

* one worker renews, by a lease in the connection's row; the others wait and read what it wrote;
* a new pair is committed before anybody uses it, and before the lease is given back;
* a refresh token is called dead only after the row was read again and had no other;
* a request that may have had its effect is repeated once, and what it leaves in doubt is remembered.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import random
import time

from ..models.columns import utcnow
from . import endpoint, token_rows
from .problems import ALL, LostAnswer, NeedsReconnect, ProviderProblem, Unreachable
from .service import OAuthService
from .token_rows import TokenRow

EARLY = dt.timedelta(seconds=180)
"""A token is renewed so long before its end: clocks differ, and requests take a while."""
PATIENCE = 3 * token_rows.LEASE.total_seconds()
"""Seconds to wait for other workers, each of which may die with the lease in its hands."""

Wanted = c.Callable[[TokenRow], bool]


class ConnectionTokens:
    """The :class:`~flask_booking.connections.access.TokenSource` of a connection in the database.

    To be used inside an application context, outside of a transaction with changes; see :mod:`flask_booking.aside`.
    """

    def __init__(self, connection_id: int, service: OAuthService) -> None:
        self.connection_id, self.service = connection_id, service

    def __repr__(self) -> str:
        return f"<ConnectionTokens {self.service.name} {self.connection_id}>"

    def token(self) -> str:
        """A token that is valid for some minutes.

        Raises :class:`NeedsReconnect` when the account's owner has to sign in again, which the connection then says;
        :class:`~flask_booking.connections.problems.Misconfigured`, :class:`Unreachable` or
        :class:`~flask_booking.connections.problems.RateLimited` when it can't be renewed now, which changes nothing.
        """
        return self._valid(_lasts)

    def renew(self, refused: str) -> str:
        """Another token in place of ``refused``, which the service didn't accept.  Raises as :meth:`token`."""
        return self._valid(lambda row: row.access_token != refused and _lasts(row))

    def _valid(self, wanted: Wanted) -> str:
        """The token in the row once it is ``wanted``, made by whoever comes first."""
        patience = time.monotonic() + PATIENCE
        row = self._row()
        before, waited = row.access_token, False
        while not (row.access_token and wanted(row)):
            if row.dead:
                raise ALL[row.problem]()
            if row.leased:
                if time.monotonic() > patience:
                    raise Unreachable("another worker takes too long to renew the tokens")
                waited = True
                time.sleep(random.uniform(0.05, 0.25))  # noqa: S311 - spreads looks, keeps no secret
            elif waited and row.access_token != before:
                break  # made a moment ago; that it doesn't last is how this service is
            elif waited and row.renewing_until is None:
                # Whoever had the lease gave it back with nothing.  Were each to try, they'd queue for the service.
                raise Unreachable("another worker could not renew the tokens")
            elif (mine := token_rows.lease(row)) is not None:
                return self._renewed(row, mine, wanted)
            row = self._row()
        return row.access_token

    def _renewed(self, row: TokenRow, mine: str, wanted: Wanted) -> str:
        """A new token, with the lease ``mine`` in our hands; ``row`` is what was read before.

        An error that is no problem of the service's leaves the lease to run out, as if the worker had died: nobody
        knows at which step it came.
        """
        # A token that nobody took back: who renewed before died, or was left without an answer.
        in_doubt = self.service.rotates and row.renewing_token is not None
        repeated, switched = not self.service.rotates, False
        row = self._row()
        if row.access_token and wanted(row):
            token_rows.release(row, mine)
            return row.access_token
        while True:
            sent = row.refresh_token
            try:
                if not sent:
                    raise NeedsReconnect("no refresh token")
                new = endpoint.renew(self.service, sent)
            except NeedsReconnect as refused:
                row = self._row()
                if row.refresh_token != sent and not switched:
                    switched, in_doubt = True, False
                    continue
                problem = LostAnswer(refused.detail) if in_doubt else refused
                if row.refresh_token == sent and token_rows.condemn(row, problem.code, mine):
                    raise problem from None
                token_rows.release(row, mine)
                raise Unreachable("the tokens change all the time") from None
            except ProviderProblem as problem:
                if isinstance(problem, endpoint.Unanswered):
                    in_doubt = self.service.rotates
                    if not repeated:
                        repeated = True
                        continue
                token_rows.release(row, mine, in_doubt=in_doubt)
                raise
            if token_rows.store(self.connection_id, sent, new, mine):
                return new.access_token
            row = self._row()  # the host signed in again meanwhile
            token_rows.release(row, mine)
            return row.access_token

    def _row(self) -> TokenRow:
        row = token_rows.read(self.connection_id)
        if row is None:
            raise NeedsReconnect("disconnected")
        return row


def _lasts(row: TokenRow) -> bool:
    return row.expires_at is None or row.expires_at - utcnow() > EARLY
