"""passerelle score: a row a pair, in order, and the whole file's perplexity."""

import json
import math
from typing import Any

import numpy as np

import passerelle


def test_columns_are_what_python_says(quick: Any, trained: Any, tmp_path: Any) -> None:
    rows = [("A cat sees it.", "chat le voit."), ("A dog", "un\u2028chien"), ("x", "y")]
    (tmp_path / "pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in rows), encoding="utf-8")
    outcome = quick("score", trained.model, "pairs.tsv")
    assert outcome.status == 0, outcome.err
    expected = passerelle.load(trained.model).score(rows)
    found = [line.split("\t") for line in outcome.out.removesuffix("\n").split("\n")]
    assert [row[3:] for row in found] == [["A cat sees it.", "chat le voit."], ["A dog", "un chien"], ["x", "y"]]
    numbers = [[scored.log_probability, scored.per_token, scored.character_perplexity] for scored in expected]
    np.testing.assert_allclose([list(map(float, row[:3])) for row in found], numbers, rtol=1e-3, atol=2e-4)
    assert found[2][:3] == ["-inf", "-inf", "inf"], "no y was in the targets of training"
    total = sum(scored.log_probability for scored in expected[:2]) / sum(scored.characters for scored in expected[:2])
    told, unwritable = outcome.err.splitlines()
    assert told.startswith("passerelle: 2 pairs, perplexity per character ")
    np.testing.assert_allclose(float(told.split()[-1]), math.exp(-total), rtol=1e-3)
    assert unwritable == "passerelle: 1 more have targets that the model cannot write"


def test_objects_on_lines(quick: Any, trained: Any) -> None:
    outcome = quick("score", trained.model, trained.pairs, "--json", "--with", trained.model, "--limit", "32")
    assert outcome.status == 0, outcome.err
    found = [json.loads(line) for line in outcome.out.splitlines()]
    assert [(row["source"], row["target"]) for row in found] == list(trained.rows[:32])
    for row in found:
        assert row["characters"] == row["tokens"] == len(row["target"]) + 1
        np.testing.assert_allclose(row["per_token"] * row["tokens"], row["log_probability"])


def test_what_is_refused(quick: Any, trained: Any) -> None:
    assert "no such file" in quick("score", trained.model, "no.tsv").refused()
    assert quick("score", "no.keras", trained.pairs).refused().startswith("no.keras: no such file.")
