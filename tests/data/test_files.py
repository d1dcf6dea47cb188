"""Reading plain, gzip, zip and damaged files."""

import gzip
import io
import sys
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.files import input_name, read_lines
from passerelle.errors import DataError

LINES = ["Go.\tVa !", "", "café\u2028\u0085 \x0b\tcafé", "  "]
RAW = "\n".join(LINES).encode()


def lines_of(path):
    return list(read_lines(path))


def message_of(path):
    with pytest.raises(DataError) as caught:
        lines_of(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def zip_of(members, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        RAW,
        RAW + b"\n",
        RAW.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + RAW,
        gzip.compress(RAW),
        gzip.compress(b"\xef\xbb\xbf" + RAW[:9]) + gzip.compress(RAW[9:]),
        zip_of({"fra.txt": RAW}),
        zip_of({"_about.txt": b"credits", "folder/fra.txt": RAW}, compression=zipfile.ZIP_DEFLATED),
        zip_of({"folder/": b"", "fra.txt": RAW, "__MACOSX/fra.txt": b"x", ".hidden": b"x"}),
    ],
    ids=["plain", "final newline", "CRLF", "BOM", "gzip", "two gzips", "zip", "zip with credits", "zip of a Mac"],
)
def test_lines_of_all_containers(tmp_path, content):
    # The container is recognized by its first bytes, whatever the file name is.
    path = tmp_path / "pairs.dat"
    path.write_bytes(content)
    assert lines_of(path) == lines_of(str(path)) == LINES


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\ufeff\0\x1b"))),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_lines_end_only_with_lf_or_crlf(tmp_path_factory, lines, end):
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes("".join(line + end for line in lines).encode())
    assert lines_of(path) == lines


def test_a_byte_order_mark_is_removed_only_at_the_start(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert lines_of(path) == ["a", "\ufeffb"]


def test_reads_lazily(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(b"a\nb\n" + b"\xff" * 10_000_000)
    lines = read_lines(path)
    assert [next(lines), next(lines)] == ["a", "b"]
    lines.close()


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RAW), encoding="ascii"))
    assert lines_of("-") == LINES
    assert input_name("-") == input_name("/dev/stdin") == "standard input"
    assert input_name("x.tsv") == "x.tsv"


@pytest.mark.parametrize(
    ("content", "line", "offset", "byte"),
    [
        (b"caf\xe9\tx\n", 1, 3, "e9"),
        (b"ok\nna\xefve\n", 2, 5, "ef"),
        (b"ok\r\n\xff\n", 2, 4, "ff"),
        (b"\xef\xbb\xbfa\xe9\n", 1, 4, "e9"),
        (b"\xef\xbb\xbfa\nb\xe9\n", 2, 6, "e9"),
        (b"a\ncut\xc3", 2, 5, "c3"),
        (b"surrogate \xed\xa0\x80\n", 1, 10, "ed"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_invalid_utf8_names_line_and_byte(tmp_path, content, line, offset, byte, pack):
    path = tmp_path / "latin.tsv"
    path.write_bytes(pack(content))
    assert message_of(path).startswith(f"{path}, line {line}: byte {offset} (0x{byte}) is not UTF-8")


def test_missing_file(tmp_path):
    path = tmp_path / "no.tsv"
    assert message_of(path) == (f"{path}: no such file. Check the path, or try: passerelle phrasebook > pairs.tsv")


def test_folder(tmp_path):
    assert message_of(tmp_path) == f"{tmp_path} is a folder. Name a file in it."


def test_a_path_through_a_file(tmp_path):
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file" / "pairs.tsv"
    assert message_of(path) == f"{path} cannot be read: Not a directory."


@pytest.mark.parametrize("length", [5, 15, -1, -8])
def test_truncated_gzip(tmp_path, length):
    path = tmp_path / "pairs.tsv.gz"
    path.write_bytes(gzip.compress(RAW * 100)[:length])
    message = message_of(path)
    assert message.startswith(f"{path} is a damaged archive (")
    assert message.endswith("). Get a complete copy of it.")


def test_damaged_gzip(tmp_path):
    path = tmp_path / "pairs.tsv.gz"
    content = bytearray(gzip.compress(bytes(range(256)).hex().encode() * 9))
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert message_of(path).startswith(f"{path} is a damaged archive (")


@pytest.mark.parametrize("length", [10, -4, -30])
def test_truncated_zip(tmp_path, length):
    path = tmp_path / "pairs.zip"
    path.write_bytes(zip_of({"fra.txt": RAW})[:length])
    assert message_of(path) == f"{path} is a damaged archive (File is not a zip file). Get a complete copy of it."


def test_damaged_zip_member(tmp_path):
    path = tmp_path / "pairs.zip"
    path.write_bytes(zip_of({"fra.txt": RAW}).replace(b"Go.", b"No!"))
    assert message_of(path) == (
        f"{path} is a damaged archive (Bad CRC-32 for file 'fra.txt'). Get a complete copy of it."
    )


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"a.txt": b"x", "b.txt": b"y"}, "a.txt, b.txt"),
        ({"_about.txt": b"x"}, "_about.txt"),
        ({"folder/": b""}, "nothing"),
        ({f"{n}.txt": b"" for n in range(9)}, "0.txt, 1.txt, 2.txt, 3.txt, 4.txt"),
    ],
)
def test_a_zip_must_contain_one_text_file(tmp_path, members, found):
    path = tmp_path / "pairs.zip"
    path.write_bytes(zip_of(members))
    assert message_of(path) == (f"{path} must contain exactly one text file; it contains {found}. Extract it first.")


def test_a_zip_with_a_password(tmp_path):
    content = bytearray(zip_of({"fra.txt": RAW}))
    # Bit 0 of the flags, in the local header and in the central directory, means encrypted.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path = tmp_path / "pairs.zip"
    path.write_bytes(content)
    message = message_of(path)
    assert message.startswith(f"{path} cannot be decompressed (")
    assert message.endswith("). Extract the text file and name it.")
