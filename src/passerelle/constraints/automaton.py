"""Deterministic finite automata over UTF-8 bytes. An automaton accepts the texts that a constraint allows.

The other modules of this package build automata from regular expressions (`patterns`), lists of texts (`lexicon`) and
phrases (`phrases`). `constraints.lift` turns an automaton into tables over the token ids of a tokenizer.
"""

from dataclasses import dataclass

import numpy as np

from passerelle.constraints.graph import Graph
from passerelle.errors import SettingsError

__all__ = ["MOST_STATES", "Automaton", "check_states", "intersect"]

MOST_STATES = 100_000
"""Maximum number of states of an automaton; a state takes 1 KiB."""


@dataclass(frozen=True, eq=False)
class Automaton:
    """A deterministic automaton. It accepts a text if the text's bytes lead from state 0 to an accepting state.

    Attributes:
        table: int32 (states, 256), the next state after each byte; -1 where there is no transition.
        accepting: bool (states,).
        progress: int32 (states,), the number of bytes of required phrases matched in each state; 0 if no phrase is
            required.
    """

    table: np.ndarray
    accepting: np.ndarray
    progress: np.ndarray

    def accepts(self, text: str) -> bool:
        """Return whether `text` leads to an accepting state. A text with a lone surrogate never does."""
        state = 0
        for byte in text.encode(errors="surrogatepass"):
            state = self.table[state, byte]
            if state < 0:
                return False
        return bool(self.accepting[state])

    def trimmed(self) -> "Automaton":
        """Return the automaton without unreachable states and dead states; state 0 always remains."""
        graph = Graph.of_table(self._by_class())
        useful = graph.distances(np.zeros(1, np.int64)) >= 0
        useful &= graph.reversed().distances(np.flatnonzero(self.accepting)) >= 0
        useful[0] = True
        return self._renumbered(np.where(useful, np.cumsum(useful) - 1, -1), np.flatnonzero(useful))

    def minimized(self) -> "Automaton":
        """Return the smallest automaton that accepts the same texts and has the same progress after each prefix.

        Source: Moore 1956, partition refinement, with two changes. The initial blocks already separate states by the
        shortest and the longest path to an accepting state, and each round visits only the predecessors of the states
        whose block has changed (as in Hopcroft 1971).
        """
        useful = self.trimmed()
        table = useful._by_class()
        graph = Graph.of_table(table)
        shortest = graph.reversed().distances(np.flatnonzero(useful.accepting))
        known = np.stack([useful.accepting, useful.progress, shortest, graph.heights()])
        _, labels = np.unique(known, axis=1, return_inverse=True)
        labels = _refined(table, labels.reshape(-1).astype(np.int64))
        _, members, blocks = np.unique(labels, return_index=True, return_inverse=True)
        order = np.argsort(members)  # by first members, so that state 0 remains 0
        return useful._renumbered(np.argsort(order)[blocks], members[order])

    def _by_class(self) -> np.ndarray:
        """Return the distinct columns of the table, int32 (states, classes)."""
        columns = np.ascontiguousarray(self.table.T)
        first = {column.tobytes(): byte for byte, column in enumerate(columns)}
        return np.ascontiguousarray(columns[list(first.values())].T)

    def _renumbered(self, number: np.ndarray, states: np.ndarray) -> "Automaton":
        """Select `states`, int (new states,); `number`, int (old states,), is each old state's new number or -1."""
        number = np.append(number, -1).astype(np.int32)  # -1 remains -1
        return Automaton(number[self.table[states]], self.accepting[states], self.progress[states])


def intersect(first: Automaton, second: Automaton) -> Automaton:
    """Return an automaton that accepts the texts that both accept.

    It contains only reachable states. The progress of a state is the sum of the progress in both automata.

    Raises:
        SettingsError: if it needs more than `MOST_STATES` states.
    """
    width = len(second.table)
    numbers = {0: 0}  # the new number of each pair of states; a pair is encoded as first * width + second
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
    """Raise SettingsError if `count` exceeds `MOST_STATES`."""
    if count > MOST_STATES:
        raise SettingsError(
            f"the constraint needs more than {MOST_STATES:,} states. Lower the bounds of its repeats, or pass fewer or "
            f"shorter texts."
        )


def _refined(table: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Split blocks of states until no byte leads two states of one block into different blocks.

    Args:
        table: int32 (states, columns), -1 where there is no transition.
        labels: int64 (states,), the block of each state, from 0.

    Returns:
        int64 (states,), the final blocks.
    """
    random = np.random.default_rng(0)
    predecessors = Graph.of_table(table).reversed()
    while not _stable(table, labels):
        # Rows of blocks are compared by a random sum. If two different rows have the same sum, the next turn of the
        # outer loop uses other weights.
        weights = random.integers(0, 2**64, table.shape[1], np.uint64)
        sums = np.empty(len(table), np.uint64)
        touched = np.arange(len(table))
        while len(touched):
            rows = np.append(labels, -1)[table[touched]].astype(np.uint64)
            sums[touched] = rows @ weights
            split = _split(labels, sums)
            touched = np.unique(predecessors.after(np.flatnonzero(split != labels)))
            labels = split
    return labels


def _split(labels: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Split each block by its states' sums; the largest part keeps its label, so that few states change."""
    order = np.lexsort((sums, labels))
    own, sums = labels[order], sums[order]
    first = np.append(True, (own[1:] != own[:-1]) | (sums[1:] != sums[:-1]))
    part = np.cumsum(first) - 1
    owner = own[first]  # (parts,)
    largest = np.lexsort((-np.bincount(part), owner))
    unchanged = largest[np.append(True, owner[largest][1:] != owner[largest][:-1])]
    names = owner.copy()
    others = np.setdiff1d(np.arange(len(owner)), unchanged)
    names[others] = labels.max() + 1 + np.arange(len(others))
    out = np.empty_like(labels)
    out[order] = names[part]
    return out


def _stable(table: np.ndarray, labels: np.ndarray) -> bool:
    """Return whether all states of a block have transitions into the same blocks."""
    _, members, blocks = np.unique(labels, return_index=True, return_inverse=True)
    rows = np.append(labels, -1)[table]
    return bool((rows == rows[members[blocks]]).all())
