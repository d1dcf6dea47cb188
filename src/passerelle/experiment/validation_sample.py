"""Translations of a sample of validation sources at each validation, for metrics and as samples to read."""

import random
from collections.abc import Callable, Mapping

import numpy as np

from passerelle.inference.evaluating import sample_sources, translate_sources
from passerelle.preparation import Prepared
from passerelle.settings import SearchSettings
from passerelle.training.history import Sample, Translations
from passerelle.translator import Translator

__all__ = ["validation_sampler"]


def validation_sampler(prepared: Prepared, outputs: Mapping[str, Translator]) -> Callable[[], Translations] | None:
    """Return a function that translates `training.metric_sources` validation sources by greedy search.

    The sources depend only on the seed. The longest ones are not among them, so that a batch is a small array. With
    several outputs, each has its own sample; the scores are means over the outputs that have validation pairs, and the
    samples to read are those of the first of them.

    Args:
        prepared: prepared data.
        outputs: the translator of each output by name.

    Returns:
        None if there are no validation pairs with texts, or the model has inputs for which no texts can be translated.
    """
    settings, signature = prepared.settings.training, prepared.signature
    if not len(prepared.validation) or not set(signature.columns) <= {signature.source.name, "tags"}:
        return None
    sampled = [
        (outputs[name], sample_sources(signature, pairs, settings.metric_sources, seed=settings.seed)[0])
        for name, pairs in prepared.validation.by_output.items()
        if len(pairs) and name in outputs
    ]
    if not sampled:
        return None

    def translate() -> Translations:
        found = [translate_sources(output._search, pairs, SearchSettings()) for output, pairs in sampled]
        samples = [Sample(source, text, references[0]) for (source, _), text, references in found[0][1]]
        random.Random(settings.seed).shuffle(samples)  # their order in the file may have a reason
        chrf = float(np.mean([report.chrf for report, _ in found]))
        exact_match = float(np.mean([report.exact_match for report, _ in found]))
        return Translations(chrf, exact_match, tuple(samples))

    return translate
