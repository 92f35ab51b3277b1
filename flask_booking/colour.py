"""A host's colour, made readable: WCAG 2.2 contrast, checked and corrected for light and dark pages.

A host chooses one colour and nothing else.  What a page needs from it (text in that colour, text upon it, a quiet tint)
is computed here, so that no choice can make a page unreadable.
"""

from __future__ import annotations

import colorsys
import dataclasses
import functools
import re

from flask import current_app

DEFAULT_ACCENT = "#2456d6"
READABLE = 4.5
"""The contrast that normal text needs (WCAG 2.2, 1.4.3)."""

_COLOUR = re.compile(r"#?([0-9a-fA-F]{6})")
_LIGHT_CARD, _DARK_CARD = "#ffffff", "#191c22"
_WHITE, _INK = "#ffffff", "#0d1117"

RGB = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Shades:
    """A colour as one kind of page uses it, each as ``#rrggbb``.

    ``accent`` can be read as text upon the card and upon ``soft``; ``on_accent`` can be read upon ``accent``; ``line``
    is for quiet borders.
    """

    accent: str
    on_accent: str
    soft: str
    line: str


def parsed(colour: str) -> str | None:
    """``colour`` as ``#rrggbb`` in lower case, None when it isn't one."""
    found = _COLOUR.fullmatch(colour or "")
    return f"#{found[1].lower()}" if found else None


def house_accent() -> str:
    """The colour of pages whose host chose none: ``BOOKING_ACCENT``.  Needs an application context."""
    return parsed(current_app.config["BOOKING_ACCENT"]) or DEFAULT_ACCENT


def luminance(colour: str) -> float:
    """Relative luminance, from 0 for black to 1 for white (WCAG 2.2)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, ground: str, share: float) -> str:
    """``colour`` laid over ``ground`` with the opacity ``share``."""
    pairs = zip(_channels(colour), _channels(ground), strict=True)
    return _written(tuple(over * share + under * (1 - share) for over, under in pairs))  # type: ignore[arg-type]


@functools.lru_cache(maxsize=256)
def shades(colour: str, *, dark: bool = False) -> Shades:
    """What a light (or ``dark``) page makes of ``colour``; the default colour for anything that is none."""
    wanted = parsed(colour) or DEFAULT_ACCENT
    card = _DARK_CARD if dark else _LIGHT_CARD
    tint = 0.2 if dark else 0.1
    hue, light, saturation = colorsys.rgb_to_hls(*_channels(wanted))
    accent = wanted
    for step in range(101):
        accent = _written(colorsys.hls_to_rgb(hue, _toward(light, 1.0 if dark else 0.0, step / 100), saturation))
        if contrast(accent, mixed(accent, card, tint)) >= READABLE:
            break
    on_accent = max((_WHITE, _INK), key=lambda ink: contrast(accent, ink))
    return Shades(accent, on_accent, mixed(accent, card, tint), mixed(accent, card, 0.42))


def stylesheet(colour: str) -> str:
    """Custom properties for a page in ``colour``, light and dark; ``data-appearance`` on the root has the last word."""
    light, dark = _properties(shades(colour)), _properties(shades(colour, dark=True))
    return (
        f":root{{{light}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-appearance=light]){{{dark}}}}}"
        f":root[data-appearance=dark]{{{dark}}}"
    )


def _properties(shade: Shades) -> str:
    return (
        f"--accent:{shade.accent};--on-accent:{shade.on_accent};--accent-soft:{shade.soft};--accent-line:{shade.line}"
    )


def _toward(value: float, goal: float, share: float) -> float:
    return value + (goal - value) * share


def _channels(colour: str) -> RGB:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _written(channels: RGB) -> str:
    return "#" + "".join(f"{round(min(max(channel, 0), 1) * 255):02x}" for channel in channels)
