"""Directed graphs as arrays of edges, with the lengths of shortest and longest paths."""

import numpy as np

__all__ = ["Graph"]

FEW = 8
"""Up to this number of nodes, a loop in Python is faster than NumPy. Long chains have one node at each distance."""


class Graph:
    """A directed multigraph of the nodes 0 to `count` - 1.

    Args:
        count: number of nodes.
        tails: int (edges,), the node where each edge starts.
        heads: int (edges,), the node where each edge ends.
    """

    def __init__(self, count: int, tails: np.ndarray, heads: np.ndarray):
        self.count = count
        self._heads = heads[np.argsort(tails, kind="stable")]
        self._degrees = np.bincount(tails, minlength=count)
        self._offsets = np.concatenate([[0], np.cumsum(self._degrees)])

    @classmethod
    def of_table(cls, table: np.ndarray) -> "Graph":
        """Return the graph with an edge from each row of `table`, int (count, columns), to each number in it but -1.

        A row has one edge to a number that it contains several times.
        """
        ordered = np.sort(table, axis=1)
        distinct = ordered >= 0
        distinct[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
        tails = np.repeat(np.arange(len(table), dtype=np.int32), distinct.sum(1))
        return cls(len(table), tails, ordered[distinct])

    def reversed(self) -> "Graph":
        """Return the graph with all edges reversed."""
        return Graph(self.count, self._heads, np.repeat(np.arange(self.count), self._degrees))

    def after(self, nodes: np.ndarray) -> np.ndarray:
        """Return the heads of all edges that leave `nodes`, int (edges,); a head may occur several times."""
        degrees = self._degrees[nodes]
        first = self._offsets[nodes] - (np.cumsum(degrees) - degrees)
        return self._heads[np.repeat(first, degrees) + np.arange(degrees.sum())]

    def distances(self, start: np.ndarray) -> np.ndarray:
        """Return the length of the shortest path from any node of `start` to each node, int32 (count,); -1 if none."""
        out = np.full(self.count, -1, np.int32)
        step = 0
        while len(start):
            out[start] = step
            step += 1
            if len(start) > FEW:
                start = self.after(start)
                start = np.unique(start[out[start] < 0])
            else:
                fresh = [head for head in self._heads_of(start) if out.item(head) < 0]
                start = np.array(list(dict.fromkeys(fresh)), np.int64)
        return out

    def heights(self) -> np.ndarray:
        """Return the length of the longest path from each node, int32 (count,); -1 where a path may reach a cycle."""
        out = np.full(self.count, -1, np.int32)
        predecessors = self.reversed()
        left = self._degrees.copy()
        done = np.flatnonzero(left == 0)
        step = 0
        while len(done):
            out[done] = step
            step += 1
            if len(done) > FEW:
                before, edges = np.unique(predecessors.after(done), return_counts=True)
                left[before] -= edges
                done = before[left[before] == 0]
            else:
                before = predecessors._heads_of(done)
                for node in before:
                    left[node] -= 1
                done = np.array([node for node in dict.fromkeys(before) if left.item(node) == 0], np.int64)
        return out

    def _heads_of(self, nodes: np.ndarray) -> list[int]:
        """Return the same as `after`, faster for a few nodes."""
        return [
            head
            for node in nodes.tolist()
            for head in self._heads[self._offsets.item(node) : self._offsets.item(node + 1)].tolist()
        ]
