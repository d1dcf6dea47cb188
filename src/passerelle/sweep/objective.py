"""The value of a trained translator, and the values at validations by which bad trials are pruned."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from passerelle.preparation import Prepared
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import Interval, criterion
from passerelle.translator import Translator

__all__ = ["MAX_SOURCES", "Metric", "Objective", "ReportValidations", "per_character"]

Metric = Literal["chrf", "exact", "loss"]
"""chrF or exact match of translations of validation sources, 0 to 100; or the validation loss in nats per character."""

MAX_SOURCES = 512
"""Maximum number of validation pairs whose sources are translated."""


@dataclass(frozen=True)
class Objective:
    """The value that a sweep optimizes.

    The loss counts per character of the targets, END included, since losses per token of different tokens cannot be
    compared. The loss ignores unknown tokens if the network cannot write them, which favours small vocabularies; then
    chrF is fairer.

    With several outputs, scores of translations are means over the outputs that have validation pairs. The loss is that
    of training, which weights the tokens of each output, per character of the targets of all outputs.

    Attributes:
        metric: the metric of trained translators.
        pruning: `training.metric` of all trials, by which they are compared at validations.
    """

    metric: Metric
    pruning: Metric = "loss"

    @property
    def maximized(self) -> bool:
        """Whether larger values are better."""
        return self.metric != "loss"

    def value(self, translator: Translator, prepared: Prepared) -> float:
        """Return the value of a translator with its stored search, on the validation pairs."""
        if self.metric == "loss":
            kept = translator.record["kept_interval"]
            interval = next(each for each in translator.record["epochs"] if each["number"] == kept)
            return per_character(interval["validation_loss"], prepared)
        pairs = {name: each[:MAX_SOURCES] for name, each in prepared.validation.by_output.items() if len(each)}
        reports = [output.evaluate(pairs[name]) for name, output in translator.outputs.items() if name in pairs]
        return float(np.mean([each.exact_match if self.metric == "exact" else each.chrf for each in reports]))

    def interval_value(self, interval: Interval, prepared: Prepared) -> float:
        """Return the value at a validation by the metric `pruning`, in the direction of `value`."""
        value = criterion(interval, self.pruning)
        if self.pruning == "loss":
            value = per_character(value, prepared)
        return -value if self.maximized else value


def per_character(loss: float, prepared: Prepared) -> float:
    """Return a validation loss in nats per character of the validation texts, each with one END.

    It is the loss itself if there are no texts.
    """
    if prepared.validation_batches is None:
        return loss
    pairs = [
        each for name, each in prepared.validation.by_output.items() if name not in prepared.validation.number_outputs
    ]
    tokens = sum(len(ids.values) for ids in prepared.validation_batches.targets.values() if ids.values.ndim == 1)
    characters = sum(len(target) + 1 for each in pairs for target in each.targets)
    return loss * tokens / characters if characters else loss


class ReportValidations(Callback):
    """Report the results of each validation, and check after each update whether the sweep goes on.

    Args:
        report: receives the results of each interval with a validation loss; may raise an exception to end the
            training.
        check: called after each update; may raise an exception too.
    """

    def __init__(self, report: Callable[[Interval], None], check: Callable[[], None]):
        self._report, self._check = report, check

    def on_update_end(self, run: Run) -> None:
        self._check()

    def on_validation_end(self, run: Run) -> None:
        interval = run.state.history[-1]
        if interval.validation_loss is not None:
            self._report(interval)
