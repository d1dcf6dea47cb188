"""The choice of the search that a model file stores: the one that translates validation sources best."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from passerelle.data.pairs import Pairs
from passerelle.errors import PasserelleError
from passerelle.evaluation.metrics import Report
from passerelle.inference.evaluating import evaluate, sample_sources
from passerelle.inference.search import Search
from passerelle.scripts import has_no_spaces, mostly_single_words
from passerelle.settings import SearchSettings, TrainingSettings

__all__ = ["MAX_SECONDS", "MIN_SECONDS", "Metric", "SearchChoice", "Trial", "choose_metric", "choose_search"]

Metric = Literal["chrf", "exact"]
"""Metric by which searches are compared: corpus chrF, or the share of exact matches in percent."""

MAX_SOURCES = 256
"""Maximum number of validation sources: one full batch, so that each beam size is compiled for one shape."""

LENGTH_PENALTIES = (1.0, 0.2)
"""Length penalties that are compared after that of the settings."""

WIDER = 2
"""Factor of the beam size that is compared last."""

BEAM_TIME = 4.0
"""Expected time of the first beam search as a multiple of that of greedy search; most of it is compilation."""

GOOD_ENOUGH = 99.5
"""Score from which on no further search is tried."""

MIN_SECONDS = 2.0
"""Time below which searches are not compared: compiling two of them takes longer."""

MAX_SECONDS = 120.0
"""Maximum time of the comparison."""


@dataclass(frozen=True)
class Trial:
    """One search that was compared.

    Attributes:
        beam: beam size; 1 is greedy search.
        length_penalty: length penalty.
        score: chrF or exact match of its translations, 0 to 100.
        seconds: time for compiling and running it.
    """

    beam: int
    length_penalty: float
    score: float
    seconds: float


@dataclass(frozen=True)
class SearchChoice:
    """The search to store, and the reason.

    Attributes:
        search: the search settings to store.
        reason: why it was chosen, in words.
        metric: the metric of the comparison; None if searches were not compared.
        sources: number of validation sources that were translated.
        trials: the searches that were compared, in this order.
    """

    search: SearchSettings
    reason: str
    metric: Metric | None = None
    sources: int = 0
    trials: tuple[Trial, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the choice as JSON values, for the training record."""
        return {
            "beam": self.search.beam,
            "length_penalty": self.search.length_penalty,
            "reason": self.reason,
            "metric": self.metric,
            "sources": self.sources,
            "trials": [asdict(trial) for trial in self.trials],
        }


def choose_metric(settings: TrainingSettings, targets: Collection[str], *, pretokenized: bool) -> Metric:
    """Return the metric by which searches are compared, from the training targets.

    It is `exact` for tasks such as spelling to sound or inflection: if the target is pretokenized, or if more than half
    of the targets are single words. For all other targets, also of scripts without spaces, it is `chrf`.

    Args:
        settings: `search_metric` other than `auto` decides.
        targets: the training targets.
        pretokenized: whether the target level is pretokenized.
    """
    if settings.search_metric != "auto":
        return settings.search_metric
    if pretokenized:
        return "exact"
    if has_no_spaces(targets):
        return "chrf"
    return "exact" if mostly_single_words(targets) else "chrf"


def choose_search(
    search: Search,
    validation: Pairs,
    settings: TrainingSettings,
    metric: Metric,
    *,
    seconds: float,
    report: Callable[[Trial], None] = lambda trial: None,
    stopped: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.perf_counter,
) -> SearchChoice:
    """Return the search that `settings.search` selects; for `auto`, the best one on validation sources.

    `auto` compares greedy search, beams of `settings.search_beam` with several length penalties, and a beam of twice
    the size with the best of these length penalties. Of equal scores, the first search wins, which is the fastest.
    A search is left out if it would probably exceed the time. Without validation pairs or time, the default is the beam
    of the settings for the metric `chrf`, and greedy search for `exact`.

    Args:
        search: the search of the trained model.
        validation: the validation pairs; rows that share a source count as its references.
        settings: training settings.
        metric: see `choose_metric`.
        seconds: maximum time of the comparison.
        report: receives each trial.
        stopped: whether to end the comparison early, for example after Ctrl-C.
        clock: returns the time in seconds.
    """
    if validation.outputs:
        validation = validation.of_output(search.model.signature.target.name)
    beam = SearchSettings(beam=settings.search_beam, length_penalty=settings.search_length_penalty)
    if settings.search != "auto":
        return SearchChoice(beam if settings.search == "beam" else SearchSettings(), "set by training.search")
    # A beam helps where a source has many correct translations, and hardly where it has one (docs/quality.md).
    default = beam if metric == "chrf" else SearchSettings()
    if not len(validation):
        return SearchChoice(default, "default, without validation pairs")
    if not set(search.model.signature.columns) <= {search.model.signature.source.name, "tags"}:
        return SearchChoice(default, "default, for a model with further inputs")
    if seconds < MIN_SECONDS:
        return SearchChoice(default, "default, since training was too short to compare searches")
    pairs, count = sample_sources(search.model.signature, validation, MAX_SOURCES, seed=settings.seed)
    began, trials = clock(), list[Trial]()
    for candidate in _candidates(beam, trials):
        if trials and (_enough(trials) or clock() - began + _expected(candidate, trials) > seconds):
            break
        if stopped():
            break
        start = clock()
        try:
            score = _score(evaluate(search, pairs, candidate), metric)
        except PasserelleError as error:  # such as too little memory for a wide beam; the model is worth more
            reason = f"default, since comparing searches failed: {error}"
            return SearchChoice(SearchSettings(), reason, metric, count, tuple(trials))
        trials.append(Trial(candidate.beam, candidate.length_penalty, score, round(clock() - start, 3)))
        report(trials[-1])
    if len(trials) < 2 and not _enough(trials):
        return SearchChoice(
            default, "default, since there was no time to compare searches", metric, count, tuple(trials)
        )
    best = max(trials, key=lambda trial: trial.score)  # the first of equal scores
    chosen = SearchSettings(beam=best.beam, length_penalty=best.length_penalty)
    return SearchChoice(chosen, "best on validation sources", metric, count, tuple(trials))


def _candidates(beam: SearchSettings, trials: list[Trial]) -> Iterator[SearchSettings]:
    """Yield the searches to compare; the last one depends on the trials of the others."""
    yield SearchSettings(length_penalty=beam.length_penalty)
    penalties = dict.fromkeys((beam.length_penalty, *LENGTH_PENALTIES))
    for penalty in penalties:
        yield SearchSettings(beam=beam.beam, length_penalty=penalty)
    best = max(trials[1:], key=lambda trial: trial.score)
    if WIDER * beam.beam <= 1024:
        yield SearchSettings(beam=WIDER * beam.beam, length_penalty=best.length_penalty)


def _enough(trials: list[Trial]) -> bool:
    return bool(trials) and trials[-1].score >= GOOD_ENOUGH


def _expected(candidate: SearchSettings, trials: list[Trial]) -> float:
    """Return the expected seconds of the next trial, from those before; another beam size compiles a program."""
    if candidate.beam == trials[-1].beam:
        return trials[-1].seconds
    return (BEAM_TIME if len(trials) == 1 else WIDER) * max(trial.seconds for trial in trials)


def _score(report: Report, metric: Metric) -> float:
    return report.chrf if metric == "chrf" else report.exact_match
