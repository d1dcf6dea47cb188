"""What fine-tuning forgets: the scores of the model before and after, on old and on new validation pairs."""

import random
import time
from dataclasses import dataclass

import numpy as np

from passerelle.data.pairs import Pairs
from passerelle.inference.search_choice import Metric, choose_metric
from passerelle.preparation import Prepared
from passerelle.training.callbacks.interruption import Interrupted, Interruption
from passerelle.translator import Translator

__all__ = ["Comparison", "Forgetting"]

MAX_PAIRS = 500
"""Maximum number of pairs of a comparison: enough for a stable score, and translated in seconds."""


@dataclass(frozen=True)
class Comparison:
    """The scores of greedy translations before and after fine-tuning.

    Attributes:
        pairs: the validation pairs in words, `old` or `new`.
        count: number of these pairs.
        metric: `chrf` or `exact`; see `choose_metric`.
        before: score of the model from which training started, 0 to 100.
        after: score of the tuned model.
    """

    pairs: str
    count: int
    metric: Metric
    before: float
    after: float


class Forgetting:
    """Measures the model before fine-tuning, when it is created, and afterwards.

    Args:
        prepared: prepared data, with `fine_tuning`.
        interruption: receives the signals that end training.

    Raises:
        Interrupted: if such a signal arrives: nothing was trained.

    Attributes:
        seconds: time that the first measurement took, which the second one will take too.
    """

    def __init__(self, prepared: Prepared, interruption: Interruption | None = None):
        began = time.perf_counter()
        groups = {"old": prepared.old_validation, "new": prepared.validation}
        seed = prepared.settings.training.seed
        self._samples = {name: _sample(pairs, seed) for name, pairs in groups.items() if pairs}
        self._settings = prepared.settings.training
        self._before: dict[str, tuple[Metric, float]] = {}
        if prepared.fine_tuning is not None and self._samples:
            model = Translator(prepared.fine_tuning.origin.bundle)
            for name, pairs in self._samples.items():
                self._before[name] = self._score(model, pairs)
                if interruption is not None and interruption.requested:
                    raise Interrupted(interruption.signal)
        self.seconds = time.perf_counter() - began

    def compare(self, tuned: Translator) -> list[Comparison]:
        """Measure the tuned model; return the comparisons, first that on old pairs, if there are any."""
        return [
            Comparison(name, len(self._samples[name]), metric, before, self._score(tuned, self._samples[name])[1])
            for name, (metric, before) in self._before.items()
        ]

    def _score(self, translator: Translator, pairs: Pairs) -> tuple[Metric, float]:
        metric = choose_metric(self._settings, pairs.targets, pretokenized=translator.target.level == "pretokenized")
        report = translator.evaluate(pairs, beam=1)
        return metric, report.exact_match if metric == "exact" else report.chrf


def _sample(pairs: Pairs, seed: int) -> Pairs:
    """Return at most `MAX_PAIRS` of the pairs, in their order."""
    if len(pairs) <= MAX_PAIRS:
        return pairs
    return pairs.select(np.sort(random.Random(seed).sample(range(len(pairs)), MAX_PAIRS)))
