"""The picture of a learning rate sweep."""

from xml.etree import ElementTree

import pytest

from passerelle.plots.rate_sweep import draw_rate_sweep

RATES, LOSSES, SMOOTHED = (1e-4, 1e-3, 1e-2), (3.0, 2.0, 4.0), (3.0, 2.5, 4.0)


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_axes_and_the_suggested_rate() -> None:
    picture = draw_rate_sweep(RATES, LOSSES, SMOOTHED, 0.0012)
    assert {"learning rate", "loss (nats per token)", "suggested: 0.0012", "Learning rate sweep"} <= set(texts(picture))
    assert picture == draw_rate_sweep(RATES, LOSSES, SMOOTHED, 0.0012)
    assert "http://www.w3.org/1999/02" not in picture


def test_without_a_suggestion_there_is_no_mark() -> None:
    assert not any("suggested" in text for text in texts(draw_rate_sweep(RATES, LOSSES, SMOOTHED, None)))


def test_lengths_that_differ_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"the same length, at least 1, received: 3, 2 and 3"):
        draw_rate_sweep(RATES, LOSSES[:2], SMOOTHED, None)
