"""Copy ids: the target id of each source token, also of those that the target vocabulary does not contain.

The id of a source token without a target id is the size of the target vocabulary plus the position of its first
occurrence in its source. So a network can write tokens that are in no vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from passerelle.ragged import Ragged
from passerelle.special_tokens import END, UNK
from passerelle.text.tokenizer import Tokenizer

__all__ = ["copy_ids", "copy_targets", "target_tokens"]

Tokens = list[str]
"""The tokens of one text, as a tokenizer splits it."""


def copy_ids(sources: Iterable[Tokens], target: Tokenizer) -> Ragged:
    """Return the copy ids of each source, one for each of its tokens."""
    return Ragged.from_lists(ids for ids, _ in _source_ids(sources, target))


def copy_targets(sources: Iterable[Tokens], target: Tokenizer, targets: Sequence[str]) -> Ragged:
    """Return the target ids of `targets`, each with END; a token that only its source contains has its copy id."""
    id_of = target.vocabulary.id_of

    def rows() -> Iterator[list[int]]:
        for (_, copied), text in zip(_source_ids(sources, target), targets, strict=True):
            ids = ((token, id_of(token)) for token in target.tokenize(text))
            yield [*(copied.get(token, UNK) if identifier == UNK else identifier for token, identifier in ids), END]

    return Ragged.from_lists(rows())


def target_tokens(source: Tokens, target: Tokenizer, ids: np.ndarray) -> list[str]:
    """Return the tokens of target ids, some of which may be copy ids of tokens of `source`."""
    size = target.vocabulary.size
    return [target.vocabulary.token_of(i) if i < size else source[i - size] for i in ids.tolist()]


def _source_ids(sources: Iterable[Tokens], target: Tokenizer) -> Iterator[tuple[list[int], dict[str, int]]]:
    """Yield for each source the copy ids of its tokens, and a mapping of the tokens without a target id to copy ids."""
    id_of, size = target.vocabulary.id_of, target.vocabulary.size
    for tokens in sources:
        copied: dict[str, int] = {}
        ids = []
        for position, token in enumerate(tokens):
            identifier = id_of(token)
            ids.append(copied.setdefault(token, size + position) if identifier == UNK else identifier)
        yield ids, copied
