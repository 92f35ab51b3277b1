"""A host writes Markdown: a mail's HTML shows it formatted, text and calendars as people write plain text."""

from __future__ import annotations

from flask_booking.markdown import plain
from flask_booking.messages.plain import host_html, host_lines

TEXT = """A **deep** look at your *plans*, [here](https://example.com/plans).

- one
- two

1. first
2. second

Ask <ann@example.com> or <https://example.com>.
"""


def test_plain_text_has_lists_and_addresses_and_no_marks() -> None:
    assert host_lines(TEXT) == (
        "A deep look at your plans, here (https://example.com/plans).\n\n"
        "- one\n- two\n\n1. first\n2. second\n\n"
        "Ask ann@example.com or https://example.com."
    )


def test_html_is_formatted_with_inline_styles() -> None:
    html = host_html(TEXT, "color:#123456")
    assert "A <strong>deep</strong> look" in html
    assert '<a class="link" style="color:#123456" href="https://example.com/plans"' in html
    assert "**" not in html


def test_raw_html_is_shown_and_never_obeyed() -> None:
    assert "<script" not in host_html("<script>alert(1)</script>", "color:red")
    assert host_lines("<script>alert(1)</script>") == "<script>alert(1)</script>"


def test_one_line_keeps_the_items_of_a_list_apart() -> None:
    assert plain("What you get:\n\n- a call\n- a summary") == "What you get: a call, a summary"
