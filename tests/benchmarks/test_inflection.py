"""The benchmark of inflection counts rows alike for both contestants and goes on where it stopped."""

import json
import sys

import pytest

import inflection


def test_exact_match_is_of_rows_and_needs_an_answer_to_each():
    assert inflection._exact_match(["Hahnes", "wandert aus", ""], ["Hahnes", "wandert auf", "x"]) == pytest.approx(
        100 / 3
    )
    with pytest.raises(ValueError, match="longer"):
        inflection._exact_match(["Hahnes"], ["Hahnes", "wandert aus"])


def test_finished_rows_are_not_run_again(tmp_path, monkeypatch, capsys):
    for seed, right in ((1, 70.0), (2, 80.0)):
        folder = tmp_path / f"passerelle-german-{seed}"
        folder.mkdir()
        row = {"seconds": 50 + seed, "processor": 40, "exact_match": {"dev": right, "test": right - 1}}
        (folder / "result.json").write_text(json.dumps(row), encoding="utf-8")
    monkeypatch.setattr(inflection, "_timed", lambda *_: pytest.fail("a finished row was run again"))
    words = ["--languages", "german", "--seeds", "2", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["inflection.py", *words])
    inflection.main()
    table = (tmp_path / "inflection.md").read_text(encoding="utf-8")
    assert "| german | passerelle | 2 | 75.0 (70.0 to 80.0) | 74.0 (69.0 to 79.0) | 52 | 40 |" in table
    assert table in capsys.readouterr().out
