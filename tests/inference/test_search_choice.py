"""The search that a model stores is chosen on validation sources."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

import passerelle
from passerelle.data.pairs import Pairs
from passerelle.errors import OutOfMemoryError, SettingsError
from passerelle.inference import search_choice
from passerelle.inference.search_choice import SearchChoice, Trial, choose_metric, choose_search
from passerelle.settings import SearchSettings, TrainingSettings
from passerelle.translator import Translator
from untrained import untrained

PAIRS = [("a b", "x y"), ("b a", "y x"), ("a a", "x x"), ("b b", "y y z"), ("a b", "x z")]
VALIDATION = Pairs([s for s, _ in PAIRS], [t for _, t in PAIRS])


TRAINING = TrainingSettings.model_fields.keys() - {"metric"}
"""Settings of training that `choose` accepts; its `metric` is that of `choose_search`."""


@pytest.fixture(scope="module")
def translator() -> Translator:
    return untrained(PAIRS, seed=3, spread=0.7)


class Scores:
    """Scores by (beam, length penalty) instead of translations; each trial takes `seconds` for each hypothesis."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scores: dict[tuple[int, float], float], seconds: float = 0.0):
        self.scores, self.seconds, self.now = scores, seconds, 100.0
        self.pairs: list[Pairs] = []
        monkeypatch.setattr(search_choice, "evaluate", self)

    def __call__(self, search: Any, pairs: Pairs, settings: SearchSettings) -> Any:
        self.now += self.seconds * settings.beam
        self.pairs.append(pairs)
        score = self.scores.get((settings.beam, settings.length_penalty), 50.0)
        return SimpleNamespace(chrf=score, exact_match=score / 2)

    def clock(self) -> float:
        return self.now


def choose(translator: Translator, scores: Scores | None = None, *, seconds: float = 60.0, **options: Any) -> Any:
    changes = {name: options.pop(name) for name in set(options) & TRAINING}
    clock = {} if scores is None else {"clock": scores.clock}
    arguments = {"validation": VALIDATION, "metric": "chrf"} | options
    return choose_search(
        translator._search, settings=TrainingSettings(**changes), seconds=seconds, **clock, **arguments
    )


def tried(choice: SearchChoice) -> list[tuple[int, float]]:
    return [(trial.beam, trial.length_penalty) for trial in choice.trials]


def stored(choice: SearchChoice) -> tuple[int, float]:
    return choice.search.beam, choice.search.length_penalty


def test_the_best_search_is_chosen_and_a_wider_beam_is_tried_with_its_length_penalty(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = Scores(monkeypatch, {(1, 0.6): 51, (5, 1.0): 60, (10, 1.0): 61})
    reported: list[Trial] = []
    choice = choose(translator, scores, report=reported.append)
    assert stored(choice) == (10, 1.0)
    assert tried(choice) == [(1, 0.6), (5, 0.6), (5, 1.0), (5, 0.2), (10, 1.0)]
    assert list(choice.trials) == reported
    assert choice.to_json()["trials"][2] == {"beam": 5, "length_penalty": 1.0, "score": 60, "seconds": 0.0}
    assert (choice.metric, choice.sources, choice.reason) == ("chrf", 4, "best on validation sources")


def test_the_fastest_of_equal_searches_is_chosen(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stored(choose(translator, Scores(monkeypatch, {}))) == (1, 0.6)
    assert stored(choose(translator, Scores(monkeypatch, {(5, 0.2): 50.1, (10, 0.2): 50.1}))) == (5, 0.2)


def test_the_settings_choose_metric_beam_and_length_penalty(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = Scores(monkeypatch, {})
    choice = choose(translator, scores, metric="exact", search_beam=3, search_length_penalty=0.2)
    assert tried(choice) == [(1, 0.2), (3, 0.2), (3, 1.0), (6, 0.2)]
    assert {trial.score for trial in choice.trials} == {25.0}


def test_no_further_search_is_tried_if_one_makes_no_errors(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = choose(translator, Scores(monkeypatch, {(1, 0.6): 99.7}))
    assert (stored(choice), tried(choice)) == ((1, 0.6), [(1, 0.6)])


@pytest.mark.parametrize(("seconds", "count"), [(1.9, 0), (4.5, 1), (15.5, 3), (17.0, 4), (100, 5)])
def test_the_time_is_limited(
    translator: Translator, monkeypatch: pytest.MonkeyPatch, seconds: float, count: int
) -> None:
    """Greedy search takes 1 second, a beam of 5 takes 5, a beam of 10 takes 10."""
    scores = Scores(monkeypatch, {(5, 0.6): 60, (5, 1.0): 62}, seconds=1.0)
    choice = choose(translator, scores, seconds=seconds)
    assert len(choice.trials) == count
    assert stored(choice) == ((5, 0.6) if count < 3 else (5, 1.0)), "the default is a beam"
    assert ("default" in choice.reason) == (count < 2)


def test_the_comparison_ends_after_ctrl_c(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = Scores(monkeypatch, {(5, 0.6): 60, (5, 0.2): 70})
    trials: list[Trial] = []
    choice = choose(translator, scores, report=trials.append, stopped=lambda: len(trials) == 2)
    assert (stored(choice), len(trials)) == ((5, 0.6), 2)


def test_a_failure_costs_only_the_comparison(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(search: Any, pairs: Pairs, settings: SearchSettings) -> Any:
        raise OutOfMemoryError("out of memory")

    monkeypatch.setattr(search_choice, "evaluate", fail)
    choice = choose(translator)
    assert choice.search == SearchSettings()
    assert choice.reason == "default, since comparing searches failed: out of memory"


@pytest.mark.parametrize(
    ("options", "expected", "reason"),
    [
        ({"search": "greedy"}, (1, 0.6), "set by training.search"),
        ({"search": "beam", "search_beam": 7, "search_length_penalty": 0.1}, (7, 0.1), "set by training.search"),
        ({"validation": Pairs([], [])}, (5, 0.6), "default, without validation pairs"),
        ({"validation": Pairs([], []), "metric": "exact"}, (1, 0.6), "default, without validation pairs"),
        ({"seconds": 0.0}, (5, 0.6), "default, since training was too short to compare searches"),
    ],
)
def test_nothing_is_compared(
    translator: Translator, options: dict[str, Any], expected: tuple[int, float], reason: str
) -> None:
    choice = choose(translator, **options)
    assert (stored(choice), choice.reason, choice.trials, choice.metric) == (expected, reason, (), None)


def test_scores_are_those_of_evaluate_with_all_references(translator: Translator) -> None:
    choice = choose(translator, seconds=math.inf)
    assert choice.sources == 4
    for trial in choice.trials:
        report = translator.evaluate(PAIRS, beam=trial.beam, length_penalty=trial.length_penalty)
        assert report.chrf == pytest.approx(trial.score)


def test_a_bounded_sample_without_the_longest_sources(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_choice, "MAX_SOURCES", 20)
    texts = ["a" * length for length in range(1, 40)] + ["a" * 100]
    pairs = Pairs([text for text in texts for _ in "xy"], [target for _ in texts for target in "xy"])
    scores = Scores(monkeypatch, {})
    for seed in (1, 1, 2):
        assert choose(translator, scores, validation=pairs, seed=seed).sources == 20
    first, again, other = (list(rows) for rows in scores.pairs[::5])
    assert first == again != other
    assert len(first) == 40, "all references of a source"
    assert max(len(source) for source, _ in first) < 40


@pytest.mark.parametrize(
    ("targets", "pretokenized", "expected"),
    [
        (["a b", "c d e", "f"], False, "chrf"),
        (["walked", "went", "gave up"], False, "exact"),
        (["a b", "c d e"], True, "exact"),
        (["我很好。", "他不年轻。"], False, "chrf"),
    ],
)
def test_metric(targets: list[str], pretokenized: bool, expected: str) -> None:
    settings = TrainingSettings()
    assert choose_metric(settings, targets, pretokenized=pretokenized) == expected
    for metric in ("chrf", "exact"):
        chosen = choose_metric(TrainingSettings(search_metric=metric), targets, pretokenized=pretokenized)
        assert chosen == metric


def test_the_search_is_stored_in_the_file_and_used(translator: Translator, tmp_path: Any) -> None:
    texts = ["a b", "b b a", "a"]
    greedy = translator.translate(texts)
    stored = translator.with_search(beam=4, length_penalty=0.0)
    assert translator.stored_search == SearchSettings(), "unchanged"
    stored.save(tmp_path / "m.keras")
    loaded = passerelle.load(tmp_path / "m.keras")
    assert loaded.stored_search == SearchSettings(beam=4, length_penalty=0.0)
    beam = translator.translate(texts, beam=4, length_penalty=0.0)
    assert beam != greedy
    assert loaded.translate(texts) == [result.text for result in loaded.search(texts)] == beam
    assert loaded.translate(texts, beam=1) == greedy
    assert loaded.translate(texts, sample=True) == translator.translate(texts, sample=True)
    assert loaded.n_best(texts, 2) == translator.n_best(texts, 2, beam=4, length_penalty=0.0)
    assert len(loaded.n_best(texts, 6)[0]) == 6
    assert loaded.evaluate(PAIRS) == translator.evaluate(PAIRS, beam=4, length_penalty=0.0)
    assert loaded.ensemble_with([translator]).stored_search.beam == 4
    assert translator.ensemble_with([loaded]).stored_search.beam == 1
    assert loaded.with_search(length_penalty=0.3).stored_search == SearchSettings(beam=4, length_penalty=0.3)


def test_only_the_search_can_be_stored(translator: Translator) -> None:
    with pytest.raises(SettingsError, match=r"stores the search settings beam, length_penalty, received: 'prefix'"):
        translator.with_search(prefix="a")
