"""Doubts about files: other columns, a header, HTML; none about ordinary pairs."""

from pathlib import Path

import pytest

import passerelle
from passerelle.data.pairs import Pairs
from passerelle.data.reading import read_pairs

WORDS = ["dog", "cat", "house", "sea", "water"]


def read(folder: Path, rows: list[str], name: str = "pairs.tsv", **options: object) -> Pairs:
    path = folder / name
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return read_pairs(path, **options)  # type: ignore[arg-type]


OTHER = "columns='2,4' reads other columns."
HEADER = "the first pair, '{0}' and '{1}', looks like a header. columns='{0},{1}' reads that row as the names of the "


@pytest.mark.parametrize(
    ("rows", "options", "doubt"),
    [
        ([f"{n}\tthe {w}\t{n}\tle {w}" for n, w in enumerate(WORDS)], {}, "the sources are numbers, such as '0'. "),
        ([f"the {w}\t {n + 90}\tle {w}" for n, w in enumerate(WORDS)], {}, "the targets are numbers, such as '90'. "),
        ([f"en\t{w}" for w in WORDS], {}, "every source is 'en'. " + OTHER),
        ([f"{w}\tfr\t{w}" for w in WORDS], {}, "every target is 'fr'. " + OTHER),
        ([f"{w}\t{w}\tx" for w in WORDS], {}, "every source equals its target. " + OTHER),
        (["English\tFrench", "a\tb", "c\td"], {}, HEADER.format("English", "French")),
        (["", "#source\ttarget", "a\tb"], {}, HEADER.format("source", "target").replace("'source'", "'#source'")),
        (["id\ten_US\tfr-FR", "1\ta\tb"], {"columns": "2,3"}, HEADER.format("en_US", "fr-FR")),
        ([f"the <b>{w}</b>\tle {w}&nbsp;!" for w in WORDS], {}, "10 of the first 10 texts contain HTML. "),
    ],
)  # fmt: skip
def test_a_doubt_names_the_argument_that_settles_it(
    tmp_path: Path, rows: list[str], options: dict[str, object], doubt: str
) -> None:
    pairs = read(tmp_path, rows, **options)
    (found,) = pairs.doubts
    assert str(found).startswith(doubt)
    swapped = read(tmp_path, rows, swap=True, **options)
    assert (swapped.doubts, list(swapped)) == (pairs.doubts, [pair[::-1] for pair in pairs])


@pytest.mark.parametrize(
    "rows",
    [
        [f"the {w}\tle {w}" for w in WORDS],
        [f"{n}+{n}\t{2 * n}" for n in (1, 2, 3, 3)],
        ["en\ten", "word\tmot", "a\tb"],
        ["1\tone", "2\ttwo"],
        ["x\ty"],
        ["a < b\tc & d", "e\tf", "g\th"],
    ],
)
def test_ordinary_pairs_raise_no_doubt(tmp_path: Path, rows: list[str]) -> None:
    assert not read(tmp_path, rows).doubts


def test_no_doubt_about_the_phrasebook_or_a_header_that_was_read(tmp_path: Path) -> None:
    assert not read(tmp_path, ["\t".join(pair) for pair in passerelle.phrasebook()]).doubts
    assert not read(tmp_path, ["English,French", "a,b"], "pairs.csv", columns="English,French").doubts
    assert read(tmp_path, ["English,French", "a,b"], "pairs.csv", columns="1,2").doubts
