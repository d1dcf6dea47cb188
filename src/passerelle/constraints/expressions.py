"""Syntax trees of regular expressions, and their conversion to automata by way of a nondeterministic automaton."""

from array import array
from dataclasses import dataclass
from functools import cache

import numpy as np

from passerelle.constraints.automaton import Automaton, check_states
from passerelle.constraints.code_points import ALL_CODE_POINTS, Ranges, Transition, byte_transitions

__all__ = [
    "ANY_TEXT",
    "Alternation",
    "Characters",
    "Concatenation",
    "Expression",
    "Repeat",
    "any_text",
    "automaton_of",
    "literal",
]

NODES_PER_STATE = 5
"""The nondeterministic automaton may have this many times `MOST_STATES` nodes."""


@dataclass(frozen=True)
class Characters:
    """One character in these ranges."""

    ranges: Ranges


@dataclass(frozen=True)
class Concatenation:
    """One part after the other; the empty text if there is no part."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Alternation:
    """Any one of the parts."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Repeat:
    """The part, repeated `least` to `most` times; without an upper bound if `most` is None."""

    part: "Expression"
    least: int
    most: int | None


Expression = Characters | Concatenation | Alternation | Repeat

ANY_TEXT = Repeat(Characters(ALL_CODE_POINTS), 0, None)


def literal(text: str) -> Concatenation:
    """Return the expression that matches exactly `text`."""
    return Concatenation(tuple(Characters(((ord(character), ord(character)),)) for character in text))


@cache
def any_text() -> Automaton:
    """Return the automaton that accepts every text; bytes that are not valid UTF-8 are rejected."""
    return automaton_of(ANY_TEXT)


def automaton_of(expression: Expression) -> Automaton:
    """Return the smallest automaton that accepts the texts that `expression` matches in full.

    Raises:
        SettingsError: if it needs more than `MOST_STATES` states.
    """
    network = _Nondeterministic()
    end = network.add(expression, 0)
    return network.deterministic(end).minimized()


class _Nondeterministic:
    """A nondeterministic automaton (Thompson 1968): transitions read a byte, epsilon transitions read nothing.

    No transition of a part leads back to the node where the part starts, so a part can start at any node.
    """

    def __init__(self):
        self.transitions: list[list[Transition]] = [[]]
        self.epsilons: list[list[int]] = [[]]
        self._parts = 0
        self._closed: dict[int, tuple[int, ...]] = {}

    def add(self, expression: Expression, start: int) -> int:
        """Add the nodes of `expression` after the node `start`; return the node at its end."""
        self._parts += 1
        check_states((self._parts + len(self.transitions)) // NODES_PER_STATE)
        match expression:
            case Characters(ranges):
                return self._add_characters(ranges, start)
            case Concatenation(parts):
                for part in parts:
                    start = self.add(part, start)
                return start
            case Alternation(parts):
                end = self._node()
                for part in parts:
                    self.epsilons[self.add(part, start)].append(end)
                return end
            case Repeat(part, least, most):
                return self._add_repeat(part, least, most, start)

    def _add_characters(self, ranges: Ranges, start: int) -> int:
        fragment = byte_transitions(ranges)
        end = self._node()
        nodes = [end, *(self._node() for _ in fragment[1:-1]), start]
        for node, transitions in zip(nodes, fragment, strict=True):
            self.transitions[node] += [(low, high, nodes[head]) for low, high, head in transitions]
        return end

    def _add_repeat(self, part: Expression, least: int, most: int | None, start: int) -> int:
        for _ in range(least):
            start = self.add(part, start)
        if most is None:
            loop = self._node()
            self.epsilons[start].append(loop)
            self.epsilons[self.add(part, loop)].append(loop)
            end = self._node()
            self.epsilons[loop].append(end)
            return end
        end = self._node()
        for _ in range(most - least):
            self.epsilons[start].append(end)
            start = self.add(part, start)
        self.epsilons[start].append(end)
        return end

    def _node(self) -> int:
        self.transitions.append([])
        self.epsilons.append([])
        return len(self.transitions) - 1

    def deterministic(self, end: int) -> Automaton:
        """Return the deterministic automaton by the subset construction (Rabin and Scott 1959).

        A state is the set of all nodes that a text can lead to.
        """
        first = frozenset(self._closure(0, end))
        numbers = {first: 0}
        queue = [first]
        cells = array("i")
        for nodes in queue:
            row = [-1] * 256
            for low, high, heads in self._steps(nodes):
                after = frozenset().union(*(self._closure(head, end) for head in heads))
                number = numbers.setdefault(after, len(numbers))
                if number == len(queue):
                    queue.append(after)
                row[low : high + 1] = [number] * (high + 1 - low)
            check_states(len(queue))
            cells.extend(row)
        table = np.frombuffer(cells, np.int32).reshape(-1, 256)
        accepting = np.array([end in nodes for nodes in queue])
        return Automaton(table, accepting, np.zeros(len(table), np.int32))

    def _closure(self, node: int, end: int) -> tuple[int, ...]:
        """Return the epsilon closure of `node`, reduced to nodes that read a byte and the end."""
        if node not in self._closed:
            seen = {node}
            stack = [node]
            while stack:
                fresh = [head for head in self.epsilons[stack.pop()] if head not in seen]
                seen.update(fresh)
                stack += fresh
            self._closed[node] = tuple(one for one in seen if self.transitions[one] or one == end)
        return self._closed[node]

    def _steps(self, nodes: frozenset[int]) -> list[tuple[int, int, set[int]]]:
        """Return disjoint byte ranges, each with the set of nodes that its bytes lead to from `nodes`."""
        transitions = [transition for node in nodes for transition in self.transitions[node]]
        if len(transitions) == 1:
            low, high, head = transitions[0]
            return [(low, high, {head})]
        cuts = sorted({low for low, _, _ in transitions} | {high + 1 for _, high, _ in transitions})
        place = {cut: index for index, cut in enumerate(cuts)}
        heads: list[set[int]] = [set() for _ in cuts]
        for low, high, head in transitions:
            for index in range(place[low], place[high + 1]):
                heads[index].add(head)
        return [(low, cuts[index + 1] - 1, heads[index]) for index, low in enumerate(cuts[:-1]) if heads[index]]
