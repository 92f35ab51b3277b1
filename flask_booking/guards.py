"""What keeps programs from flooding the public pages and the public API: rate limits, form age, proof of work, sizes.

None of it needs anything from outside, and none of it may break a page: with Redis down each process counts for itself.
"""

from __future__ import annotations

import base64
import binascii
import collections.abc as c
import datetime as dt
import difflib
import functools
import hashlib
import ipaddress
import json
import logging
import time
import typing as t

import sqlalchemy as sa
from altcha.v1 import ChallengeOptions, create_challenge, verify_solution
from flask import current_app, request
from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from .config import BOOKING_RATE_LIMITS
from .encryption import encryption_keys, sign, unsign
from .errors import NotBookable, Refused, TooManyRequests
from .i18n import gettext as _
from .models import UsedChallenge
from .scheduling.transaction import transact
from .state import session, state

_log = logging.getLogger(__name__)

FORM_AGE = 24 * 3600
"""How long a form may lie open, in seconds."""
CHALLENGE_AGE = 2 * 3600
_HARDNESS = 60_000
"""The most numbers that a browser must try: about a second on a phone."""
_REDIS_PAUSE = 15
"""For how many seconds a process counts for itself after Redis failed."""


# What is configured


def complete_limits(config: c.MutableMapping[str, t.Any]) -> list[str]:
    """Complete the rate limits by the default ones.  Returns a sentence for every one that couldn't be kept."""
    given = config["BOOKING_RATE_LIMITS"]
    if not isinstance(given, c.Mapping):
        hint = "BOOKING_RATE_LIMIT_ENABLED = False lifts all limits"
        return [f'BOOKING_RATE_LIMITS is a dict such as {{"book": "10 per minute"}}, not {given!r}; {hint}']
    problems = [problem for kind, text in given.items() if (problem := _problem_of(kind, text))]
    if not problems:
        config["BOOKING_RATE_LIMITS"] = {**BOOKING_RATE_LIMITS, **{kind: text.strip() for kind, text in given.items()}}
    return problems


def _problem_of(kind: object, text: object) -> str:
    """Why a limit can't be kept; empty when it can."""
    if kind not in BOOKING_RATE_LIMITS:
        nearest = difflib.get_close_matches(str(kind), BOOKING_RATE_LIMITS, 1)
        hint = f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(BOOKING_RATE_LIMITS)}"
        return f"BOOKING_RATE_LIMITS: nothing is limited as {kind!r}; {hint}"
    if isinstance(text, str) and (not text.strip() or _is_limit(text)):
        return ""
    hint = 'write "10 per minute" or "10 per minute; 60 per hour", or "" for no limit'
    return f'BOOKING_RATE_LIMITS["{kind}"]: {text!r} can\'t be read; {hint}'


def _is_limit(text: str) -> bool:
    try:
        parse_many(text)
    except ValueError:
        return False
    return True


# Rates


class OwnStorage(MemoryStorage):
    """The library's counts in memory, without the thread that it starts for almost every one of them.

    What expired is forgotten when it is looked at, and all of it after each thousand counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counted = 0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count ``amount`` more for ``key``, whose window ends ``expiry`` seconds after its first count."""
        self.get(key)
        with self.locks[key]:
            self.storage[key] += amount
            if self.storage[key] == amount:
                self.expirations[key] = time.time() + expiry
        self._counted += 1
        if self._counted % 1000 == 0:
            self._forget_expired()
        return self.storage.get(key, 0)

    def _forget_expired(self) -> None:
        now = time.time()
        for key, expires in list(self.expirations.items()):
            if expires <= now:
                for kept in (self.storage, self.expirations, self.locks):
                    kept.pop(key, None)


class Counter:
    """How often which address did what: in Redis, shared by all processes, or in this process alone."""

    def __init__(self, redis_url: str | None) -> None:
        self._own = FixedWindowRateLimiter(OwnStorage())
        self._shared = None
        self._failures: tuple[type[Exception], ...] = (OSError,)
        self._pause_until = 0.0
        if redis_url:
            from redis.exceptions import RedisError  # only where there is a Redis

            self._shared = FixedWindowRateLimiter(_redis(redis_url))
            self._failures = (RedisError, OSError)

    def wait(self, limits: t.Sequence[RateLimitItem], *names: str) -> int:
        """Count one more; returns for how many seconds to wait, 0 when no limit was passed."""
        if self._shared is not None and time.monotonic() >= self._pause_until:
            try:
                return _hit(self._shared, limits, names)
            except self._failures:
                self._pause_until = time.monotonic() + _REDIS_PAUSE
                _log.warning("Redis doesn't answer: rate limits are counted by each process for itself")
        return _hit(self._own, limits, names)


def _redis(url: str) -> Storage:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # The client's own retries would keep every request waiting for a server that is gone.
    return RedisStorage(
        url,
        wrap_exceptions=False,
        key_prefix="booking-limits",
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
    )


def _hit(counter: FixedWindowRateLimiter, limits: t.Sequence[RateLimitItem], names: tuple[str, ...]) -> int:
    # Every limit counts each attempt; a list, since any() would stop at the first.
    passed = [limit for limit in limits if not counter.hit(limit, *names)]
    if not passed:
        return 0
    return max(1, *(int(counter.get_window_stats(limit, *names).reset_time - time.time()) + 1 for limit in passed))


def check_rate(kind: str) -> None:
    """Count a request of this ``kind`` (a key of ``BOOKING_RATE_LIMITS``) from the client's address.

    Raises :class:`~flask_booking.errors.TooManyRequests` with the seconds to wait.
    """
    text = current_app.config["BOOKING_RATE_LIMITS"].get(kind, "")
    if not text or not current_app.config["BOOKING_RATE_LIMIT_ENABLED"]:
        return
    extras = state().extras
    counter = extras.get("counter")
    if counter is None:
        counter = extras.setdefault("counter", Counter(current_app.config["BOOKING_REDIS_URL"]))
    seconds = counter.wait(_limits(text), kind, client_network(request.remote_addr))
    if seconds:
        raise TooManyRequests(retry_after=seconds)


@functools.cache
def _limits(text: str) -> t.Sequence[RateLimitItem]:
    """The limits that a configured text means; parsed once."""
    return parse_many(text)


def client_network(address: str | None) -> str:
    """Whom a limit counts: an IPv4 address, or the /64 network that an IPv6 client has to itself."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


def refuse_nul(*, queries: bool = False) -> None:
    """Nothing has an address with a NUL in it, and PostgreSQL can't even be asked.  Raises :class:`NotBookable`.

    With ``queries`` the parameters count as part of the address.
    """
    given = [*(request.view_args or {}).values(), *(request.args.values() if queries else ())]
    if any("\0" in str(value) for value in given):
        raise NotBookable


def limit_body() -> None:
    """Let this request be read only up to ``BOOKING_MAX_CONTENT_LENGTH`` bytes; more is a 413 when it is read."""
    most = int(current_app.config["BOOKING_MAX_CONTENT_LENGTH"])
    own = request.max_content_length
    request.max_content_length = most if own is None else min(own, most)


# Forms


def form_stamp(name: str) -> str:
    """A signed note of when the form ``name`` was given out."""
    return sign("form", [name, int(time.time())])


def seconds_open(stamp: str, name: str) -> int | None:
    """For how many seconds the form ``name`` with this stamp has been open; None when it isn't one of ours."""
    value = unsign("form", stamp, max_age=FORM_AGE) if len(stamp) < 400 else None
    if not isinstance(value, list) or len(value) != 2 or value[0] != name:
        return None
    return max(0, int(time.time()) - int(value[1]))


# Proof of work


def new_challenge() -> dict[str, t.Any] | None:
    """A piece of arithmetic for the guest's browser, JSON-able; None when ``BOOKING_PROOF_OF_WORK`` is off."""
    if not current_app.config["BOOKING_PROOF_OF_WORK"]:
        return None
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=CHALLENGE_AGE)
    options = ChallengeOptions(hmac_key=_work_key(), max_number=_HARDNESS, expires=expires)
    return t.cast("dict[str, t.Any]", create_challenge(options).to_dict())


def check_work(solution: str, *, known: c.Callable[[], bool] = lambda: False) -> None:
    """Accept the ``solution`` of a challenge, once.

    A request that is ``known`` needs none: who repeats it, having got no answer, has no new one.

    Raises :class:`~flask_booking.errors.Refused` when it is missing, wrong, too old or used before.  Nothing is asked
    when ``BOOKING_PROOF_OF_WORK`` is off.  Commits.
    """
    if not current_app.config["BOOKING_PROOF_OF_WORK"] or known():
        return
    if not _solves(solution) or not _first_use(solution):
        raise Refused(_("Your browser's check didn't go through. Please try again; it needs JavaScript."))


def _solves(solution: str) -> bool:
    if not solution or len(solution) > 2000:
        return False
    try:
        accepted, _error = verify_solution(solution, _work_key(), check_expires=True)
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        return False
    return bool(accepted)


def _first_use(solution: str) -> bool:
    # The signature, not the text: the same solution can be written in many ways.
    signature = str(json.loads(base64.b64decode(solution))["signature"])
    digest = hashlib.sha256(signature.encode()).hexdigest()
    db, now = session(), int(time.time())

    def work() -> bool:
        db.execute(sa.delete(UsedChallenge).where(UsedChallenge.expires < now))
        if db.scalar(sa.select(UsedChallenge.expires).where(UsedChallenge.signature_hash == digest)) is not None:
            return False
        db.add(UsedChallenge(signature_hash=digest, expires=now + CHALLENGE_AGE + 60))
        return True

    return transact(db, work)


def _work_key() -> str:
    config = current_app.config
    newest = encryption_keys(config.get("BOOKING_ENCRYPTION_KEYS"), config.get("SECRET_KEY"))[0]
    return hashlib.sha256(b"flask_booking proof of work" + newest).hexdigest()
