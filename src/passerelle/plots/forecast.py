"""A forecast as SVG: history, point, interval, and the truth where it is known."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from passerelle.plots.chart import draw_chart
from passerelle.plots.theme import INPUT, LINE, RECURRENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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

    def draw(axes: "Axes") -> None:
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

    return draw_chart(draw, title=title, name="Forecast", height=3.6, legend="upper left")
