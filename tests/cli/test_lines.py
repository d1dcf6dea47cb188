"""Lines in and out: blocks of what is there, files of whole lines alone, and the place where they go on."""

import gzip
import io
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.cli import lines, output
from passerelle.cli.lines import read_blocks, size_of
from passerelle.cli.output import Form, open_output, require_apart
from passerelle.errors import DataError, OutputError


def blocks_of(path: Path, **options: Any) -> list[list[str]]:
    return [block.lines for block in read_blocks(str(path), **options)]


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    path = tmp_path / "letters.txt"
    path.write_text("".join(f"{letter}\n" for letter in "abcdefghij"), encoding="utf-8")
    return path


def test_blocks_of_a_file_are_full(letters: Path) -> None:
    assert blocks_of(letters) == [list("abcdefghij")]
    assert blocks_of(letters, most=4) == [list("abcd"), list("efgh"), list("ij")]
    assert blocks_of(letters, most=5) == [list("abcde"), list("fghij")]


@pytest.mark.parametrize("skip", range(11))
def test_blocks_end_where_they_would_without_what_is_skipped(letters: Path, skip: int) -> None:
    blocks = blocks_of(letters, most=4, skip=skip)
    assert "".join(map("".join, blocks)) == "abcdefghij"[skip:]
    if skip < 8:
        assert blocks[-1] == list("ij")


def test_too_few_lines_to_pass_over(letters: Path) -> None:
    with pytest.raises(DataError, match=r"letters\.txt has 10 lines, and 11 are translated already: they do not"):
        blocks_of(letters, skip=11)


def test_long_lines_make_short_blocks(letters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_CHARACTERS", 3)
    assert [len(block) for block in blocks_of(letters)] == [3, 3, 3, 1]


def test_packed_files_and_how_far_they_are_read(letters: Path, tmp_path: Path) -> None:
    packed = tmp_path / "letters.gz"
    packed.write_bytes(gzip.compress(letters.read_bytes()))
    for path in (letters, packed):
        blocks = list(read_blocks(str(path), most=4))
        assert [block.lines for block in blocks] == blocks_of(letters, most=4)
        assert blocks[-1].place == size_of(str(path))
    assert size_of(str(tmp_path / "nothing")) is None


def test_a_wrong_byte_comes_after_the_lines_before_it(letters: Path) -> None:
    letters.write_bytes(b"a\nb\n\xff\n")
    blocks = read_blocks(str(letters))
    assert next(blocks).lines == ["a", "b"]
    with pytest.raises(DataError, match="line 3: byte 4"):
        next(blocks)


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_of_a_pipe_there_is_what_waits(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    answered = threading.Event()

    def write() -> None:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("a\n")
            stream.flush()
            answered.wait(30)
            stream.write("b\n")

    threading.Thread(target=write, daemon=True).start()
    blocks = read_blocks(str(path))
    assert next(blocks).lines == ["a"]
    answered.set()
    assert [block.lines for block in blocks] == [["b"]]


# ---- what a file holds

PLAIN = Form()
PAIRS = Form(2)
NUMBERED = Form(3, numbered=True)


@pytest.mark.parametrize(
    ("form", "content", "texts", "whole"),
    [
        (PLAIN, "", 0, ""),
        (PLAIN, "a\n\nb", 2, "a\n\n"),
        (PLAIN, "a", 0, ""),
        (PAIRS, "a\nb\nc\n", 1, "a\nb\n"),
        (PAIRS, "a\nb\nc\nd", 1, "a\nb\n"),
        (PAIRS, "a\nb\nc\nd\n", 2, "a\nb\nc\nd\n"),
        (NUMBERED, "1\tx\n1\ty\n", 0, ""),
        (NUMBERED, "1\tx\n1\ty\n1\tz\n", 1, "1\tx\n1\ty\n1\tz\n"),
        (NUMBERED, "1\tx\n2\ty\n2\tz\n", 1, "1\tx\n"),
        (NUMBERED, "1\tx\n2\ty\n3\tz\n3", 2, "1\tx\n2\ty\n"),
        (Form(1, numbered=True), "1\tx\n2\ty\n", 2, "1\tx\n2\ty\n"),
        (Form(start=b"{"), '{"a": 1}\n{"a"', 1, '{"a": 1}\n'),
    ],
)
def test_texts_that_are_whole(form: Form, content: str, texts: int, whole: str) -> None:
    assert form.whole(io.BytesIO(content.encode()), "file") == (texts, len(whole))


@pytest.mark.parametrize(
    ("form", "content", "line"),
    [(NUMBERED, "2\tx\n", 1), (NUMBERED, "1\tx\n3\tx\n", 2), (NUMBERED, "x\n", 1), (Form(start=b"{"), "{}\nx\n", 2)],
)
def test_lines_of_another_form(form: Form, content: str, line: int) -> None:
    with pytest.raises(OutputError, match=rf"^file, line {line} was written with other options"):
        form.whole(io.BytesIO(content.encode()), "file")


@given(st.lists(st.integers(1, 3), max_size=8), st.data())
def test_cut_anywhere_and_written_on_the_file_is_the_same(counts: list[int], data: st.DataObject) -> None:
    """Whatever is dropped is written again, and nothing is there twice."""
    for form in (NUMBERED, PAIRS, PLAIN):
        texts = [
            "".join(f"{number}\tline é{row}\n" if form.numbered else f"line {row}\n" for row in range(rows))
            for number, rows in enumerate(counts if form.numbered else [form.lines] * len(counts), start=1)
        ]
        content = "".join(texts).encode()
        cut = data.draw(st.integers(0, len(content)))
        done, whole = form.whole(io.BytesIO(content[:cut]), "file")
        assert content[:whole] + "".join(texts[done:]).encode() == content
        assert whole <= cut


# ---- writing


def test_a_file_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("a\nb", encoding="utf-8")
    with (
        pytest.raises(OutputError, match=r"out\.txt holds something already\. Add --resume"),
        open_output(str(path), resume=False, form=PLAIN),
    ):
        pass
    assert path.read_text(encoding="utf-8") == "a\nb"
    with open_output(str(path), resume=True, form=PLAIN) as opened:
        assert opened.done == 1
        opened.write("c\n")
        assert path.read_bytes() == b"a\nc\n", "at once"
    with open_output(str(tmp_path / "new.txt"), resume=True, form=PLAIN) as opened:
        assert opened.done == 0


def test_places_that_are_no_files(tmp_path: Path) -> None:
    for place, message in ((tmp_path, "is a folder"), (os.devnull, "is no regular file"), ("no/x", "no such folder")):
        with pytest.raises(OutputError, match=message), open_output(str(place), resume=False, form=PLAIN):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_no_half_line_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException) -> None:
    path = tmp_path / "out.txt"

    class Full(io.FileIO):
        room = 4

        def write(self, data: Any, /) -> int:
            if not self.room:
                raise failure
            count = super().write(bytes(data[: self.room]))
            self.room -= count
            return count

    monkeypatch.setattr(output.io, "FileIO", Full)
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected), open_output(str(path), resume=False, form=PLAIN) as opened:
        opened.write("a\n")
        opened.write("bcd\ne\n")
    assert path.read_bytes() == b"a\n"


def test_input_and_output_are_two_files(tmp_path: Path, letters: Path) -> None:
    (tmp_path / "link").symlink_to(letters)
    with pytest.raises(OutputError, match="--in and --out are one file"):
        require_apart(str(letters), str(tmp_path / "link"))
    require_apart(str(letters), str(tmp_path / "other"))
    require_apart(None, str(letters))
