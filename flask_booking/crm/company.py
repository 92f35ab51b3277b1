"""The company that a guest's address tells of: its domain, unless that is where everybody has a mailbox."""

from __future__ import annotations

PUBLIC_MAILBOXES = frozenset(
    {
        "163.com", "aol.com", "bluewin.ch", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.de",
        "gmx.net", "googlemail.com", "hey.com", "hotmail.com", "icloud.com", "laposte.net", "libero.it", "live.com",
        "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "orange.fr", "outlook.com", "pm.me",
        "proton.me", "protonmail.com", "qq.com", "t-online.de", "tutanota.com", "web.de", "yahoo.co.jp",
        "yahoo.com", "yandex.ru", "zoho.com",
    }
)  # fmt: skip


def company_of(email: str) -> str:
    """``acme.com`` for ``sam@acme.com``; empty for a public mailbox."""
    domain = email.rpartition("@")[2].lower()
    return "" if domain in PUBLIC_MAILBOXES else domain
