"""Shards of a text file: each line in one shard, in order, for any number of shards."""

import gzip
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.data import file_shards
from passerelle.data.file_shards import FileShard
from passerelle.data.files import read_lines
from passerelle.errors import DataError, SettingsError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards")


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r\x1b"), max_size=9))


@given(
    texts=TEXTS,
    end=st.sampled_from(["\n", "\r\n", "\r\r\n"]),
    last=st.booleans(),
    mark=st.booleans(),
    count=st.integers(1, 12),
    chunk=st.sampled_from([1, 3, 1 << 20]),
)
def test_shards_are_the_lines_of_the_file(
    folder: Path, texts: list[str], end: str, last: bool, mark: bool, count: int, chunk: int
) -> None:
    path = folder / "texts.txt"
    content = end.join(texts) + (end if last and texts else "")
    path.write_bytes(b"\xef\xbb\xbf" * mark + content.encode())
    whole = list(read_lines(path))
    before, file_shards._CHUNK = file_shards._CHUNK, max(chunk, 64 if chunk > 1 else 1)
    try:
        shards = [FileShard.find(path, number, count) for number in range(1, count + 1)]
        assert FileShard.split(path, count) == shards
    finally:
        file_shards._CHUNK = before
    assert [shard.start for shard in shards[1:]] == [shard.stop for shard in shards[:-1]]
    assert (shards[0].start, shards[-1].stop) == (0, path.stat().st_size)
    lines = [list(read_lines(path, shard=shard)) for shard in shards]
    assert list(chain.from_iterable(lines)) == whole
    for shard, earlier in zip(shards, range(count), strict=True):
        if shard.size:
            assert shard.first.line == 1 + sum(map(len, lines[:earlier]))
            assert shard.start >= path.stat().st_size * earlier // count


def test_a_line_that_looks_like_the_beginning_of_a_file_is_text(tmp_path: Path) -> None:
    lines = ["first line", "\ufeffsecond", "PAR1 third", "PK\x03\x04", "last"]
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for count in range(1, 30):
        shards = [FileShard.find(path, number, count) for number in range(1, count + 1)]
        assert list(chain.from_iterable(read_lines(path, shard=shard) for shard in shards)) == lines


def test_errors_name_the_line_and_the_byte_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("é\n".encode() * 50 + b"caf\xe9\n" + b"x\n" * 50)
    with pytest.raises(DataError) as whole:
        list(read_lines(path))
    shard = FileShard.find(path, 2, 3)
    with pytest.raises(DataError) as part:
        list(read_lines(path, shard=shard))
    assert str(part.value).partition("(")[0] == str(whole.value).partition("(")[0]
    assert "line 51: byte 153" in str(part.value)
    path.write_bytes("é\n".encode() * 50 + b"long\n" + b"x\n" * 50)
    with pytest.raises(DataError, match="line 51: longer than 3 characters"):
        list(read_lines(path, shard=FileShard.find(path, 2, 3), max_line=3))


def test_progress_is_the_number_of_bytes_of_the_shard(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes(b"a line\n" * 1000)
    shard = FileShard.find(path, 3, 4)
    seen: list[int] = []
    list(read_lines(path, shard=shard, progress=seen.append))
    assert seen == sorted(seen)
    assert seen[-1] == shard.size


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt.gz", gzip.compress(b"a\n", mtime=0), "a.txt.gz is compressed"),
        ("a.json", b"[]\n", "a.json is a JSON file, whose rows are not lines"),
        ("a.tmx", b"<tmx/>\n", "a.tmx is a TMX file"),
        ("a.npz", b"PK\x03\x04", "a.npz is compressed"),
        ("a.csv", b"a,b\n", "a.csv is a CSV file"),
        ("a.txt", "a\nb\n".encode("utf-16"), "a.txt is UTF-16; shards require UTF-8"),
        ("a.txt", b"a\rb\r", "a.txt has CR as line end"),
    ],
)
def test_files_without_shards_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        FileShard.find(tmp_path / name, 1, 2)
    assert message in str(error.value)


def test_bad_paths_and_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        FileShard.find(tmp_path / "absent", 1, 2)
    with pytest.raises(DataError, match="is a folder"):
        FileShard.find(tmp_path, 1, 2)
    with pytest.raises(SettingsError, match="received: 3 of 2"):
        FileShard.find(tmp_path, 3, 2)
