"""The colours of all pictures, for light and for dark pages.

A picture has an opaque background and is drawn in the light colours, which are attributes of its elements. A style
sheet inside the picture replaces each of them by its dark colour where the reader prefers dark pages (the media query
`prefers-color-scheme`, which browsers also apply to pictures in `<img>`). Programs that ignore style sheets show the
light colours.
"""

import re

__all__ = [
    "ATTENTION",
    "BACKGROUND",
    "BORDER",
    "DENSE",
    "EMBEDDING",
    "INK",
    "INPUT",
    "LINE",
    "MONO",
    "MUTED",
    "OTHER",
    "RECURRENT",
    "RULE",
    "SANS",
    "SURFACE",
    "TINTS",
    "adapt_to_dark_pages",
]

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
"""Font families; fonts of the reader's system, none is downloaded."""

BACKGROUND = "#fbfcfd"  # of a picture
SURFACE = "#ffffff"  # of boxes and plots; also text on a saturated colour
BORDER = "#d5dbe3"  # of a picture
RULE = "#e3e8ee"  # between rows, and grids
LINE = "#64748b"  # arrows and axes
INK = "#1e293b"  # text
MUTED = "#526071"  # less important text

# Saturated colours, named after the layers that they mark.
INPUT = "#1a66a8"
EMBEDDING = "#6a48b5"
RECURRENT = "#a8480a"
DENSE = "#17703f"
ATTENTION = "#a8265f"
OTHER = "#475569"

TINTS = {
    INPUT: "#eaf3fb",
    EMBEDDING: "#f2eefb",
    RECURRENT: "#fdf1e7",
    DENSE: "#e9f6ee",
    ATTENTION: "#fceef5",
    OTHER: "#f1f4f8",
    INK: "#f1f4f8",
}
"""A background for text in each saturated colour."""

DARK = {
    BACKGROUND: "#161b22",
    SURFACE: "#1c232c",
    BORDER: "#3b4757",
    RULE: "#323d4b",
    LINE: "#8b9bb0",
    INK: "#e6ebf2",
    MUTED: "#a9b6c6",
    INPUT: "#7cb8f0",
    EMBEDDING: "#b9a5f0",
    RECURRENT: "#f0a36b",
    DENSE: "#76cf9b",
    ATTENTION: "#f091b8",
    OTHER: "#a3b1c2",
    TINTS[INPUT]: "#1b2f45",
    TINTS[EMBEDDING]: "#2a2446",
    TINTS[RECURRENT]: "#3d2a1b",
    TINTS[DENSE]: "#1a3527",
    TINTS[ATTENTION]: "#40202f",
    TINTS[OTHER]: "#2a3441",
}
"""The dark colour of each light colour."""

_CLASS = "passerelle-picture"


def adapt_to_dark_pages(svg: str) -> str:
    """Add a style sheet with the dark colours to a picture.

    Args:
        svg: an SVG document whose root has no class. Its colours are those of this module, as attributes
            (`fill="#1e293b"`) or as inline styles (`fill: #1e293b`).

    Returns:
        The document. The style sheet applies only to it, also inside an HTML page.
    """
    rules = []
    for name in ("fill", "stroke"):
        used = set(re.findall(rf'\b{name}(?:="|: ?)(#[0-9a-f]{{6}})', svg))
        for light, dark in DARK.items():
            if light in used:
                selectors = (f'.{_CLASS} [{name}="{light}"]', f'.{_CLASS} [style*="{name}: {light}"]')
                rules.append(f"{','.join(selectors)}{{{name}:{dark}!important}}")
    style = "\n".join(["<style>@media (prefers-color-scheme: dark) {", *rules, "}</style>"])
    return re.sub(r"<svg\b([^>]*)>", rf'<svg class="{_CLASS}"\1>' + f"\n{style}", svg, count=1)
