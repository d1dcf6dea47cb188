"""What fine-tuning forgets: the scores of the model before and after, on old and on new validation pairs."""

import random
import time
from dataclasses import dataclass

import numpy as np

from passerelle.data.pairs import Pairs
from passerelle.fields.text import TextField
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
        output: the name of one of several outputs; empty for one output.
    """

    pairs: str
    count: int
    metric: Metric
    before: float
    after: float
    output: str = ""


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
        self._samples = {
            (group, output): _sample(own, seed)
            for group, pairs in groups.items()
            for output, own in pairs.by_output.items()
            if len(own) and isinstance(prepared.signature.outputs[output], TextField)
        }
        self._settings = prepared.settings.training
        self._before: dict[tuple[str, str], tuple[Metric, float]] = {}
        if prepared.fine_tuning is not None and self._samples:
            outputs = Translator(prepared.fine_tuning.origin.bundle).outputs
            for (group, output), pairs in self._samples.items():
                self._before[group, output] = self._score(outputs[output], pairs)
                if interruption is not None and interruption.requested:
                    raise Interrupted(interruption.signal)
        self.seconds = time.perf_counter() - began

    def compare(self, tuned: Translator) -> list[Comparison]:
        """Measure the tuned model; return the comparisons, first those on old pairs, if there are any."""
        outputs = tuned.outputs
        return [
            Comparison(
                group,
                len(self._samples[group, output]),
                metric,
                before,
                self._score(outputs[output], self._samples[group, output])[1],
                "" if output == "target" else output,
            )
            for (group, output), (metric, before) in self._before.items()
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
