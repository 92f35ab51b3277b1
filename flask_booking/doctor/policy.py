"""Reading a Content-Security-Policy: whether it lets a page use its own server."""

from __future__ import annotations

_FALLBACK = {"script-src-elem": "script-src", "style-src-elem": "style-src"}
_NO_DEFAULT = {"form-action", "base-uri", "frame-ancestors"}


def allows(policy: str, directive: str) -> bool:
    """Whether every policy of a header lets ``directive`` use the page's own origin (CSP Level 3, section 6.7)."""
    return all(_allows(one, directive) for one in policy.split(",") if one.strip())


def _allows(policy: str, directive: str) -> bool:
    given: dict[str, list[str]] = {}
    for part in policy.split(";"):
        name, *sources = part.split() or [""]
        given.setdefault(name.lower(), [source.lower() for source in sources])
    element = f"{directive}-elem"
    names = [element, directive] if element in _FALLBACK else [directive]
    if directive not in _NO_DEFAULT:
        names.append("default-src")
    named = next((name for name in names if name in given), None)
    if named is None:
        return True
    sources = given[named]
    if "'strict-dynamic'" in sources:  # then only a nonce or hash counts
        return False
    # A host may be our own; nobody can say from here.
    return any(source == "'self'" or not source.startswith(("'", "data:", "blob:")) for source in sources)
