"""`--max-line`: long texts of arguments, standard input and files are refused by number."""

import pytest


@pytest.mark.parametrize("command", ["translate", "encode"])
def test_long_texts_are_refused_by_number(quick, trained, command):
    options = ["--out", "vectors.npy"] if command == "encode" else []
    typed = quick(command, trained.model, "Go.", "x" * 100_001, *options).refused()
    assert typed.startswith("arguments, text 2: longer than 100,000 characters, the limit `max_line`.")
    read = quick(command, trained.model, *options, stdin=b"x" * 100_001 + b"\n").refused()
    assert read.startswith("standard input, line 1: longer than 100,000 characters")
    assert (
        "line 1: longer than 4" in quick(command, trained.model, "--max-line", "4", *options, stdin=b"12345").refused()
    )
    assert "--max-line must be at least 1" in quick(command, trained.model, "--max-line=0", "Go.", *options).refused()


@pytest.mark.parametrize("command", ["score", "evaluate"])
def test_long_rows_are_refused_by_number(quick, trained, tmp_path, command):
    (tmp_path / "long.tsv").write_text("a\tb\n" + "x" * 100_001 + "\ty\n")
    assert ", line 2: longer than 100,000 characters" in quick(command, trained.model, "long.tsv").refused()
    (tmp_path / "short.tsv").write_text("a\tb\nabc\td\n")
    assert ", line 2: longer than 4" in quick(command, trained.model, "short.tsv", "--max-line", "4").refused()
