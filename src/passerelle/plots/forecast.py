"""A forecast as SVG: history, point, interval, and the truth where it is known."""

import io
from collections.abc import Sequence
from typing import Any

from passerelle.plots.curve import picture_settings, self_contained
from passerelle.plots.theme import BACKGROUND, BORDER, INPUT, LINE, RECURRENT, RULE, SURFACE, adapt_to_dark_pages
from passerelle.plots.xml_text import valid_characters

__all__ = ["draw_forecast"]


def draw_forecast(
    history: Any,
    point: Any,
    *,
    low: Any = None,
    high: Any = None,
    interval: float = 0.0,
    truth: Sequence[float] | None = None,
    title: str = "",
) -> str:
    """Draw the forecast of one column. Equal numbers give an equal document.

    Args:
        history: float (steps,), the numbers before the forecast.
        point: float (horizon,).
        low: float (horizon,), lower end of the interval; None for no interval.
        high: float (horizon,), its upper end.
        interval: nominal share of numbers inside the interval.
        truth: the true numbers of the horizon, NaN where they are unknown; None if they are.
        title: a heading, and the accessible name of the picture.

    Returns:
        The text of an SVG document.
    """
    from matplotlib.figure import Figure

    with picture_settings():
        figure = Figure(figsize=(7.2, 3.6), facecolor=BACKGROUND, edgecolor=BORDER, linewidth=1, layout="constrained")
        axes = figure.add_subplot(facecolor=SURFACE)
        before, ahead = range(1 - len(history), 1), range(1, len(point) + 1)
        axes.plot(before, history, color=INPUT, label="history")
        if low is not None and high is not None:
            axes.fill_between(
                ahead, low, high, color=RECURRENT, alpha=0.25, linewidth=0, label=f"{interval:.0%} interval"
            )
        axes.plot(ahead, point, color=RECURRENT, label="forecast")
        if truth is not None:
            axes.plot(ahead, truth, "--", color=LINE, label="truth")
        axes.set_xlabel("steps after the last known number")
        axes.grid(color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="upper left")
        if title:
            axes.set_title(valid_characters(title), loc="left", fontweight="bold", parse_math=False)
        picture = io.StringIO()
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None, "Title": title or "Forecast"}
        figure.savefig(picture, format="svg", metadata=metadata, pad_inches=0.2, bbox_inches="tight")
    return adapt_to_dark_pages(self_contained(picture.getvalue()))
