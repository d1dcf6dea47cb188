"""Where a translation looked, as one SVG picture: a column for each source token, a row for each target token."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

__all__ = ["draw_attention"]

CELL, LABEL, MARGIN = 26.0, 13.0, 16.0
INK, LINE = "#1e293b", "#d5dbe3"
BLANK = "\u2423"
"""How a blank looks where it would not be seen."""


def draw_attention(source: Sequence[str], target: Sequence[str], weights: Any, *, title: str = "") -> str:
    """Returns the SVG text: the darker a cell, the more its row looked at its column.

    Args:
        source: tokens.
        target: tokens.
        weights: (target tokens, source tokens), 0 to 1.
        title: the picture's name, for screen readers and tooltips.
    """
    columns, rows = ([_seen(token) for token in side] for side in (source, target))
    left = MARGIN + max((_width(name) for name in rows), default=0.0) + 8
    top = MARGIN + max((_width(name) for name in columns), default=0.0) + 8
    width, height = left + CELL * len(columns) + MARGIN, top + CELL * len(rows) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="system-ui, sans-serif" font-size="{LABEL:g}" fill="{INK}">',
        f"<title>{escape(title or 'Attention')}</title>",
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
    ]
    for number, name in enumerate(columns):
        x = left + CELL * number + CELL / 2 + LABEL / 3
        parts.append(f'<text transform="translate({x:g} {top - 6:g}) rotate(-90)">{name}</text>')
    for row, name in enumerate(rows):
        y = top + CELL * row
        parts.append(f'<text x="{left - 6:g}" y="{y + CELL / 2 + LABEL / 3:g}" text-anchor="end">{name}</text>')
        for number, other in enumerate(columns):
            weight = min(1.0, max(0.0, float(weights[row][number])))
            parts.append(
                f'<rect x="{left + CELL * number:g}" y="{y:g}" width="{CELL:g}" height="{CELL:g}" stroke="{LINE}" '
                f'fill="#1a66a8" fill-opacity="{weight:.3f}"><title>{other} \u2192 {name}: {weight:.2f}</title></rect>'
            )
    return "\n".join([*parts, "</svg>", ""])


def _seen(token: str) -> str:
    """As XML, with nothing that is invisible or may not stand there."""
    return escape("".join(BLANK if char.isspace() else char if char.isprintable() else "\ufffd" for char in token))


def _width(name: str) -> float:
    """Wide enough for most scripts."""
    return LABEL * 0.7 * len(name)
