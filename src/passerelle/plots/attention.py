"""Attention maps as SVG: a column for each source token and a row for each target token."""

from collections.abc import Sequence
from typing import Any

from passerelle.plots.theme import BACKGROUND, BORDER, INK, INPUT, SANS, SURFACE, adapt_to_dark_pages
from passerelle.plots.xml_text import xml_text

__all__ = ["draw_attention"]

CELL, LABEL, MARGIN = 26.0, 13.0, 16.0
SPACE = "\u2423"
"""The visible character that is drawn for whitespace."""


def draw_attention(source: Sequence[str], target: Sequence[str], weights: Any, *, title: str = "") -> str:
    """Draw the attention weights of one translation.

    The stronger the colour of a cell, the larger the weight of its column (source token) in its row (target token).

    Args:
        source: the source tokens.
        target: the target tokens.
        weights: float (target tokens, source tokens), 0 to 1.
        title: the accessible name of the picture, also its tooltip; not drawn.

    Returns:
        The text of an SVG document.
    """
    columns, rows = ([_visible(token) for token in side] for side in (source, target))
    left = MARGIN + max((_width(name) for name in rows), default=0.0) + 8
    top = MARGIN + max((_width(name) for name in columns), default=0.0) + 8
    width, height = left + CELL * len(columns) + MARGIN, top + CELL * len(rows) + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="{SANS}" font-size="{LABEL:g}">',
        f"<title>{xml_text(title or 'Attention')}</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="12" fill="{BACKGROUND}" '
        f'stroke="{BORDER}"/>',
        f'<g fill="{INK}">',
    ]
    for number, name in enumerate(columns):
        x = left + CELL * number + CELL / 2 + LABEL / 3
        parts.append(f'<text transform="translate({x:g} {top - 6:g}) rotate(-90)">{name}</text>')
    for row, name in enumerate(rows):
        y = top + CELL * row
        parts.append(f'<text x="{left - 6:g}" y="{y + CELL / 2 + LABEL / 3:g}" text-anchor="end">{name}</text>')
        parts.append(
            f'<rect x="{left:g}" y="{y:g}" width="{CELL * len(columns):g}" height="{CELL:g}" fill="{SURFACE}"/>'
        )
        for number, other in enumerate(columns):
            weight = min(1.0, max(0.0, float(weights[row][number])))
            parts.append(
                f'<rect x="{left + CELL * number:g}" y="{y:g}" width="{CELL:g}" height="{CELL:g}" stroke="{BORDER}" '
                f'fill="{INPUT}" fill-opacity="{weight:.3f}"><title>{other} \u2192 {name}: {weight:.2f}</title></rect>'
            )
    return adapt_to_dark_pages("\n".join([*parts, "</g>", "</svg>", ""]))


def _visible(token: str) -> str:
    """Return the token as XML text, with visible spaces and without unprintable characters."""
    return xml_text("".join(SPACE if char.isspace() else char if char.isprintable() else "\ufffd" for char in token))


def _width(name: str) -> float:
    """Return an upper bound of the width in pixels, for most scripts."""
    return LABEL * 0.7 * len(name)
