"""The commands with a Transformer, each in a new process: its decoder has caches, other decoders have only vectors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from untrained import TRANSFORMER, untrained

PAIRS = [("abcd", "dcba"), ("abc", "cba"), ("ab", "ba"), ("dab", "bad")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("transformer") / "model.keras"
    untrained(PAIRS, TRANSFORMER).save(path)
    return path


@pytest.fixture(scope="module")
def loaded(model: Path) -> Any:
    return passerelle.load(model)


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        ([], {}),
        (["--beam", "3"], {"beam": 3}),
        (["--beam", "4", "--groups", "2", "--diversity", "0.5"], {"beam": 4, "groups": 2, "diversity": 0.5}),
        (["--beam", "2", "--coverage-penalty", "0.2"], {"beam": 2, "coverage_penalty": 0.2}),
        (["--sample", "--seed", "5"], {"sample": True, "seed": 5}),
        (["--mbr", "4"], {"mbr": 4}),
        (["--pattern", "[ab]{2,3}"], {"pattern": "[ab]{2,3}"}),
        (["--beam", "2", "--require", "cc"], {"beam": 2, "require": ["cc"]}),
        (["--forbid", "a"], {"forbid": ["a"]}),
        (["--min-length", "3", "--no-repeat-ngram-size", "2"], {"min_length": 3, "no_repeat_ngram_size": 2}),
        (["--with", "SAME"], {}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_translations_equal_those_in_python(
    quick: Callable[..., Any], model: Path, loaded: Any, flags: list[str], options: dict[str, Any]
) -> None:
    sources = [source for source, _ in PAIRS]
    words = [str(model) if flag == "SAME" else flag for flag in flags]
    outcome = quick("translate", model, *sources, "--json", "--max-length", "6", *words)
    assert outcome.status == 0, outcome.err
    found = [json.loads(line)["translations"] for line in outcome.out.splitlines()]
    expected = loaded.search(sources, **({"max_length": 6} | options))
    assert [row[0]["text"] for row in found] == [result.text for result in expected]


def test_alignment_and_pictures(quick: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    outcome = quick("translate", model, "abcd", "--align", "--max-length", "6")
    assert outcome.status == 0, outcome.err
    outcome = quick("translate", model, "abcd", "--pictures", "pictures", "--max-length", "6")
    assert outcome.status == 0, outcome.err
    assert (tmp_path / "pictures" / "1.svg").read_text().startswith("<svg")


def test_scores_equal_those_in_python(quick: Callable[..., Any], model: Path, loaded: Any, tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in PAIRS))
    outcome = quick("score", model, "pairs.tsv")
    assert outcome.status == 0, outcome.err
    found = [float(line.split("\t")[0]) for line in outcome.out.splitlines()]
    np.testing.assert_allclose(found, [scored.log_probability for scored in loaded.score(PAIRS)], rtol=1e-3)
    outcome = quick("evaluate", model, "pairs.tsv")
    assert outcome.status == 0, outcome.err


def test_encode_describe_and_diagram(quick: Callable[..., Any], model: Path, loaded: Any, tmp_path: Path) -> None:
    sources = [source for source, _ in PAIRS]
    outcome = quick("encode", model, *sources, "--out", "vectors.npy")
    assert outcome.status == 0, outcome.err
    np.testing.assert_allclose(np.load(tmp_path / "vectors.npy"), loaded.encode(sources), rtol=1e-4, atol=1e-5)
    outcome = quick("describe", model)
    assert outcome.status == 0, outcome.err
    assert "transformer" in outcome.out
    outcome = quick("diagram", model, "--out", "diagrams")
    assert outcome.status == 0, outcome.err
    assert len(list((tmp_path / "diagrams").glob("*.svg"))) == 3
