"""Directed graphs as arrays of edges: how far their nodes are from each other."""

import numpy as np

__all__ = ["Graph"]


class Graph:
    """Edges between nodes 0 to `count` - 1; two nodes may have several.

    Args:
        count: nodes.
        tails: int (edges,), where each edge begins.
        heads: int (edges,), where it ends.
    """

    def __init__(self, count: int, tails: np.ndarray, heads: np.ndarray):
        self.count = count
        self._heads = heads[np.argsort(tails, kind="stable")]
        self._degrees = np.bincount(tails, minlength=count)
        self._offsets = np.concatenate([[0], np.cumsum(self._degrees)])

    @classmethod
    def of_table(cls, table: np.ndarray) -> "Graph":
        """An edge from each row to every number in it, int (count, columns); -1 is none."""
        tails, columns = np.nonzero(table >= 0)
        return cls(len(table), tails, table[tails, columns])

    def reversed(self) -> "Graph":
        """Every edge the other way round."""
        return Graph(self.count, self._heads, np.repeat(np.arange(self.count), self._degrees))

    def after(self, nodes: np.ndarray) -> np.ndarray:
        """int (edges out of `nodes`,): where they end; some perhaps several times."""
        degrees = self._degrees[nodes]
        first = self._offsets[nodes] - (np.cumsum(degrees) - degrees)
        return self._heads[np.repeat(first, degrees) + np.arange(degrees.sum())]

    def distances(self, begin: np.ndarray) -> np.ndarray:
        """int32 (count,): edges on the shortest way from any of `begin` to each node; -1 where there is no way."""
        out = np.full(self.count, -1, np.int32)
        step = 0
        while len(begin):
            out[begin] = step
            step += 1
            begin = self.after(begin)
            begin = np.unique(begin[out[begin] < 0])
        return out

    def heights(self) -> np.ndarray:
        """int32 (count,): edges on the longest way out of each node; -1 where it may go round for ever."""
        out = np.full(self.count, -1, np.int32)
        behind = self.reversed()
        left = self._degrees.copy()
        done = np.flatnonzero(left == 0)
        step = 0
        while len(done):
            out[done] = step
            step += 1
            before, edges = np.unique(behind.after(done), return_counts=True)
            left[before] -= edges
            done = before[left[before] == 0]
        return out
