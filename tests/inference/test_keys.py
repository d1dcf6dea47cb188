"""Every search setting has an effect: it changes the compiled program or its input arrays."""

from typing import Any

import numpy as np
import pytest

from passerelle.constraints.makers import MAKERS
from passerelle.decoding.beam import BeamResult
from passerelle.inference.request import Request
from passerelle.inference.search import Search
from passerelle.settings import ConstraintSettings, SearchSettings, options_of
from passerelle.translator import Translator
from untrained import untrained

PAIRS = [("a b. c", "xyz zy"), ("b a!", "yx, x"), ("cc", "z.y")]
BEAM: dict[str, Any] = {"beam": 4}
SAMPLE: dict[str, Any] = {"sample": True}
CHANGED: dict[str, tuple[dict[str, Any], Any]] = {
    "beam": ({}, 2),
    "n_best": (BEAM, 2),
    "length_penalty": (BEAM, 1.5),
    "coverage_penalty": (BEAM, 0.3),
    "groups": (BEAM, 2),
    "diversity": (BEAM | {"groups": 2}, 3.0),
    "sample": ({}, True),
    "temperature": (SAMPLE, 2.0),
    "top_k": (SAMPLE, 2),
    "top_p": (SAMPLE, 0.5),
    "mbr": ({}, 2),
    "seed": (SAMPLE, 2),
    "no_repeat_ngram_size": ({}, 2),
    "min_length": ({}, 3),
    "max_length": ({}, 5),
    "split_sentences": ({}, "never"),
    "prefix": ({}, "x"),
    "require": ({}, ("y",)),
    "forbid": ({}, ("y",)),
    "lexicon": ({}, ("xyz", "zy")),
    "pattern": ({}, "[xyz]*"),
    "grammar": ({}, "letters"),
}
"""For each setting: other settings that it requires, and a value that is not its default."""


@pytest.fixture(scope="module")
def speaker() -> Translator:
    return untrained(PAIRS)


def call_of(translator: Translator, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything that a search passes to its compiled program, as text: the settings that select it, and the arrays."""
    calls: list[str] = []

    def compiled(function: Any, variables: Any) -> Any:
        def run(inputs: Any, limits: Any, uniform: Any, tables: Any, penalty: Any, **static: Any) -> Any:
            arrays = [*inputs.values(), limits, uniform, *(tables or ()), penalty]
            values = [None if array is None else np.asarray(array).tolist() for array in arrays]
            calls.append(repr((values, sorted(static.items()))))
            row = np.zeros((len(limits), 1))
            ids = np.zeros((len(limits), 1, static["max_length"]), np.int32)
            return BeamResult(ids, row.astype(int), row, row > 0, ids * 0.0, row)

        return run

    monkeypatch.setattr("passerelle.inference.program.compiled", compiled)
    Search(translator.model)([Request("ab. b a")], SearchSettings(**options))
    return "\n".join(sorted(calls))  # one call per part, in threads


def test_every_setting_is_tested() -> None:
    after_the_search = {"mbr_utility"}  # see test_minimum_bayes_risk.py
    assert CHANGED.keys() == SearchSettings.model_fields.keys() - after_the_search
    assert set(options_of(SearchSettings)) == SearchSettings.model_fields.keys() - {"n_best"}
    assert MAKERS.keys() == ConstraintSettings.model_fields.keys()


@pytest.mark.parametrize("name", CHANGED)
def test_each_setting_changes_the_program_or_its_arrays(
    name: str, speaker: Translator, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    others, value = CHANGED[name]
    if name == "grammar":
        (tmp_path / value).write_text("main = [xyz]+\n", encoding="utf-8")
        value = str(tmp_path / value)
    plain = call_of(speaker, others, monkeypatch)
    assert call_of(speaker, others, monkeypatch) == plain
    assert call_of(speaker, others | {name: value}, monkeypatch) != plain


def test_data_only_settings_share_a_program() -> None:
    one = SearchSettings(sample=True, seed=1, max_length=5, pattern="x")
    other = SearchSettings(sample=True, seed=2, prefix="y")
    assert one.program_key() == other.program_key() == SearchSettings(sample=True)
    assert hash(one.program_key()) == hash(other.program_key())
    assert one.constraints == ConstraintSettings(pattern="x")
    assert one.constraints != other.constraints


def test_tables_are_cached_by_constraint_and_beam(speaker: Translator) -> None:
    tables = Search(speaker.model)._tables
    required = ConstraintSettings(require=("zx.y",))
    small, large = tables(required, 2), tables(required, 4)
    assert small is not None
    assert large is not None
    assert (small.progress.max(), large.progress.max()) == (1, 3)
    assert tables(required, 2) is small
    assert tables(ConstraintSettings(), 2) is None
    without_phrases = tables(ConstraintSettings(forbid=("x",)), 2)
    assert without_phrases is not None
    assert without_phrases.progress is None


def test_alternating_constraints(speaker: Translator) -> None:
    for word in ("xx", "zy", "xx", "y.y", "z", "x", "zx", "xx"):
        assert speaker.translate("a b", lexicon=[word]) == word
