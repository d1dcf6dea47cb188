"""passerelle encode: vectors in a NumPy file."""

from typing import Any

import numpy as np


def test_lines_and_arguments_give_the_same_vectors(quick: Any, trained: Any, tmp_path: Any) -> None:
    sources = [source for source, _ in trained.rows[:4]]
    outcome = quick("encode", trained.model, "--out", "lines.npy", stdin="\n".join(sources).encode())
    assert outcome.status == 0, outcome.err
    assert outcome.out == ""
    assert "4 vectors of 8 numbers" in outcome.err
    assert quick("encode", trained.model, *sources, "--out", "arguments.npy").status == 0
    lines, arguments = (np.load(tmp_path / name) for name in ("lines.npy", "arguments.npy"))
    np.testing.assert_array_equal(lines, arguments)
    assert (lines.shape, lines.dtype) == ((4, 8), np.float32)


def test_a_missing_folder_is_refused(quick: Any, trained: Any) -> None:
    assert "no such folder" in quick("encode", trained.model, "text", "--out", "absent/x.npy").refused()


def test_out_is_required(quick: Any, trained: Any) -> None:
    assert "--out" in quick("encode", trained.model, "text").refused()
