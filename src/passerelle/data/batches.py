"""Training batches of pairs of similar length: few shapes, little padding, each pair once per epoch."""

import copy
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from passerelle.data.mixing import Mixture
from passerelle.data.rows import same_lengths
from passerelle.parallel.share import Share
from passerelle.ragged import Ragged
from passerelle.special_tokens import PAD, START, UNK

__all__ = ["Batch", "Batches", "Bucket", "choose_buckets", "longest", "mask_copies"]

RELEASE = 16
"""Number of batches after which the memory of ids in files is released."""

MAX_BUCKETS = 24
"""Maximum number of buckets; each is a shape of arrays, and each shape takes one to three seconds to compile."""


@dataclass(frozen=True)
class Batch:
    """Padded arrays of pairs of similar length, by name; unused rows at the end contain only PAD.

    Attributes:
        sources: the network's inputs by name, (batch, source_length, ...).
        targets: ids from START to END by output, int32 (batch, T + 1), or numbers after a vector of zeros, float32
            (batch, T + 1, width). T is the target length of the bucket, or less for an output whose texts are shorter.
            The decoder reads `[:, :-1]` and predicts `[:, 1:]`, the same values one step ahead. A pair without a text
            of an output has only PAD there.
        height: number of rows of the whole batch, if the arrays have only the share of one process; None if they have
            all rows.
    """

    sources: Mapping[str, np.ndarray]
    targets: Mapping[str, np.ndarray]
    height: int | None = None

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The inputs of the training model by name: sources, and targets without the last column."""
        return {**self.sources, **{name: ids[:, :-1] for name, ids in self.targets.items()}}

    @property
    def steps(self) -> tuple[int, int]:
        """(batch, T), the shape of the longest labels in the whole batch."""
        height, width = max(ids.shape[:2] for ids in self.targets.values())
        return self.height or height, width - 1

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """The ids or numbers to predict, by output, (batch, target_length, ...)."""
        return {name: ids[:, 1:] for name, ids in self.targets.items()}


@dataclass(frozen=True)
class Bucket:
    """The shape that pairs of similar length share.

    Attributes:
        source_length: number of source columns.
        target_length: number of decoder steps, END included, START excluded.
    """

    source_length: int
    target_length: int


def choose_buckets(
    source_lengths: np.ndarray, target_lengths: np.ndarray, max_buckets: int = MAX_BUCKETS
) -> list[Bucket]:
    """Choose the buckets that need little padding.

    Target lengths are divided into groups, and the source lengths of each group into one, two or three groups. Each
    division minimizes the number of padded cells.

    Args:
        source_lengths: int (pairs,).
        target_lengths: int (pairs,), END included.
        max_buckets: maximum number of buckets, at least 1.

    Returns:
        Distinct buckets in order of increasing target length, then source length; the last one can contain any pair.
    """
    candidates = [
        _divide_both(source_lengths, target_lengths, max_buckets // groups, groups)
        for groups in (1, 2, 3)
        if groups <= max_buckets
    ]
    return min(candidates, key=lambda buckets: _total_cells(source_lengths, target_lengths, buckets))


def _divide_both(
    source_lengths: np.ndarray, target_lengths: np.ndarray, target_groups: int, source_groups: int
) -> list[Bucket]:
    buckets = []
    previous = 0
    for target_length in _upper_bounds(target_lengths, target_groups):
        inside = source_lengths[(target_lengths > previous) & (target_lengths <= target_length)]
        buckets += [Bucket(source_length, target_length) for source_length in _upper_bounds(inside, source_groups)]
        previous = target_length
    longest = Bucket(int(source_lengths.max()), int(target_lengths.max()))
    return buckets if buckets[-1] == longest else [*buckets[:-1], longest]


def _total_cells(source_lengths: np.ndarray, target_lengths: np.ndarray, buckets: list[Bucket]) -> int:
    """Count ids and padding if each pair is put into the first bucket that can contain it."""
    cells = 0
    left = np.ones(len(source_lengths), bool)
    for bucket in buckets:
        inside = left & (source_lengths <= bucket.source_length) & (target_lengths <= bucket.target_length)
        cells += int(inside.sum()) * (bucket.source_length + bucket.target_length)
        left &= ~inside
    return cells


def _upper_bounds(lengths: np.ndarray, max_groups: int) -> list[int]:
    """Divide lengths into at most `max_groups` groups with the fewest padded cells, and return their largest lengths.

    Uses dynamic programming over the boundaries between groups.
    """
    # Round lengths up to a coarser grid, which bounds the run time; the error is below 1 % of the largest length.
    grain = max(1, int(lengths.max()) // 128)
    slot = -(-lengths // grain)
    ends = np.unique(slot)
    count = np.bincount(np.searchsorted(ends, slot), minlength=len(ends))
    before = np.concatenate([[0], np.cumsum(count)])
    # cost[k][j]: cells of the first j ends in at most k groups; cut[k][j]: index of the first end of the last group.
    cost = np.full((max_groups + 1, len(ends) + 1), np.inf)
    cost[:, 0] = 0
    cut = np.zeros(cost.shape, np.int64)
    for k in range(1, max_groups + 1):
        for stop in range(1, len(ends) + 1):
            total = cost[k - 1, :stop] + (before[stop] - before[:stop]) * ends[stop - 1]
            cut[k, stop] = np.argmin(total)
            cost[k, stop] = total[cut[k, stop]]
    bounds = []
    stop = len(ends)
    for k in range(max_groups, 0, -1):
        if stop:
            bounds.append(int(lengths[slot <= ends[stop - 1]].max()))
            stop = cut[k, stop]
    return bounds[::-1]


class Batches:
    """All batches of a set of pairs, in a new order each epoch.

    Args:
        inputs: the network's inputs by name, the source first; see `Signature.encode_inputs`.
        targets: target ids, END included, or numbers by output.
        batch_size: pairs or tokens per batch.
        seed: seed of the order; None keeps the same order in each epoch, for validation.
        batch_type: unit of `batch_size`: `pair`, or `token`, which counts source, target and padding; a batch has at
            least one pair.
        copy_masking: for outputs that copy, the probability of masking a token that source and target share (see
            `mask_copies`); sampled anew in each epoch.
        target_sizes: vocabulary size of each output that copies; used with `copy_masking`.
        mixture: the rows of each epoch; None for all rows.
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
        mixture: Mixture | None = None,
    ):
        self.inputs = dict(inputs)
        self.targets = dict(targets)
        self.copy_masking = copy_masking
        self.target_sizes = dict(target_sizes or {})
        self.seed = seed
        self.mixture = mixture
        self.share: Share | None = None
        self.source_name, self.source = next(iter(self.inputs.items()))
        self.source_lengths = self.source.lengths
        self.target_lengths = longest([ids.lengths for ids in self.targets.values()])
        rows = len(self.source)
        epoch = self._rows(number=0)
        self.tokens = int(self.source_lengths[epoch].sum() + self.target_lengths[epoch].sum())
        # Width of inputs that do not have the width of the source.
        self._input_widths = {
            name: int(values.lengths.max(initial=1))
            for name, values in self.inputs.items()
            if not same_lengths(values, self.source)
        }
        # Compiling takes seconds, for each output: a bucket needs 4 batches or more on average, and beyond 6 about 100.
        batches = (len(epoch) if batch_type == "pair" else self.tokens) // batch_size // len(self.targets)
        max_buckets = max(1, min(batches // 4, 2 + 4 // len(self.targets) + batches // 100, MAX_BUCKETS))
        self.buckets = choose_buckets(self.source_lengths, self.target_lengths, max_buckets)
        self._heights: dict[Bucket, int] = {}
        self._widths: dict[Bucket, dict[str, int]] = {}
        for bucket in self.buckets:
            self._widths[bucket] = dict.fromkeys(self.targets, bucket.target_length)
            if len(self.targets) > 1:  # each is as wide as its own longest target; one that is missing has a column
                inside = self._fit(slice(None), bucket)
                widths = {name: int(ids.lengths[inside].max()) for name, ids in self.targets.items()}
                self._widths[bucket] = {name: max(1, width) for name, width in widths.items()}
            columns = 1 if batch_type == "pair" else bucket.source_length + bucket.target_length
            self._heights[bucket] = min(rows, max(1, batch_size // columns))
        self._bucket_of = np.empty(rows, np.int8)
        for index in reversed(range(len(self.buckets))):
            self._bucket_of[self._fit(slice(None), self.buckets[index])] = index
        self._length = len(self._plan(number=0))

    def _rows(self, number: int) -> np.ndarray:
        """Return the rows of an epoch, int32 (n,)."""
        if self.mixture is None:
            return np.arange(len(self.source), dtype=np.int32)
        return self.mixture.rows(self.seed or 0, number).astype(np.int32)

    def _fit(self, rows: np.ndarray | slice, bucket: Bucket) -> np.ndarray:
        """Return bool (rows,), True where a bucket can contain a row."""
        return (self.source_lengths[rows] <= bucket.source_length) & (self.target_lengths[rows] <= bucket.target_length)

    def with_seed(self, seed: int | None) -> "Batches":
        """Return the same pairs in the same buckets, in the order of another seed."""
        other = copy.copy(self)
        other.seed = seed
        other._length = len(other._plan(number=0))
        return other

    def shared(self, share: Share | None) -> "Batches":
        """Return the same batches, of which arrays have only one process's share of the rows; None for all rows."""
        other = copy.copy(self)
        other.share = share
        return other

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch; the order depends only on the seed and the epoch's number.

        Args:
            number: number of the epoch.
            start: number of batches to skip; the others are the same as without it.
        """
        random = np.random.default_rng((self.seed or 0, number, 1))
        for position, (bucket, rows) in enumerate(self._plan(number)):
            if position >= start:
                yield self._batch(bucket, rows, random)
                if not position % RELEASE:
                    self._release()
            elif self.copy_masking:
                for _ in self.target_sizes:
                    random.random((self._heights[bucket], bucket.source_length))  # as in `_batch`

    def _release(self) -> None:
        for values in (*self.inputs.values(), *self.targets.values()):
            values.release()

    def _batch(self, bucket: Bucket, rows: np.ndarray, random: np.random.Generator) -> Batch:
        whole = height = self._heights[bucket]
        if self.share is not None:
            own = self.share.rows(whole)
            rows, height = rows[own], own.stop - own.start
        sources = {
            name: values.padded(
                rows,
                self._input_widths.get(name, bucket.source_length),
                height=height,
            )
            for name, values in self.inputs.items()
        }
        targets = {
            name: values.padded(rows, self._widths[bucket][name] + 1, first=_first(values), height=height)
            for name, values in self.targets.items()
        }
        for name, size in self.target_sizes.items() if self.copy_masking else ():
            copies = f"{name}_copies"
            sampled = random.random((whole, bucket.source_length)) < self.copy_masking
            if self.share is not None:
                sampled = self.share.of(sampled)
            sources[self.source_name], sources[copies], targets[name] = mask_copies(
                sources[self.source_name], sources[copies], targets[name], size, sampled
            )
        return Batch(sources, targets, whole)

    def _plan(self, number: int) -> list[tuple[Bucket, np.ndarray]]:
        random = None if self.seed is None else np.random.default_rng((self.seed, number))
        plan = []
        all_rows = self._rows(number)
        bucket_of = self._bucket_of[all_rows]
        rest = np.empty(0, np.int32)
        for index, bucket in enumerate(self.buckets):
            own = all_rows[bucket_of == index]
            if random is not None:
                own = random.permutation(own)
            # Rows that do not fill a batch move to a later bucket that can contain them; at most one batch is not full.
            fits = self._fit(rest, bucket)
            moved = rest[fits]
            rows = np.concatenate([moved, own])
            height = self._heights[bucket]
            full = len(rows) if bucket is self.buckets[-1] else len(rows) // height * height
            plan += [(bucket, rows[i : i + height]) for i in range(0, full, height)]
            rest = np.concatenate([np.sort(rest[~fits]), rows[full:]])
        if random is not None:
            random.shuffle(plan)
        return plan

    def __len__(self) -> int:
        """Return the number of batches per epoch; with batches of tokens or a mixture, epochs can differ by a few."""
        return self._length

    @property
    def target_tokens(self) -> float:
        """Tokens of the first output's targets per epoch, END included; a missing target counts like the mean of them.

        The other outputs have no part in it: the weights of their tokens are relative to those of the first output,
        see `training.loss.output_weights`.
        """
        rows = self._rows(number=0)
        first, *_ = self.targets.values()
        lengths = first.lengths[rows]
        return int(lengths.sum()) * (len(rows) / max(1, int(np.count_nonzero(lengths))))

    @property
    def tokens_per_target(self) -> dict[str, float]:
        """Mean number of tokens, or steps, of the targets of each output, END included, without missing targets."""
        rows = self._rows(number=0)
        lengths = {name: ids.lengths[rows] for name, ids in self.targets.items()}
        return {name: int(own.sum()) / max(1, int(np.count_nonzero(own))) for name, own in lengths.items()}

    def tokens_of(self, output: str) -> int:
        """Return the number of tokens of an output's targets per epoch, END included."""
        return int(self.targets[output].lengths[self._rows(number=0)].sum())

    def token_counts(self, output: str, ids: np.ndarray) -> np.ndarray:
        """Return how often each of some target ids, int (n,), occurs in the first epoch, int64 (n,)."""
        targets = self.targets[output]
        rows = self._rows(number=1)
        times = np.bincount(rows, minlength=len(targets))
        counts, start = np.zeros(int(ids.max()) + 1, np.int64), 0
        for part in targets.parts():
            repeated = np.repeat(times[start : start + len(part)], part.lengths)
            found = np.bincount(part.values, weights=repeated, minlength=len(counts))
            counts += found[: len(counts)].astype(np.int64)
            start += len(part)
        return counts[ids]

    def padding_share(self) -> float:
        """Return the fraction of the source and target cells of an epoch that are padding; of the longest targets."""
        cells = sum(
            self._heights[bucket] * (bucket.source_length + max(self._widths[bucket].values()))
            for bucket, _ in self._plan(number=0)
        )
        return 1.0 - self.tokens / cells


def longest(lengths: Sequence[np.ndarray]) -> np.ndarray:
    """Return the largest of several lengths of each row, int (rows,) each."""
    return functools.reduce(np.maximum, lengths)


def _first(values: Ragged) -> int:
    """Return what the decoder reads first: START, or a vector of zeros for numbers."""
    return START if values.values.ndim == 1 else 0


def mask_copies(
    source: np.ndarray,
    copies: np.ndarray,
    target: np.ndarray,
    target_size: int,
    sampled: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mask random tokens that source and target share: UNK in the source, and a copy id in the target.

    All positions of a token are masked, or none. Thus the network is trained to copy unknown tokens, although all
    tokens of the training pairs are known.

    Args:
        source: int (batch, S), source ids.
        copies: int (batch, S), copy ids: the target id of each source token.
        target: int (batch, T), target ids.
        target_size: size of the target vocabulary. The copy id of a masked token, also in the target, is this size
            plus the first position of the token in the source.
        sampled: bool (batch, S), True at positions whose token is masked if the target has it and the position is its
            first one.

    Returns:
        New arrays source, copies and target, int32.
    """
    same = (copies[:, :, None] == copies[:, None, :]) & (source != PAD)[:, None, :]  # (batch, S, S)
    first = np.argmax(same, axis=2)
    shared = (copies[:, :, None] == target[:, None, :]).any(2) & (copies < target_size) & (source != PAD)
    masked = shared & np.take_along_axis(sampled, first, axis=1)  # (batch, S); the same for all positions of a token
    matches = (target[:, :, None] == copies[:, None, :]) & masked[:, None, :]  # (batch, T, S)
    copy_id = target_size + np.take_along_axis(first, np.argmax(matches, axis=2), axis=1)
    return (
        np.where(masked, UNK, source).astype(np.int32),
        np.where(masked, target_size + first, copies).astype(np.int32),
        np.where(matches.any(2), copy_id, target).astype(np.int32),
    )
