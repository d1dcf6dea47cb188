"""The loss curve of a training as SVG."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from passerelle.plots.chart import draw_chart
from passerelle.plots.theme import INPUT, RECURRENT, SURFACE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_loss_curve"]

_LINES = (("loss", "training", INPUT, "--"), ("validation_loss", "validation", RECURRENT, "-"))


def draw_loss_curve(epochs: Sequence[Mapping[str, float]], *, title: str = "") -> str:
    """Draw the training loss and the validation loss of each epoch or interval. Equal losses give an equal document.

    The one with the lowest validation loss is marked; without validation losses, that with the lowest training loss.

    Args:
        epochs: one mapping per epoch, in order, with "loss", "validation_loss" or both, in nats per token. A loss that
            is missing or not finite leaves a gap in its line. If all have "epoch" and "updates", and there is not one
            for each epoch, the losses are drawn over the updates.
        title: a heading, and the accessible name of the picture; no heading if empty.

    Returns:
        The text of an SVG document.

    Raises:
        ValueError: if no epoch has a finite loss.
    """
    series = {key: [_number(epoch.get(key)) for epoch in epochs] for key, *_ in _LINES}
    series = {key: losses for key, losses in series.items() if not all(map(math.isnan, losses))}
    if not series:
        raise ValueError(
            "`epochs` must contain a finite 'loss' or 'validation_loss' in at least one epoch, "
            f"received: {len(epochs)} epochs without any."
        )
    numbers = list(range(1, len(epochs) + 1))
    by_update = [epoch.get("epoch", number) for number, epoch in zip(numbers, epochs, strict=True)] != numbers
    by_update = by_update and all(epoch.get("updates") for epoch in epochs)
    places = [int(epoch["updates"]) for epoch in epochs] if by_update else numbers
    return _render(series, places, "update" if by_update else "epoch", title)


def _number(value: float | None) -> float:
    return float(value) if value is not None and math.isfinite(value) else math.nan


def _render(series: Mapping[str, Sequence[float]], places: Sequence[int], unit: str, title: str) -> str:
    def draw(axes: "Axes") -> None:
        from matplotlib.ticker import MaxNLocator

        for key, label, colour, dashes in _LINES:
            if key in series:
                axes.plot(places, series[key], dashes, color=colour, label=label, marker="o", markersize=4)
        _mark_best(axes, series, places, unit)
        axes.set_xlabel(unit)
        axes.set_ylabel("loss (nats per token)")
        margin = 0.5 * places[-1] / len(places)
        axes.set_xlim(places[0] - margin, places[-1] + margin)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))

    return draw_chart(draw, title=title, name="Loss")


def _mark_best(axes: "Axes", series: Mapping[str, Sequence[float]], places: Sequence[int], unit: str) -> None:
    key, _, colour, _ = next(line for line in reversed(_LINES) if line[0] in series)
    place, lowest = min(
        ((place, loss) for place, loss in zip(places, series[key], strict=True) if not math.isnan(loss)),
        key=lambda point: point[1],
    )
    for size, fill in ((10.5, SURFACE), (7.5, colour)):
        axes.plot(place, lowest, "o", color=fill, markersize=size)
    late = place > places[0] and place > 0.7 * places[-1]  # a label on the right would not fit
    axes.annotate(
        f"best: {unit} {place:,}, {lowest:.3f}",
        (place, lowest),
        xytext=(-8 if late else 8, 12),
        textcoords="offset points",
        horizontalalignment="right" if late else "left",
        color=colour,
        fontweight="bold",
    )
