"""The loss of a learning rate sweep as SVG."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from passerelle.plots.chart import draw_chart
from passerelle.plots.theme import INPUT, RECURRENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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

    def draw(axes: "Axes") -> None:
        axes.set_xscale("log")
        axes.plot(rates, losses, "o", color=INPUT, markersize=3, label="each update")
        axes.plot(rates, smoothed, "-", color=RECURRENT, label="smoothed")
        if suggested is not None:
            axes.axvline(suggested, color=RECURRENT, linestyle="--", label=f"suggested: {suggested:g}")
        axes.set_ylim(0.9 * min(smoothed), 1.1 * max(smoothed))
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss (nats per token)")

    return draw_chart(draw, title="Learning rate sweep")
