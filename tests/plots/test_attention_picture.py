"""Attention maps."""

from xml.etree import ElementTree

import numpy as np

from passerelle.plots.attention import draw_attention

SVG = "{http://www.w3.org/2000/svg}"


def test_a_cell_for_each_pair_of_tokens() -> None:
    weights = np.array([[0.25, 0.75, 0.0], [1.0, 0.0, 0.0]])
    picture = ElementTree.fromstring(draw_attention(["a", " b", "<"], ["x", "&"], weights, title="a < b"))
    cells = [cell for cell in picture.iter(f"{SVG}rect") if cell.get("fill-opacity")]
    assert [float(cell.get("fill-opacity", "")) for cell in cells] == weights.ravel().tolist()
    assert [text.text for text in picture.iter(f"{SVG}text")] == ["a", "\u2423b", "<", "x", "&"]
    assert picture.findtext(f"{SVG}title") == "a < b"
    columns = sorted({cell.get("x") for cell in cells})
    assert len(columns) == 3


def test_characters_that_xml_forbids_are_replaced() -> None:
    ElementTree.fromstring(draw_attention(["\x00", "\ud800"], ["\ufffe"], [[0.5, 0.5]], title="x"))
    picture = ElementTree.fromstring(draw_attention(["a"], ["b"], [[1.0]], title="\x01 \udcff \x1b & <\ufffe"))
    assert picture.findtext(f"{SVG}title") == "\ufffd \ufffd \ufffd & <\ufffd"


def test_an_empty_translation() -> None:
    assert ElementTree.fromstring(draw_attention(["a"], [], np.zeros((0, 1)))) is not None
