"""A picture of a run: one bar for each row with a goal, as long as its share of the goal."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from tests.bench.report import goal_share

NAMES, LINE, MOST = 190, 26, 2.0  # width of the names, height of a row, the longest share shown
UNIT = 200  # width of a bar that has just reached its goal
HISTORY = "## History\n"  # the heading below which it is shown
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24303a }
.reached { fill: #2a8f5b } .missed { fill: #c9772b } .goal { stroke: #24303a; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #dbe4ea } .reached { fill: #4cc38a } .missed { fill: #e39a55 } .goal { stroke: #dbe4ea }
}
"""


def draw(found: Mapping[str, Any], picture: Path) -> None:
    """Write the picture as SVG."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(svg(found["ratios"]), encoding="utf-8")


def show_in(page: Path, picture: Path) -> None:
    """Put the picture above the history, unless it is there."""
    text = page.read_text(encoding="utf-8")
    link = f"![Rows and their goals]({picture.relative_to(page.parent).as_posix()})"
    if link not in text:
        page.write_text(text.replace(HISTORY, f"{HISTORY}\n{link}\n", 1), encoding="utf-8")


def svg(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Bars of all rows with a goal; whatever is longer than the dashed line has reached its own."""
    bars = [
        (name, one, share) for name, one in rows.items() if (share := goal_share(one)) is not None
    ]
    height, width = LINE * (len(bars) + 1), NAMES + int(UNIT * MOST) + 170
    at_goal = NAMES + UNIT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="Rows of the bench and their goals">',
        f"<style>{STYLE}</style>",
        f'<text x="{at_goal}" y="16" text-anchor="middle">goal</text>',
        *(_bar(place, *bar) for place, bar in enumerate(bars)),
        f'<line class="goal" x1="{at_goal}" x2="{at_goal}" y1="{LINE - 4}" y2="{height}"/>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bar(place: int, name: str, one: Mapping[str, Any], share: float) -> str:
    top = LINE * (place + 1)
    long = round(UNIT * min(share, MOST), 1)
    kind = "reached" if share >= 1 else "missed"
    unit = "" if one.get("unit", "ratio") == "ratio" else f" {one['unit']}"
    sign = "≤" if one.get("better") == "lower" else "≥"
    words = f"{one['value']:g}{unit} ({sign} {one['goal']:g})"
    middle = top + LINE // 2 + 3
    return (
        f'<text x="{NAMES - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="{kind}" x="{NAMES}" y="{top + 3}" width="{long}" height="{LINE - 8}" rx="3"/>'
        f'<text x="{NAMES + long + 6}" y="{middle}">{escape(words)}</text>'
    )
