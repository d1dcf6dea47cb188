"""Boxes and arrows as a self-contained SVG document, without scripts, links or web fonts."""

from collections.abc import Sequence
from dataclasses import dataclass
from unicodedata import east_asian_width

from passerelle.plots.layout import Layout, Segment, arrange
from passerelle.plots.theme import (
    ATTENTION,
    BACKGROUND,
    BORDER,
    DENSE,
    EMBEDDING,
    INK,
    INPUT,
    LINE,
    MONO,
    MUTED,
    OTHER,
    RECURRENT,
    RULE,
    SANS,
    SURFACE,
    TINTS,
    adapt_to_dark_pages,
)
from passerelle.plots.xml_text import xml_text

__all__ = ["Arrow", "Box", "draw"]

_COLOURS = {
    "input": INPUT,
    "embedding": EMBEDDING,
    "recurrent": RECURRENT,
    "dense": DENSE,
    "attention": ATTENTION,
    "other": OTHER,
    "output": INK,
}
_MARGIN, _PADDING, _LINE_HEIGHT, _ROW_PADDING = 24.0, 12.0, 16.0, 5.0
_NAME_SIZE, _KIND_SIZE, _ROW_SIZE, _TITLE_SIZE = 13.0, 11.0, 11.0, 17.0
_HEAD = 8.0  # length of an arrow's head, in pixels


@dataclass(frozen=True)
class Box:
    """A box: a coloured head with `name` above `kind`, then rows, each with a label and lines of text.

    A box without `name` has a lower head. A box without `kind` is small and has neither head nor labels.
    """

    role: str
    name: str
    kind: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Arrow:
    """An arrow for one or more tensors between two boxes.

    Attributes:
        source: index of the box that returns the tensors.
        target: index of the box that reads them.
        tensors: their number.
        mask: whether all of them are boolean.
    """

    source: int
    target: int
    tensors: int
    mask: bool


def draw(boxes: Sequence[Box], arrows: Sequence[Arrow], *, heading: str, title: str, description: str) -> str:
    """Draw boxes and the arrows between them.

    Args:
        boxes: producers before consumers; boxes of the role "output" are drawn at the bottom.
        arrows: at most one for each pair of boxes.
        heading: drawn above the boxes; none if empty.
        title: the accessible name of the picture, also its tooltip.
        description: the accessible description of the picture.

    Returns:
        The text of an SVG document.
    """
    sizes = [_size(box) for box in boxes]
    layout = arrange(
        sizes,
        [(arrow.source, arrow.target) for arrow in arrows],
        terminals={at for at, box in enumerate(boxes) if box.role == "output"},
        light={(arrow.source, arrow.target) for arrow in arrows if arrow.mask},
    )
    top = _MARGIN + (2 * _TITLE_SIZE if heading else 0.0)
    width = max(layout.width, _text_width(heading, _TITLE_SIZE, bold=True)) + 2 * _MARGIN
    height = layout.height + top + _MARGIN
    left = (width - layout.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" font-family="{SANS}">',
        f"<title>{xml_text(title)}</title>",
        f"<desc>{xml_text(description)}</desc>",
        f'<rect x="0.5" y="0.5" width="{_n(width - 1)}" height="{_n(height - 1)}" rx="12" '
        f'fill="{BACKGROUND}" stroke="{BORDER}"/>',
    ]
    if heading:
        parts.append(_text(_MARGIN, _MARGIN + _TITLE_SIZE * 0.8, heading, _TITLE_SIZE, INK, bold=True))
    parts.append(f'<g transform="translate({_n(left)} {_n(top)})">')
    parts += _arrows(arrows, layout)
    for at, (box, size, (x, y)) in enumerate(zip(boxes, sizes, layout.corners, strict=True)):
        inside = _draw_box(box, *size) if box.kind else _draw_small_box(box, *size)
        parts.append(f'<g data-box="{at}" transform="translate({_n(x)} {_n(y)})">{inside}</g>')
    return adapt_to_dark_pages("\n".join([*parts, "</g>", "</svg>", ""]))


def _size(box: Box) -> tuple[float, float]:
    lines = [line for _, texts in box.rows for line in texts]
    widest = max(len(line) for line in lines) * _ROW_SIZE * 0.605
    name = _text_width(box.name, _NAME_SIZE, bold=True)
    if not box.kind:
        return max(name, widest) + 2 * _PADDING, 24.0 + _LINE_HEIGHT * len(lines)
    width = max(name, _text_width(box.kind, _KIND_SIZE), _label_width(box) + widest + 2 * _PADDING)
    return width + 2 * _PADDING, _head_height(box) + sum(_row_height(texts) for _, texts in box.rows)


def _head_height(box: Box) -> float:
    return 42.0 if box.name else 24.0


def _row_height(texts: Sequence[str]) -> float:
    return _LINE_HEIGHT * len(texts) + 2 * _ROW_PADDING


def _label_width(box: Box) -> float:
    return max(_text_width(label, _ROW_SIZE, bold=box.role == "output") for label, _ in box.rows)


def _text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return an upper bound of the width in pixels in common sans-serif fonts; DejaVu Sans is the widest."""
    ems = sum(
        1.05 if east_asian_width(character) in "WF"
        else 0.42 if character in "iIjlft.,:;'|!()[] "
        else 0.98 if character in "mwMW@%"
        else 0.72 if character.isupper()
        else 0.63
        for character in text
    )  # fmt: skip
    return ems * size * (1.1 if bold else 1.0)


def _draw_box(box: Box, width: float, height: float) -> str:
    colour = _COLOURS[box.role]
    head = _head_height(box)
    radius = 12 if box.role == "output" else 7
    inset = radius - 0.5
    parts = [
        f'<rect width="{_n(width)}" height="{_n(height)}" rx="{radius}" fill="{SURFACE}" stroke="{colour}"/>',
        f'<path d="M0 {_n(head)}V{radius}a{radius} {radius} 0 0 1 {radius} -{radius}H{_n(width - radius)}'
        f'a{radius} {radius} 0 0 1 {radius} {radius}V{_n(head)}z" fill="{colour}"/>',
    ]
    middle = width / 2
    if box.name:
        parts.append(_text(middle, 18, box.name, _NAME_SIZE, SURFACE, bold=True, anchor="middle"))
    parts.append(_text(middle, head - 9, box.kind, _KIND_SIZE, SURFACE, anchor="middle"))
    divide = _label_width(box) + 1.5 * _PADDING
    shapes: list[str] = []
    terminal = box.role == "output"
    top = head
    for label, texts in box.rows:
        below = top + _row_height(texts)
        if top > head:
            parts.append(f'<path d="M{_n(inset)} {_n(top)}H{_n(width - inset)}" stroke="{RULE}"/>')
        ink = INK if terminal else MUTED
        parts.append(_text(_PADDING, (top + below) / 2 + 4, label, _ROW_SIZE, ink, bold=terminal))
        for number, text in enumerate(texts):
            line = top + _ROW_PADDING + 12 + _LINE_HEIGHT * number
            shapes.append(_text(divide + _PADDING, line, text, _ROW_SIZE, INK))
        top = below
    parts.append(f'<path d="M{_n(divide)} {_n(head)}V{_n(height - 1)}" stroke="{RULE}"/>')
    return "".join([*parts, f'<g font-family="{MONO}">', *shapes, "</g>"])


def _draw_small_box(box: Box, width: float, height: float) -> str:
    colour = _COLOURS[box.role]
    parts = [
        f'<rect width="{_n(width)}" height="{_n(height)}" rx="14" fill="{TINTS[colour]}" stroke="{colour}"/>',
        _text(width / 2, 17, box.name, _NAME_SIZE - 1, colour, bold=True, anchor="middle"),
    ]
    lines = [line for _, texts in box.rows for line in texts]
    shapes = [
        _text(width / 2, 32 + _LINE_HEIGHT * number, line, _ROW_SIZE, INK, anchor="middle")
        for number, line in enumerate(lines)
    ]
    return "".join([*parts, f'<g font-family="{MONO}">', *shapes, "</g>"])


def _arrows(arrows: Sequence[Arrow], layout: Layout) -> list[str]:
    lines: list[str] = []
    heads: list[str] = []
    for arrow, route in zip(arrows, layout.routes, strict=True):
        dashes = ' stroke-dasharray="5 4"' if arrow.mask else ""
        x, _, tip = route[-1]
        lines.append(
            f'<path data-arrow="{arrow.source} {arrow.target}" d="{_path(route)}" '
            f'fill="none" stroke="{LINE}" stroke-width="1.5"{dashes}/>'
        )
        heads.append(f'<path d="M{_n(x)} {_n(tip)}l-4.5 -{_HEAD:g}h9z" fill="{LINE}"/>')
        if arrow.tensors > 1:
            heads.append(_text(x + 7, tip - 9, f"×{arrow.tensors}", 10.5, MUTED, bold=True))
    return [*lines, *heads]


def _path(route: Sequence[Segment]) -> str:
    """Connect the vertical segments by curves with vertical ends; the path ends inside the arrow's head."""
    x, top, bottom = route[0]
    path = [f"M{_n(x)} {_n(top)}"]
    for next_x, next_top, next_bottom in route[1:]:
        if abs(next_x - x) > 0.05:
            bend = (next_top - bottom) * 0.55
            path.append(f"V{_n(bottom)}C{_n(x)} {_n(bottom + bend)} {_n(next_x)} {_n(next_top - bend)}")
            path.append(f" {_n(next_x)} {_n(next_top)}")
        x, bottom = next_x, next_bottom
    return "".join([*path, f"V{_n(bottom - _HEAD + 1)}"])


def _text(x: float, y: float, text: str, size: float, colour: str, *, bold: bool = False, anchor: str = "") -> str:
    weight = ' font-weight="600"' if bold else ""
    anchored = f' text-anchor="{anchor}"' if anchor else ""
    start = f'<text x="{_n(x)}" y="{_n(y)}" font-size="{size:g}" fill="{colour}"{weight}{anchored}>'
    return f"{start}{xml_text(text)}</text>"


def _n(number: float) -> str:
    return f"{round(number, 1):g}"
