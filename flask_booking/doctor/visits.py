"""What a stranger gets: our own pages, or a wall that the CRM has around everything."""

from __future__ import annotations

import collections
import collections.abc as c
import json
import re
import typing as t

from flask import current_app

from .finding import Finding, fail, info, ok, some, warn
from .names import SAMPLE
from .policy import allows
from .stranger import Answer, ask

_PAGES = ("/{x}", "/{x}/{x}", "/{x}/{x}/details", "/manage/{x}", "/manage/{x}/cancel", "/manage/{x}/reschedule")
_PROGRAMS = ("/public/{x}", "/public/{x}/{x}", "/public/{x}/{x}/slots", "/public/bookings/{x}")
_FILES = re.compile(r'(?:href|src)="([^"]*/~(?:static|theme)/[^"]+)"')
_LET_BY = 'if request.blueprint in {"booking_public", "booking_api"}: return None'


def pages() -> c.Iterator[Finding]:
    """Whether guests reach the public pages, their stylesheets and scripts."""
    answers = _public_answers()
    files = ask(*_files(answers))
    wrong = [one for one in answers if not _our_page(one)]
    wrong += [one for one in files if one.status != 200 or one.mimetype not in {"text/css", "text/javascript"}]
    yield from _walls(wrong, "guests can't book", "our page that says 404")
    if not wrong:
        yield ok(f"a stranger gets our pages and {len(files)} files at {current_app.config['BOOKING_URL_PREFIX']}/…")


def programs() -> c.Iterator[Finding]:
    """Whether programs reach the public API, and get its JSON also when something is wrong."""
    prefix = current_app.config["BOOKING_API_URL_PREFIX"]
    answers = ask(*(prefix + path.format(x=SAMPLE) for path in _PROGRAMS))
    wrong = [one for one in answers if not _our_problem(one)]
    yield from _walls(wrong, "programs can't book", "a 404 as application/problem+json")
    if not wrong:
        yield ok(f"a stranger gets JSON at {prefix}/public/…")


def headers() -> c.Iterator[Finding]:
    """Whether headers that the CRM adds to every response leave our pages working."""
    answers = [one for one in _public_answers() if _our_page(one)]
    if not answers:
        yield info("not looked at until the public pages can be reached")
        return
    page, secret = answers[0], next((one for one in answers if "/manage/" in one.path), answers[0])
    found = [*_policy(page), *_frames(page), *_secret(secret)]
    yield from found
    if not found:
        yield ok("styles, scripts and forms of the public pages are allowed")


def strangers() -> c.Iterator[Finding]:
    """Whether the settings screens keep strangers out without breaking."""
    prefix = current_app.config["BOOKING_SETTINGS_URL_PREFIX"]
    (answer,) = ask(f"{prefix}/bookings")
    if answer.let_in:
        text = "a stranger counts as a user in the settings screens, and would become a host with the first visit"
        yield fail(
            text,
            "Return None from `CRM.current_user` when nobody is logged in; a user of 0 or an anonymous one counts.",
        )
    elif answer.status >= 500:
        text = f"a stranger at {prefix}/bookings gets {answer.seen} instead of being asked to log in"
        advice = "Mend what raises there: `CRM.current_user`, or your base template without a user."
        yield fail(text, _culprit(answer) or advice)
    elif answer.status == 404:
        text = f"{prefix}/bookings doesn't exist for a stranger ({answer.seen})"
        yield warn(text, _culprit(answer) or "See `addresses` above.")
    else:
        yield ok(f"a stranger is kept out ({answer.seen})")


def _public_answers() -> list[Answer]:
    prefix = current_app.config["BOOKING_URL_PREFIX"]
    return ask(*(prefix + path.format(x=SAMPLE) for path in _PAGES))


def _files(answers: c.Iterable[Answer]) -> list[str]:
    return sorted({path for one in answers if _our_page(one) for path in _FILES.findall(one.text)})


def _our_page(answer: Answer) -> bool:
    return answer.status == 404 and answer.mimetype == "text/html" and bool(_FILES.search(answer.text))


def _our_problem(answer: Answer) -> bool:
    if answer.status != 404 or answer.mimetype != "application/problem+json":
        return False
    try:
        return bool(json.loads(answer.text).get("code") == "not_found")
    except (ValueError, AttributeError):
        return False


def _walls(wrong: c.Iterable[Answer], effect: str, wanted: str) -> c.Iterator[Finding]:
    """One finding for each thing that was seen, with the addresses it was seen at."""
    alike: dict[tuple[str, str], list[Answer]] = collections.defaultdict(list)
    for one in wrong:
        alike[one.seen, _culprit(one)].append(one)
    for (seen, advice), answers in alike.items():
        paths = some((one.path for one in answers), 2)
        text = f"{seen} at {paths} instead of {wanted}: {effect}"
        yield fail(text, advice or _nobody(answers[0]))


def _culprit(answer: Answer) -> str:
    """Which function of the CRM it was, and what to write into it."""
    if answer.stopped_by.startswith("flask_wtf."):
        return 'Let your CSRFProtect exempt the blueprints "booking_public" and "booking_api" (see CSRF).'
    if answer.stopped_by:
        return f"The before_request function `{answer.stopped_by}` answers. Begin it with:\n{_LET_BY}"
    for name, changed in answer.changed_by.items():
        if {"status", "content-type"} & set(changed):
            begin = _LET_BY.replace("None", "response")
            return f"The after_request function `{name}` changes the {some(changed)}. Begin it with:\n{begin}"
    return ""


def _nobody(answer: Answer) -> str:
    if answer.raised:
        return "Mend what raises there."
    if answer.status == 404:
        return "See `addresses` above: another view may answer there."
    return "No before_request function did it: look at WSGI middleware and the view that answers there."


def _policy(page: Answer) -> c.Iterator[Finding]:
    policy = page.headers.get("content-security-policy")
    if policy is None:
        return
    who = _setter(page, "content-security-policy")
    if policy == current_app.config["BOOKING_CSP"] or not policy:
        who = "BOOKING_CSP"
    kinds = (
        ("style-src", "pages are without their looks", True),
        ("form-action", "no form can be sent, so nobody can book", True),
        ("script-src", "pages work without scripts only", False),
        ("connect-src", "months are loaded as whole pages", False),
    )
    for directive, effect, broken in kinds:
        if not allows(policy, directive):
            text = f"the Content-Security-Policy ({who}) has no {directive} 'self': {effect}"
            yield (fail if broken else warn)(
                text, f"Add 'self' to {directive}, or set no policy where `request.blueprint` is \"booking_public\"."
            )


def _frames(page: Answer) -> c.Iterator[Finding]:
    frames = page.headers.get("x-frame-options", "")
    wanted = re.search(r"frame-ancestors ([^;]*)", current_app.config["BOOKING_CSP"] or "")
    if frames and wanted and wanted[1].strip() != "'none'":
        who = _setter(page, "x-frame-options")
        text = f"X-Frame-Options: {frames} ({who}) forbids the frames that BOOKING_CSP allows ({wanted[1].strip()})"
        yield warn(text, 'Don\'t set X-Frame-Options where `request.blueprint` is "booking_public".')


def _secret(page: Answer) -> c.Iterator[Finding]:
    policy = page.headers.get("referrer-policy", "")
    if policy.split(",")[-1].strip() not in {"no-referrer", "same-origin"}:
        who = _setter(page, "referrer-policy")
        text = f"Referrer-Policy: {policy or 'none'} ({who}) tells other servers guests' secret links"
        yield warn(text, 'Use response.headers.setdefault("Referrer-Policy", …), so that pages can be stricter.')
    caching = page.headers.get("cache-control", "")
    if not {"no-store", "private", "no-cache"} & set(re.split(r"[\s,]+", caching)):
        who = _setter(page, "cache-control")
        text = f"Cache-Control: {caching or 'none'} ({who}) lets proxies keep guests' pages"
        yield warn(text, 'Use response.headers.setdefault("Cache-Control", …), so that pages can be stricter.')


def _setter(page: Answer, header: str) -> str:
    """The ``after_request`` function that set a header."""
    names: t.Iterable[str] = (name for name, changed in page.changed_by.items() if header in changed)
    return next(iter(names), "set outside of after_request")
