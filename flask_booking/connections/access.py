"""Asking a service in the name of one account.

Providers speak to services only through an :class:`Access`: it holds the secrets, renews tokens, sets timeouts, and
turns what every service answers alike (no answer, 5xx, 429, 401) into a
:class:`~flask_booking.connections.problems.ProviderProblem`.  What is left, a provider reads itself.
"""

from __future__ import annotations

import collections.abc as c
import datetime as dt
import email.utils
import typing as t

from .problems import Misconfigured, NeedsReconnect, RateLimited, Unreachable

if t.TYPE_CHECKING:
    import requests

TIMEOUT = (5.0, 20.0)
"""Seconds to connect, and to wait for an answer."""
LONGEST_ANSWER = 20 * 1024 * 1024
"""So many bytes of one answer are read."""


class Access(t.Protocol):
    """What a provider gets of a connection."""

    @property
    def settings(self) -> c.Mapping[str, t.Any]:
        """What the connection keeps that is no secret, such as the address of a CalDAV server."""
        ...

    @property
    def account(self) -> str:
        """The account's own name at the service, such as its mail address."""
        ...

    def request(
        self,
        method: str,
        url: str,
        *,
        params: c.Mapping[str, t.Any] | None = None,
        json: t.Any = None,
        data: bytes | str | c.Mapping[str, str] | None = None,
        headers: c.Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Ask, authorized as the account; redirects are not followed.

        Raises :class:`Unreachable` without an answer or for 5xx, :class:`RateLimited` for 429 (and 503 with
        ``Retry-After``), :class:`NeedsReconnect` for a 401 that renewed tokens don't help.  Any other answer is
        returned.
        """
        ...


class TokenSource(t.Protocol):
    """Where an access token comes from; the one of a connection in the database is :mod:`.tokens`."""

    def token(self) -> str:
        """A token that is valid now.  Raises :class:`NeedsReconnect`, :class:`Unreachable`."""
        ...

    def renew(self, refused: str) -> str:
        """Another token in place of ``refused``, which a service didn't accept.  Raises as :meth:`token`."""
        ...


class OAuthAccess:
    """An account that is reached with bearer tokens (RFC 6750)."""

    def __init__(
        self, tokens: TokenSource, *, settings: c.Mapping[str, t.Any] | None = None, account: str = ""
    ) -> None:
        self.tokens, self.settings, self.account = tokens, settings or {}, account
        self._http: requests.Session | None = None

    def request(
        self,
        method: str,
        url: str,
        *,
        params: c.Mapping[str, t.Any] | None = None,
        json: t.Any = None,
        data: bytes | str | c.Mapping[str, str] | None = None,
        headers: c.Mapping[str, str] | None = None,
    ) -> requests.Response:
        """See :class:`Access`."""
        self._http = self._http or new_session()
        token = self.tokens.token()
        for again in (False, True):
            answer = send(
                self._http, method, url, params=params, json=json, data=data,
                headers={**(headers or {}), "Authorization": f"Bearer {token}"},
            )  # fmt: skip
            if answer.status_code != 401:
                return answer
            if not again:
                token = self.tokens.renew(token)
        raise NeedsReconnect("401")


class FixedToken:
    """A token that can't be renewed: for tests, and for services with tokens that don't expire."""

    def __init__(self, value: str) -> None:
        self.value = value

    def token(self) -> str:
        """The token."""
        return self.value

    def renew(self, refused: str) -> str:
        """There is no other."""
        raise NeedsReconnect("401")


def new_session() -> requests.Session:
    """A session of requests, which is loaded with the first one: mounting the package shall not take as long."""
    import requests

    return requests.Session()


def send(http: requests.Session, method: str, url: str, **more: t.Any) -> requests.Response:
    """One request with timeouts, redirects not followed.  Raises :class:`Unreachable` and :class:`RateLimited`.

    The answer's body has been read, unless ``stream=True`` was given.
    """
    import requests

    more.setdefault("timeout", TIMEOUT)
    try:
        answer = http.request(method, url, allow_redirects=False, **more)
    except (requests.RequestException, OSError) as error:
        raise Unreachable(type(error).__name__) from None  # its text may hold the address, and so a secret
    return judged(answer)


def judged(answer: requests.Response) -> requests.Response:
    """``answer`` itself, unless it says that the service can't answer now.  Raises as :func:`send`."""
    wait = retry_after(answer)
    if answer.status_code == 429 or (answer.status_code == 503 and wait is not None):
        raise RateLimited(str(answer.status_code), retry_after=wait)
    if answer.status_code >= 500:
        raise Unreachable(str(answer.status_code))
    return answer


def retry_after(answer: requests.Response) -> float | None:
    """The seconds that ``Retry-After`` asks for (RFC 9110 §10.2.3; Graph sends fractions, Zoom an ISO date)."""
    given = answer.headers.get("Retry-After", "").strip()
    if not given:
        return None
    try:
        return max(0.0, min(float(given), 86_400.0))
    except ValueError:
        pass
    try:
        when = dt.datetime.fromisoformat(given)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(given)
        except ValueError:
            return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return max(0.0, min((when - dt.datetime.now(dt.UTC)).total_seconds(), 86_400.0))


def configured(config: c.Mapping[str, t.Any], key: str) -> str:
    """A setting without which a service can't be used.  Raises :class:`Misconfigured`."""
    value = config.get(key)
    if not value:
        raise Misconfigured(f"{key} is not set")
    return str(value)
