"""Who does the work of an outbox message: one handler for each topic."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import smtplib

from ..calendars.writing import LinkPending
from ..connections.lease import Engaged
from ..models import OutboxMessage

Handler = c.Callable[[OutboxMessage], "bool | None"]
"""Does what the message says, in an application context and outside any transaction of the worker's.

Returns False when the message isn't wanted any more.  An exception makes the message be tried again later, unless the
topic's ``gives_up_on`` names its class.  A handler may be called twice for one message, when a worker died between
doing and recording; it tells the outside by ``message.dedupe_key`` that it is the same."""


GivenUp = c.Callable[[OutboxMessage, "Exception | None"], c.Iterable[int]]
"""Draws the consequences of a message that is tried no more, in the transaction that records it as failed.

It is given the error of the last try, None when each worker died that tried it.  It changes rows through the session,
commits nothing, and returns the ids of the messages it wrote.  It may be called again: when the database asks for
another try, and when a person had the message tried again in vain.  When it fails, the message has failed all the
same."""


UNCOUNTED = (Engaged, LinkPending)
"""What is no failure: somebody else is at it, or it needs some seconds.  It counts as no try."""


class Failure(Exception):
    """What a handler raises to have its text kept and shown: it names no person and no secret."""


@dataclasses.dataclass(frozen=True)
class Topic:
    """A handler, the errors after which another try is useless, and what follows when a message is given up."""

    handler: Handler
    gives_up_on: tuple[type[Exception], ...] = ()
    given_up: GivenUp | None = None


_topics: dict[str, Topic] = {}


def register(
    topic: str,
    handler: Handler,
    *,
    gives_up_on: tuple[type[Exception], ...] = (),
    given_up: GivenUp | None = None,
) -> None:
    """Have ``handler`` do the messages of ``topic``, in every app of this process; the last one registered counts.

    ``gives_up_on`` names the errors after which another try is useless.  ``given_up(message, error)`` is called in the
    transaction that records a message as failed, after its last try or because of such an error: it may change rows,
    commits nothing, and returns the ids of the messages it wrote.
    """
    _topics[topic] = Topic(handler, gives_up_on, given_up)


def find(topic: str) -> Topic | None:
    """The topic of that name; None when this version of the code knows none."""
    return _topics.get(topic)


def is_permanent(error: Exception, topic: Topic) -> bool:
    """Whether another try of the same message can't succeed.

    A CRM's own mailer raises what :mod:`smtplib` raises: a recipient or a mail refused with a code of 500 or more is
    refused for good (RFC 5321 section 4.2.1); a refused sender or login is an operator's to set right.
    """
    if isinstance(error, topic.gives_up_on):
        return True
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return bool(error.recipients) and all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
