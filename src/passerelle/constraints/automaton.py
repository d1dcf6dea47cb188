"""Deterministic finite automata over UTF-8 bytes. An automaton accepts the texts that a constraint allows.

The other modules of this package build automata from regular expressions (`patterns`), lists of texts (`lexicon`) and
phrases (`phrases`). `constraints.lift` turns an automaton into tables over the token ids of a tokenizer.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from passerelle.constraints.graph import Graph
from passerelle.constraints.limits import Steps, check_states

__all__ = ["Automaton", "intersect"]

_ROWS = 4096
"""Rows of a table that are compared at once, so that copies of them are small."""


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
        return np.ascontiguousarray(self.table[:, _classes(self.table)[0]])

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
    steps = Steps()
    # Bytes that both automata treat alike share a column.
    (one, one_of), (other, other_of) = _classes(first.table), _classes(second.table)
    joint, class_of = np.unique(one_of * 256 + other_of, return_inverse=True)
    columns = first.table[:, one[joint // 256]], second.table[:, other[joint % 256]]
    width = len(second.table)
    numbers = {0: 0}  # the new number of each pair of states; a pair is encoded as first * width + second
    frontier = np.zeros(1, np.int64)
    rows = []
    while len(frontier):
        left, right = columns[0][frontier // width], columns[1][frontier % width]
        rows.append(np.where((left >= 0) & (right >= 0), left.astype(np.int64) * width + right, -1))
        steps.add_arrays(rows[-1].size)
        fresh = [pair for pair in np.unique(rows[-1]).tolist() if pair >= 0 and pair not in numbers]
        numbers.update(zip(fresh, range(len(numbers), len(numbers) + len(fresh)), strict=True))
        check_states(len(numbers))
        frontier = np.array(fresh, np.int64)
    pairs = np.fromiter(numbers, np.int64)
    order = np.argsort(pairs)
    after = np.concatenate(rows)
    place = np.searchsorted(pairs[order], after)
    table = np.where(after >= 0, order[place], -1).astype(np.int32)[:, class_of.reshape(-1)]
    left, right = pairs // width, pairs % width
    return Automaton(
        table, first.accepting[left] & second.accepting[right], first.progress[left] + second.progress[right]
    )


def _classes(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the bytes that have equal columns in a table.

    Args:
        table: int32 (states, 256).

    Returns:
        int (classes,), the first byte of each class; int (256,), the class of each byte.
    """
    numbers: dict[bytes, int] = {}  # by a digest, because a copy of the whole table might not fit
    digests = [hashlib.blake2b(table[:, byte].tobytes()).digest() for byte in range(table.shape[1])]
    classes = np.array([numbers.setdefault(digest, len(numbers)) for digest in digests])
    return np.unique(classes, return_index=True)[1], classes


def _refined(table: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Split blocks of states until no byte leads two states of one block into different blocks.

    Args:
        table: int32 (states, columns), -1 where there is no transition.
        labels: int64 (states,), the block of each state, from 0.

    Returns:
        int64 (states,), the final blocks.

    Raises:
        SettingsError: if it takes more than `MOST_STEPS` steps.
    """
    random = np.random.default_rng(0)
    predecessors = Graph.of_table(table).reversed()
    steps = Steps()
    while not _stable(table, labels):
        # Rows of blocks are compared by a random sum. If two different rows have the same sum, the next turn of the
        # outer loop uses other weights.
        blocks = _Blocks(table, labels, random.integers(0, 2**64, table.shape[1], np.uint64))
        touched = np.arange(len(table))
        while len(touched):
            steps.add_arrays(len(touched) * table.shape[1])
            touched = np.unique(predecessors.after(blocks.split(touched)))
        labels = blocks.labels[:-1]
    return labels


class _Blocks:
    """Blocks of states with equal rows, as far as known.

    Args:
        table: int32 (states, columns), -1 where there is no transition.
        labels: int64 (states,), the block of each state, from 0.
        weights: uint64 (columns,), random; a row of blocks is compared by its sum with these weights.

    Attributes:
        labels: int64 (states + 1,), the block of each state; -1 at the end, for a missing transition.
    """

    def __init__(self, table: np.ndarray, labels: np.ndarray, weights: np.ndarray):
        self.labels = np.append(labels, -1)
        self._table = table
        self._weights = weights
        self._count = int(labels.max()) + 1
        self._sizes = np.bincount(labels, minlength=len(table))  # of each block
        self._sums = np.zeros(len(table), np.uint64)  # of the rows of each block

    def split(self, touched: np.ndarray) -> np.ndarray:
        """Split the blocks of `touched`, int (n,), by these states' rows; return the states that have a new block.

        All other states must have the rows that they had at the previous call; the first call touches all states.
        The largest part of a block that is touched as a whole keeps its number, else the untouched part does.
        """
        own, sums = self.labels[touched], self._sums_of(touched)
        order = np.lexsort((sums, own))
        own, sums, touched = own[order], sums[order], touched[order]
        first = np.flatnonzero(np.append(True, (own[1:] != own[:-1]) | (sums[1:] != sums[:-1])))
        counts = np.diff(np.append(first, len(own)))
        owner, total = own[first], sums[first]  # of each part
        begin = np.append(True, owner[1:] != owner[:-1])
        block = np.cumsum(begin) - 1
        whole = np.bincount(block, counts)[block] == self._sizes[owner]
        largest = np.lexsort((-counts, owner))[begin]  # sorting leaves each block in its place
        stays = ~whole & (total == self._sums[owner])
        stays[largest] |= whole[largest]
        self._sums[owner[stays]] = total[stays]
        leaving = np.flatnonzero(~stays)
        labels = self._count + np.arange(len(leaving))
        self._count += len(leaving)
        np.subtract.at(self._sizes, owner[leaving], counts[leaving])
        self._sizes[labels], self._sums[labels] = counts[leaving], total[leaving]
        changed = touched[np.repeat(~stays, counts)]
        self.labels[changed] = np.repeat(labels, counts[leaving])
        return changed

    def _sums_of(self, states: np.ndarray) -> np.ndarray:
        """Return the sum of the row of each state, uint64 (n,)."""
        parts = [states[begin : begin + _ROWS] for begin in range(0, len(states), _ROWS)]
        return np.concatenate([self.labels[self._table[part]].astype(np.uint64) @ self._weights for part in parts])


def _stable(table: np.ndarray, labels: np.ndarray) -> bool:
    """Return whether all states of a block have transitions into the same blocks."""
    _, members, blocks = np.unique(labels, return_index=True, return_inverse=True)
    extended = np.append(labels, -1)
    return all(
        bool((extended[table[begin : begin + _ROWS]] == extended[table[members[blocks[begin : begin + _ROWS]]]]).all())
        for begin in range(0, len(table), _ROWS)
    )
