"""Colours that stay readable: WCAG contrast, and an accent corrected until it passes. Pure."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass
from functools import lru_cache

RGB = tuple[int, int, int]
TEXT_AA = 4.5
_HEX = re.compile(r"#[0-9a-f]{6}")


def is_colour(value: str) -> bool:
    """Whether it is `#rrggbb`."""
    return _HEX.fullmatch(value.strip().lower()) is not None


def parse(value: str) -> RGB:
    """`#rrggbb` to numbers; raises ValueError for anything else."""
    text = value.strip().lower()
    if not is_colour(text):
        raise ValueError(f"not a colour: {value!r}")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def to_hex(colour: RGB) -> str:
    """Numbers to `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: RGB) -> float:
    """Relative luminance of WCAG 2.2."""
    red, green, blue = (_linear(part / 255) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def ratio(first: RGB, second: RGB) -> float:
    """Contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(colour: RGB, other: RGB, share: float) -> RGB:
    """`share` of `other` laid over `colour`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def readable(colour: RGB, ground: RGB, least: float = TEXT_AA) -> RGB:
    """`colour`, moved away from `ground` in lightness until the contrast is reached."""
    target = (0, 0, 0) if luminance(ground) > 0.18 else (255, 255, 255)
    for step in range(41):
        tried = mix(colour, target, step / 40)
        if ratio(tried, ground) >= least:
            return tried
    return target


@dataclass(frozen=True, slots=True)
class Accent:
    """An accent colour with the colours that go with it; `corrected` when it had to be moved."""

    accent: str
    hover: str
    soft: str
    ink: str
    on_accent: str
    hero: str
    corrected: bool


@lru_cache(maxsize=512)
def accent_set(wanted: str, ground: str) -> Accent:
    """Colours for a tenant's accent on a theme's card ground; all text pairs pass AA."""
    base = parse(ground)
    dark = luminance(base) < 0.18
    accent = readable(parse(wanted), base)
    soft = mix(base, accent, 0.18 if dark else 0.12)
    white, black = (255, 255, 255), mix((0, 0, 0), accent, 0.15)
    on_accent = white if ratio(white, accent) >= TEXT_AA else black
    return Accent(
        accent=to_hex(accent),
        hover=to_hex(mix(accent, (255, 255, 255) if dark else (0, 0, 0), 0.18)),
        soft=to_hex(soft),
        ink=to_hex(readable(accent, soft, 4.8)),
        on_accent=to_hex(on_accent),
        hero=to_hex(readable(parse(wanted), (255, 255, 255), 5.5)),
        corrected=to_hex(accent) != wanted.strip().lower(),
    )


@lru_cache(maxsize=512)
def cover_ground(hue: int) -> tuple[str, str]:
    """Two stops of a cover's gradient: white text passes AA on both, a pattern of 10 % included."""
    return _ground(hue, 0.48, 5.9), _ground((hue + 14) % 360, 0.52, 7.4)


def _ground(hue: int, saturation: float, least: float) -> str:
    for step in range(60, 8, -1):
        parts = colorsys.hls_to_rgb(hue / 360, step / 100, saturation)
        red, green, blue = (round(part * 255) for part in parts)
        if ratio((red, green, blue), (255, 255, 255)) >= least:
            return to_hex((red, green, blue))
    return "#1c2a2e"
