"""The pictures of the documentation are complete, self-contained, accessible, and readable on light and dark pages."""

import importlib.util
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = sorted((DOCS / "pictures").iterdir())
NAMES = ["attention", "demo", "inference_decoder", "inference_encoder", "loss", "minutes", "training_model"]
SVG = "{http://www.w3.org/2000/svg}"


def test_all_pictures_exist():
    assert [path.name for path in PICTURES] == [f"{name}.svg" for name in NAMES]


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_pictures_are_self_contained_accessible_and_adapt_to_dark_pages(path):
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title")
    assert not re.search(r"<script|<image|<foreignObject|\bon\w+=|@import|@font-face|<!DOCTYPE", text)
    assert set(re.findall(r"https?://[^\"]+", text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert all(target.startswith("#") for target in re.findall(r"(?:href=\"|url\()([^\")]+)", text))
    assert not re.search(r"(?<![\w/:.])/[a-z]+/", text), "an absolute path"
    assert "@media (prefers-color-scheme: dark)" in text


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("docs_pictures", DOCS / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_log_of_the_demo_is_shortened(script):
    epochs = [line for n in range(1, 6) for line in (f"epoch {n}/5  loss 1.0", f"    x{n}  ->  y")]
    log = [
        "pairs",
        *epochs,
        "Sentences that were never seen",
        "  a  ->  b",
        "",
        "On all 3 sentences:",
        "BLEU  9",
        "",
        "end",
    ]
    assert script.shortened("\n".join(log)).splitlines() == [
        "pairs",
        *epochs[:4],
        script.ELLIPSIS,
        *epochs[-2:],
        script.ELLIPSIS,
        "On all 3 sentences:",
        "BLEU  9",
    ]


def test_a_terminal_shows_commands_spaces_and_wrapped_lines(script):
    output = f"a\tb  <c>\n{'x' * (script.COLUMNS + 1)}\n"
    picture = ElementTree.fromstring(script.draw_terminal([(["passerelle", "translate", "A b."], output)], title="T"))
    lines = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]
    assert lines == ['$ passerelle translate "A b."', "a       b  <c>", "x" * script.COLUMNS, "x"]
    assert [float(text.get("textLength")) for text in picture.iter(f"{SVG}text")] == [
        len(line) * script.CHARACTER for line in lines
    ]
