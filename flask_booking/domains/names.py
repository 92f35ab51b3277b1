"""Host names as they arrive in a header and as people type them, brought into one form.

That form is lower-case ASCII without a dot at the end; an international name is written with ``xn--`` (RFC 5890).
"""

from __future__ import annotations

import re

import idna

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?P<name>{_LABEL}(?:\.{_LABEL})*)\.?")
_HEADER = re.compile(rf"{_NAME.pattern}(?::[0-9]{{0,5}})?")
_LONGEST = 253


def host_name(header: str) -> str | None:
    """The name in a Host header, without its port; None for an IP address and for whatever is no name."""
    found = _HEADER.fullmatch(header.lower()) if header.isascii() else None
    if found is None:
        return None
    name = found["name"]
    # A last label of digits makes it an IPv4 address, however it is written.
    return None if len(name) > _LONGEST or name.rpartition(".")[2].isdigit() else name


def typed_name(text: str) -> str | None:
    """The domain that somebody typed, or pasted as a web address; None when it isn't one."""
    bare = re.sub(r"^[a-z]+://", "", text.strip(), flags=re.IGNORECASE).partition("/")[0].rstrip(".")
    try:
        ascii_text = bare.lower() if bare.isascii() else idna.encode(bare, uts46=True).decode()
        if "xn--" in ascii_text:
            idna.decode(ascii_text)
    except (idna.IDNAError, UnicodeError):
        return None
    found = _NAME.fullmatch(ascii_text)
    name = host_name(found["name"]) if found else None
    return name if name and "." in name else None
