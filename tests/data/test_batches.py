"""Batches: every pair once an epoch, in few shapes, with little padding, in an order that the seed decides."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passerelle.data.batches import MAX_BUCKETS, Batches, Bucket, _cut, choose_buckets, mask_copies
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, PAD, START, UNK

LENGTHS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=120)

quick = settings(max_examples=80, deadline=None)


def make(lengths, batch_size, seed, batch_type="pair"):
    """Pairs of the given lengths, each with ids that no other pair has."""
    numbers = itertools.count(4)
    sources = [[next(numbers) for _ in range(source)] for source, _ in lengths]
    targets = [[*(next(numbers) for _ in range(target)), END] for _, target in lengths]
    ids = Ragged.from_lists(sources), Ragged.from_lists(targets)
    return Batches({"source": ids[0]}, {"target": ids[1]}, batch_size, seed=seed, batch_type=batch_type)


def rows_of(batch):
    """(source, target) of each row that is a pair; checks that the others hold nothing and padding stands last."""
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
def test_every_pair_exactly_once(lengths, batch_size, seed, epoch):
    batches = make(lengths, batch_size, seed)
    found = list(batches.epoch(epoch))
    rows = [list(rows_of(batch)) for batch in found]
    assert Counter(itertools.chain(*rows)) == expected_rows(batches)
    height = min(batch_size, len(lengths))
    assert len(found) == len(batches) == -(-len(lengths) // height)
    # Only one batch is part empty, and it has the others' height.
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
    """Every pair once; as many rows as there is room for; one height a shape; one batch at most is part empty."""
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
def test_padding_share_equals_a_count(lengths, batch_size, seed):
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


def test_the_order_depends_on_seed_and_epoch_alone():
    batches, again, other = of_many_lengths(1), of_many_lengths(1), of_many_lengths(2)
    first, second = listed(batches, 1), listed(batches, 2)
    assert listed(again, 2) == second, "epochs need no epochs before them"
    assert listed(batches, 1) == first
    assert first != second != listed(other, 2)
    # Not only the batches move: each is made of other pairs.
    whole = [{frozenset(rows_of(batch)) for batch in batches.epoch(number)} for number in (1, 2)]
    assert len(whole[0] & whole[1]) < 0.1 * len(whole[0])


@pytest.mark.parametrize("batch_type", ["pair", "token"])
def test_another_seed_for_the_same_pairs(batch_type):
    lengths = [(n % 17, n % 23) for n in range(200)]
    one, two = (make(lengths, 40, seed, batch_type) for seed in (1, 2))
    before = listed(one, 3)
    again = one.with_seed(2)
    assert (again.seed, len(again), again.buckets) == (2, len(two), two.buckets)
    assert listed(again, 3) == listed(two, 3) != before
    assert (one.seed, listed(one, 3)) == (1, before), "the first is as it was"


def test_without_a_seed_there_is_one_order():
    batches = of_many_lengths(None)
    assert listed(batches, 0) == listed(batches, 1) == listed(of_many_lengths(None), 5)


def test_shapes_come_mixed():
    widths = [batch.targets["target"].shape[1] for batch in of_many_lengths().epoch(1)]
    assert len(set(widths)) > 2
    assert widths != sorted(widths)


def test_buckets_save_most_of_the_padding():
    batches = of_many_lengths(batch_size=16, pairs=3000)
    single = Bucket(int(batches.source.lengths.max()), int(batches.targets["target"].lengths.max()))
    cells = len(batches.source) * (single.source_length + single.target_length)
    alone = 1 - (len(batches.source.values) + len(batches.targets["target"].values)) / cells
    assert len(batches.buckets) <= MAX_BUCKETS
    assert batches.padding_share() < 0.35 * alone


def test_source_lengths_are_cut_where_they_vary():
    """Targets alike, sources not, and the other way round: the shapes go where the lengths differ."""
    random = np.random.default_rng(1)
    varied, alike = random.integers(1, 31, 3000), np.full(3000, 9)
    assert len({bucket.source_length for bucket in choose_buckets(varied, alike, 3)}) == 3
    assert len({bucket.target_length for bucket in choose_buckets(alike, varied, 6)}) == 6


def test_batches_hold_no_more_rows_than_there_are_pairs():
    batches = make([(2, 3)] * 5, 64, 1)
    assert len(batches) == 1
    assert [batch.sources["source"].shape for batch in batches.epoch(1)] == [(5, 2)]


def test_one_batch_to_the_letter():
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
def test_buckets_hold_any_pair(lengths, most):
    source, target = np.array(lengths).T + np.array([[0], [1]])
    buckets = choose_buckets(source, target, most)
    assert 1 <= len(buckets) <= most
    assert len(set(buckets)) == len(buckets)
    assert buckets == sorted(buckets, key=lambda bucket: (bucket.target_length, bucket.source_length))
    assert buckets[-1] == Bucket(source.max(), target.max())


def padded_cells(lengths, ends):
    """Each length is padded to the nearest end that holds it."""
    return sum(min(end for end in ends if end >= length) - length for length in lengths)


@quick
@given(st.lists(st.integers(0, 12), min_size=1, max_size=20), st.integers(1, 5))
@example([0], 1)
@example([0, 0, 0], 3)
@example([7], 5)
def test_cuts_leave_the_fewest_padded_cells(lengths, most):
    ends = _cut(np.array(lengths), most)
    assert len(ends) <= most
    assert ends == sorted(set(ends))
    assert ends[-1] == max(lengths)
    distinct = set(lengths)
    choices = itertools.chain.from_iterable(
        itertools.combinations(distinct - {max(lengths)}, others) for others in range(most)
    )
    fewest = min(padded_cells(lengths, [*others, max(lengths)]) for others in choices)
    assert padded_cells(lengths, ends) == fewest


def test_cuts_of_long_lengths_are_nearly_the_best_and_quick():
    lengths = np.random.default_rng(1).integers(1, 5000, 20_000)
    ends = _cut(lengths, 4)
    assert ends[-1] == lengths.max()
    even = [int(q) for q in np.quantile(lengths, [0.25, 0.5, 0.75, 1.0])]
    waste = [(np.array(cuts)[np.searchsorted(cuts, lengths)] - lengths).sum() for cuts in (ends, even)]
    assert waste[0] < 1.02 * waste[1]


SIZE = 20
"""Target ids; a source token without one is SIZE plus its first place."""


def hidden(share, seed=1):
    source = np.array([[4, 5, 4, 6, 1, 0], [7, 7, 8, 0, 0, 0]], np.int32)
    copies = np.array([[14, 15, 14, SIZE + 3, SIZE + 4, 0], [17, 17, 18, 0, 0, 0]], np.int32)
    target = np.array([[START, 14, 15, 14, SIZE + 3, 9, END], [START, 9, 17, END, 0, 0, 0]], np.int32)
    random = np.random.default_rng(seed)
    return (source, copies, target), mask_copies(source, copies, target, SIZE, share, random)


def test_all_that_both_sides_have_is_hidden():
    _, (source, copies, target) = hidden(1.0)
    # 4 and 5 stand on both sides; 6 has no target id, so it is copied already; 8 is not in its target.
    assert source.tolist() == [[UNK, UNK, UNK, 6, 1, 0], [UNK, UNK, 8, 0, 0, 0]]
    assert copies.tolist() == [[SIZE, SIZE + 1, SIZE, SIZE + 3, SIZE + 4, 0], [SIZE, SIZE, 18, 0, 0, 0]]
    assert target.tolist() == [[START, SIZE, SIZE + 1, SIZE, SIZE + 3, 9, END], [START, 9, SIZE, END, 0, 0, 0]]
    assert {array.dtype for array in (source, copies, target)} == {np.dtype(np.int32)}


def test_nothing_is_hidden_by_a_share_of_nothing():
    before, after = hidden(0.0)
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("seed", range(20))
def test_a_token_is_hidden_everywhere_or_nowhere(seed):
    (before, _, _), (source, copies, target) = hidden(0.5, seed)
    for token, row in ((4, 0), (5, 0), (7, 1)):
        places = before[row] == token
        assert len(set(source[row][places])) == 1
        gone = source[row][places][0] == UNK
        assert (10 + token in target[row]) != gone
        assert (copies[row][places] >= SIZE).all() == gone


@pytest.mark.parametrize("copy_masking", [0.0, 0.5])
def test_an_epoch_from_a_position_on_is_the_rest_of_the_full_one(copy_masking):
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
