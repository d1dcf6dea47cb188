"""Evaluation: translate each distinct source and compare the translation with its references."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from passerelle.data.checking import check_pairs
from passerelle.data.pairs import Pairs, references
from passerelle.data.rows import padded_width
from passerelle.errors import DataError
from passerelle.evaluation.metrics import OutputsReport, Report, score
from passerelle.evaluation.regression import NumbersReport
from passerelle.fields.signature import Signature
from passerelle.inference.request import make_requests
from passerelle.inference.search import Search
from passerelle.settings import SearchSettings

__all__ = ["evaluate", "evaluate_outputs", "pairs_of_output", "sample_sources", "translate_sources"]

LONGEST_SHARE = 0.05
"""Share of the sources, the longest ones, that are left out of a sample: their width would slow down the batch."""


def evaluate(search: Search, pairs: Iterable[tuple[str, ...]], settings: SearchSettings) -> Report:
    """Translate all distinct sources and score the translations. Rows that share a source count as its references.

    Args:
        search: the search of the model to evaluate.
        pairs: rows (source, target), or (source, target, tags) for a model with tags. Of pairs with several outputs,
            that of the search is compared.
        settings: the search settings.

    Raises:
        DataError: if a row of `pairs` has another form, or there are no rows.
    """
    return translate_sources(search, pairs, settings)[0]


def pairs_of_output(pairs: Iterable[tuple[str, ...]], signature: Any) -> Pairs:
    """Check rows, and return them with the output of a signature with one output.

    Raises:
        DataError: if a row has another form, or they have other outputs.
    """
    checked = check_pairs(pairs, tagged=signature.tagged)
    if not checked.outputs:
        return checked
    output = signature.target.name
    if output not in checked.outputs:
        raise DataError(
            f"{checked.name} has the outputs {', '.join(checked.outputs)}, and the model writes {output!r}."
        )
    return checked.of_output(output)


def evaluate_outputs(
    signature: Signature,
    searches: Mapping[str, Search],
    pairs: Iterable[tuple[str, ...]],
    settings: Mapping[str, SearchSettings],
    numbers: Mapping[str, Callable[[Pairs], NumbersReport]],
) -> OutputsReport:
    """Evaluate each of several outputs, and count the sources of which all texts are right.

    Args:
        signature: the signature of the model.
        searches: the search of each output of text by name.
        pairs: rows (source, {output: text or numbers}), or with tags as a third entry; not every row needs each output.
        settings: the search settings of each output of text.
        numbers: for each output of numbers, a function pairs -> report.

    Raises:
        DataError: if a row of `pairs` has another form, or no row has an output.
    """
    checked = check_pairs(pairs, tagged=signature.tagged)
    if not checked.outputs:
        raise DataError(f"{checked.name} has one output, and the model has {', '.join(signature.outputs)}.")
    keys = dict(zip(checked.inputs(), signature.input_keys(checked.columns), strict=True))
    reports: dict[str, Any] = {}
    right = dict.fromkeys(keys.values(), True)
    for name, search in searches.items():
        normalize = search.model.signature.target.tokenizer.normalize
        reports[name], rows = translate_sources(search, checked, settings[name])
        for own_input, text, own_references in rows:
            right[keys[own_input]] &= normalize(text) in own_references
    reports |= {name: evaluate_numbers(checked) for name, evaluate_numbers in numbers.items()}
    in_order = {name: reports[name] for name in signature.outputs if name in reports}
    return OutputsReport(in_order, len(right), 100.0 * sum(right.values()) / len(right) if searches else None)


def translate_sources(
    search: Search, pairs: Iterable[tuple[str, ...]], settings: SearchSettings
) -> tuple[Report, list[tuple[tuple[Any, str], str, list[str]]]]:
    """Evaluate as `evaluate` does; return also each (source, tags) with its translation and its references."""
    signature = search.model.signature
    tagged = signature.tagged
    pairs = pairs_of_output(pairs, signature)
    normalize = signature.target.tokenizer.normalize
    targets = references(pairs, keys=signature.input_keys(pairs.columns), normalize=normalize)
    if not targets:
        raise DataError("there are no pairs to evaluate on; `pairs` must contain a row without a blank text.")
    sources, tags = zip(*targets, strict=True)
    results = search(make_requests(sources, tags if tagged else None, signature), settings)
    report = score([normalize(best.text) for best, *_ in results], list(targets.values()))
    report = replace(report, split=sum(best.parts > 1 for best, *_ in results))
    texts = [best.text for best, *_ in results]
    return report, list(zip(targets, texts, targets.values(), strict=True))


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
