"""The loss of a learning rate sweep as SVG."""

import io
from collections.abc import Sequence

from passerelle.plots.curve import picture_settings, self_contained
from passerelle.plots.theme import BACKGROUND, BORDER, INPUT, RECURRENT, RULE, SURFACE, adapt_to_dark_pages

__all__ = ["draw_rate_sweep"]


def draw_rate_sweep(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], suggested: float | None
) -> str:
    """Draw the loss at each learning rate. Equal values give an equal document.

    Args:
        rates: learning rates above 0, on a logarithmic axis.
        losses: the loss at each rate, in nats per token.
        smoothed: the same, smoothed.
        suggested: the suggested learning rate, which is marked; None for no mark.

    Returns:
        The text of an SVG document.

    Raises:
        ValueError: if there are no rates, or the lengths differ.
    """
    if not rates or not len(rates) == len(losses) == len(smoothed):
        raise ValueError(
            "`rates`, `losses` and `smoothed` must have the same length, at least 1, received: "
            f"{len(rates)}, {len(losses)} and {len(smoothed)}"
        )
    from matplotlib.figure import Figure

    with picture_settings():
        figure = Figure(figsize=(7.2, 4.2), facecolor=BACKGROUND, edgecolor=BORDER, linewidth=1, layout="constrained")
        axes = figure.add_subplot(facecolor=SURFACE)
        axes.set_xscale("log")
        axes.plot(rates, losses, "o", color=INPUT, markersize=3, label="each update")
        axes.plot(rates, smoothed, "-", color=RECURRENT, label="smoothed")
        if suggested is not None:
            axes.axvline(suggested, color=RECURRENT, linestyle="--", label=f"suggested: {suggested:g}")
        axes.set_ylim(0.9 * min(smoothed), 1.1 * max(smoothed))
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss (nats per token)")
        axes.grid(color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        axes.set_title("Learning rate sweep", loc="left", fontweight="bold")
        picture = io.StringIO()
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None, "Title": "Learning rate sweep"}
        figure.savefig(picture, format="svg", metadata=metadata, pad_inches=0.2, bbox_inches="tight")
    return adapt_to_dark_pages(self_contained(picture.getvalue()))
