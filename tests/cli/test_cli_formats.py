"""Formats of files of pairs on the command line."""

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

ROWS = [(a + b, b + a, f"N;{b}") for a in "bcdfgk" for b in "aeiou"]
TINY = ["--preset", "tutorial", "--epochs", "1", "--units", "4", "--out", "m.keras"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, column in (("train.en", 0), ("train.fr", 1)):
        (tmp_path / name).write_text("".join(f"{row[column]}\n" for row in ROWS))
    objects = (json.dumps(dict(zip(("en", "fr", "tags"), row, strict=True))) for row in ROWS)
    (tmp_path / "pairs.jsonl").write_text("\n".join(objects))
    return tmp_path


def test_parallel_files_for_training_validation_and_evaluation(quick: Any, folder: Path) -> None:
    options = ["--validation=train.en", "--validation=train.fr", "--seed", "2"]
    trained = quick("train", "train.en", "train.fr", *options, *TINY)
    assert trained.status == 0, trained.err
    assert "30 training pairs, 30 validation pairs" in trained.err
    report = quick("evaluate", "m.keras", "train.en", "train.fr", "--limit", "4", "--swap")
    assert report.status == 0, report.err
    named = quick("train", "train.en", "train.fr", *TINY[:-2])
    assert (named.status, (folder / "train.en-fr.keras").exists()) == (0, True), named.err


def test_named_columns_with_tags(quick: Any, folder: Path) -> None:
    trained = quick("train", "pairs.jsonl", "--columns", "en,fr,tags", "--validation", "0.2", *TINY)
    assert trained.status == 0, trained.err
    assert "--tags 'N;" in trained.err
    report = quick(
        "evaluate",
        "m.keras",
        "-",
        "--format",
        "jsonl",
        "--columns",
        "en,fr,tags",
        stdin=Path(folder / "pairs.jsonl").read_bytes(),
    )
    assert report.status == 0, report.err
    assert (
        "tags are read from the third column"
        in quick("evaluate", "m.keras", "pairs.jsonl", "--columns", "en,fr").refused()
    )


def test_skipped_rows_are_reported(quick: Any, folder: Path) -> None:
    entries = "".join(f'msgid "{source}"\nmsgstr "{target}"\n\n' for source, target, _ in ROWS)
    (folder / "fr.po").write_text(f'{entries}#, fuzzy\nmsgid "x"\nmsgstr "y"\n')
    trained = quick("train", "fr.po", *TINY)
    assert trained.status == 0, trained.err
    assert "1 rows skipped: fuzzy" in trained.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train.en", "train.fr", "pairs.jsonl"], "pairs are read from one file or from two parallel files, "),
        (["pairs.jsonl", "train.en"], "two parallel files must be plain text, not jsonl."),
        (["pairs.jsonl"], "pairs.jsonl, line 1: no column 'source'. Known: en, fr, tags. Name the columns in"),
        (["pairs.jsonl", "--format", "jsnl"], "unknown format 'jsnl'. Did you mean 'jsonl'?"),
        (["train.en", "train.fr", "--columns", "en,fr"], "format moses has no columns"),
        (["train.en", "train.fr", "--tag-column", "3"], "format moses has no tags."),
        (["train.en", "train.fr", "--validation=0.2", "--validation=x"], "0.2: no such file."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_arguments_are_refused(quick: Any, folder: Path, arguments: list[str], message: str) -> None:
    assert quick("train", *arguments, *TINY).refused().startswith(message)
    assert not (folder / "m.keras").exists()


def test_a_doubt_is_one_line_that_names_the_option(quick: Any, folder: Path) -> None:
    rows = [f"{number}\t{source}\t{number + 50}\t{target}\n" for number, (source, target, _) in enumerate(ROWS)]
    (folder / "tatoeba.tsv").write_text("".join(rows))
    trained = quick("train", "tatoeba.tsv", *TINY)
    assert trained.status == 0, trained.err
    assert "tatoeba.tsv: the sources are numbers, such as '0'. --columns 2,4 reads other columns.\n" in trained.err
    settled = quick("train", "tatoeba.tsv", "--columns", "2,4", "--out", "n.keras", *TINY[:-2])
    assert settled.status == 0, settled.err
    assert "numbers" not in settled.err


def test_packed_utf16_from_standard_input(quick: Any, folder: Path) -> None:
    content = "\r\n".join(f"{source}\t{target}" for source, target, _ in ROWS).encode("utf-16")
    trained = quick("train", "-", *TINY, stdin=bz2.compress(gzip.compress(content)))
    assert trained.status == 0, trained.err
    assert "27 training pairs, 3 validation pairs" in trained.err
    translated = quick("translate", "m.keras", stdin="ba\r\nca\r\n".encode("utf-16-le"))
    assert translated.status in (0, 1), translated.err
    assert len(translated.out.splitlines()) == 2
