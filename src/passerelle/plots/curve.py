"""The loss curve of a training as SVG."""

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from passerelle.plots.theme import BACKGROUND, BORDER, INK, INPUT, LINE, RECURRENT, RULE, SURFACE, adapt_to_dark_pages
from passerelle.plots.xml_text import valid_characters

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_loss_curve", "picture_settings", "self_contained"]

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
    return _render(series, places, "update" if by_update else "epoch", valid_characters(title))


def _number(value: float | None) -> float:
    return float(value) if value is not None and math.isfinite(value) else math.nan


def _render(series: Mapping[str, Sequence[float]], places: Sequence[int], unit: str, title: str) -> str:
    # Matplotlib takes half a second to import, and no other module needs it.
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with picture_settings():
        figure = Figure(figsize=(7.2, 4.2), facecolor=BACKGROUND, edgecolor=BORDER, linewidth=1, layout="constrained")
        axes = figure.add_subplot(facecolor=SURFACE)
        for key, label, colour, dashes in _LINES:
            if key in series:
                axes.plot(places, series[key], dashes, color=colour, label=label, marker="o", markersize=4)
        _mark_best(axes, series, places, unit)
        axes.set_xlabel(unit)
        axes.set_ylabel("loss (nats per token)")
        margin = 0.5 * places[-1] / len(places)
        axes.set_xlim(places[0] - margin, places[-1] + margin)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        axes.grid(color=RULE)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        if title:
            axes.set_title(title, loc="left", fontweight="bold", parse_math=False)
        picture = io.StringIO()
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None, "Title": title or "Loss"}
        figure.savefig(picture, format="svg", metadata=metadata, pad_inches=0.2, bbox_inches="tight")
    return adapt_to_dark_pages(self_contained(picture.getvalue()))


@contextmanager
def picture_settings() -> Iterator[None]:
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


def self_contained(svg: str) -> str:
    """Remove matplotlib's document type and metadata, which contain web addresses, and add the accessible role."""
    svg = re.sub("<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    return '<svg role="img"' + svg.split("<svg", 1)[1]


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
