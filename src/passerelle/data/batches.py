"""Batches of pairs of like length: few shapes, little padding, every pair once an epoch."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from passerelle.data.rows import as_long
from passerelle.ragged import Ragged
from passerelle.special_tokens import PAD, START, UNK

__all__ = ["Batch", "Batches", "Bucket", "choose_buckets", "mask_copies"]

MAX_BUCKETS = 24
"""Each bucket is one shape of arrays, and each shape is one compile, one to three seconds."""


@dataclass(frozen=True)
class Batch:
    """Padded arrays of rows of like length, by field; rows beyond the last one are PAD only.

    Attributes:
        sources: the network's inputs by name, (batch, source_length, ...).
        targets: of each output int32 (batch, target_length + 1), from START to END; the decoder reads `[:, :-1]` and
            predicts `[:, 1:]`, the same one step ahead.
    """

    sources: Mapping[str, np.ndarray]
    targets: Mapping[str, np.ndarray]

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The arrays that the training model takes, by name."""
        return {**self.sources, **{name: ids[:, :-1] for name, ids in self.targets.items()}}

    @property
    def steps(self) -> tuple[int, int]:
        """(batch, target_length), the shape of every output's labels."""
        height, width = next(iter(self.targets.values())).shape
        return height, width - 1

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """int32 (batch, target_length) of each output: the ids to predict."""
        return {name: ids[:, 1:] for name, ids in self.targets.items()}


@dataclass(frozen=True)
class Bucket:
    """The shape that pairs of like length share.

    Attributes:
        source_length: columns for source ids.
        target_length: decoder steps; START is not counted, END is.
    """

    source_length: int
    target_length: int


def choose_buckets(source_lengths: np.ndarray, target_lengths: np.ndarray, most: int = MAX_BUCKETS) -> list[Bucket]:
    """Chooses the shapes that pad least.

    Target lengths are cut into groups, and each group's source lengths into one, two or three, each time by the cuts
    that leave the fewest padded cells.

    Args:
        source_lengths: int (pairs,).
        target_lengths: int (pairs,), END included.
        most: shapes at the most, at least 1.

    Returns:
        Distinct buckets, by growing target length, then source length; the last one holds any pair.
    """
    ways = [_cut_both(source_lengths, target_lengths, most // groups, groups) for groups in (1, 2, 3) if groups <= most]
    return min(ways, key=lambda buckets: _cells(source_lengths, target_lengths, buckets))


def _cut_both(
    source_lengths: np.ndarray, target_lengths: np.ndarray, target_groups: int, source_groups: int
) -> list[Bucket]:
    buckets = []
    lowest = 0
    for target_length in _cut(target_lengths, target_groups):
        inside = source_lengths[(target_lengths > lowest) & (target_lengths <= target_length)]
        buckets += [Bucket(source_length, target_length) for source_length in _cut(inside, source_groups)]
        lowest = target_length
    longest = Bucket(int(source_lengths.max()), int(target_lengths.max()))
    return buckets if buckets[-1] == longest else [*buckets[:-1], longest]


def _cells(source_lengths: np.ndarray, target_lengths: np.ndarray, buckets: list[Bucket]) -> int:
    """Ids and padding together, each pair in the first bucket that holds it."""
    cells = 0
    left = np.ones(len(source_lengths), bool)
    for bucket in buckets:
        inside = left & (source_lengths <= bucket.source_length) & (target_lengths <= bucket.target_length)
        cells += int(inside.sum()) * (bucket.source_length + bucket.target_length)
        left &= ~inside
    return cells


def _cut(lengths: np.ndarray, most: int) -> list[int]:
    """The upper ends of at most `most` groups of `lengths` that leave the fewest padded cells.

    Dynamic programming over the places where one group ends and the next begins.
    """
    # Many distinct lengths: work on a coarser grid, the error is below a hundredth of the longest.
    grain = max(1, int(lengths.max()) // 128)
    slot = -(-lengths // grain)
    ends = np.unique(slot)
    count = np.bincount(np.searchsorted(ends, slot), minlength=len(ends))
    before = np.concatenate([[0], np.cumsum(count)])
    # cost[k][j]: cells of the first j ends in at most k groups; cut[k][j]: where the last group begins.
    cost = np.full((most + 1, len(ends) + 1), np.inf)
    cost[:, 0] = 0
    cut = np.zeros(cost.shape, np.int64)
    for k in range(1, most + 1):
        for stop in range(1, len(ends) + 1):
            total = cost[k - 1, :stop] + (before[stop] - before[:stop]) * ends[stop - 1]
            cut[k, stop] = np.argmin(total)
            cost[k, stop] = total[cut[k, stop]]
    found = []
    stop = len(ends)
    for k in range(most, 0, -1):
        if stop:
            found.append(int(lengths[slot <= ends[stop - 1]].max()))
            stop = cut[k, stop]
    return found[::-1]


class Batches:
    """All batches of one set of rows, in a new order every epoch.

    Args:
        inputs: the network's inputs by name, the source first; see `Signature.encode_inputs`.
        targets: target ids of each output by name, END included.
        batch_size: rows, or tokens, in a batch; fewer where all are fewer.
        seed: of the order; None keeps one order, for evaluation.
        batch_type: the unit of `batch_size`: `pair`, or `token`, source and target and padding together, at least one
            row.
        copy_masking: for outputs that copy, share of the tokens on both sides of a row that become unknown, others each
            time.
        target_sizes: of each output that copies the ids of its vocabulary; with `copy_masking`.
    """

    def __init__(
        self,
        inputs: Mapping[str, Ragged],
        targets: Mapping[str, Ragged],
        batch_size: int,
        *,
        seed: int | None,
        batch_type: str = "pair",
        copy_masking: float = 0.0,
        target_sizes: Mapping[str, int] | None = None,
    ):
        self.inputs = dict(inputs)
        self.targets = dict(targets)
        self.copy_masking = copy_masking
        self.target_sizes = dict(target_sizes or {})
        self.seed = seed
        self.source_name, self.source = next(iter(self.inputs.items()))
        self.source_lengths = self.source.lengths
        # Outputs share one number of steps: that of a row's longest.
        self.target_lengths = np.max([ids.lengths for ids in self.targets.values()], axis=0)
        rows = len(self.source)
        self.tokens = len(self.source.values) + int(self.target_lengths.sum())
        # A compile takes seconds: each shape must serve several batches, and beyond six, many.
        batches = (rows if batch_type == "pair" else self.tokens) // batch_size
        most = max(1, min(batches // 4, 6 + batches // 100, MAX_BUCKETS))
        self.buckets = choose_buckets(self.source_lengths, self.target_lengths, most)
        self._heights: dict[Bucket, int] = {}
        for bucket in self.buckets:
            columns = 1 if batch_type == "pair" else bucket.source_length + bucket.target_length
            self._heights[bucket] = min(rows, max(1, batch_size // columns))
        self._bucket_of = np.empty(rows, np.int64)
        for index in reversed(range(len(self.buckets))):
            self._bucket_of[self._fits(np.arange(rows), self.buckets[index])] = index
        self._length = len(self._plan(number=0))

    def _fits(self, rows: np.ndarray, bucket: Bucket) -> np.ndarray:
        fits = (self.source_lengths[rows] <= bucket.source_length) & (self.target_lengths[rows] <= bucket.target_length)
        return rows[fits]

    def with_seed(self, seed: int | None) -> "Batches":
        """The same rows in the same shapes, in the order of another seed."""
        other = copy.copy(self)
        other.seed = seed
        other._length = len(other._plan(number=0))
        return other

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """Yields every row once; the order depends on the seed and the epoch's number only.

        Args:
            number: of the epoch.
            start: how many batches to skip; those that follow are the same as in a whole epoch.
        """
        random = np.random.default_rng((self.seed or 0, number, 1))
        for position, (bucket, rows) in enumerate(self._plan(number)):
            if position >= start:
                yield self._batch(bucket, rows, random)
            elif self.copy_masking:
                for _ in self.target_sizes:
                    random.random((self._heights[bucket], bucket.source_length))  # as `mask_copies` draws them

    def _batch(self, bucket: Bucket, rows: np.ndarray, random: np.random.Generator) -> Batch:
        height = self._heights[bucket]
        sources = {
            name: own.padded(
                rows,
                bucket.source_length if as_long(own, self.source) else int(own.lengths.max(initial=1)),
                height=height,
            )
            for name, own in self.inputs.items()
        }
        targets = {
            name: ids.padded(rows, bucket.target_length + 1, first=START, height=height)
            for name, ids in self.targets.items()
        }
        for name, size in self.target_sizes.items() if self.copy_masking else ():
            copies = f"{name}_copies"
            sources[self.source_name], sources[copies], targets[name] = mask_copies(
                sources[self.source_name], sources[copies], targets[name], size, self.copy_masking, random
            )
        return Batch(sources, targets)

    def _plan(self, number: int) -> list[tuple[Bucket, np.ndarray]]:
        random = None if self.seed is None else np.random.default_rng((self.seed, number))
        plan = []
        rest = np.empty(0, np.int64)
        for index, bucket in enumerate(self.buckets):
            own = np.flatnonzero(self._bucket_of == index)
            if random is not None:
                own = random.permutation(own)
            # What does not fill a batch moves on to a later shape that holds it; only the last is ever part empty.
            moved = self._fits(rest, bucket)
            rows = np.concatenate([moved, own])
            height = self._heights[bucket]
            full = len(rows) if bucket is self.buckets[-1] else len(rows) // height * height
            plan += [(bucket, rows[i : i + height]) for i in range(0, full, height)]
            rest = np.concatenate([np.setdiff1d(rest, moved), rows[full:]])
        if random is not None:
            random.shuffle(plan)
        return plan

    def __len__(self) -> int:
        """Batches in an epoch; where they are counted in tokens, an epoch may have one or two more or fewer."""
        return self._length

    @property
    def target_tokens(self) -> int:
        """Tokens of all outputs in an epoch, END included."""
        return sum(len(ids.values) for ids in self.targets.values())

    def padding_share(self) -> float:
        """Part of all cells of an epoch, source and target together, that hold PAD."""
        cells = sum(
            self._heights[bucket] * (bucket.source_length + bucket.target_length) for bucket, _ in self._plan(number=0)
        )
        return 1.0 - self.tokens / cells


def mask_copies(
    source: np.ndarray,
    copies: np.ndarray,
    target: np.ndarray,
    target_size: int,
    share: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Makes some tokens that stand on both sides of a pair unknown, wherever they stand in it.

    So a network learns to copy what it does not know from pairs in which it knows everything.

    Args:
        source: int (batch, S).
        copies: int (batch, S), target ids of the source tokens.
        target: int (batch, T).
        target_size: ids of the target vocabulary; what is hidden goes by this plus its first position in the source.
        share: how likely each such token is hidden.
        random: where from.

    Returns:
        source, copies and target, changed.
    """
    alike = (copies[:, :, None] == copies[:, None, :]) & (source != PAD)[:, None, :]  # (batch, S, S)
    first = np.argmax(alike, axis=2)
    written = (copies[:, :, None] == target[:, None, :]).any(2) & (copies < target_size) & (source != PAD)
    drawn = random.random(source.shape) < share
    hidden = written & np.take_along_axis(drawn, first, axis=1)  # one throw for all places of a token
    matches = (target[:, :, None] == copies[:, None, :]) & hidden[:, None, :]  # (batch, T, S)
    place = target_size + np.take_along_axis(first, np.argmax(matches, axis=2), axis=1)
    return (
        np.where(hidden, UNK, source).astype(np.int32),
        np.where(hidden, target_size + first, copies).astype(np.int32),
        np.where(matches.any(2), place, target).astype(np.int32),
    )
