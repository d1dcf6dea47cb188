"""Blocks of input lines, and resumable output files."""

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
from passerelle.cli.lines import file_size, read_blocks
from passerelle.cli.output import LineFormat, open_output, require_different_files
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
    assert blocks_of(letters, size=4) == [list("abcd"), list("efgh"), list("ij")]
    assert blocks_of(letters, size=5) == [list("abcde"), list("fghij")]


@pytest.mark.parametrize("skip", range(11))
def test_skipped_lines_do_not_change_where_blocks_end(letters: Path, skip: int) -> None:
    blocks = blocks_of(letters, size=4, skip=skip)
    assert "".join(map("".join, blocks)) == "abcdefghij"[skip:]
    if skip < 8:
        assert blocks[-1] == list("ij")


def test_too_few_lines_to_skip(letters: Path) -> None:
    with pytest.raises(DataError, match=r"letters\.txt has 10 lines, but .* the translations of 11\."):
        blocks_of(letters, skip=11)


def test_long_lines_make_short_blocks(letters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_BLOCK_CHARACTERS", 3)
    assert [len(block) for block in blocks_of(letters)] == [3, 3, 3, 1]


def test_compressed_files_and_positions(letters: Path, tmp_path: Path) -> None:
    compressed = tmp_path / "letters.gz"
    compressed.write_bytes(gzip.compress(letters.read_bytes()))
    for path in (letters, compressed):
        blocks = list(read_blocks(str(path), size=4))
        assert [block.lines for block in blocks] == blocks_of(letters, size=4)
        assert blocks[-1].position == file_size(str(path))
    assert file_size(str(tmp_path / "nothing")) is None


def test_an_invalid_byte_is_reported_after_the_lines_before_it(letters: Path) -> None:
    letters.write_bytes(b"a\nb\n\xff\n")
    blocks = read_blocks(str(letters))
    assert next(blocks).lines == ["a", "b"]
    with pytest.raises(DataError, match="line 3: byte 4"):
        next(blocks)


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_blocks_of_a_pipe_contain_the_lines_that_are_waiting(tmp_path: Path) -> None:
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


# ---- complete texts in a file

PLAIN = LineFormat()
PAIRS = LineFormat(2)
NUMBERED = LineFormat(3, numbered=True)
JSON = LineFormat(start=b"{")


@pytest.mark.parametrize(
    ("line_format", "content", "texts", "complete"),
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
        (LineFormat(1, numbered=True), "1\tx\n2\ty\n", 2, "1\tx\n2\ty\n"),
        (JSON, '{"a": 1}\n{"a"', 1, '{"a": 1}\n'),
    ],
)
def test_complete_texts_are_counted(line_format: LineFormat, content: str, texts: int, complete: str) -> None:
    assert line_format.count_complete(io.BytesIO(content.encode()), "file") == (texts, len(complete))


@pytest.mark.parametrize(
    ("line_format", "content", "line"),
    [
        (NUMBERED, "2\tx\n", 1),
        (NUMBERED, "1\tx\n3\tx\n", 2),
        (NUMBERED, "x\n", 1),
        (JSON, "{}\nx\n", 2),
    ],
)
def test_lines_of_another_format(line_format: LineFormat, content: str, line: int) -> None:
    with pytest.raises(OutputError, match=rf"^file, line {line} was written with other options"):
        line_format.count_complete(io.BytesIO(content.encode()), "file")


@given(st.lists(st.integers(1, 3), max_size=8), st.data())
def test_a_file_cut_anywhere_and_resumed_is_the_same(counts: list[int], data: st.DataObject) -> None:
    """Removed lines are written again, and no line is written twice."""
    for line_format in (NUMBERED, PAIRS, PLAIN):
        lines_per_text = counts if line_format.numbered else [line_format.lines] * len(counts)
        texts = [
            "".join(f"{number}\tline é{row}\n" if line_format.numbered else f"line {row}\n" for row in range(rows))
            for number, rows in enumerate(lines_per_text, start=1)
        ]
        content = "".join(texts).encode()
        cut = data.draw(st.integers(0, len(content)))
        done, complete = line_format.count_complete(io.BytesIO(content[:cut]), "file")
        assert content[:complete] + "".join(texts[done:]).encode() == content
        assert complete <= cut


# ---- writing


def test_a_file_that_is_not_empty_is_continued_only_with_resume(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("a\nb", encoding="utf-8")
    with (
        pytest.raises(OutputError, match=r"out\.txt exists and is not empty\. Add --resume"),
        open_output(str(path), resume=False, line_format=PLAIN),
    ):
        pass
    assert path.read_text(encoding="utf-8") == "a\nb"
    with open_output(str(path), resume=True, line_format=PLAIN) as opened:
        assert opened.done == 1
        opened.write("c\n")
        assert path.read_bytes() == b"a\nc\n", "flushed at once"
    with open_output(str(tmp_path / "new.txt"), resume=True, line_format=PLAIN) as opened:
        assert opened.done == 0


def test_paths_that_are_not_regular_files(tmp_path: Path) -> None:
    for path, message in ((tmp_path, "is a folder"), (os.devnull, "is not a regular file"), ("no/x", "no such folder")):
        with pytest.raises(OutputError, match=message), open_output(str(path), resume=False, line_format=PLAIN):
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_a_failed_write_leaves_no_incomplete_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    path = tmp_path / "out.txt"

    class Full(io.FileIO):
        free = 4

        def write(self, data: Any, /) -> int:
            if not self.free:
                raise failure
            count = super().write(bytes(data[: self.free]))
            self.free -= count
            return count

    monkeypatch.setattr(output.io, "FileIO", Full)
    expected = OutputError if isinstance(failure, OSError) else KeyboardInterrupt
    with pytest.raises(expected), open_output(str(path), resume=False, line_format=PLAIN) as opened:
        opened.write("a\n")
        opened.write("bcd\ne\n")
    assert path.read_bytes() == b"a\n"


def test_input_and_output_must_be_different_files(tmp_path: Path, letters: Path) -> None:
    (tmp_path / "link").symlink_to(letters)
    with pytest.raises(OutputError, match="--in and --out are the same file"):
        require_different_files(str(letters), str(tmp_path / "link"))
    require_different_files(str(letters), str(tmp_path / "other"))
    require_different_files(None, str(letters))
