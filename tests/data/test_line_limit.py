"""Long lines, deep nesting and long attributes are refused by row, without being held in memory."""

import gzip
import re
import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import pytest

from passerelle.data.files import read_lines
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError, SettingsError

MILLION = 1_000_000
TMX = "<tmx><header/><body>\n"
TOO_LONG = {
    "line.tsv": ["a\tb\n", *["x" * MILLION] * 40],
    "source.jsonl": ['{"source": "a", "target": "b"}\n[', *["[]," * MILLION] * 10],
    "array.json": ['[["a", "b"],\n [', *["[]," * MILLION] * 10],
    "string.json": ['[["a", "b"],\n ["', *["x" * MILLION] * 40],
    "row.csv": ["source,target\n", *['"a\nb",' * MILLION] * 6],
    "message.po": ['\nmsgid ""\n', *['"xxxxxxxxxxxxxxxx"\n' * MILLION] * 2],
    "attribute.tmx": [TMX, '<tu a="', *["x" * MILLION] * 40],
    "comment.tmx": [TMX, "<!--", *["x" * MILLION] * 40],
    "segment.tmx": [TMX, '<tu><tuv xml:lang="en"><seg>', *["x" * MILLION] * 40],
    "languages.tmx": [TMX, "<tu>", *[f'<tuv xml:lang="l{n}"><seg>{"x" * 999}</seg></tuv>' for n in range(20_000)]],
}


def write(path: Path, pieces: Iterable[str]) -> Path:
    with gzip.open(path, "wt", compresslevel=1, newline="") as stream:
        stream.writelines(pieces)
    return path


@pytest.mark.parametrize("name", TOO_LONG)
def test_long_rows_are_refused_by_number_and_never_held(tmp_path, name):
    path = write(tmp_path / f"{name}.gz", TOO_LONG[name])
    tracemalloc.start()
    with pytest.raises(DataError, match=r"(line|row) 2: longer than 100,000 characters, the limit `max_line`"):
        read_pairs(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_deep_nesting_is_refused(tmp_path):
    path = write(tmp_path / "deep.tmx.gz", [TMX, "<a>" * MILLION])
    with pytest.raises(DataError, match="line 2: more than 100 elements inside each other"):
        read_pairs(path)
    path = write(tmp_path / "deep.json.gz", ['[["a", "b"], ', "[" * 200_000])
    with pytest.raises(DataError, match=r"row 2: not JSON \(nested too deeply\)"):
        read_pairs(path)


@pytest.mark.parametrize("size", [2, 5, 70_000, 99_000])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_up_to_the_limit_are_read(tmp_path, size, end):
    path = tmp_path / "lines.txt"
    lines = ["x" * size, "", "y" * size, "z" * (size - 1)] * 3
    path.write_text("\n".join(lines) + end, newline="")
    assert list(read_lines(path, max_line=size + 1)) == lines
    read = []
    with pytest.raises(DataError, match=re.escape(f"{path}, line 1: longer than {size - 1:,}")) as raised:
        read.extend(read_lines(path, max_line=size - 1))
    assert not read
    path.write_text("a\n\nb\n" + "x" * (size + 1) + "\nc", newline="")
    with pytest.raises(DataError, match="line 4: ") as raised:
        for line in read_lines(path, max_line=size):
            read.append(line)
    assert read == ["a", "", "b"]
    assert "\n" not in str(raised.value)


def test_the_limit_is_a_setting(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("aaaa\tbbbb\ncc\tdd\n")
    assert len(read_pairs(path, max_line=9)) == 2
    with pytest.raises(DataError, match="line 1: longer than 8 characters, the limit `max_line`"):
        read_pairs(path, max_line=8)
    with pytest.raises(SettingsError, match="max_line"):
        read_pairs(path, max_line=0)


def test_a_file_of_carriage_returns_is_not_held(tmp_path):
    path = write(tmp_path / "cr.tsv.gz", ["\r" * MILLION])
    tracemalloc.start()
    assert sum(1 for _ in read_lines(path)) == MILLION
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()
