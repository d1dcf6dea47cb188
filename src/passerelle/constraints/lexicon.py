"""Lists of texts as automata: what is on the list may be written, and nothing else."""

from collections.abc import Iterable

import numpy as np

from passerelle.constraints.automaton import Automaton, check_states
from passerelle.errors import DataError
from passerelle.text.vocabulary import require_utf8

__all__ = ["common_length", "of_texts"]

Node = tuple[bool, tuple[tuple[int, int], ...]]
"""Whether a text ends here, and the number of the node after each byte."""


def of_texts(texts: Iterable[str]) -> Automaton:
    """The smallest automaton that accepts these texts and no others.

    Raises:
        DataError: if there is no text, or one holds a lone surrogate.
        SettingsError: if there would be more than `MOST_STATES` states.

    Source: Daciuk et al. 2000, Incremental Construction of Minimal Acyclic Finite-State Automata, algorithm 1.
    """
    texts = set(texts)
    if not texts:
        raise DataError("a list of texts that may be written must hold at least one.")
    require_utf8("".join(texts))
    numbers: dict[Node, int] = {}
    # The nodes along the last word, which may still grow: whether a text ends there, and the nodes done behind them.
    path: list[tuple[bool, list[tuple[int, int]]]] = [(False, [])]
    before = b""
    for word in sorted(text.encode() for text in texts):
        shared = common_length(before, word)
        _close(path, before, shared, numbers)
        path += [(False, []) for _ in word[shared:]]
        path[-1] = (True, path[-1][1])
        before = word
    _close(path, before, 0, numbers)
    ends, ways = path[0]
    nodes = [*numbers, (ends, tuple(ways))]
    check_states(len(nodes))
    table = np.full((len(nodes), 256), -1, np.int32)
    for row, (_, ways) in enumerate(reversed(nodes)):  # the first node was done last
        for byte, node in ways:
            table[row, byte] = len(nodes) - 1 - node
    accepting = np.array([ends for ends, _ in reversed(nodes)])
    return Automaton(table, accepting, np.zeros(len(nodes), np.int32))


def common_length(first: bytes, second: bytes) -> int:
    """How many bytes both begin with."""
    for place, (one, other) in enumerate(zip(first, second, strict=False)):
        if one != other:
            return place
    return min(len(first), len(second))


def _close(path: list[tuple[bool, list[tuple[int, int]]]], word: bytes, length: int, numbers: dict[Node, int]) -> None:
    """Numbers the nodes of `path` beyond `length`; equal ones share a number."""
    while len(path) > length + 1:
        ends, ways = path.pop()
        number = numbers.setdefault((ends, tuple(ways)), len(numbers))
        path[-1][1].append((word[len(path) - 1], number))
    check_states(len(numbers))
