"""Minimum Bayes risk decoding: of many samples, the translation that is most similar to the others."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from passerelle.evaluation.pairwise import chrf_matrix, edit_similarity_matrix
from passerelle.inference.result import Result
from passerelle.settings import MBRUtility
from passerelle.text.tokenizer import Tokenizer

__all__ = ["rank_by_utility", "with_mean_utility"]


def rank_by_utility(samples: Sequence[Result], utility: MBRUtility, tokenizer: Tokenizer) -> list[Result]:
    """Return the distinct translations among samples, ranked by expected utility.

    The expected utility of a translation is its mean similarity to the other samples: an estimate of its expected
    quality if the references were distributed as the model says.

    Args:
        samples: the samples of one text, at least one. Impossible ones do not count.
        utility: `chrf`, the chrF with the other sample as the reference; `edit`, the similarity by edit distance of
            tokens if the target is pretokenized, otherwise of characters; `auto`, `edit` for a pretokenized target and
            `chrf` for all others.
        tokenizer: the target tokenizer.

    Returns:
        One result for each distinct text, best first; `normalized_score` is the expected utility, 0 to 100. Of equal
        texts, the result with the highest score represents all. A single possible sample has the utility 100.

    Source: Eikema and Aziz 2020, arXiv:2005.10283; chrF as in Freitag et al. 2022, arXiv:2111.09388. Deviation: a
    sample is not compared with itself, which changes the estimates but not the order.
    """
    possible = [sample for sample in samples if sample.score > -math.inf]
    if not possible:
        return [samples[0]]
    best: dict[str, Result] = {}
    for sample in sorted(possible, key=lambda sample: -sample.score):
        best.setdefault(sample.text, sample)
    texts = list(best)
    counts = np.array([sum(sample.text == text for sample in possible) for text in texts], np.float64)
    if len(texts) == 1:
        return [replace(best[texts[0]], normalized_score=100.0)]
    pretokenized = tokenizer.level == "pretokenized"
    if utility == "edit" or (utility == "auto" and pretokenized):
        similarity = edit_similarity_matrix([tokenizer.tokenize(text) if pretokenized else text for text in texts])
    else:
        similarity = chrf_matrix(texts)
    expected = (similarity @ counts - similarity.diagonal()) / (len(possible) - 1)
    order = np.argsort(-expected, kind="stable")
    return [replace(best[texts[place]], normalized_score=float(expected[place])) for place in order.tolist()]


def with_mean_utility(result: Result) -> Result:
    """Return the result of a text that was split with the mean expected utility of its parts."""
    if not result.part_results:
        return result
    utilities = [part.normalized_score for part, _ in result.part_results]
    return replace(result, normalized_score=sum(utilities) / len(utilities))
