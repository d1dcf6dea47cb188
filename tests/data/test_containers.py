"""Compressed files and archives, also in each other and from a pipe; other kinds of file are named."""

import bz2
import errno
import gzip
import importlib.util
import io
import lzma
import os
import random
import sqlite3
import subprocess
import sys
import tarfile
import threading
import zipfile

import pytest
from test_encodings import Trickle, message_of

from passerelle.data import containers, zstd
from passerelle.data.containers import unpacked
from passerelle.data.files import inner_name, read_lines
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError

TEXT = "Go.\tVa !\ncafé\tthé\n"
RAW = TEXT.encode()
HAS_ZSTD = any(importlib.util.find_spec(name) for name in ("zstandard",)) or sys.version_info >= (3, 14)


def zip_of(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tar_of(name, content, format=tarfile.PAX_FORMAT):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


PACK = {
    "plain": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda raw: lzma.compress(raw, lzma.FORMAT_ALONE),
    "zip": lambda raw: zip_of({"pairs.txt": raw}),
}
PACKINGS = [
    *((name,) for name in PACK),
    ("gz", "gz"),
    ("gz", "zip"),
    ("zip", "gz"),
    ("bz2", "xz", "gz"),
    ("zip", "zip"),
]


def packed(packings, raw=RAW):
    for name in packings:
        raw = PACK[name](raw)
    return raw


@pytest.mark.parametrize("packings", PACKINGS, ids=".".join)
def test_files_and_pipes_are_unpacked_by_their_first_bytes(tmp_path, packings):
    content = packed(packings)
    path = tmp_path / "pairs.dat"
    path.write_bytes(content)
    assert list(read_lines(path)) == TEXT.splitlines()
    for size in (1, 5, 1000):
        with unpacked(Trickle(content, size), "x") as stream:
            assert stream.read() == RAW
    if hasattr(os, "mkfifo"):
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        threading.Thread(target=fifo.write_bytes, args=(content,), daemon=True).start()
        assert list(read_lines(fifo)) == TEXT.splitlines()


@pytest.mark.parametrize("packings", [("bz2",), ("xz", "gz"), ("zip",)], ids=".".join)
def test_standard_input(packings):
    program = "from passerelle.data.files import read_lines; print(len(list(read_lines('-'))))"
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, input=packed(packings), stdout=subprocess.PIPE, check=True).stdout == b"2\n"


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("a.csv.gz", "a.csv"),
        ("a.CSV.XZ", "a.csv"),
        ("a.tsv.gz.gz", "a.tsv"),
        ("a.jsonl.zst", "a.jsonl"),
        ("folder/a.json.bz2", "a.json"),
        ("a.b", "a.b"),
    ],
)
def test_the_format_is_that_of_the_name_inside(name, inner):
    assert inner_name(name) == inner


def test_a_compressed_file_in_an_archive(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of({"x.csv.gz": gzip.compress(b"source,target\na,b\n")}))
    assert inner_name(path) == "x.csv"
    assert list(read_pairs(path)) == [("a", "b")]
    (tmp_path / "b.csv.zip").write_bytes(gzip.compress(b"source,target\na,b\n"))
    assert list(read_pairs(tmp_path / "b.csv.zip")) == [("a", "b")], "a gzip file with the name of an archive"


def test_too_many_layers(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(packed(["gz"] * 6))
    assert message_of(path) == f"{path} is packed more than 4 times. Unpack it, and name the text file in it."


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", ["bz2", "xz", "gz"])
def test_damaged_and_incomplete_files(tmp_path, name, seed):
    path = tmp_path / "x"
    content = packed([name], random.Random(seed).randbytes(1000).hex().encode())
    path.write_bytes(content[:-20])
    assert message_of(path).startswith(f"{path} is a damaged archive (")
    path.write_bytes(content[:200] + bytes(50) + content[250:])
    assert "is a damaged archive (" in message_of(path)


@pytest.mark.skipif(not HAS_ZSTD, reason="zstandard is not installed")
def test_zstd(tmp_path):
    try:
        from compression.zstd import compress
    except ImportError:
        from zstandard import compress
    path = tmp_path / "x.tsv.zst"
    path.write_bytes(compress(RAW) + compress(RAW))
    assert list(read_pairs(path)) == [tuple(line.split("\t")) for line in TEXT.splitlines()] * 2
    path.write_bytes(gzip.compress(compress(RAW)))
    assert list(read_lines(path)) == TEXT.splitlines()
    path.write_bytes(compress(os.urandom(300_000).hex().encode())[:-20])
    assert "is a damaged archive (the file ends inside a zstd frame)" in message_of(path)
    path.write_bytes(compress(RAW)[:6] + b"\xff" * 30)
    assert "is a damaged archive (" in message_of(path)


def test_zstd_without_its_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "x.tsv.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    assert "cannot be decompressed (zstd requires the package zstandard: pip install zstandard)" in message_of(path)


class _Frame:
    """A decompressor that reverses bytes, and whose frames have four of them."""

    def __init__(self):
        self.eof, self.unused_data, self._data = False, b"", b""

    def decompress(self, data):
        self._data += data
        if len(self._data) < 4:
            return b""
        self.eof, self.unused_data = True, self._data[4:]
        return self._data[3::-1] if self._data[:1] != b"!" else self._fail()

    def _fail(self):
        raise ZeroDivisionError("bad frame")


@pytest.mark.parametrize("size", [1, 3, 100])
def test_frames_are_read_one_after_the_other(monkeypatch, size):
    monkeypatch.setattr(zstd, "_decompressor", lambda: (_Frame, ZeroDivisionError))
    stream = io.BufferedReader(zstd.ZstdStream(Trickle(b"abcdefgh", size)))
    assert stream.read() == b"dcbahgfe"
    with pytest.raises(EOFError):
        io.BufferedReader(zstd.ZstdStream(Trickle(b"abcdef", size))).read()
    with pytest.raises(zstd.DamagedZstdError, match="bad frame"):
        io.BufferedReader(zstd.ZstdStream(Trickle(b"!bcd", size))).read()


def sqlite(folder):
    with sqlite3.connect(folder / "x.db") as connection:
        connection.execute("create table pairs (source, target)")
    connection.close()
    return (folder / "x.db").read_bytes()


KINDS = {
    "a tar archive": lambda folder: tar_of("pairs.tsv", RAW),
    "a tar archive ": lambda folder: gzip.compress(tar_of("pairs.tsv", RAW, tarfile.GNU_FORMAT)),
    "a tar archive  ": lambda folder: zip_of({"pairs.tar": bz2.compress(tar_of("a", RAW, tarfile.USTAR_FORMAT))}),
    "an Excel workbook": lambda folder: zip_of({"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
    "a Word document": lambda folder: zip_of({"[Content_Types].xml": b"", "word/document.xml": b""}),
    "an OpenDocument spreadsheet": lambda folder: zip_of(
        {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": b""}
    ),
    "an Anki deck": lambda folder: zip_of({"collection.anki2": b"", "media": b"{}"}),
    "an Anki deck ": lambda folder: zip_of({"meta": b"", "collection.anki21b": b"", "media": b""}),
    "a Keras model": lambda folder: zip_of({"config.json": b"", "model.weights.h5": b""}),
    "an SQLite database": sqlite,
    "a PDF document": lambda folder: b"%PDF-1.7\n%\xe2\xe3\n",
    "a rich-text document": lambda folder: b"{\\rtf1\\ansi Hello}",
    "a document of old Microsoft Office": lambda folder: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "a 7-Zip archive": lambda folder: b"7z\xbc\xaf\x27\x1c\0\4",
    "a RAR archive": lambda folder: b"Rar!\x1a\x07\x01\0",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["x.tsv", "x.zip", "x.xlsx"])
def test_other_kinds_of_file_are_named(tmp_path, kind, suffix):
    path = tmp_path / suffix
    path.write_bytes(KINDS[kind](tmp_path))
    with pytest.raises(DataError) as caught:
        read_pairs(path)
    message = str(caught.value)
    assert message.startswith(f"{path} is {kind.strip()}")
    assert not message.endswith(f"{path}."), "a command is copied without a full stop"
    assert len(message.splitlines()) == 1


def test_the_command_that_unpacks_an_archive(tmp_path):
    path = tmp_path / "my pairs.tar.gz"
    path.write_bytes(gzip.compress(tar_of("pairs.tsv", RAW)))
    assert message_of(path).endswith(f"name the text file in it: tar -xf '{path}'")


@pytest.mark.parametrize("text", ["BZh is not a compression\n", "PK is a park\n", "BZ", "]", "7z\n", "%\n", "GIF\n"])
def test_texts_that_begin_like_other_kinds(tmp_path, text):
    path = tmp_path / "x"
    path.write_text(text)
    assert list(read_lines(path)) == text.splitlines()


def test_a_line_that_is_typed_is_available_at_once():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as raw, os.fdopen(writing, "wb", buffering=0) as terminal:
        terminal.write(b"Hi\n")
        with unpacked(raw, "x") as stream:
            assert stream.read1(100) == b"Hi\n"
            terminal.write(b"Bye\n")
            assert stream.read1(100) == b"Bye\n"


def test_archives_from_a_pipe_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(containers, "_SPOOLED_BYTES", 10)
    with unpacked(Trickle(packed(["zip"]), 100), "x") as stream:
        assert stream.read() == RAW


class Pipe(io.BytesIO):
    def seekable(self):
        return False


def test_a_full_temporary_folder(monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile", lambda size: Full())
    message = "x.zip must be copied into a temporary file, which cannot be written: No space left on device."
    with pytest.raises(DataError, match=message), unpacked(Pipe(zip_of({"x.tsv": RAW})), "x.zip"):
        pass
