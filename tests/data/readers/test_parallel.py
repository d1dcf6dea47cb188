"""Two files side by side: line by line, and as many."""

from pathlib import Path

import pytest

from passerelle.data.readers.parallel import read_parallel
from passerelle.data.readers.row import Row
from passerelle.errors import DataError


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "train.en", tmp_path / "train.fr"
    paths[0].write_bytes(b"\xef\xbb\xbfa\tb\r\n\nc\n")
    paths[1].write_bytes("é\u2028\nx\nd".encode())
    return paths


def test_lines_go_together(files: tuple[Path, Path]) -> None:
    assert list(read_parallel(*files)) == [Row(1, "a\tb", "é\u2028"), Row(2, "", "x"), Row(3, "c", "d")]


@pytest.mark.parametrize("turned", [False, True])
def test_one_is_shorter(files: tuple[Path, Path], turned: bool) -> None:
    files[1].write_text("x\n")
    with pytest.raises(DataError) as caught:
        list(read_parallel(*(files[::-1] if turned else files)))
    assert str(caught.value) == (
        f"{files[1]} ends after 1 lines, and {files[0]} goes on. Line 2 of one must be the translation of line 2 of "
        f"the other, to the end."
    )
