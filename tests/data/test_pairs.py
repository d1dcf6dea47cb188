"""Pairs: read from files, split without shared sources, fingerprinted and written."""

import gzip
import hashlib
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from passerelle.data.pairs import (
    LARGEST_DEFAULT_VALIDATION,
    Pair,
    Pairs,
    check_pairs,
    read_pairs,
    references,
    split_by_source,
    write_pairs,
    write_split,
)
from passerelle.data.writing import write_atomically
from passerelle.errors import DataError, OutputError, SettingsError

ROWS = [("Go.", "Va\u202f!"), ("Run!", "Cours !"), ("Go.", "Marche."), ("Hi.", "Salut\u00a0!")]
TEXT = "".join(f"{source}\t{target}\n" for source, target in ROWS)
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\ufeff\0\x1b"), min_size=1).filter(
    str.strip
)
SOURCES = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40)

quick = settings(max_examples=100, deadline=None)


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


def test_pairs_are_a_sequence():
    pairs = check_pairs(ROWS)
    assert pairs[1] == Pair("Run!", "Cours !")
    assert (pairs[1].source, pairs[1].target) == ("Run!", "Cours !")
    assert list(pairs[1:3]) == ROWS[1:3]
    assert isinstance(pairs[:2], Pairs)
    assert pairs[-1] == ROWS[-1]
    assert list(pairs.sources) == [row[0] for row in ROWS]
    assert ROWS[0] in pairs


def test_check_pairs():
    assert list(check_pairs(iter([["a", "b"], ("c", "d")]))) == [("a", "b"), ("c", "d")]
    assert list(check_pairs(ROWS, swap=True)) == [(target, source) for source, target in ROWS]
    pairs = check_pairs([("a", "b"), (" ", "x"), ("y", "")], name="mine")
    assert (list(pairs), pairs.blank, pairs.name) == ([("a", "b")], 2, "mine")
    assert check_pairs(pairs) is pairs


@pytest.mark.parametrize("row", ["ab", ("a",), ("a", "b", "c"), ("a", 1), (None, "b"), (b"a", b"b")], ids=repr)
def test_check_pairs_names_the_invalid_row(row):
    with pytest.raises(DataError) as caught:
        check_pairs([("a", "b"), row])
    assert str(caught.value) == (f"pairs, row 2: expected (source, target), two texts, received: {row!r}")


@pytest.mark.parametrize("row", [None, 3], ids=repr)
def test_check_pairs_names_rows_that_are_no_sequences(row):
    with pytest.raises(DataError, match="pairs, row 1: expected"):
        check_pairs([row])


def test_references_are_distinct_and_in_order():
    pairs = check_pairs([("b", "1"), ("a", "2"), ("b", "3"), ("b", "1"), ("a", "0")])
    assert list(references(pairs).items()) == [(("b", ""), ["1", "3"]), (("a", ""), ["2", "0"])]


@quick
@given(sources=SOURCES, share=st.one_of(st.none(), st.floats(0, 0.99)), seed=st.integers(0, 2**31 - 1))
def test_no_source_is_on_both_sides(sources, share, seed):
    pairs = check_pairs([(source, str(number)) for number, source in enumerate(sources)])
    distinct = len(set(sources))
    if share and not 0 < round(share * distinct) < distinct:
        with pytest.raises(DataError, match="leaves one side of the split empty"):
            split_by_source(pairs, share, seed=seed)
        return
    training, held_out = split_by_source(pairs, share, seed=seed)
    assert not set(training.sources) & set(held_out.sources)
    # No pair is lost, and each side keeps the order.
    assert sorted([*training, *held_out], key=lambda pair: int(pair.target)) == list(pairs)
    for side in (training, held_out):
        assert [int(target) for target in side.targets] == sorted(int(target) for target in side.targets)
    expected = distinct // 10 if share is None else round(share * distinct)
    assert len(set(held_out.sources)) == expected
    assert split_by_source(pairs, share, seed=seed) == (training, held_out)


def test_the_split_depends_on_the_seed():
    pairs = check_pairs([(str(n), "x") for n in range(100)])
    choices = {tuple(split_by_source(pairs, 0.1, seed=seed)[1].sources) for seed in range(5)}
    assert len(choices) == 5


@pytest.mark.parametrize(
    ("sources", "share", "held_out"),
    [(9, None, 0), (10, None, 1), (25, None, 2), (12_000, None, LARGEST_DEFAULT_VALIDATION), (50, 0, 0), (50, 0.5, 25)],
)  # fmt: skip
def test_number_of_held_out_sources(sources, share, held_out):
    pairs = check_pairs([(str(n), "x") for n in range(sources)])
    training, validation = split_by_source(pairs, share, seed=1)
    assert (len(training), len(validation)) == (sources - held_out, held_out)


def test_a_share_that_leaves_one_side_empty(file):
    pairs = read_pairs(file("a\tb\nc\td\n"))
    with pytest.raises(DataError) as caught:
        split_by_source(pairs, 0.1, seed=1)
    assert str(caught.value) == (
        f"{pairs.name}: a share of 0.1 of 2 distinct sources leaves one side of the split empty. "
        f"Use more pairs, another share, or validation=0."
    )


def test_training_pairs_keep_the_counts_of_skipped_rows(file):
    pairs = read_pairs(file("a\tb\n\nc\td\ne\tf\n"))
    training, held_out = split_by_source(pairs, 0.4, seed=1)
    assert (training.blank, held_out.blank) == (1, 0)


def test_the_fingerprint_is_the_hash_of_the_written_file(tmp_path):
    pairs = check_pairs(ROWS)
    write_pairs(tmp_path / "out.tsv", pairs)
    assert pairs.fingerprint() == hashlib.sha256((tmp_path / "out.tsv").read_bytes()).hexdigest()
    assert read_pairs(tmp_path / "out.tsv").fingerprint() == pairs.fingerprint()


def test_different_data_has_different_fingerprints():
    prints = {
        check_pairs(rows).fingerprint()
        for rows in (ROWS, ROWS[::-1], ROWS[:3], [(target, source) for source, target in ROWS], [("a", "\ud800")])
    }
    assert len(prints) == 5


@quick
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=2))
def test_written_pairs_are_read_back(tmp_path_factory, rows):
    assume(not rows[0][0].startswith("\ufeff"))
    path = tmp_path_factory.getbasetemp() / "round.tsv"
    write_pairs(path, rows)
    assert list(read_pairs(path)) == rows


def test_write_pairs_is_atomic(tmp_path):
    path = tmp_path / "out.tsv"
    write_pairs(path, ROWS)

    def rows():
        yield "new", "neu"
        raise RuntimeError("the source of the rows broke")

    with pytest.raises(RuntimeError, match="broke"):
        write_pairs(path, rows())
    assert list(read_pairs(path)) == ROWS
    assert os.listdir(tmp_path) == ["out.tsv"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full exists only on Linux")
def test_a_full_disk_is_an_output_error(tmp_path):
    path = tmp_path / "out.tsv"
    path.write_text("old")

    def write(stream):
        with open("/dev/full", "wb") as full:
            full.write(b"x")

    with pytest.raises(OutputError) as caught:
        write_atomically(path, write)
    assert str(caught.value) == (
        f"{path} cannot be written: no space left in the folder {path.parent} (No space left on device). Nothing was "
        f"changed."
    )
    assert path.read_text() == "old"


def test_write_split(tmp_path):
    training, held_out = check_pairs(ROWS[:3]), check_pairs(ROWS[3:])
    paths = write_split(tmp_path / "split", training, held_out)
    assert paths == (tmp_path / "split" / "train.tsv", tmp_path / "split" / "validation.tsv")
    assert list(read_pairs(paths[0])) == ROWS[:3]
    assert paths[1].read_bytes() == "Hi.\tSalut\u00a0!\n".encode()


@pytest.mark.parametrize("row", [("a\tb", "c"), ("a", "b\nc")], ids=repr)
def test_texts_with_tabs_or_line_ends_are_not_corrupted(tmp_path, row):
    path = tmp_path / "out.tsv"
    rows = [row, ("x", "y")]
    try:
        write_pairs(path, rows)
    except (DataError, OutputError):
        assert os.listdir(tmp_path) == []
    else:
        assert list(read_pairs(path)) == rows


def test_equal_keys_are_the_same_source():
    pairs = check_pairs([("é", "1"), ("e\u0301", "2"), ("b", "3 "), ("é", "1")])
    keys = ["é", "é", "b", "é"]
    assert references(pairs, keys=keys, normalize=str.strip) == {("é", ""): ["1", "2"], ("b", ""): ["3"]}
    for seed in range(5):
        training, held_out = split_by_source(pairs, 0.5, seed=seed, keys=keys)
        assert sorted([len(training), len(held_out)]) == [1, 3]


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


@pytest.mark.parametrize("value", ["pairs.tsv", Path("pairs.tsv"), None, 5], ids=repr)
def test_anything_else_than_rows_is_refused(value):
    with pytest.raises(DataError, match="pairs must be rows of texts") as caught:
        check_pairs(value)
    assert ("read_pairs('pairs.tsv')" in str(caught.value)) == (value not in (None, 5))
