"""Evaluation: translate each distinct source and compare the translation with its references."""

from collections.abc import Iterable
from dataclasses import replace

from passerelle.data.pairs import check_pairs, references
from passerelle.errors import DataError
from passerelle.evaluation.metrics import Report, score
from passerelle.inference.request import make_requests
from passerelle.inference.search import Search
from passerelle.settings import SearchSettings

__all__ = ["evaluate"]


def evaluate(search: Search, pairs: Iterable[tuple[str, ...]], settings: SearchSettings) -> Report:
    """Translate all distinct sources and score the translations. Rows that share a source count as its references.

    Args:
        search: the search of the model to evaluate.
        pairs: rows (source, target), or (source, target, tags) for a model with tags.
        settings: the search settings.

    Raises:
        DataError: if a row of `pairs` has another form, or there are no rows.
    """
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
    return replace(report, split=sum(best.parts > 1 for best, *_ in results))
