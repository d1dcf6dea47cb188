"""Encodings and line ends of text files; a true guess for encodings that are not Unicode."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passerelle.data.encoding_guess import _ENCODINGS
from passerelle.data.encodings import decoded
from passerelle.data.files import read_lines
from passerelle.errors import DataError

UNICODE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
LINES = ["Go.\tVa !", "", "a\u2028b\x85c", "Где вокзал?\t火车站在哪里？", "  ", "ends here"]


class Trickle(io.RawIOBase):
    """A stream that returns a few bytes at a time, like a slow pipe."""

    def __init__(self, content: bytes, size: int):
        self._stream, self._size = io.BytesIO(content), size

    def readable(self) -> bool:
        return True

    def read1(self, size: int) -> bytes:
        return self._stream.read(min(size, self._size))

    def readinto(self, buffer: bytearray) -> int:
        data = self._stream.read(min(len(buffer), self._size))
        buffer[: len(data)] = data
        return len(data)


def message_of(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        list(read_lines(path))
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("encoding", UNICODE)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"], ids=ascii)
@pytest.mark.parametrize("final", [False, True])
def test_the_same_lines_in_every_encoding_with_all_line_ends(tmp_path, encoding, end, final):
    content = (end.join(LINES) + end * final).encode(encoding)
    path = tmp_path / "lines.txt"
    path.write_bytes(content)
    assert list(read_lines(path)) == LINES
    assert [line.rstrip("\r\n") for line in read_lines(path, keep_ends=True)] == LINES
    for size in (1, 2, 3, 7):
        assert "".join(decoded(Trickle(content, size), "x")).replace("\r\n", "\n").split("\n")[: len(LINES)] == LINES


@settings(max_examples=80, deadline=None)
@given(
    lines=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), min_size=1)),
    encoding=st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]),
    end=st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]),
)
def test_any_lines_with_a_mark(tmp_path_factory, lines, encoding, end):
    path = tmp_path_factory.getbasetemp() / "any-lines.txt"
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    assert list(read_lines(path)) == lines


@pytest.mark.parametrize(
    "line",
    [
        "I see the dog.\tJe vois le chien.",
        "Я вижу собаку.\tI see.",
        "我看见狗。\tI see.",
        "私は犬が見えます。",
        "ا ب ت",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_recognized_in_all_scripts(tmp_path, line, encoding):
    path = tmp_path / "lines.txt"
    path.write_bytes(f"{line}\n{line}\n".encode(encoding))
    assert list(read_lines(path)) == [line, line]


def test_a_lone_cr_is_part_of_a_line_that_ends_with_lf(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_bytes(b"a\rb\nc\n")
    assert list(read_lines(path)) == ["a\rb", "c"]


@pytest.mark.parametrize("size", [8190, 8191, 8192, 65535, 65536, 65537])
@pytest.mark.parametrize("end", ["\r\n", "\r", "\r\r\n"], ids=ascii)
def test_line_ends_and_characters_across_the_read_buffer(tmp_path, size, end):
    lines = ["first", "x" * (size - 6 - len(end)), "é" * 70_000, "last"]
    path = tmp_path / "lines.txt"
    path.write_bytes(end.join(lines).encode())
    assert list(read_lines(path)) == lines


@pytest.mark.parametrize("content", [b"a\nb\0c\n", b"a\nb" + b"\0" * 20 + b"\n" + b"text " * 40])
def test_nuls_are_never_text(tmp_path, content):
    path = tmp_path / "lines.txt"
    path.write_bytes(content)
    assert message_of(path).startswith(f"{path}, line 2: a NUL character, which no text contains.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("été\nçà\n".encode() + b"caf\xe9\n", "but the rest of the file is. Correct this line; or remove such bytes: "),
        ("été\nçà\ncafé".encode()[:-1], "the file ends inside a character. Get a complete copy of it."),
        (
            ("é" * 3).encode("utf-16")[:-1],
            "line 1: byte 6 is not UTF-16, in which the file begins. Get a complete copy",
        ),
        ("犬が\n".encode("iso2022-jp"), "line 1: the encoding is ISO-2022-JP. Convert the file: iconv -f ISO-2022-JP "),
        (b"PAR1\x15\x04\xff", "is a Parquet file, not text. Set format='parquet'."),
        (b"\x80\x81\xfe\xff\xff\x01\x9d" * 9, "is not UTF-8"),
    ],
    ids=["one bad line", "cut", "cut UTF-16", "ISO-2022-JP", "Parquet", "random"],
)
def test_other_files_are_named_as_what_they_are(tmp_path, content, message):
    path = tmp_path / "lines.txt"
    path.write_bytes(content)
    assert message in message_of(path)


ENGLISH = "I see the dog.\nHe is tired.\nWhere is the station?\n"
FOREIGN = {
    "Il a mangé à l'été, où le garçon était fatigué.\nJ'ai froid. Ça va ?\nForêt, naïf, déjà là.\n": [
        "cp1252", "mac_roman", "cp850",
    ],
    "Die Straße ist groß.\nÜber den Flüssen\nMädchen schön Bär\n": ["cp1252", "iso8859-1"],
    "¿Dónde está el niño?\nEl pingüino comió mañana.\n¡Qué día!\n": ["cp1252", "iso8859-1"],
    "Widzę psa. Jest zmęczony.\nGdzie jest łódź?\nŻółty książę śpi w ogródku.\n": ["cp1250", "iso8859-2"],
    "Vidím psa. Je unavený.\nPříliš žluťoučký kůň úpěl ďábelské ódy.\nKde je nádraží?\n": ["cp1250", "iso8859-2"],
    "Látom a kutyát.\nFáradt vagyok, őrült tűz.\nHol van a pályaudvar?\n": ["cp1250", "iso8859-2"],
    "Köpeği görüyorum.\nYorgun değil, şimdi ağlıyor.\nİstasyon nerede?\n": ["cp1254", "iso8859-9"],
    "Я вижу собаку.\nОн устал.\nГде вокзал?\n": ["cp1251", "koi8-r", "cp866", "iso8859-5"],
    "Βλέπω τον σκύλο.\nΕίναι κουρασμένος.\nΠού είναι ο σταθμός;\n": ["cp1253", "iso8859-7"],
    "אני רואה את הכלב.\nהוא עייף.\nאיפה התחנה?\n": ["cp1255"],
    "أرى الكلب.\nهو متعب.\nأين المحطة؟\n": ["cp1256"],
    "ฉันเห็นสุนัข\nเขาเหนื่อย\nสถานีอยู่ที่ไหน\n": ["cp874"],
    "私は犬が見えます。\n彼は疲れています。\n駅はどこですか。\n": ["shift_jis", "euc-jp"],
    "我看见狗。\n他很累。\n火车站在哪里？\n": ["gbk", "gb18030"],
    "我看見狗。\n他很累。\n火車站在哪裡？\n": ["big5"],
    "나는 개를 본다.\n그는 피곤하다.\n역은 어디입니까?\n": ["euc-kr", "cp949"],
}  # fmt: skip
CASES = [(text, encoding) for text, encodings in FOREIGN.items() for encoding in encodings]


@pytest.mark.parametrize(("text", "encoding"), CASES, ids=[f"{text[:5]} {encoding}" for text, encoding in CASES])
@pytest.mark.skipif(shutil.which("iconv") is None, reason="iconv is not installed")
def test_the_suggested_command_yields_the_text(tmp_path, text, encoding):
    pairs = "".join(f"{a}\t{b}\n" for a, b in zip(ENGLISH.splitlines(), text.splitlines(), strict=True))
    path = tmp_path / "pairs.tsv"
    path.write_bytes(pairs.encode(encoding))
    command = message_of(path).partition("Convert the file: ")[2]
    assert command.endswith(" OLD > NEW"), message_of(path)
    arguments = [*command.split()[:-3], str(path)]
    assert subprocess.run(arguments, stdout=subprocess.PIPE, check=True).stdout.decode() == pairs


@pytest.mark.skipif(shutil.which("iconv") is None, reason="iconv is not installed")
def test_iconv_knows_all_encodings():
    for name in _ENCODINGS.values():
        subprocess.run(["iconv", "-f", name, "-t", "UTF-8"], input=b"a", stdout=subprocess.DEVNULL, check=True)
