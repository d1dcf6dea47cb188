"""Ids for copying: what each source token is called on the target side, whether the target's vocabulary has it or not.

A source token without a target id is called by its place: the size of the target vocabulary plus the position of its
first occurrence in its source. So each text brings names of its own, and a network can write what it never saw.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from passerelle.ragged import Ragged
from passerelle.special_tokens import END, UNK
from passerelle.text.tokenizer import Tokenizer

__all__ = ["copy_ids", "copy_targets", "target_tokens"]

Tokens = list[str]
"""Those of one source, as a tokenizer splits it."""


def copy_ids(sources: Iterable[Tokens], target: Tokenizer) -> Ragged:
    """For each source the target ids of its tokens."""
    return Ragged.from_lists(ids for ids, _ in _named(sources, target))


def copy_targets(sources: Iterable[Tokens], target: Tokenizer, answers: Sequence[str]) -> Ragged:
    """Target ids of `answers`, END after each; tokens that only the source has go by their place in it."""
    id_of = target.vocabulary.id_of

    def rows() -> Iterator[list[int]]:
        for (_, places), answer in zip(_named(sources, target), answers, strict=True):
            ids = ((token, id_of(token)) for token in target.tokenize(answer))
            yield [*(places.get(token, UNK) if identifier == UNK else identifier for token, identifier in ids), END]

    return Ragged.from_lists(rows())


def target_tokens(source: Tokens, target: Tokenizer, ids: np.ndarray) -> list[str]:
    """The tokens of target ids, some of which may stand for tokens of the source."""
    size = target.vocabulary.size
    return [target.vocabulary.token_of(i) if i < size else source[i - size] for i in ids.tolist()]


def _named(sources: Iterable[Tokens], target: Tokenizer) -> Iterator[tuple[list[int], dict[str, int]]]:
    """For each source its tokens' target ids, and the places of those without one."""
    id_of, size = target.vocabulary.id_of, target.vocabulary.size
    for tokens in sources:
        places: dict[str, int] = {}
        ids = []
        for position, token in enumerate(tokens):
            identifier = id_of(token)
            ids.append(places.setdefault(token, size + position) if identifier == UNK else identifier)
        yield ids, places
