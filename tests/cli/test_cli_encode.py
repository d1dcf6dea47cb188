"""passerelle encode: a NumPy file, whole or not at all."""

from typing import Any

import numpy as np


def test_vectors_of_lines_and_of_words(quick: Any, trained: Any, tmp_path: Any) -> None:
    sources = [source for source, _ in trained.rows[:4]]
    outcome = quick("encode", trained.model, "--out", "lines.npy", stdin="\n".join(sources).encode())
    assert outcome.status == 0, outcome.err
    assert outcome.out == ""
    assert "4 vectors of 8 numbers" in outcome.err
    assert quick("encode", trained.model, *sources, "--out", "words.npy").status == 0
    lines, words = (np.load(tmp_path / name) for name in ("lines.npy", "words.npy"))
    np.testing.assert_array_equal(lines, words)
    assert (lines.shape, lines.dtype) == ((4, 8), np.float32)


def test_a_folder_that_is_absent(quick: Any, trained: Any) -> None:
    assert "no such folder" in quick("encode", trained.model, "text", "--out", "absent/x.npy").refused()


def test_without_a_file_to_write(quick: Any, trained: Any) -> None:
    assert "--out" in quick("encode", trained.model, "text").refused()
