"""Similarity of every text to every other one: chrF and edit distance, for minimum Bayes risk decoding."""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

__all__ = ["chrf_matrix", "edit_similarity_matrix"]

CHRF_ORDER = 6
"""chrF counts n-grams of one to this many characters."""

BETA = 2.0
"""Weight of recall in chrF2."""

MAX_CELLS = 2**24
"""Maximum number of cells of a matrix of n-grams; more n-grams are counted in several matrices."""


def chrf_matrix(texts: Sequence[str]) -> np.ndarray:
    """Return the chrF2 of each text with each text as its reference.

    Args:
        texts: any texts.

    Returns:
        float64 (texts, texts), 0 to 100: [i, j] is the sentence chrF of text i with reference j, as sacreBLEU computes
        it by default: n-grams of 1 to 6 characters without whitespace, averaged over the orders that both texts have.

    Source: Popović 2015, https://aclanthology.org/W15-3049.
    """
    size = len(texts)
    precision, recall, orders = (np.zeros((size, size)) for _ in range(3))
    for counts, matches in _ngram_matches(["".join(text.split()) for text in texts]):
        both = np.minimum(counts[:, None], counts[None, :]) > 0
        safe = np.maximum(counts, 1.0)
        precision += np.where(both, matches / safe[:, None], 0.0)
        recall += np.where(both, matches / safe[None, :], 0.0)
        orders += both
    precision, recall = precision / np.maximum(orders, 1.0), recall / np.maximum(orders, 1.0)
    divisor = BETA**2 * precision + recall
    return 100.0 * (1.0 + BETA**2) * precision * recall / np.where(divisor > 0.0, divisor, 1.0)


def _ngram_matches(texts: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each order the number of n-grams of each text, (texts,), and of matches of two texts, (texts, texts).

    The k-th occurrence of an n-gram in a text is one element of a set; two texts match as often as their sets have
    equal elements, so a product of 0/1 matrices counts all matches.
    """
    lengths = np.array([len(text) for text in texts])
    owner = np.repeat(np.arange(len(texts)), lengths)
    characters = np.array([ord(character) for text in texts for character in text], np.int64)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(characters))  # characters from here to the text's end
    ngrams = np.unique(characters, return_inverse=True)[1]
    letters, starts = ngrams, np.arange(len(characters))
    for order in range(1, CHRF_ORDER + 1):
        if order > 1:
            longer = left[starts] >= order
            starts, ngrams = starts[longer], ngrams[longer]
            ngrams = _numbered(ngrams, letters[starts + order - 1])
        owners = owner[starts]
        yield np.bincount(owners, minlength=len(texts)).astype(np.float64), _matches(owners, ngrams, len(texts))


def _matches(owners: np.ndarray, ngrams: np.ndarray, size: int) -> np.ndarray:
    """Return the number of matches of two texts, float64 (size, size), from all n-grams and the texts they are in."""
    order = np.lexsort((ngrams, owners))
    owners, ngrams = owners[order], ngrams[order]
    place = np.arange(len(order))
    is_first = np.ones(len(order), bool)
    is_first[1:] = (owners[1:] != owners[:-1]) | (ngrams[1:] != ngrams[:-1])
    occurrence = place - np.maximum.accumulate(np.where(is_first, place, 0))
    element = _numbered(ngrams, occurrence)
    total, width = np.zeros((size, size)), max(1, MAX_CELLS // size)
    for begin in range(0, int(element.max(initial=-1)) + 1, width):
        block = (element >= begin) & (element < begin + width)
        contains = np.zeros((size, min(width, int(element.max()) + 1 - begin)), np.float32)
        contains[owners[block], element[block] - begin] = 1.0
        total += contains @ contains.T
    return total


def _numbered(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return a number for each pair of numbers, the same for equal pairs, from 0."""
    return np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True)[1]


def edit_similarity_matrix(sequences: Sequence[Sequence[Hashable]]) -> np.ndarray:
    """Return the similarity of every two sequences by edit distance, float64 (n, n), 0 to 100.

    It is 1 minus the Levenshtein distance divided by the length of the longer sequence, in percent; 100 for two empty
    sequences.
    """
    from rapidfuzz.distance import Levenshtein

    similarity = np.full((len(sequences), len(sequences)), 100.0)
    for i, one in enumerate(sequences):
        for j in range(i):
            similarity[i, j] = similarity[j, i] = 100.0 * Levenshtein.normalized_similarity(one, sequences[j])
    return similarity
