"""The benchmark of training speed, with small networks."""

import json
import sys
from pathlib import Path

import pytest

import speed


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, contestant: str) -> dict:
    pairs = "".join(f"{word}\t{word[::-1]}\n" for word in ("ab", "abc", "cab", "bca", "a", "cb"))
    (tmp_path / "pairs.tsv").write_text(pairs, encoding="utf-8")
    out = tmp_path / "result.json"
    words = [contestant, "--pairs", tmp_path / "pairs.tsv", "--units", 4, "--epochs", 2, "--out", out]
    monkeypatch.setattr(sys, "argv", ["speed.py", *map(str, words)])
    speed.main()
    return json.loads(out.read_text(encoding="utf-8"))


@pytest.mark.parametrize("contestant", ["program", "passerelle", "passerelle-bfloat16"])
def test_tokens_are_counted_without_padding(contestant: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = run(monkeypatch, tmp_path, contestant)
    assert measured["tokens"] == 2 * 14 + 6, "source tokens, target tokens and six times END"
    assert len(measured["seconds"]) == 2
    assert min(measured["seconds"]) > 0
    assert speed.per_token([measured]) == pytest.approx(sum(measured["seconds"]) / 2 / measured["tokens"])


def test_missing_library_has_its_own_exit_status(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit) as error:
        run(monkeypatch, tmp_path, "torch-random")
    assert error.value.code == speed.NOT_INSTALLED
    assert not (tmp_path / "result.json").exists()


def test_operations_of_small_networks() -> None:
    """2 units, 3 columns: the recurrent kernel has 2 x 8 values, the output kernel 2 x 3; 6 operations per value."""
    assert speed.operations(1, 1, units=2, layers=1, columns=3) == 6 * (16 + 16 + 6)
    assert speed.operations(1, 0, units=2, layers=2, columns=3) == 6 * 16 * 3
