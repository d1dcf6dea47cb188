"""Two parallel files: line n belongs to line n, and both need the same number of lines."""

from pathlib import Path

import pytest

from passerelle.data.readers.parallel import read_parallel
from passerelle.data.readers.row import Row
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "train.en", tmp_path / "train.fr"
    paths[0].write_bytes(b"\xef\xbb\xbfa\tb\r\n\nc\n")
    paths[1].write_bytes("é\u2028\nx\nd".encode())
    return paths


def test_lines_are_paired_by_number(files: tuple[Path, Path]) -> None:
    assert list(read_parallel(*files)) == [Row(1, "a\tb", "é\u2028"), Row(2, "", "x"), Row(3, "c", "d")]


@pytest.mark.parametrize("swapped", [False, True])
def test_different_numbers_of_lines(files: tuple[Path, Path], swapped: bool) -> None:
    files[1].write_text("x\n")
    with pytest.raises(DataError) as caught:
        list(read_parallel(*(files[::-1] if swapped else files)))
    assert str(caught.value) == (
        f"{files[1]} ends after line 1, and {files[0]} goes on. Both need the same number of lines: line n of one must "
        f"translate line n of the other."
    )


@pytest.mark.parametrize("both", [False, True])
def test_tab_separated_files_are_not_taken_for_the_two_sides(tmp_path: Path, both: bool) -> None:
    paths = tmp_path / "a.txt", tmp_path / "b.txt"
    paths[0].write_text("#columns\na\tb\nc\td\ne\tf\n")
    paths[1].write_text("g\th\n" * 4 if both else "g\nh\ni\nj\n")
    for order in (paths, paths[::-1]):
        with pytest.raises(DataError) as caught:
            read_pairs(order)
        assert "is tab-separated, and two files are read as the two sides of pairs." in str(caught.value)
    assert len(read_pairs(paths, format="moses")) == 4
