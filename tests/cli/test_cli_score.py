"""passerelle score: one row per pair, in order, and the perplexity of the complete file."""

import json
import math
from typing import Any

import numpy as np

import passerelle


def test_columns_equal_the_scores_in_python(quick: Any, trained: Any, tmp_path: Any) -> None:
    rows = [("A cat sees it.", "chat le voit."), ("A dog", "un\u2028chien"), ("x", "y")]
    (tmp_path / "pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in rows), encoding="utf-8")
    outcome = quick("score", trained.model, "pairs.tsv")
    assert outcome.status == 0, outcome.err
    expected = passerelle.load(trained.model).score(rows)
    found = [line.split("\t") for line in outcome.out.removesuffix("\n").split("\n")]
    assert [row[3:] for row in found] == [["A cat sees it.", "chat le voit."], ["A dog", "un chien"], ["x", "y"]]
    numbers = [[scored.log_probability, scored.per_token, scored.character_perplexity] for scored in expected]
    np.testing.assert_allclose([list(map(float, row[:3])) for row in found], numbers, rtol=1e-3, atol=2e-4)
    assert found[2][:3] == ["-inf", "-inf", "inf"], "the targets of training contain no y"
    total = sum(scored.log_probability for scored in expected[:2]) / sum(scored.characters for scored in expected[:2])
    summary, not_counted = outcome.err.splitlines()
    assert summary.startswith("passerelle: 2 pairs, perplexity per character ")
    np.testing.assert_allclose(float(summary.split()[-1]), math.exp(-total), rtol=1e-3)
    assert not_counted == "passerelle: 1 pairs not counted: the model cannot write their targets"


def test_json_lines(quick: Any, trained: Any) -> None:
    outcome = quick("score", trained.model, trained.pairs, "--json", "--with", trained.model, "--limit", "32")
    assert outcome.status == 0, outcome.err
    found = [json.loads(line) for line in outcome.out.splitlines()]
    assert [(row["source"], row["target"]) for row in found] == list(trained.rows[:32])
    for row in found:
        assert row["characters"] == row["tokens"] == len(row["target"]) + 1
        np.testing.assert_allclose(row["per_token"] * row["tokens"], row["log_probability"])


def test_missing_files_are_refused(quick: Any, trained: Any) -> None:
    assert "no such file" in quick("score", trained.model, "no.tsv").refused()
    assert quick("score", "no.keras", trained.pairs).refused().startswith("no.keras: no such file.")
