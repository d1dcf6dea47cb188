"""passerelle train with pretrained embeddings (word vectors)."""

import tomllib
from pathlib import Path
from typing import Any


def test_source_vectors(quick: Any, trained: Any, tmp_path: Path) -> None:
    path = tmp_path / "en.vec"
    path.write_text("4 3\ncat 1 2 3\ndog 2 3 4\nkitty 1 2 4\nlikes 0 0 1\n")
    options = ["--units", "8", "--epochs", "2", "--level", "word", "--source-vectors", path]
    outcome = quick("train", trained.pairs, "--out", "m.keras", *options, "--frozen-epochs", "1")
    assert outcome.status == 0, outcome.err
    assert "vectors for 3 of 24 source words (12.5 %), and 1 extra words" in outcome.err.splitlines()
    described = quick("describe", "m.keras")
    settings = tomllib.loads(described.out)
    assert settings["network"]["encoder"]["embedding"] == 3
    assert settings["training"]["frozen_epochs"] == 1
    assert '# vectors: {"source": {"tokens": 24, "with_vectors": 3, "file": ' in described.out
    known = quick("translate", "m.keras", "A kitty likes it.")
    assert known.status == 0
    assert "unknown" not in known.err


def test_invalid_vectors_are_refused(quick: Any, trained: Any, tmp_path: Path) -> None:
    path = tmp_path / "en.vec"
    path.write_text("cat 1 2 3\ndog 2 3\n")
    message = quick("train", trained.pairs, "--level", "word", "--source-vectors", path).refused()
    assert message == f"{path}, line 2: expected a word and 3 numbers, received: 'dog 2 3'"
    message = quick("train", trained.pairs, "--source-vectors", path).refused()
    assert message.startswith("source vectors require source.level 'word', received: 'character'")
