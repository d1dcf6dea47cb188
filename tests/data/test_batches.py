"""Batches: each pair once per epoch, in few shapes, with little padding, in an order that depends on the seed."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passerelle.data.batches import MAX_BUCKETS, Batches, Bucket, _upper_bounds, choose_buckets, mask_copies
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, PAD, START, UNK

LENGTHS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=120)

quick = settings(max_examples=80, deadline=None)


def make(lengths, batch_size, seed, batch_type="pair"):
    """Return batches of pairs with the given lengths; each pair has unique ids."""
    numbers = itertools.count(4)
    sources = [[next(numbers) for _ in range(source)] for source, _ in lengths]
    targets = [[*(next(numbers) for _ in range(target)), END] for _, target in lengths]
    ids = Ragged.from_lists(sources), Ragged.from_lists(targets)
    return Batches({"source": ids[0]}, {"target": ids[1]}, batch_size, seed=seed, batch_type=batch_type)


def rows_of(batch):
    """Yield (source, target) of each pair; check that unused rows contain only PAD and that padding comes last."""
    for source, target in zip(batch.sources["source"].tolist(), batch.targets["target"].tolist(), strict=True):
        if target[0] == PAD:
            assert not any(source)
            assert not any(target)
            continue
        pair = tuple(tuple(itertools.takewhile(lambda i: i != PAD, side)) for side in (source, target))
        assert [len(side) - side.count(PAD) for side in (source, target)] == [len(side) for side in pair]
        yield pair


def expected_rows(batches):
    return Counter(
        (tuple(batches.source[row].tolist()), (START, *batches.targets["target"][row].tolist()))
        for row in range(len(batches.source))
    )


@quick
@given(LENGTHS, st.integers(1, 16), st.one_of(st.none(), st.integers(0, 2**31 - 1)), st.integers(0, 3))
@example([(3, 2)] * 7, 3, 1, 1)
@example([(1, 1)], 64, 1, 1)
@example([(0, 0)] * 5, 2, 1, 1)
@example([(n, 30 - n) for n in range(30)] * 4, 1, 5, 2)
@example([(30, 1), (1, 30)] * 40, 4, 5, 1)
def test_each_pair_exactly_once(lengths, batch_size, seed, epoch):
    batches = make(lengths, batch_size, seed)
    found = list(batches.epoch(epoch))
    rows = [list(rows_of(batch)) for batch in found]
    assert Counter(itertools.chain(*rows)) == expected_rows(batches)
    height = min(batch_size, len(lengths))
    assert len(found) == len(batches) == -(-len(lengths) // height)
    # At most one batch is not full, and it has the same height as the others.
    assert sum(len(pairs) < height for pairs in rows) <= 1
    shapes = {(bucket.source_length, bucket.target_length + 1) for bucket in batches.buckets}
    for batch in found:
        assert batch.sources["source"].dtype == batch.targets["target"].dtype == np.int32
        assert len(batch.sources["source"]) == len(batch.targets["target"]) == height
        assert (batch.sources["source"].shape[1], batch.targets["target"].shape[1]) in shapes
    assert len(shapes) <= max(1, min(MAX_BUCKETS, len(lengths) // (4 * height)))


@quick
@given(LENGTHS, st.integers(1, 400), st.one_of(st.none(), st.integers(0, 2**31 - 1)), st.integers(0, 3))
@example([(n, 30 - n) for n in range(30)] * 4, 90, 5, 2)
@example([(30, 30), *[(1, 1)] * 100], 8, 5, 2)
def test_batches_counted_in_tokens(lengths, batch_size, seed, epoch):
    """Each pair once; the number of rows that `batch_size` allows; one height per shape; at most one batch not full."""
    batches = make(lengths, batch_size, seed, "token")
    found = list(batches.epoch(epoch))
    rows = [list(rows_of(batch)) for batch in found]
    assert Counter(itertools.chain(*rows)) == expected_rows(batches)
    assert sum(len(pairs) < len(batch.sources["source"]) for pairs, batch in zip(rows, found, strict=True)) <= 1
    heights = {}
    for batch in found:
        shape = batch.sources["source"].shape[1], batch.targets["target"].shape[1] - 1
        assert len(batch.sources["source"]) == min(len(lengths), max(1, batch_size // sum(shape)))
        assert heights.setdefault(shape, len(batch.sources["source"])) == len(batch.sources["source"])
    assert abs(len(found) - len(batches)) <= len(batches.buckets)


@quick
@given(LENGTHS, st.integers(1, 16), st.integers(0, 9))
def test_padding_share_equals_the_counted_share(lengths, batch_size, seed):
    batches = make(lengths, batch_size, seed)
    padded = cells = 0
    for batch in batches.epoch(0):
        for array in (batch.sources["source"], batch.targets["target"][:, 1:]):
            padded += np.count_nonzero(array == PAD)
            cells += array.size
    assert batches.padding_share() == pytest.approx(padded / cells)


def of_many_lengths(seed=1, batch_size=8, pairs=800):
    random = np.random.default_rng(3)
    lengths = np.clip(random.poisson(12, pairs), 1, None)
    return make(list(zip(lengths, lengths + random.integers(0, 9, pairs), strict=True)), batch_size, seed)


def listed(batches, epoch):
    return [(batch.sources["source"].tolist(), batch.targets["target"].tolist()) for batch in batches.epoch(epoch)]


def test_the_order_depends_only_on_seed_and_epoch():
    batches, again, other = of_many_lengths(1), of_many_lengths(1), of_many_lengths(2)
    first, second = listed(batches, 1), listed(batches, 2)
    assert listed(again, 2) == second, "an epoch does not depend on earlier ones"
    assert listed(batches, 1) == first
    assert first != second != listed(other, 2)
    # Not only the order of the batches changes: each contains other pairs.
    contents = [{frozenset(rows_of(batch)) for batch in batches.epoch(number)} for number in (1, 2)]
    assert len(contents[0] & contents[1]) < 0.1 * len(contents[0])


@pytest.mark.parametrize("batch_type", ["pair", "token"])
def test_with_seed(batch_type):
    lengths = [(n % 17, n % 23) for n in range(200)]
    one, two = (make(lengths, 40, seed, batch_type) for seed in (1, 2))
    before = listed(one, 3)
    again = one.with_seed(2)
    assert (again.seed, len(again), again.buckets) == (2, len(two), two.buckets)
    assert listed(again, 3) == listed(two, 3) != before
    assert (one.seed, listed(one, 3)) == (1, before), "the original is unchanged"


def test_without_a_seed_there_is_one_order():
    batches = of_many_lengths(None)
    assert listed(batches, 0) == listed(batches, 1) == listed(of_many_lengths(None), 5)


def test_shapes_are_shuffled():
    widths = [batch.targets["target"].shape[1] for batch in of_many_lengths().epoch(1)]
    assert len(set(widths)) > 2
    assert widths != sorted(widths)


def test_buckets_save_most_of_the_padding():
    batches = of_many_lengths(batch_size=16, pairs=3000)
    single = Bucket(int(batches.source.lengths.max()), int(batches.targets["target"].lengths.max()))
    cells = len(batches.source) * (single.source_length + single.target_length)
    padding_of_single = 1 - (len(batches.source.values) + len(batches.targets["target"].values)) / cells
    assert len(batches.buckets) <= MAX_BUCKETS
    assert batches.padding_share() < 0.35 * padding_of_single


def test_buckets_differ_on_the_side_whose_lengths_vary():
    """If all targets have the same length, the buckets differ in source length, and vice versa."""
    random = np.random.default_rng(1)
    varied, constant = random.integers(1, 31, 3000), np.full(3000, 9)
    assert len({bucket.source_length for bucket in choose_buckets(varied, constant, 3)}) == 3
    assert len({bucket.target_length for bucket in choose_buckets(constant, varied, 6)}) == 6


def test_batches_have_no_more_rows_than_pairs():
    batches = make([(2, 3)] * 5, 64, 1)
    assert len(batches) == 1
    assert [batch.sources["source"].shape for batch in batches.epoch(1)] == [(5, 2)]


def test_the_arrays_of_one_batch():
    batches = Batches(
        {"source": Ragged.from_lists([[5, 6], [7]])},
        {"target": Ragged.from_lists([[8, END], [9, 10, END]])},
        2,
        seed=None,
    )
    (batch,) = batches.epoch(1)
    assert batch.sources["source"].tolist() == [[5, 6], [7, PAD]]
    assert batch.targets["target"].tolist() == [[START, 8, END, PAD], [START, 9, 10, END]]
    assert batches.padding_share() == pytest.approx(2 / 10)


@quick
@given(LENGTHS, st.integers(1, 20))
def test_buckets_can_contain_any_pair(lengths, most):
    source, target = np.array(lengths).T + np.array([[0], [1]])
    buckets = choose_buckets(source, target, most)
    assert 1 <= len(buckets) <= most
    assert len(set(buckets)) == len(buckets)
    assert buckets == sorted(buckets, key=lambda bucket: (bucket.target_length, bucket.source_length))
    assert buckets[-1] == Bucket(source.max(), target.max())


def padded_cells(lengths, ends):
    """Count the padded cells if each length is padded to the next upper bound."""
    return sum(min(end for end in ends if end >= length) - length for length in lengths)


@quick
@given(st.lists(st.integers(0, 12), min_size=1, max_size=20), st.integers(1, 5))
@example([0], 1)
@example([0, 0, 0], 3)
@example([7], 5)
def test_upper_bounds_minimize_padded_cells(lengths, most):
    ends = _upper_bounds(np.array(lengths), most)
    assert len(ends) <= most
    assert ends == sorted(set(ends))
    assert ends[-1] == max(lengths)
    distinct = set(lengths)
    choices = itertools.chain.from_iterable(
        itertools.combinations(distinct - {max(lengths)}, others) for others in range(most)
    )
    fewest = min(padded_cells(lengths, [*others, max(lengths)]) for others in choices)
    assert padded_cells(lengths, ends) == fewest


def test_upper_bounds_of_long_sequences_are_nearly_optimal():
    lengths = np.random.default_rng(1).integers(1, 5000, 20_000)
    ends = _upper_bounds(lengths, 4)
    assert ends[-1] == lengths.max()
    even = [int(q) for q in np.quantile(lengths, [0.25, 0.5, 0.75, 1.0])]
    waste = [(np.array(cuts)[np.searchsorted(cuts, lengths)] - lengths).sum() for cuts in (ends, even)]
    assert waste[0] < 1.02 * waste[1]


SIZE = 20
"""Target vocabulary size; the copy id of an unknown token is SIZE plus its first position in the source."""


def masked(probability, seed=1):
    source = np.array([[4, 5, 4, 6, 1, 0], [7, 7, 8, 0, 0, 0]], np.int32)
    copies = np.array([[14, 15, 14, SIZE + 3, SIZE + 4, 0], [17, 17, 18, 0, 0, 0]], np.int32)
    target = np.array([[START, 14, 15, 14, SIZE + 3, 9, END], [START, 9, 17, END, 0, 0, 0]], np.int32)
    random = np.random.default_rng(seed)
    return (source, copies, target), mask_copies(
        source, copies, target, SIZE, random.random(source.shape) < probability
    )


def test_probability_1_masks_all_shared_tokens():
    _, (source, copies, target) = masked(1.0)
    # Tokens 4, 5 and 7 are shared. Token 6 has no target id, so it is copied anyway; 8 is not in its target.
    assert source.tolist() == [[UNK, UNK, UNK, 6, 1, 0], [UNK, UNK, 8, 0, 0, 0]]
    assert copies.tolist() == [[SIZE, SIZE + 1, SIZE, SIZE + 3, SIZE + 4, 0], [SIZE, SIZE, 18, 0, 0, 0]]
    assert target.tolist() == [[START, SIZE, SIZE + 1, SIZE, SIZE + 3, 9, END], [START, 9, SIZE, END, 0, 0, 0]]
    assert {array.dtype for array in (source, copies, target)} == {np.dtype(np.int32)}


def test_probability_0_masks_nothing():
    before, after = masked(0.0)
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("seed", range(20))
def test_all_positions_of_a_token_are_masked_or_none(seed):
    (before, _, _), (source, copies, target) = masked(0.5, seed)
    for token, row in ((4, 0), (5, 0), (7, 1)):
        positions = before[row] == token
        assert len(set(source[row][positions])) == 1
        is_masked = source[row][positions][0] == UNK
        assert (10 + token in target[row]) != is_masked
        assert (copies[row][positions] >= SIZE).all() == is_masked


@pytest.mark.parametrize("copy_masking", [0.0, 0.5])
def test_an_epoch_with_a_start_yields_the_remaining_batches(copy_masking):
    random = np.random.default_rng(3)
    sources = [random.integers(4, 9, random.integers(1, 12)).tolist() for _ in range(300)]
    targets = [[*random.permutation(source).tolist(), END] for source in sources]
    ids = Ragged.from_lists(sources)
    batches = Batches(
        {"source": ids, "target_copies": ids},
        {"target": Ragged.from_lists(targets)},
        8,
        seed=1,
        copy_masking=copy_masking,
        target_sizes={"target": 20},
    )
    full = list(batches.epoch(2))
    for start in (0, 1, 17, len(full) - 1, len(full)):
        rest = list(batches.epoch(2, start))
        assert len(rest) == len(full) - start
        for left, right in zip(rest, full[start:], strict=True):
            for name, array in (right.inputs | right.labels).items():
                np.testing.assert_array_equal((left.inputs | left.labels)[name], array)
