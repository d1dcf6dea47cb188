"""Translations of a sample of validation sources after each epoch, for metrics and as samples to read."""

import random
from collections.abc import Callable

from passerelle.inference.evaluating import sample_sources, translate_sources
from passerelle.preparation import Prepared
from passerelle.settings import SearchSettings
from passerelle.training.history import Sample, Translations
from passerelle.translator import Translator

__all__ = ["validation_sampler"]


def validation_sampler(prepared: Prepared, translator: Translator) -> Callable[[], Translations] | None:
    """Return a function that translates `training.metric_sources` validation sources by greedy search.

    The sources depend only on the seed. The longest ones are not among them, so that a batch is a small array.

    Returns:
        None if there are no validation pairs, or the model has inputs for which no texts can be translated.
    """
    settings, signature = prepared.settings.training, translator.bundle.signature
    if not len(prepared.validation) or not set(signature.columns) <= {signature.source.name, "tags"}:
        return None
    pairs, _ = sample_sources(signature, prepared.validation, settings.metric_sources, seed=settings.seed)

    def translate() -> Translations:
        report, rows = translate_sources(translator._search, pairs, SearchSettings())
        samples = [Sample(source, text, references[0]) for source, text, references in rows]
        random.Random(settings.seed).shuffle(samples)  # their order in the file may have a reason
        return Translations(report.chrf, report.exact_match, tuple(samples))

    return translate
