"""Colours: texts are readable in both themes, and every colour of a picture has a dark one."""

import re
from xml.etree import ElementTree

import pytest

from passerelle.plots import theme
from passerelle.plots.attention import draw_attention
from passerelle.plots.curve import draw_loss_curve
from passerelle.plots.svg import Arrow, Box, draw

COLOURS = list(theme.TINTS)
TEXTS = [
    *((text, ground) for text in (theme.INK, theme.MUTED, *COLOURS) for ground in (theme.BACKGROUND, theme.SURFACE)),
    *((theme.SURFACE, colour) for colour in COLOURS),
    *theme.TINTS.items(),
    *((theme.INK, tint) for tint in theme.TINTS.values()),
]


def luminance(colour):
    """Return the relative luminance as WCAG 2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("text", "ground"), sorted(set(TEXTS)))
def test_texts_have_the_contrast_that_wcag_requires(text, ground):
    assert contrast(text, ground) >= 4.5
    assert contrast(theme.DARK[text], theme.DARK[ground]) >= 4.5


def test_arrows_and_axes_are_visible():
    assert contrast(theme.LINE, theme.BACKGROUND) >= 3
    assert contrast(theme.DARK[theme.LINE], theme.DARK[theme.BACKGROUND]) >= 3


PICTURES = {
    "attention": lambda: draw_attention(["a"], ["b"], [[0.5]]),
    "curve": lambda: draw_loss_curve([{"loss": 2.0, "validation_loss": 1.0}], title="Loss"),
    "diagram": lambda: draw(
        [Box("input", "x", "InputLayer", (("input", ("(None,)",)),)), Box("output", "", "output", (("y", ("(1,)",)),))],
        [Arrow(0, 1, 2, True)],
        heading="Model",
        title="Model",
        description="",
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_colour_of_a_picture_has_a_dark_one(name):
    picture = PICTURES[name]()
    ElementTree.fromstring(picture)
    style = picture[picture.index("<style>") : picture.index("</style>")]
    assert style.startswith("<style>@media (prefers-color-scheme: dark) {")
    used = re.findall(r'\b(fill|stroke)(?:="|: ?)(#\w+)', picture.replace(style, ""))
    assert {colour for _, colour in used} <= theme.DARK.keys()
    for attribute, colour in used:
        assert f'[{attribute}="{colour}"]' in style
        assert f"{{{attribute}:{theme.DARK[colour]}!important}}" in style
