"""Deterministic finite automata over the bytes of UTF-8: which texts may be written.

They come of regular expressions (`patterns`), of lists of texts (`lexicon`) and of phrases (`phrases`), all in this
room; `constraints.lift` turns them into tables over a tokenizer's ids.
"""

from dataclasses import dataclass

import numpy as np

from passerelle.constraints.graph import Graph
from passerelle.errors import SettingsError

__all__ = ["MOST_STATES", "Automaton", "both", "check_states"]

MOST_STATES = 100_000
"""Each state takes 1 KiB."""


@dataclass(frozen=True, eq=False)
class Automaton:
    """A text is accepted if its bytes lead from state 0 to an accepting state.

    Attributes:
        table: int32 (states, 256): the state after each byte; -1 where there is no way on.
        accepting: bool (states,).
        progress: int32 (states,): how many bytes of required phrases are behind a state; 0 where none is required.
    """

    table: np.ndarray
    accepting: np.ndarray
    progress: np.ndarray

    def accepts(self, text: str) -> bool:
        """Whether `text` leads to an accepting state; a lone surrogate, which is no text, never does."""
        state = 0
        for byte in text.encode(errors="surrogatepass"):
            state = self.table[state, byte]
            if state < 0:
                return False
        return bool(self.accepting[state])

    def trimmed(self) -> "Automaton":
        """The same without states that no text reaches, or from which nothing is accepted; state 0 stays."""
        graph = Graph.of_table(self._by_class())
        kept = graph.distances(np.zeros(1, np.int64)) >= 0
        kept &= graph.reversed().distances(np.flatnonzero(self.accepting)) >= 0
        kept[0] = True
        return self._renumbered(np.where(kept, np.cumsum(kept) - 1, -1), np.flatnonzero(kept))

    def minimized(self) -> "Automaton":
        """The smallest automaton that accepts the same texts with the same progress after each.

        Source: Moore 1956, by rounds of splitting; but the first blocks know the shortest and the longest way to an
        end, and a round looks only at states that lead to what the round before has split (after Hopcroft 1971).
        """
        useful = self.trimmed()
        table = useful._by_class()
        graph = Graph.of_table(table)
        shortest = graph.reversed().distances(np.flatnonzero(useful.accepting))
        known = np.stack([useful.accepting, useful.progress, shortest, graph.heights()])
        _, labels = np.unique(known, axis=1, return_inverse=True)
        labels = _refined(table, labels.reshape(-1).astype(np.int64))
        _, members, blocks = np.unique(labels, return_index=True, return_inverse=True)
        order = np.argsort(members)  # by first members, so that state 0 stays 0
        return useful._renumbered(np.argsort(order)[blocks], members[order])

    def _by_class(self) -> np.ndarray:
        """int32 (states, classes): the table's distinct columns."""
        columns = np.ascontiguousarray(self.table.T)
        first = {column.tobytes(): byte for byte, column in enumerate(columns)}
        return np.ascontiguousarray(columns[list(first.values())].T)

    def _renumbered(self, number: np.ndarray, kept: np.ndarray) -> "Automaton":
        """Only the states `kept`, int (new states,); `number`, int (states,), is each old one's new number or -1."""
        number = np.append(number, -1).astype(np.int32)  # -1 stays -1
        return Automaton(number[self.table[kept]], self.accepting[kept], self.progress[kept])


def both(first: Automaton, second: Automaton) -> Automaton:
    """Accepts what both accept; progress is their sum. It holds only states that a text reaches.

    Raises:
        SettingsError: if it needs more than `MOST_STATES` states.
    """
    width = len(second.table)
    numbers = {0: 0}  # of pairs of states, each as one number
    frontier = np.zeros(1, np.int64)
    rows = []
    while len(frontier):
        left, right = first.table[frontier // width], second.table[frontier % width]
        rows.append(np.where((left >= 0) & (right >= 0), left.astype(np.int64) * width + right, -1))
        fresh = [pair for pair in np.unique(rows[-1]).tolist() if pair >= 0 and pair not in numbers]
        numbers.update(zip(fresh, range(len(numbers), len(numbers) + len(fresh)), strict=True))
        check_states(len(numbers))
        frontier = np.array(fresh, np.int64)
    pairs = np.fromiter(numbers, np.int64)
    order = np.argsort(pairs)
    after = np.concatenate(rows)
    place = np.searchsorted(pairs[order], after)
    table = np.where(after >= 0, order[place], -1).astype(np.int32)
    left, right = pairs // width, pairs % width
    return Automaton(
        table, first.accepting[left] & second.accepting[right], first.progress[left] + second.progress[right]
    )


def check_states(count: int) -> None:
    """Raises SettingsError if `count` is more states than an automaton may have."""
    if count > MOST_STATES:
        raise SettingsError(
            f"the constraint needs more than {MOST_STATES:,} states. Lower the bounds of its repeats, or give fewer or "
            f"shorter texts."
        )


def _refined(table: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Splits blocks of states until no byte leads two states of one block into different blocks.

    Args:
        table: int32 (states, columns), -1 where there is no way on.
        labels: int64 (states,), the block of each state, from 0.

    Returns:
        int64 (states,), the final blocks.
    """
    random = np.random.default_rng(0)
    behind = Graph.of_table(table).reversed()
    while not _stable(table, labels):
        # Rows of blocks are compared by a random sum; should two different rows ever share it, another sum is drawn.
        weights = random.integers(0, 2**64, table.shape[1], np.uint64)
        sums = np.empty(len(table), np.uint64)
        touched = np.arange(len(table))
        while len(touched):
            rows = np.append(labels, -1)[table[touched]].astype(np.uint64)
            sums[touched] = rows @ weights
            split = _split(labels, sums)
            touched = np.unique(behind.after(np.flatnonzero(split != labels)))
            labels = split
    return labels


def _split(labels: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Cuts each block by its states' sums; the largest part keeps its label, so that few states change."""
    order = np.lexsort((sums, labels))
    own, sums = labels[order], sums[order]
    first = np.append(True, (own[1:] != own[:-1]) | (sums[1:] != sums[:-1]))
    part = np.cumsum(first) - 1
    owner = own[first]  # (parts,)
    largest = np.lexsort((-np.bincount(part), owner))
    keeps = largest[np.append(True, owner[largest][1:] != owner[largest][:-1])]
    names = owner.copy()
    others = np.setdiff1d(np.arange(len(owner)), keeps)
    names[others] = labels.max() + 1 + np.arange(len(others))
    out = np.empty_like(labels)
    out[order] = names[part]
    return out


def _stable(table: np.ndarray, labels: np.ndarray) -> bool:
    """Whether all states of a block lead into the same blocks."""
    _, members, blocks = np.unique(labels, return_index=True, return_inverse=True)
    rows = np.append(labels, -1)[table]
    return bool((rows == rows[members[blocks]]).all())
