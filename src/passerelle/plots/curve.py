"""A picture of training: the loss after each epoch."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_loss_curve"]

_LINES = (("loss", "training", "#1a66a8", "--"), ("validation_loss", "validation", "#a8480a", "-"))


def draw_loss_curve(epochs: Sequence[Mapping[str, float]], *, title: str = "") -> str:
    """Draws the training and validation loss of each epoch as an SVG picture; equal numbers give equal text.

    Args:
        epochs: one mapping an epoch, first epoch first, with "loss", "validation_loss" or both, in nats per
            token. An epoch without one of them, or with one that is not finite, leaves a gap in that line.
        title: a heading; none if empty.

    Returns:
        The text of an SVG document on an opaque ground. The best epoch is marked: the one with the lowest
        validation loss where there is any, else with the lowest loss.

    Raises:
        ValueError: if no epoch has a finite loss.
    """
    series = {key: [_number(epoch.get(key)) for epoch in epochs] for key, *_ in _LINES}
    series = {key: losses for key, losses in series.items() if not all(map(math.isnan, losses))}
    if not series:
        raise ValueError(
            "`epochs` must hold a finite 'loss' or 'validation_loss' in at least one epoch, "
            f"received: {len(epochs)} epochs without any."
        )
    return _render(series, title)


def _number(value: float | None) -> float:
    return float(value) if value is not None and math.isfinite(value) else math.nan


def _render(series: Mapping[str, Sequence[float]], title: str) -> str:
    # Half a second to import, and needed by few: nothing else in the package loads matplotlib.
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with rc_context():
        rcdefaults()  # no user's style: equal numbers, equal picture
        # Text stays text: smaller, searchable, and read aloud. A fixed salt gives clip paths lasting ids.
        rcParams.update({"svg.hashsalt": "passerelle", "svg.fonttype": "none"})
        figure = Figure(figsize=(7.2, 4.2), facecolor="#fbfcfd", layout="constrained")
        axes = figure.add_subplot(facecolor="#ffffff")
        for key, label, colour, dashes in _LINES:
            if key in series:
                numbers = range(1, len(series[key]) + 1)
                axes.plot(numbers, series[key], dashes, color=colour, label=label, marker="o", markersize=3)
        _mark_best(axes, series)
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss (nats per token)")
        axes.set_xlim(0.5, len(next(iter(series.values()))) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        axes.grid(color="#e3e8ee")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        if title:
            axes.set_title(title, loc="left", fontweight="bold", parse_math=False)
        picture = io.StringIO()
        metadata = {"Date": None, "Creator": None, "Title": title or "Loss"}
        figure.savefig(picture, format="svg", metadata=metadata, pad_inches=0.2, bbox_inches="tight")
    return picture.getvalue()


def _mark_best(axes: "Axes", series: Mapping[str, Sequence[float]]) -> None:
    key, _, colour, _ = next(line for line in reversed(_LINES) if line[0] in series)
    epoch, lowest = min(
        ((number, loss) for number, loss in enumerate(series[key], start=1) if not math.isnan(loss)),
        key=lambda point: point[1],
    )
    axes.plot(epoch, lowest, "o", color=colour, markersize=9, markeredgecolor="#ffffff", markeredgewidth=1.5)
    late = epoch > 1 and epoch > 0.7 * len(series[key])  # the label needs room
    axes.annotate(
        f"best: epoch {epoch}, {lowest:.3f}",
        (epoch, lowest),
        xytext=(-8 if late else 8, 12),
        textcoords="offset points",
        horizontalalignment="right" if late else "left",
        color=colour,
        fontweight="bold",
    )
