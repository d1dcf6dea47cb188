"""Expressions to deterministic automata: the subset construction over characters, then the bytes of each character."""

from functools import cache
from itertools import chain, pairwise

import numpy as np

from passerelle.constraints.automaton import Automaton
from passerelle.constraints.code_points import Ranges, byte_transitions, merged, partition
from passerelle.constraints.expressions import ANY_TEXT, Expression
from passerelle.constraints.limits import Steps, check_states
from passerelle.constraints.nondeterministic import END, Nondeterministic

__all__ = ["any_text", "automaton_of"]


@cache
def any_text() -> Automaton:
    """Return the automaton that accepts every text; bytes that are not valid UTF-8 are rejected."""
    return automaton_of(ANY_TEXT)


def automaton_of(expression: Expression) -> Automaton:
    """Return the smallest automaton that accepts the texts that `expression` matches in full.

    Raises:
        SettingsError: if it needs more than `MOST_STATES` states or `MOST_STEPS` steps.
    """
    return _Subsets(expression).automaton().minimized()


class _Subsets:
    """The subset construction (Rabin and Scott 1959): a state is the set of all nodes that a text can lead to."""

    def __init__(self, expression: Expression):
        self._steps = Steps()
        self._nodes = Nondeterministic(expression, self._steps)
        self._partitions: dict[tuple[int, ...], list[tuple[tuple[int, ...], Ranges]]] = {}
        self._numbers: dict[frozenset[int], int] = {}
        self._inner: dict[tuple[int, ...], int] = {}  # the states within a character, by their transitions

    def automaton(self) -> Automaton:
        """Return the automaton over bytes."""
        first = self._nodes.after([self._nodes.start])
        self._numbers[first] = 0
        queue = [first]
        rows = []
        for nodes in queue:
            characters = self._characters(nodes, queue)
            rows.append(self._bytes(characters))
            check_states(len(queue) + len(self._inner))
        rows += self._inner
        accepting = np.zeros(len(rows), bool)
        accepting[: len(queue)] = [END in nodes for nodes in queue]
        return Automaton(_table(rows, len(queue)), accepting, np.zeros(len(rows), np.int32))

    def _characters(self, nodes: frozenset[int], queue: list[frozenset[int]]) -> list[tuple[Ranges, int]]:
        """Return the characters that lead from a state to each other state; append new states to `queue`."""
        reads, heads = self._nodes.reads, self._nodes.heads
        after: dict[int, list[int]] = {}
        for node in nodes:
            if node != END:
                after.setdefault(reads[node], []).append(heads[node][0])
        self._steps.add(4 + len(nodes) // 2)
        found: dict[int, list[Ranges]] = {}
        for members, ranges in self._partition(tuple(sorted(after))):
            state = self._nodes.after(head for member in members for head in after[member])
            number = self._numbers.setdefault(state, len(self._numbers))
            if number == len(queue):
                queue.append(state)
            found.setdefault(number, []).append(ranges)
        return [
            (sets[0] if len(sets) == 1 else merged(pair for ranges in sets for pair in ranges), number)
            for number, sets in found.items()
        ]

    def _partition(self, sets: tuple[int, ...]) -> list[tuple[tuple[int, ...], Ranges]]:
        """Divide the characters of overlapping sets; see `code_points.partition`. Members are numbers of sets."""
        if sets not in self._partitions:
            parts = partition([self._nodes.sets[number] for number in sets], self._steps) if sets else []
            self._partitions[sets] = [(tuple(sets[index] for index in members), ranges) for members, ranges in parts]
        self._steps.add(len(self._partitions[sets]))
        return self._partitions[sets]

    def _bytes(self, characters: list[tuple[Ranges, int]]) -> tuple[int, ...]:
        """Return the transitions of a state by bytes, as (first byte, last byte, head) one after the other.

        A state within a character, which is added, has the number ~n as a head.
        """
        heads: list[int] = []  # the number of each node of the graph
        row: tuple[int, ...] = ()
        for transitions in byte_transitions(tuple(ranges for ranges, _ in characters)):
            if row:
                heads.append(~self._inner.setdefault(row, len(self._inner)))
            row = tuple(
                number
                for low, high, head in transitions
                for number in (low, high, characters[~head][1] if head < 0 else heads[head])
            )
            self._steps.add(1 + len(transitions) // 4)
        return row


def _table(rows: list[tuple[int, ...]], states: int) -> np.ndarray:
    """Return the table of an automaton, int32 (rows, 256).

    Args:
        rows: the transitions of each state, see `_Subsets._bytes`.
        states: the number of states that are not within a character; these come first.
    """
    lows, highs, heads = np.fromiter(chain.from_iterable(rows), np.int32).reshape(-1, 3).T
    tails = np.repeat(np.arange(len(rows)), np.fromiter((len(row) // 3 for row in rows), np.int64, len(rows)))
    heads = np.where(heads < 0, states + ~heads, heads)
    cuts = np.unique(np.concatenate([[0], lows, highs + 1]))  # bytes at which a range of bytes begins
    table = np.full((len(rows), 256), -1, np.int32)
    for low, after in pairwise([*cuts.tolist(), 256]):
        inside = (lows <= low) & (low <= highs)
        table[tails[inside], low:after] = heads[inside, None]
    return table
