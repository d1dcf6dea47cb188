"""Charts drawn by matplotlib, as SVG in the style of this package."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from passerelle.plots.theme import BACKGROUND, BORDER, INK, LINE, RULE, SURFACE, adapt_to_dark_pages
from passerelle.plots.xml_text import valid_characters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_chart"]

WIDTH = 7.2


def draw_chart(
    draw: "Callable[[Axes], object]",
    *,
    title: str = "",
    name: str = "",
    height: float = 4.2,
    legend: Literal["best", "upper left"] = "best",
) -> str:
    """Draw a chart. Equal contents give an equal document.

    Args:
        draw: adds the contents to the axes: lines with labels for the legend, and the names of the axes.
        title: a heading, and the accessible name of the picture; no heading if empty.
        name: the accessible name of a picture without a heading.
        height: height in inches.
        legend: place of the legend, as matplotlib names it.

    Returns:
        The text of an SVG document.
    """
    # Matplotlib takes half a second to import, and no other module needs it.
    from matplotlib.figure import Figure

    title = valid_characters(title)
    with _own_style():
        figure = Figure(
            figsize=(WIDTH, height), facecolor=BACKGROUND, edgecolor=BORDER, linewidth=1, layout="constrained"
        )
        axes = figure.add_subplot(facecolor=SURFACE)
        draw(axes)
        axes.grid(color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc=legend)
        if title:
            axes.set_title(title, loc="left", fontweight="bold", parse_math=False)
        picture = io.StringIO()
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None, "Title": title or name}
        figure.savefig(picture, format="svg", metadata=metadata, pad_inches=0.2, bbox_inches="tight")
    return adapt_to_dark_pages(_self_contained(picture.getvalue()))


@contextmanager
def _own_style() -> Iterator[None]:
    """Context in which matplotlib draws in this package's style, whatever the user's style is."""
    from matplotlib import rc_context, rcdefaults, rcParams

    with rc_context():
        rcdefaults()  # so that equal data give an equal document
        # Text is written as text, not as paths, so that it can be searched and read aloud. The salt makes ids constant.
        # Markers have no edges: style sheets do not reach the edge of a marker, which is defined once and reused.
        rcParams.update({"svg.hashsalt": "passerelle", "svg.fonttype": "none", "lines.markeredgewidth": 0})
        rcParams.update(dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK))
        rcParams.update(dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), LINE))
        yield


def _self_contained(svg: str) -> str:
    """Remove matplotlib's document type and metadata, which contain web addresses, and add the accessible role."""
    svg = re.sub("<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return '<svg role="img"' + svg.split("<svg", 1)[1]
