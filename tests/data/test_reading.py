"""Pairs read from files: limits, skipped rows and errors."""

import gzip
import zipfile

import pytest

from passerelle.data.reading import read_pairs
from passerelle.errors import DataError, SettingsError

ROWS = [("Go.", "Va\u202f!"), ("Run!", "Cours !"), ("Go.", "Marche."), ("Hi.", "Salut\u00a0!")]
TEXT = "".join(f"{source}\t{target}\n" for source, target in ROWS)


@pytest.fixture
def file(tmp_path):
    def write(content, name="pairs.tsv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def message_of(path, **options):
    with pytest.raises(DataError) as caught:
        read_pairs(path, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        TEXT,
        TEXT.rstrip("\n"),
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\tCC-BY 2.0 (France)\t#2\n"),
        gzip.compress(TEXT.encode()),
    ],
    ids=["plain", "no final newline", "CRLF", "BOM", "more columns", "gzip"],
)
def test_reads(file, content):
    pairs = read_pairs(file(content))
    assert list(pairs) == ROWS
    assert (pairs.name, pairs.blank, len(pairs)) == (str(file(content)), 0, 4)


def test_reads_a_zip(tmp_path):
    path = tmp_path / "fra-eng.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("_about.txt", "credits, no tabs")
        archive.writestr("fra.txt", TEXT)
    assert list(read_pairs(path)) == ROWS


def test_swap_and_limit(file):
    path = file(TEXT.replace("\n", "\tthird\n"))
    assert list(read_pairs(path, swap=True)) == [(target, source) for source, target in ROWS]
    assert list(read_pairs(path, limit=3)) == ROWS[:3]
    assert list(read_pairs(path, limit=99, swap=True))[3] == ("Salut\u00a0!", "Hi.")


def test_the_limit_counts_pairs_and_stops_reading(file):
    path = file("a\tb\n\n \tx\nc\td\n" + "no tab here\n" + "e\tf\n")
    pairs = read_pairs(path, limit=2)
    assert list(pairs) == [("a", "b"), ("c", "d")]
    assert pairs.blank == 2


def test_blank_rows_are_counted(file):
    pairs = read_pairs(file("a\tb\n\n   \n\tx\ny\t\n \t \nz\t\u00a0\tthird\n\t\nc\td\n"))
    assert list(pairs) == [("a", "b"), ("c", "d")]
    assert pairs.blank == 7


def test_texts_are_not_changed(file):
    pairs = read_pairs(file(" a  b \t c\u2028d\u0085\ne\u0301\t\ufefff\n"))
    assert list(pairs) == [(" a  b ", " c\u2028d\u0085"), ("e\u0301", "\ufefff")]


@pytest.mark.parametrize(
    ("content", "rest"),
    [
        ("", " contains no pairs (it is empty). Each line must contain source, tab, target."),
        ("\n\n\t\n", " contains no pairs (blank: 3). Each line must contain source, tab, target."),
        ("\nb\t \n", " contains no pairs (blank: 2). Each line must contain source, tab, target."),
        (
            "a\tb\n\nGo.  Va !\nc\td\n",
            ", line 3: no tab between source and target: 'Go.  Va !'. Each line must contain source, tab, target.",
        ),
        (
            "x" * 100 + "\n",
            f", line 1: no tab between source and target: '{'x' * 40}'. Each line must contain source, tab, target.",
        ),
        (
            "a\tb\nb\tc\xe9".encode("latin-1"),
            ", line 2: byte 7 (0xe9) is not UTF-8; it is probably WINDOWS-1252. Convert the file: "
            "iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
        ),
    ],
    ids=["empty", "blank", "blank target", "no tab", "long line", "latin-1"],
)  # fmt: skip
def test_errors_name_the_line_and_a_remedy(file, content, rest):
    path = file(content)
    assert message_of(path) == f"{path}{rest}"


def test_limit_of_one_pair(file):
    assert list(read_pairs(file(TEXT), limit=1)) == list(read_pairs(file(TEXT)))[:1]


def test_missing_file_and_folder(tmp_path):
    assert message_of(tmp_path / "no.tsv").startswith(f"{tmp_path / 'no.tsv'}: no such file. ")
    assert message_of(tmp_path).startswith(f"{tmp_path} is a folder. ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 0}, "limit: input should be greater than or equal to 1, received: 0"),
        ({"limit": -5}, "limit: input should be greater than or equal to 1, received: -5"),
        ({"limit": 2.5}, "limit: input should be a valid integer, received: 2.5"),
        ({"swap": "yes"}, "swap: input should be a valid boolean, received: 'yes'"),
        ({"columns": 5}, "columns must be names or numbers, received: 5"),
        ({"path": None}, "path must be a path, received: None"),
        ({"path": [("a", "b")]}, "path must be a path, received: ('a', 'b')"),
    ],
)
def test_wrong_arguments_are_named(file, arguments, message):
    with pytest.raises(SettingsError) as caught:
        read_pairs(**({"path": file("a\tb\n")} | arguments))
    assert str(caught.value) == message
