"""CSV: quotes, separators, and errors in both."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.readers.csv_file import read_csv
from passerelle.data.readers.row import Row
from passerelle.errors import DataError

COLUMNS = ("en", "fr")
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1b"))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL)),
    separator=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_files_written_by_the_standard_library(
    tmp_path_factory: Any, rows: Any, separator: str, quoting: Any, end: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "table.csv"
    if any("\r" in cell for row in rows for cell in row):
        quoting = csv.QUOTE_ALL  # with LF as line terminator, the writer does not quote it
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end)
        writer.writerows([("fr", "id", "en"), *rows])
    assert [row[1:3] for row in read_csv(path, COLUMNS)] == [(row[2], row[0]) for row in rows]


def test_row_numbers_are_those_of_the_first_line_of_the_row(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes('\ufeffen,fr\r\n"a\r\nb","say ""c"""\r\n\r\nd,e\r\n'.encode())
    assert list(read_csv(path, COLUMNS)) == [Row(2, "a\r\nb", 'say "c"'), Row(4, "", ""), Row(5, "d", "e")]


HINT = "Quote fields that contain ','."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("en,fr\na,b\nc, or d,e\n", f", line 3: 3 fields, but the header has 2. {HINT}"),
        ("en,fr\na\n", f", line 2: 1 fields, but the header has 2. {HINT}"),
        ('en,fr\n"a" b,c\n', ", line 2: ',' expected after '\"'. Quote fields that contain ',', a double quote or a"),
        ('en,fr\na,b\n"c,d\ne,f\n', ", line 3: unexpected end of data. Quote fields"),
        (
            'en,fr\na,b\n"c' + "x\n" * 100_000,
            ", line 3: longer than 100,000 characters, the limit `max_line`. Close the quotes",
        ),
        ("en,fr\na\rb,c\n", ", line 2: new-line character seen in unquoted field. Quote fields that contain ',', a"),
        ("en,en,fr\n", ", line 1: two columns are named 'en'. Rename one, or use the number of the column."),
        ("a b\nc d\n", ", line 1: no column 'en'. Known: a b. Name the columns in `columns`: SOURCE,TARGET"),
        ("\nen,fr\n", ", line 1: no column 'en'. The file has no column names."),
    ],
    ids=lambda text: text[:20],
)
def test_invalid_tables(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        list(read_csv(path, COLUMNS))
    assert str(caught.value).startswith(f"{path}{message}")


@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nen;fr\nRun, now!;Cours, vite !\n",
        '"sep=|"\r\nen|fr\r\nRun, now!|Cours, vite !\r\n',
        "sep=\t\nen\tfr\nRun, now!\tCours, vite !\n",
        "en;fr\nRun, now!;Cours, vite !\n",
        ' en ;"fr"\nRun, now!;Cours, vite !\n',
        '"en, or English";en;fr\nx;Run, now!;Cours, vite !\n',
        'en, fr\n"Run, now!", "Cours, vite !"\n',
        '\ufeffsep=,\nen, fr \n"Run, now!", "Cours, vite !"\n',
    ],
    ids=lambda text: text[:20],
)
def test_separators_and_blanks_around_names(tmp_path: Path, content: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content.encode())
    assert [row[1:3] for row in read_csv(path, COLUMNS)] == [("Run, now!", "Cours, vite !")]


def test_a_file_without_a_header_is_read_by_numbers(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Go;Va !;1\nRun, now!;Cours, vite !;2\nHi, you, there;Salut;3\n")
    assert list(read_csv(path, ("1", "2", "3")))[1:] == [
        Row(2, "Run, now!", "Cours, vite !", "2"),
        Row(3, "Hi, you, there", "Salut", "3"),
    ]
    path.write_text("a;b\nc;d;e\n")
    with pytest.raises(DataError, match="line 2: 3 fields, but the first row has 2. Quote fields that contain ';'"):
        list(read_csv(path, ("1", "2")))
    with pytest.raises(DataError, match="line 1: 2 fields, but column 4 is read. Set other columns"):
        list(read_csv(path, ("2", "4")))
