"""Regular expressions as trees, and their automata: laid out with choices (an NFA), then made deterministic."""

from array import array
from dataclasses import dataclass
from functools import cache

import numpy as np

from passerelle.constraints.automaton import Automaton, check_states
from passerelle.constraints.code_points import EVERY, Ranges, Way, byte_ways

__all__ = ["ANYTHING", "Chain", "Characters", "Choice", "Expression", "Repeat", "any_text", "automaton_of", "literal"]

NODES_OF_A_STATE = 5
"""How many times more nodes than states there may be."""


@dataclass(frozen=True)
class Characters:
    """One character of these ranges."""

    ranges: Ranges


@dataclass(frozen=True)
class Chain:
    """One part after the other; without parts, the empty text."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Choice:
    """Any one of the parts."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True)
class Repeat:
    """The part from `least` to `most` times; None is without bound."""

    part: "Expression"
    least: int
    most: int | None


Expression = Characters | Chain | Choice | Repeat

ANYTHING = Repeat(Characters(EVERY), 0, None)


def literal(text: str) -> Chain:
    """`text` itself."""
    return Chain(tuple(Characters(((ord(character), ord(character)),)) for character in text))


@cache
def any_text() -> Automaton:
    """Accepts every text, and no bytes that are not UTF-8."""
    return automaton_of(ANYTHING)


def automaton_of(expression: Expression) -> Automaton:
    """The smallest automaton that accepts the texts that `expression` describes as a whole.

    Raises:
        SettingsError: if there would be more than `MOST_STATES` states.
    """
    layout = _Layout()
    end = layout.add(expression, 0)
    return layout.deterministic(end).minimized()


class _Layout:
    """An NFA after Thompson 1968: ways that read a byte, and jumps that read nothing.

    Nothing leads back into the node at which a part was begun, so a part can begin at any node.
    """

    def __init__(self):
        self.ways: list[list[Way]] = [[]]
        self.jumps: list[list[int]] = [[]]
        self._parts = 0
        self._closed: dict[int, tuple[int, ...]] = {}

    def add(self, expression: Expression, begin: int) -> int:
        """Lays `expression` out from the node `begin`; returns the node at its end."""
        self._parts += 1
        check_states((self._parts + len(self.ways)) // NODES_OF_A_STATE)
        match expression:
            case Characters(ranges):
                return self._add_characters(ranges, begin)
            case Chain(parts):
                for part in parts:
                    begin = self.add(part, begin)
                return begin
            case Choice(parts):
                end = self._node()
                for part in parts:
                    self.jumps[self.add(part, begin)].append(end)
                return end
            case Repeat(part, least, most):
                return self._add_repeat(part, least, most, begin)

    def _add_characters(self, ranges: Ranges, begin: int) -> int:
        fragment = byte_ways(ranges)
        end = self._node()
        nodes = [end, *(self._node() for _ in fragment[1:-1]), begin]
        for node, ways in zip(nodes, fragment, strict=True):
            self.ways[node] += [(low, high, nodes[head]) for low, high, head in ways]
        return end

    def _add_repeat(self, part: Expression, least: int, most: int | None, begin: int) -> int:
        for _ in range(least):
            begin = self.add(part, begin)
        if most is None:
            ring = self._node()
            self.jumps[begin].append(ring)
            self.jumps[self.add(part, ring)].append(ring)
            end = self._node()
            self.jumps[ring].append(end)
            return end
        end = self._node()
        for _ in range(most - least):
            self.jumps[begin].append(end)
            begin = self.add(part, begin)
        self.jumps[begin].append(end)
        return end

    def _node(self) -> int:
        self.ways.append([])
        self.jumps.append([])
        return len(self.ways) - 1

    def deterministic(self, end: int) -> Automaton:
        """Subset construction (Rabin and Scott 1959): a state is the set of all nodes that a text can lead to."""
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
        """The nodes that `node` reaches by jumps alone, as far as they read a byte or are the end."""
        if node not in self._closed:
            seen = {node}
            stack = [node]
            while stack:
                fresh = [head for head in self.jumps[stack.pop()] if head not in seen]
                seen.update(fresh)
                stack += fresh
            self._closed[node] = tuple(one for one in seen if self.ways[one] or one == end)
        return self._closed[node]

    def _steps(self, nodes: frozenset[int]) -> list[tuple[int, int, set[int]]]:
        """First byte, last byte and the nodes they lead to, for ranges that no way out of `nodes` divides."""
        ways = [way for node in nodes for way in self.ways[node]]
        if len(ways) == 1:
            low, high, head = ways[0]
            return [(low, high, {head})]
        cuts = sorted({low for low, _, _ in ways} | {high + 1 for _, high, _ in ways})
        place = {cut: index for index, cut in enumerate(cuts)}
        heads: list[set[int]] = [set() for _ in cuts]
        for low, high, head in ways:
            for index in range(place[low], place[high + 1]):
                heads[index].add(head)
        return [(low, cuts[index + 1] - 1, heads[index]) for index, low in enumerate(cuts[:-1]) if heads[index]]
