"""Nondeterministic automata over characters (Thompson 1968), and the sets of nodes that a text can lead to.

A node reads a character of one set, or nothing (an epsilon node). Two rules keep the sets small, so that repeats of
parts that may be empty, such as `(.?){3000}`, take linear time:

- A repeat of a part that may be empty repeats only the nonempty texts of this part, and then any number of times up to
  the upper bound. So `(a?){9}` becomes `a{0,9}`, and a repeat of a repeat becomes one repeat where both are equal.
- Of the equal nodes of the optional repeats of one part, only the one with the most repeats left remains in a set: it
  can read all that the others can.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from passerelle.constraints.code_points import Ranges, merged
from passerelle.constraints.expressions import Alternation, Characters, Concatenation, Expression, Repeat
from passerelle.constraints.limits import Steps

__all__ = ["END", "Nondeterministic"]

END = 0
"""The node at the end of the expression."""

_EPSILON = -1
_NO_ZONE = -1


@dataclass
class _Zone:
    """The nodes of the optional repeats of one part. They were added from the last repeat to the first.

    Attributes:
        begin: the first node.
        size: number of nodes of each repeat.
        outer: the number of the zone around it, or -1.
    """

    begin: int
    size: int
    outer: int


class Nondeterministic:
    """A nondeterministic automaton of an expression, built from its end to its start.

    Args:
        expression: the expression.
        steps: counts the steps.

    Attributes:
        sets: the distinct sets of characters.
        reads: for each node, the index of its set in `sets`; -1 for an epsilon node.
        heads: for each node, the nodes after it; a node that reads a character has one.
        start: the node at the start.

    Raises:
        SettingsError: if it takes too many steps.
    """

    def __init__(self, expression: Expression, steps: Steps):
        self.sets: list[Ranges] = []
        self.reads: list[int] = [_EPSILON]
        self.heads: list[tuple[int, ...]] = [()]
        self._steps = steps
        self._numbers: dict[Ranges, int] = {}
        self._zones: list[_Zone] = []
        self._zone = _NO_ZONE
        self._zone_of = [_NO_ZONE]
        self._may_be_empty: dict[int, bool] = {}  # by the identity of the expression, which may be shared by many
        self._closures: dict[int, frozenset[int]] = {}
        self._ranks: dict[int, list[tuple[tuple[int, int], int]]] = {}
        self.start = self._add(expression, END)

    def after(self, nodes: Iterable[int]) -> frozenset[int]:
        """Return the nodes that can be next at any of `nodes`: nodes that read a character, and `END`.

        Nodes are left out if another one can read all texts that they can.
        """
        closures = [self._closure(node) for node in nodes]
        if len(closures) == 1:
            return closures[0]
        self._steps.add(1 + sum(map(len, closures)) // 2)
        return self._undominated(frozenset().union(*closures))

    def _add(self, expression: Expression, after: int, *, nonempty: bool = False) -> int:
        """Add the nodes of `expression` before the node `after`; return the node at its start.

        If `nonempty`, only its texts of at least one character are added.
        """
        self._steps.add(4)
        match expression:
            case Characters(ranges):
                return self._node((after,), ranges)
            case Concatenation(parts):
                if nonempty and self._is_nullable(expression):
                    return self._add_nonempty(parts, after)
                for part in reversed(parts):
                    after = self._add(part, after)
                return after
            case Alternation(parts):
                sets = [part.ranges for part in parts if isinstance(part, Characters)]
                others = [part for part in parts if not isinstance(part, Characters)]
                heads = [self._node((after,), merged(pair for ranges in sets for pair in ranges))] if sets else []
                return self._node((*heads, *(self._add(part, after, nonempty=nonempty) for part in others)))
            case Repeat():
                return self._add_repeat(expression, after, nonempty=nonempty)

    def _add_nonempty(self, parts: tuple[Expression, ...], after: int) -> int:
        """Add a concatenation whose parts may all be empty, without the empty text; each part is added only once."""
        heads = []
        for part in reversed(parts):
            heads.append(self._add(part, after, nonempty=True))
            after = self._node((heads[-1], after))
        return self._node(tuple(heads))

    def _add_repeat(self, repeat: Repeat, after: int, *, nonempty: bool) -> int:
        part, least, most = repeat.part, repeat.least, repeat.most
        part_nonempty = self._is_nullable(part)
        least = 0 if part_nonempty else least
        least = max(least, 1) if nonempty else least
        while isinstance(part, Repeat):  # a repeat of a repeat
            low, high = (max(part.least, 1) if part_nonempty else part.least), part.most
            if self._is_nullable(part.part):
                low = 1
            # Repeats that are next to each other must leave no gap: those of k parts end at k * high, and the next
            # begin at (k + 1) * low.
            gapless = least == most or (high is None and least > 0) or (high and (least + 1) * low <= least * high + 1)
            if low > 1 and not gapless:
                break
            most = 0 if most == 0 or high == 0 else None if most is None or high is None else most * high
            least, part = least * low, part.part
            part_nonempty = self._is_nullable(part)
        if most is None:
            start = self._node((after,))
            self.heads[start] = (self._add(part, start, nonempty=part_nonempty), after)
        else:
            start = self._add_optional(part, most - least, after, nonempty=part_nonempty)
        for _ in range(least):
            start = self._add(part, start, nonempty=part_nonempty)
        return start

    def _add_optional(self, part: Expression, count: int, after: int, *, nonempty: bool) -> int:
        """Add up to `count` repeats of a part."""
        if count <= 0:  # below 0 where nothing remains, as of the nonempty texts of `a{0}`
            return after if count == 0 else self._node(())
        start, begin, outer = after, len(self.reads), self._zone
        self._zone = len(self._zones)
        self._zones.append(_Zone(begin, 0, outer))
        for number in range(count):
            start = self._node((self._add(part, start, nonempty=nonempty), after))
            if number == 0:
                self._zones[self._zone].size = len(self.reads) - begin
                if max(self.reads[begin:]) == _EPSILON:  # the part has no nonempty text
                    break
        self._zone = outer
        return start

    def _node(self, heads: tuple[int, ...], ranges: Ranges | None = None) -> int:
        """Add a node and return its number."""
        self.reads.append(_EPSILON if ranges is None else self._numbers.setdefault(ranges, len(self._numbers)))
        if len(self.sets) < len(self._numbers):
            self.sets.append(ranges or ())
        self.heads.append(heads)
        self._zone_of.append(self._zone)
        return len(self.reads) - 1

    def _is_nullable(self, expression: Expression) -> bool:
        """Return whether an expression matches the empty text."""
        key = id(expression)
        if key not in self._may_be_empty:
            self._steps.add(1)
            match expression:
                case Characters():
                    found = False
                case Concatenation(parts):
                    found = all(map(self._is_nullable, parts))
                case Alternation(parts):
                    found = any(map(self._is_nullable, parts))
                case Repeat(part, least, _):
                    found = least == 0 or self._is_nullable(part)
            self._may_be_empty[key] = found
        return self._may_be_empty[key]

    def _closure(self, node: int) -> frozenset[int]:
        """Return the nodes that can be next at one node."""
        if node not in self._closures:
            seen = {node}
            stack = [node]
            while stack:
                one = stack.pop()
                if self.reads[one] == _EPSILON:
                    fresh = [head for head in self.heads[one] if head not in seen]
                    seen.update(fresh)
                    stack += fresh
            self._steps.add(len(seen))
            self._closures[node] = self._undominated(
                frozenset(one for one in seen if one == END or self.reads[one] != _EPSILON)
            )
        return self._closures[node]

    def _undominated(self, nodes: frozenset[int]) -> frozenset[int]:
        """Remove the nodes of which a set contains an equal one in an earlier optional repeat of the same part."""
        repeated = [node for node in nodes if self._zone_of[node] != _NO_ZONE]
        if len(repeated) < 2:
            return nodes
        first: dict[tuple[int, int], int] = {}
        for node in repeated:
            for place, rank in self._rank(node):
                first[place] = max(rank, first.get(place, 0))
        return nodes.difference(
            node for node in repeated if any(first[place] > rank for place, rank in self._rank(node))
        )

    def _rank(self, node: int) -> list[tuple[tuple[int, int], int]]:
        """Return, for each zone around a node, its place within the repeat, and the number of repeats after this."""
        if node not in self._ranks:
            ranks = []
            number = self._zone_of[node]
            while number != _NO_ZONE:
                zone = self._zones[number]
                rank, offset = divmod(node - zone.begin, zone.size)
                ranks.append(((number, offset), rank))
                number = zone.outer
            self._steps.add(len(ranks))
            self._ranks[node] = ranks
        return self._ranks[node]
