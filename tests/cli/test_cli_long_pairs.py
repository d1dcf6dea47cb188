"""A training text many times longer than the others is skipped, reported and recorded."""

import json
from pathlib import Path
from typing import Any


def test_an_outlier_is_skipped(quick: Any, trained: Any, tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{source}\t{target}\n" for source, target in [*trained.rows, ("ab " * 6000, "x")]))
    outcome = quick("train", path, "--out", "m.keras", *trained.options, "--validation", "0")
    assert outcome.status == 0, outcome.err
    reason = (
        "longer than 200 source or 200 target tokens; source.max_length and target.max_length in a settings file set "
        "other limits"
    )
    assert f"1 rows skipped: {reason}" in outcome.err.splitlines()
    described = quick("describe", "m.keras").out
    assert f"# training pairs skipped: {json.dumps({reason: 1})}" in described
