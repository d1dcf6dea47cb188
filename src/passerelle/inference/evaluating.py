"""Evaluation: translate each distinct source and compare the translation with its references."""

import random
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from passerelle.data.pairs import Pairs, check_pairs, references
from passerelle.data.rows import padded_width
from passerelle.errors import DataError
from passerelle.evaluation.metrics import Report, score
from passerelle.fields.signature import Signature
from passerelle.inference.request import make_requests
from passerelle.inference.search import Search
from passerelle.settings import SearchSettings

__all__ = ["evaluate", "sample_sources", "translate_sources"]

LONGEST_SHARE = 0.05
"""Share of the sources, the longest ones, that are left out of a sample: their width would slow down the batch."""


def evaluate(search: Search, pairs: Iterable[tuple[str, ...]], settings: SearchSettings) -> Report:
    """Translate all distinct sources and score the translations. Rows that share a source count as its references.

    Args:
        search: the search of the model to evaluate.
        pairs: rows (source, target), or (source, target, tags) for a model with tags.
        settings: the search settings.

    Raises:
        DataError: if a row of `pairs` has another form, or there are no rows.
    """
    return translate_sources(search, pairs, settings)[0]


def translate_sources(
    search: Search, pairs: Iterable[tuple[str, ...]], settings: SearchSettings
) -> tuple[Report, list[tuple[str, str, list[str]]]]:
    """Evaluate as `evaluate` does; return also each source with its translation and its references."""
    signature = search.model.signature
    tagged = signature.tagged
    pairs = check_pairs(pairs, tagged=tagged)
    normalize = signature.target.tokenizer.normalize
    targets = references(pairs, keys=signature.input_keys(pairs.columns), normalize=normalize)
    if not targets:
        raise DataError("there are no pairs to evaluate on; `pairs` must contain a row without a blank text.")
    sources, tags = zip(*targets, strict=True)
    results = search(make_requests(sources, tags if tagged else None, signature), settings)
    report = score([normalize(best.text) for best, *_ in results], list(targets.values()))
    report = replace(report, split=sum(best.parts > 1 for best, *_ in results))
    texts = [best.text for best, *_ in results]
    return report, list(zip(sources, texts, targets.values(), strict=True))


def sample_sources(signature: Signature, pairs: Pairs, count: int, *, seed: int) -> tuple[Pairs, int]:
    """Return all rows of at most `count` random sources, without the longest ones, and the number of sources."""
    keys = signature.input_keys(pairs.columns)
    lengths = signature.encode_inputs(pairs.columns)[signature.source.name].lengths
    widest = padded_width(int(np.quantile(lengths, 1.0 - LONGEST_SHARE, method="lower")))
    short = dict.fromkeys(key for key, length in zip(keys, lengths.tolist(), strict=True) if length <= widest)
    distinct = list(short)
    chosen = set(random.Random(seed).sample(distinct, min(count, len(distinct))))
    rows = [row for row, key in enumerate(keys) if key in chosen]
    tags = None if pairs.tags is None else [pairs.tags[row] for row in rows]
    sources, targets = ([texts[row] for row in rows] for texts in (pairs.sources, pairs.targets))
    return Pairs(sources, targets, pairs.name, tags=tags), len(chosen)
