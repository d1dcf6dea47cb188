"""Lists of allowed texts as automata."""

from collections.abc import Iterable

import numpy as np

from passerelle.constraints.automaton import Automaton
from passerelle.constraints.limits import check_states
from passerelle.errors import DataError
from passerelle.text.vocabulary import require_utf8

__all__ = ["common_length", "of_texts"]

Node = tuple[bool, tuple[tuple[int, int], ...]]
"""Whether a text ends here, and the number of the node after each byte."""


def of_texts(texts: Iterable[str]) -> Automaton:
    """Return the smallest automaton that accepts exactly these texts.

    Raises:
        DataError: if there is no text, or a text contains a lone surrogate.
        SettingsError: if it needs more than `MOST_STATES` states.

    Source: Daciuk et al. 2000, Incremental Construction of Minimal Acyclic Finite-State Automata, algorithm 1.
    """
    texts = set(texts)
    if not texts:
        raise DataError("the lexicon must contain at least one text, received: none.")
    require_utf8("".join(texts))
    numbers: dict[Node, int] = {}
    # The nodes along the last word, which may still gain transitions: whether a text ends there, and (byte, number of
    # the finished node).
    path: list[tuple[bool, list[tuple[int, int]]]] = [(False, [])]
    before = b""
    words = sorted(text.encode() for text in texts)
    check_states(max(map(len, words)))
    for word in words:
        shared = common_length(before, word)
        _finish(path, before, shared, numbers)
        path += [(False, []) for _ in word[shared:]]
        path[-1] = (True, path[-1][1])
        before = word
    _finish(path, before, 0, numbers)
    ends, transitions = path[0]
    nodes = [*numbers, (ends, tuple(transitions))]
    check_states(len(nodes))
    table = np.full((len(nodes), 256), -1, np.int32)
    for row, (_, transitions) in enumerate(reversed(nodes)):  # the start was finished last and becomes state 0
        for byte, node in transitions:
            table[row, byte] = len(nodes) - 1 - node
    accepting = np.array([ends for ends, _ in reversed(nodes)])
    return Automaton(table, accepting, np.zeros(len(nodes), np.int32))


def common_length(first: bytes, second: bytes) -> int:
    """Return the length of the longest common prefix."""
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))


def _finish(path: list[tuple[bool, list[tuple[int, int]]]], word: bytes, length: int, numbers: dict[Node, int]) -> None:
    """Number the nodes of `path` after the first `length` bytes of `word` and remove them; equal nodes are merged."""
    while len(path) > length + 1:
        ends, transitions = path.pop()
        number = numbers.setdefault((ends, tuple(transitions)), len(numbers))
        path[-1][1].append((word[len(path) - 1], number))
    check_states(len(numbers))
