"""The loss curve: its lines, its best epoch, and that equal losses give an equal document."""

import os
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from passerelle.plots.curve import draw_loss_curve

EPOCHS = [
    {"loss": 3.0, "validation_loss": 2.5},
    {"loss": 2.0, "validation_loss": 1.75},
    {"loss": 1.0, "validation_loss": 2.0},
]


def texts(svg):
    root = ElementTree.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_lines_axes_and_title():
    shown = texts(draw_loss_curve(EPOCHS, title="Three epochs"))
    assert {"training", "validation", "epoch", "loss (nats per token)", "Three epochs"} <= set(shown)
    assert shown[:3] == ["1", "2", "3"], "integer ticks from 1"


@pytest.mark.parametrize(
    ("epochs", "label"),
    [
        (EPOCHS, "best: epoch 2, 1.750"),
        ([{"loss": epoch["loss"]} for epoch in EPOCHS], "best: epoch 3, 1.000"),
        ([{"validation_loss": 0.5}], "best: epoch 1, 0.500"),
        ([{"loss": 2.0}], "best: epoch 1, 2.000"),
        ([{"loss": 2.0}, {"loss": 1.0, "validation_loss": 1.5}], "best: epoch 2, 1.500"),
        ([{"loss": 2.0}, {"loss": float("nan")}, {"loss": 3.0}], "best: epoch 1, 2.000"),
        ([{"loss": 2.0, "validation_loss": float("inf")}], "best: epoch 1, 2.000"),
    ],
)
def test_best_epoch(epochs, label):
    assert label in texts(draw_loss_curve(epochs))


def test_intervals_that_are_no_epochs_are_drawn_over_the_updates():
    places = [(1, 500), (1, 1000), (2, 1250)]
    intervals = [e | {"epoch": epoch, "updates": updates} for e, (epoch, updates) in zip(EPOCHS, places, strict=True)]
    shown = texts(draw_loss_curve(intervals))
    assert {"update", "best: update 1,000, 1.750"} <= set(shown)
    assert "epoch" not in shown
    of_epochs = [e | {"epoch": number, "updates": 9 * number} for number, e in enumerate(EPOCHS, start=1)]
    assert draw_loss_curve(of_epochs) == draw_loss_curve(EPOCHS)


def test_the_legend_has_no_line_without_losses():
    assert "validation" not in texts(draw_loss_curve([{"loss": 2.0}, {"loss": 1.0}]))


def test_ticks_of_one_and_of_many_epochs():
    assert texts(draw_loss_curve(EPOCHS[:1]))[0] == "1"
    shown = texts(draw_loss_curve([{"loss": 1.0 / epoch} for epoch in range(1, 101)]))
    ticks = shown[: shown.index("epoch")]
    assert len(ticks) < 15
    assert all(re.fullmatch(r"\d+", tick) for tick in ticks)


def test_equal_losses_give_an_equal_document():
    assert draw_loss_curve(EPOCHS) == draw_loss_curve(EPOCHS)
    assert "<metadata>" not in draw_loss_curve(EPOCHS)


def test_special_characters_in_the_title():
    title = 'a < b & "c" costs $1 or $2_3 \\frac'
    assert title in texts(draw_loss_curve(EPOCHS, title=title))


@pytest.mark.parametrize("epochs", [[], [{}], [{"accuracy": 1.0}], [{"loss": float("nan")}]])
def test_epochs_without_a_finite_loss(epochs):
    with pytest.raises(ValueError, match=f"must contain a finite .* received: {len(epochs)} epochs"):
        draw_loss_curve(epochs)


def test_matplotlib_is_imported_only_when_a_curve_is_drawn_and_pyplot_never():
    code = (
        "import sys, passerelle.plots.curve as curve; assert 'matplotlib' not in sys.modules;"
        "curve.draw_loss_curve([{'loss': 1.0}]); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
