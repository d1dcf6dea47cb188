"""Pairs in, translator out."""

import importlib.metadata
import itertools
import json
import platform
import random
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import passerelle
from passerelle.data.pairs import check_pairs, write_pairs
from passerelle.errors import DataError, SettingsError
from passerelle.experiment import _record, build, train, train_prepared
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.special_tokens import UNK
from passerelle.training.callbacks.callback import Callback, Run
from passerelle.training.history import History

PAIRS = [(f"{a}{b}", f"{b} {a}!") for a, b in itertools.product("abcdef", repeat=2)]
TINY: dict[str, Any] = {
    "network": {
        "dropout": 0.3,
        "encoder": {"embedding": 3, "units": 4},
        "decoder": {"embedding": 3, "units": 4},
    },
    "training": {"epochs": 2, "batch_size": 12},
}


def lesson(pairs: Any = PAIRS, validation: Any = None, **options: Any) -> Any:
    return prepare(pairs, choose_settings(settings=TINY, **options), validation=validation)


# ---- splitting, vocabularies


def test_vocabularies_come_from_the_training_part_alone() -> None:
    made = lesson([*PAIRS, ("ab", "x")], validation=[("ßa", "ab!ß§"), ("aß", "ß")])
    assert made.signature.source.tokenizer.vocabulary.tokens == tuple("abcdef")
    assert made.signature.target.tokenizer.vocabulary.tokens == tuple(" !abcdefx")
    assert np.count_nonzero(made.training_batches.source.values == UNK) == 0
    assert np.count_nonzero(made.validation_batches.source.values == UNK) == 2
    assert made.unknown_validation_tokens == {"source": 2, "target": 3}


def test_the_validation_file_may_be_two_side_by_side(tmp_path: Path) -> None:
    paths = tmp_path / "dev.en", tmp_path / "dev.fr"
    paths[0].write_text("ab\n\ncd\n")
    paths[1].write_text("b a!\nx\nd c!\n")
    held_out = lesson(validation=paths).validation
    assert (list(held_out), held_out.blank) == ([("ab", "b a!"), ("cd", "d c!")], 1)
    assert list(lesson(validation=(("ab", "x"), ("cd", "y"))).validation) == [("ab", "x"), ("cd", "y")]


def test_a_held_out_share_teaches_no_token() -> None:
    """A token of one source only is unknown where that source is held out."""
    pairs = [(f"{a}{b}", a) for a, b in itertools.product("abcdef", repeat=2)] + [("ab§", "a")]
    for seed in range(20):
        made = lesson(pairs, validation=0.3, seed=seed)
        assert ("§" in made.signature.source.tokenizer.vocabulary) == ("ab§" in made.training.sources)
        if "ab§" in made.validation.sources:
            assert made.unknown_validation_tokens["source"] == 1
            break
    else:
        pytest.fail("no seed of twenty held the pair out")


def test_a_share() -> None:
    made = lesson(validation=0.25)
    assert (len(made.training), len(made.validation)) == (27, 9)
    assert not set(made.training.sources) & set(made.validation.sources)
    assert made.overlap == 0
    assert len(lesson(validation=0).validation) == 0
    assert lesson(validation=0).validation_batches is None
    assert lesson(validation=0).unknown_validation_tokens == {"source": 0, "target": 0}
    assert len(lesson().validation) == 3, "a tenth of the sources by default"


def test_pairs_and_files(tmp_path: Path) -> None:
    path = tmp_path / "held.tsv"
    held = [("fa", "a f!"), ("zz", "z z!")]
    write_pairs(path, held)
    for validation in (held, check_pairs(held), iter(held), path, str(path)):
        made = lesson(validation=validation)
        assert len(made.training) == len(PAIRS)
        assert list(made.validation) == held
        assert made.overlap == 1


@pytest.mark.parametrize("share", [1, 1.0, -0.1, 7, float("nan"), True])
def test_no_share(share: Any) -> None:
    with pytest.raises(SettingsError, match="validation must be at least 0 and less than 1"):
        lesson(validation=share)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_a_share_that_leaves_nothing(share: float) -> None:
    with pytest.raises(DataError, match="leaves one side of the split empty"):
        lesson(validation=share)


# ---- what cannot be learned from


@pytest.mark.parametrize(
    "pairs",
    [
        ["ab", "cd"],
        [("a", "b"), "cd"],
        [("a", "b"), ("c",)],
        [("a", "b"), ("c", "d", "e")],
        [("a", "b"), ("c", 5)],
        [("a", "b"), (None, "d")],
        [("a", "b"), (b"c", "d")],
        "pairs.tsv",
        {"ab": "cd"},
    ],
    ids=repr,
)
def test_rows_that_are_no_pairs(pairs: Any) -> None:
    with pytest.raises(DataError, match=r"row \d: expected \(source, target\), two texts, received: "):
        lesson(pairs)


@pytest.mark.parametrize("row", [5, None, 1.5], ids=repr)
def test_rows_that_are_nothing_at_all(row: Any) -> None:
    with pytest.raises(DataError, match="row 2: expected"):
        lesson([("a", "b"), row])


def test_wrong_validation_pairs_are_called_so() -> None:
    with pytest.raises(DataError, match="validation, row 1: expected"):
        lesson(validation=["ab"])


@pytest.mark.parametrize("pairs", [[], [("a", "b")], [("a", "b"), ("", "c"), (" ", "d")]])
def test_too_few_pairs(pairs: Any) -> None:
    with pytest.raises(DataError, match="training needs at least two pairs, received: "):
        lesson(pairs)


def test_no_token_between_separators() -> None:
    with pytest.raises(DataError, match="no target holds a token between its separators"):
        lesson([("a", ";"), ("b", ";;")], target_separator=";", validation=0)


def test_unknown_options_are_named() -> None:
    with pytest.raises(SettingsError, match=r"unknown option 'epoch'\. Did you mean 'epochs'\?"):
        train(PAIRS, epoch=3)  # pyright: ignore[reportCallIssue]
    with pytest.raises(SettingsError, match=r"training\.epochs"):
        train(PAIRS, epochs=0)
    with pytest.raises(SettingsError, match=r"network\.encoder\.unit"):
        train(PAIRS, settings={"network": {"encoder": {"unit": 4}}})


# ---- training


def weights_of(translator: Any) -> list[np.ndarray]:
    return translator.network.get_weights()


def test_one_seed_one_translator_and_nothing_else_is_disturbed() -> None:
    runs: list[Any] = []
    random.seed(123)
    np.random.seed(123)
    expected = random.random(), float(np.random.random())
    for seed in (5, 5, 6):
        random.seed(123)
        np.random.seed(123)
        runs.append(train(PAIRS, settings=TINY, validation=0.2, seed=seed))
        assert (random.random(), float(np.random.random())) == expected, "global random states"
        keras.utils.set_random_seed(seed + len(runs))  # what others do with them changes nothing
    losses = [[(e["loss"], e["validation_loss"]) for e in run.record["epochs"]] for run in runs]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]
    for left, right in zip(weights_of(runs[0]), weights_of(runs[1]), strict=True):
        np.testing.assert_array_equal(left, right)
    assert any((a != b).any() for a, b in zip(weights_of(runs[0]), weights_of(runs[2]), strict=True))


def test_first_weights_depend_on_the_seed_alone() -> None:
    made = lesson(seed=3)
    first = build(made)
    random.seed(99)
    for left, right in zip(weights_of(first), weights_of(build(made)), strict=True):
        np.testing.assert_array_equal(left, right)


def test_another_seed_changes_weights_and_order_alone() -> None:
    first, fresh = lesson(seed=3), lesson(seed=8)
    second = first.with_seed(8)
    assert (second.training, second.validation) == (first.training, first.validation)
    assert second.signature is first.signature, "nothing is split anew"
    assert second.training_batches.source is first.training_batches.source
    assert list(fresh.training) != list(first.training), "a seed from the beginning splits anew"
    assert second.settings == fresh.settings
    assert first.settings.training.seed == first.training_batches.seed == 3
    for left, right in zip(weights_of(build(second)), weights_of(build(fresh)), strict=True):
        np.testing.assert_array_equal(left, right)
    orders = [
        [batch.sources["source"].tolist() for batch in made.training_batches.epoch(1)] for made in (first, second)
    ]
    assert orders[0] != orders[1]


def test_its_own_seed_changes_nothing() -> None:
    made = lesson(seed=3)
    runs = [train_prepared(own) for own in (made, made.with_seed(4).with_seed(3))]
    for left, right in zip(*map(weights_of, runs), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_no_seed(seed: int) -> None:
    with pytest.raises(SettingsError, match=rf"training\.seed: input should be .*, received: {seed}"):
        lesson().with_seed(seed)


def test_it_learns_to_copy(copier: Any) -> None:
    """Strings of up to four letters, a fifth of them never seen in training."""
    texts = ["".join(letters) for n in range(1, 5) for letters in itertools.product("abcé", repeat=n)]
    report = copier.evaluate([(text, text) for text in texts])
    assert report.sources == len(texts) == 340
    assert report.exact >= 330
    assert report.character_error_rate < 1.0
    assert copier.record["epochs"][-1]["validation_accuracy"] > 0.98


def test_the_record(copier: Any) -> None:
    record = copier.record
    assert set(record) == {
        "data", "versions", "padding_share", "kept_epoch", "interrupted", "diverged", "stopped", "epochs",
    }  # fmt: skip
    data = record["data"]
    texts = ["".join(letters) for n in range(1, 5) for letters in itertools.product("abcé", repeat=n)]
    made = prepare([(text, text) for text in texts], copier.settings, validation=0.2)
    assert data == {
        "name": "pairs",
        "training_pairs": 272,
        "validation_pairs": 68,
        "training_sha256": made.training.fingerprint(),
        "validation_sha256": made.validation.fingerprint(),
        "validation_sources_used_for_training": 0,
        "unknown_validation_tokens": {"source": 0, "target": 0},
        "training_pairs_skipped": {},
        "validation_pairs_skipped": {},
    }
    assert len(data["training_sha256"]) == 64
    assert record["versions"] == {
        "python": platform.python_version(),
        "keras": importlib.metadata.version("keras"),
        "numpy": importlib.metadata.version("numpy"),
        keras.backend.backend(): importlib.metadata.version(keras.backend.backend()),
    }
    assert [epoch["number"] for epoch in record["epochs"]] == list(range(1, 31))
    assert set(record["epochs"][0]) == {
        "number", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds",
    }  # fmt: skip
    assert record["interrupted"] is False
    assert record["diverged"] is False
    assert record["stopped"] == ""
    losses = [epoch["validation_loss"] for epoch in record["epochs"]]
    assert record["kept_epoch"] == 1 + losses.index(min(losses))
    assert 0 <= record["padding_share"] < 1
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_interrupted_training_is_a_translator_too() -> None:
    samples: list[Any] = []

    class Interrupting(Callback):
        def on_epoch_end(self, run: Run) -> None:
            samples.append(run.sample)
            if run.state.history[-1].number == 2:
                signal.raise_signal(signal.SIGINT)

    held = [("ba", "a b!"), ("ed", "d e!")]
    translator = train(PAIRS, settings=TINY, epochs=50, validation=held, callbacks=[Interrupting()], seed=5)
    assert translator.record["interrupted"] is True
    assert translator.record["stopped"] == "interrupted"
    assert len(translator.record["epochs"]) == len(samples) == 2
    assert translator.settings.training.epochs == 50
    assert translator.record["kept_epoch"] in (1, 2)
    assert isinstance(translator.translate("ab"), str)
    assert {(sample.source, sample.reference) for sample in samples} <= set(held)
    assert all(isinstance(sample.translation, str) for sample in samples)


LONG = ("ß" * 20_000, "b a!")


def test_strays_are_skipped_and_counted() -> None:
    plain, made = (
        lesson(validation=[*PAIRS[:3]]),
        lesson([*PAIRS, LONG], validation=[*PAIRS[:3], LONG]),
    )
    reason = (
        "longer than 200 source or 200 target tokens; source.max_length and target.max_length in a settings file set "
        "other limits"
    )
    assert made.training.skipped == {reason: 1}
    assert made.validation.skipped == {reason: 1}
    assert (list(made.training), list(made.validation)) == (PAIRS, PAIRS[:3])
    assert made.signature.source.tokenizer.vocabulary.tokens == plain.signature.source.tokenizer.vocabulary.tokens, (
        "they teach no token"
    )
    assert made.training_batches.buckets == plain.training_batches.buckets
    assert _record(made, History((), 0, False, False))["data"]["training_pairs_skipped"] == {reason: 1}


def test_limits_of_length_by_settings() -> None:
    wide = TINY | {"source": {"max_length": 20_000}}
    assert len(prepare([*PAIRS, LONG], choose_settings(settings=wide), validation=0).training) == len(PAIRS) + 1
    narrow = TINY | {"target": {"max_length": 3}}
    with pytest.raises(
        DataError, match=r"training needs at least two pairs, and 0 of 36 remain; the others are longer than 200 so"
    ):
        prepare(PAIRS, choose_settings(settings=narrow), validation=0)


def test_the_longest_pair_is_remembered() -> None:
    translator = build(lesson([*PAIRS, ("abcdefa", "abc")], validation=0))
    assert (translator.lengths.source, translator.lengths.target) == (7, 4)
    assert isinstance(translator, passerelle.Translator)
