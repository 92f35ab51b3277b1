"""Accounts at servers that people name: opened with a name and a password, or by a secret address alone."""

from __future__ import annotations

import base64
import collections.abc as c
import json as jsonlib
import typing as t

import requests

from .addresses import same_family, typed_url
from .network import Body, GuardedSession
from .problems import LeadsElsewhere, NeedsReconnect


class PasswordAccess:
    """An account with a name and a password (HTTP Basic, RFC 7617) at a server that its owner named.

    ``settings["url"]`` is where the server was said to be; the password goes to that server and to others of its family
    only (:func:`~.addresses.same_family`).  Redirects are followed.  One 401 may be the server's bad day: whoever calls
    counts them.  ``account`` is a name to show, the one to sign in with if there is no other.
    """

    def __init__(
        self,
        username: str,
        password: str,
        *,
        settings: c.Mapping[str, t.Any],
        account: str = "",
        private: bool = False,
        session: GuardedSession | None = None,
    ) -> None:
        self.account, self.settings = account or username, settings
        self._http = session or GuardedSession(private=private)
        self._secret = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: c.Mapping[str, t.Any] | None = None,
        json: t.Any = None,
        data: Body = None,
        headers: c.Mapping[str, str] | None = None,
    ) -> requests.Response:
        """See :class:`~.access.Access`.  Also raises :class:`~.problems.ForbiddenAddress`,
        :class:`~.problems.LeadsElsewhere` and :class:`~.problems.Unreadable`."""
        data, headers = _written(json, data, headers)
        answer = self._http.request(method, url, params=params, data=data, headers=headers, authorize=self._authorize)
        if answer.status_code == 401:
            raise NeedsReconnect("401")
        return answer

    def _authorize(self, url: str) -> dict[str, str]:
        if not same_family(typed_url(str(self.settings["url"])), url):
            raise LeadsElsewhere()
        return {"Authorization": self._secret}


class AddressAccess:
    """A secret address that is all there is of an account: an iCal feed.  Redirects are followed."""

    account = ""

    def __init__(
        self,
        address: str,
        *,
        settings: c.Mapping[str, t.Any] | None = None,
        private: bool = False,
        session: GuardedSession | None = None,
    ) -> None:
        self.address, self.settings = typed_url(address), settings or {}
        self._http = session or GuardedSession(private=private)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: c.Mapping[str, t.Any] | None = None,
        json: t.Any = None,
        data: Body = None,
        headers: c.Mapping[str, str] | None = None,
    ) -> requests.Response:
        """See :class:`~.access.Access`.  Also raises :class:`~.problems.ForbiddenAddress` and
        :class:`~.problems.Unreadable`."""
        data, headers = _written(json, data, headers)
        answer = self._http.request(method, url, params=params, data=data, headers=headers)
        if answer.status_code == 401:
            raise NeedsReconnect("401")
        return answer


def _written(json: t.Any, data: Body, headers: c.Mapping[str, str] | None) -> tuple[Body, c.Mapping[str, str] | None]:
    if json is None:
        return data, headers
    return jsonlib.dumps(json), {"Content-Type": "application/json", **(headers or {})}
