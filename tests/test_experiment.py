"""Preparation and training of a translator, and its training record."""

import importlib.metadata
import itertools
import json
import platform
import random
import re
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

import passerelle
from passerelle.data.checking import check_pairs
from passerelle.data.pair_files import write_pairs
from passerelle.errors import DataError, SettingsError
from passerelle.experiment import clock as experiment_clock
from passerelle.experiment import prepared_training
from passerelle.experiment.building import build
from passerelle.experiment.prepared_training import train_prepared
from passerelle.experiment.record import training_record
from passerelle.experiment.train import train
from passerelle.inference import search_choice
from passerelle.preparation import prepare
from passerelle.settings import choose_settings, make_settings
from passerelle.special_tokens import UNK
from passerelle.training.callbacks import callback
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


def prepared_data(pairs: Any = PAIRS, validation: Any = None, **options: Any) -> Any:
    return prepare(pairs, choose_settings(settings=TINY, **options), validation=validation)


# ---- splitting, vocabularies


def test_vocabularies_are_built_from_training_pairs_only() -> None:
    data = prepared_data([*PAIRS, ("ab", "x")], validation=[("ßa", "ab!ß§"), ("aß", "ß")])
    assert data.signature.source.tokenizer.vocabulary.tokens == tuple("abcdef")
    assert data.signature.target.tokenizer.vocabulary.tokens == tuple(" !abcdefx")
    assert np.count_nonzero(data.training_batches.source.values == UNK) == 0
    assert np.count_nonzero(data.validation_batches.source.values == UNK) == 2
    assert data.unknown_validation_tokens == {"source": 2, "target": 3}


def test_validation_may_be_two_parallel_files(tmp_path: Path) -> None:
    paths = tmp_path / "dev.en", tmp_path / "dev.fr"
    paths[0].write_text("ab\n\ncd\n")
    paths[1].write_text("b a!\nx\nd c!\n")
    held_out = prepared_data(validation=paths).validation
    assert (list(held_out), held_out.blank) == ([("ab", "b a!"), ("cd", "d c!")], 1)
    assert list(prepared_data(validation=(("ab", "x"), ("cd", "y"))).validation) == [("ab", "x"), ("cd", "y")]


def test_held_out_pairs_add_no_tokens() -> None:
    """A token that occurs in only one source is unknown if that source is held out."""
    pairs = [(f"{a}{b}", a) for a, b in itertools.product("abcdef", repeat=2)] + [("ab§", "a")]
    for seed in range(20):
        data = prepared_data(pairs, validation=0.3, seed=seed)
        assert ("§" in data.signature.source.tokenizer.vocabulary) == ("ab§" in data.training.sources)
        if "ab§" in data.validation.sources:
            assert data.unknown_validation_tokens["source"] == 1
            break
    else:
        pytest.fail("none of twenty seeds held the pair out")


def test_validation_may_be_a_share() -> None:
    data = prepared_data(validation=0.25)
    assert (len(data.training), len(data.validation)) == (27, 9)
    assert not set(data.training.sources) & set(data.validation.sources)
    assert data.overlap == 0
    assert len(prepared_data(validation=0).validation) == 0
    assert prepared_data(validation=0).validation_batches is None
    assert prepared_data(validation=0).unknown_validation_tokens == {"source": 0, "target": 0}
    assert len(prepared_data().validation) == 3, "a tenth of the sources by default"


def test_validation_may_be_pairs_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "held_out.tsv"
    held_out = [("fa", "a f!"), ("zz", "z z!")]
    write_pairs(path, held_out)
    for validation in (held_out, check_pairs(held_out), iter(held_out), path, str(path)):
        data = prepared_data(validation=validation)
        assert len(data.training) == len(PAIRS)
        assert list(data.validation) == held_out
        assert data.overlap == 1


@pytest.mark.parametrize(
    ("options", "twins"),
    [
        ({}, [("é", "e\u0301"), ("a b", " a b "), ("fa", "fa\u3000")]),
        ({"lowercase": True}, [("İa", "ia"), ("AB", "ab"), ("É", "e\u0301")]),
        ({"level": "word"}, [("a b", "a  b"), ("a b", "a\u00a0b")]),
        ({"separator": "-"}, [("a-b", "a-b-"), ("a-b", "a - b")]),
    ],
)
def test_sources_that_are_the_same_to_the_tokenizer_stay_on_one_side(options: Any, twins: Any) -> None:
    pairs = [(source.replace("a", f"{letter}a"), "x") for letter in "bcdfgh" for twin in twins for source in twin]
    pairs += [(source, "x") for twin in twins for source in twin]
    for seed in range(5):
        data = prepared_data(pairs, validation=0.4, seed=seed, **options)
        assert min(len(data.training), len(data.validation)) > 0
        assert data.overlap == 0
        for one, other in twins:
            assert (one in data.training.sources) == (other in data.training.sources)
    held_out = prepared_data([(one, "x") for one, _ in twins] * 2, [(other, "x") for _, other in twins], **options)
    assert held_out.overlap == len({held_out.signature.source.tokenizer.key(one) for one, _ in twins})


def test_blanks_of_tags_mean_nothing() -> None:
    rows = [("ab", "x", " V ; PST"), ("ba", "y", "N;"), ("fa", "x", "V;PST")]
    data = prepared_data(rows, [("ab", "x", "PST;V")], tag_mode="separate")
    assert data.signature.inputs["tags"].tokenizer.vocabulary.tokens == ("N", "PST", "V")
    assert (data.trimmed, data.overlap) == (2, 1)
    exact = prepared_data([("ab ", "x"), ("ba", "y")], 0, exact_whitespace=True)
    assert (exact.trimmed, " " in exact.signature.source.tokenizer.vocabulary) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pairs": "pairs.tsv"}, "Read the file first: read_pairs('pairs.tsv')"),
        ({"pairs": None}, "pairs must be rows of texts"),
        ({"callbacks": 5}, "callbacks must be a list of passerelle.Callback objects, received: 5"),
        ({"callbacks": [print]}, "callbacks must be a list of passerelle.Callback objects"),
        ({"settings": 5}, "settings must be a path, received: 5"),
        ({"source_vectors": 5}, "source_vectors must be a path, received: 5"),
        ({"validation": object()}, "validation must be rows of texts"),
        ({"epochs": 2.5}, "training.epochs: input should be a valid integer, received: 2.5"),
        ({"level": "word", "separator": " "}, "no other level accepts one"),
    ],
)
def test_wrong_types_are_named(arguments: Any, message: str) -> None:
    with pytest.raises((DataError, SettingsError), match=re.escape(message)):
        train(**({"pairs": PAIRS, "validation": 0} | arguments))


@pytest.mark.parametrize("share", [1, 1.0, -0.1, 7, float("nan"), True])
def test_invalid_share_is_an_error(share: Any) -> None:
    with pytest.raises(SettingsError, match="validation must be at least 0 and less than 1"):
        prepared_data(validation=share)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_share_that_leaves_one_part_empty_is_an_error(share: float) -> None:
    with pytest.raises(DataError, match="leaves one side of the split empty"):
        prepared_data(validation=share)


# ---- invalid pairs


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
        {"ab": "cd"},
    ],
    ids=repr,
)
def test_rows_that_are_not_pairs_are_errors(pairs: Any) -> None:
    with pytest.raises(DataError, match=r"row \d: expected \(source, target\), two texts, received: "):
        prepared_data(pairs)


@pytest.mark.parametrize("row", [5, None, 1.5], ids=repr)
def test_rows_that_are_not_sequences_are_errors(row: Any) -> None:
    with pytest.raises(DataError, match="row 2: expected"):
        prepared_data([("a", "b"), row])


def test_errors_in_validation_pairs_name_them() -> None:
    with pytest.raises(DataError, match="validation, row 1: expected"):
        prepared_data(validation=["ab"])


@pytest.mark.parametrize("pairs", [[], [("a", "b")], [("a", "b"), ("", "c"), (" ", "d")]])
def test_too_few_pairs_are_an_error(pairs: Any) -> None:
    with pytest.raises(DataError, match="training needs at least two pairs, received: "):
        prepared_data(pairs)


def test_side_without_tokens_is_an_error() -> None:
    with pytest.raises(DataError, match="the target column contains no tokens"):
        prepared_data([("a", ";"), ("b", ";;")], target_separator=";", validation=0)


def test_errors_name_unknown_options() -> None:
    with pytest.raises(SettingsError, match=r"unknown option 'epoch'\. Did you mean 'epochs'\?"):
        train(PAIRS, epoch=3)  # pyright: ignore[reportCallIssue]
    with pytest.raises(SettingsError, match=r"training\.epochs"):
        train(PAIRS, epochs=0)
    with pytest.raises(SettingsError, match=r"network\.encoder\.unit"):
        train(PAIRS, settings={"network": {"encoder": {"unit": 4}}})


# ---- training


def weights_of(translator: Any) -> list[np.ndarray]:
    return translator.network.get_weights()


def test_training_depends_only_on_the_seed_and_restores_global_random_states() -> None:
    runs: list[Any] = []
    random.seed(123)
    np.random.seed(123)
    expected = random.random(), float(np.random.random())
    for seed in (5, 5, 6):
        random.seed(123)
        np.random.seed(123)
        runs.append(train(PAIRS, settings=TINY, validation=0.2, seed=seed))
        assert (random.random(), float(np.random.random())) == expected, "global random states"
        keras.utils.set_random_seed(seed + len(runs))  # global random states do not affect training
    losses = [[(e["loss"], e["validation_loss"]) for e in run.record["epochs"]] for run in runs]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]
    for left, right in zip(weights_of(runs[0]), weights_of(runs[1]), strict=True):
        np.testing.assert_array_equal(left, right)
    assert any((a != b).any() for a, b in zip(weights_of(runs[0]), weights_of(runs[2]), strict=True))


def test_initial_weights_depend_only_on_the_seed() -> None:
    data = prepared_data(seed=3)
    first = build(data)
    random.seed(99)
    for left, right in zip(weights_of(first), weights_of(build(data)), strict=True):
        np.testing.assert_array_equal(left, right)


def test_with_seed_changes_only_weights_and_order() -> None:
    first, new_split = prepared_data(seed=3), prepared_data(seed=8)
    second = first.with_seed(8)
    assert (second.training, second.validation) == (first.training, first.validation)
    assert second.signature is first.signature, "the split is the same"
    assert second.training_batches.source is first.training_batches.source
    assert list(new_split.training) != list(first.training), "`prepare` makes another split"
    assert second.settings == new_split.settings
    assert first.settings.training.seed == first.training_batches.seed == 3
    for left, right in zip(weights_of(build(second)), weights_of(build(new_split)), strict=True):
        np.testing.assert_array_equal(left, right)
    orders = [
        [batch.sources["source"].tolist() for batch in data.training_batches.epoch(1)] for data in (first, second)
    ]
    assert orders[0] != orders[1]


@pytest.mark.slow
def test_with_seed_can_restore_the_seed() -> None:
    data = prepared_data(seed=3)
    runs = [train_prepared(version) for version in (data, data.with_seed(4).with_seed(3))]
    for left, right in zip(*map(weights_of, runs), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_invalid_seed_is_an_error(seed: int) -> None:
    with pytest.raises(SettingsError, match=rf"training\.seed: input should be .*, received: {seed}"):
        prepared_data().with_seed(seed)


def test_translator_learns_to_copy(copier: Any) -> None:
    """Strings of up to four characters, of which a fifth are validation pairs."""
    texts = ["".join(characters) for n in range(1, 5) for characters in itertools.product("abcé", repeat=n)]
    report = copier.evaluate([(text, text) for text in texts])
    assert report.sources == len(texts) == 340
    assert report.exact >= 330
    assert report.character_error_rate < 1.0
    assert copier.record["epochs"][-1]["validation_accuracy"] > 0.98


def test_training_record(copier: Any) -> None:
    record = copier.record
    assert set(record) == {
        "data", "versions", "padding_share", "kept_epoch", "kept_interval", "interrupted", "diverged", "stopped",
        "search", "epochs",
    }  # fmt: skip
    data = record["data"]
    texts = ["".join(characters) for n in range(1, 5) for characters in itertools.product("abcé", repeat=n)]
    prepared = prepare([(text, text) for text in texts], copier.settings, validation=0.2)
    assert data == {
        "name": "pairs",
        "training_pairs": 272,
        "validation_pairs": 68,
        "training_sha256": prepared.training.fingerprint(),
        "validation_sha256": prepared.validation.fingerprint(),
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
        "number", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds", "chrf",
        "exact_match", "skipped", "weights", "epoch", "updates", "tokens", "validation_perplexity",
    }  # fmt: skip
    assert record["interrupted"] is False
    assert record["diverged"] is False
    assert record["stopped"] == ""
    losses = [epoch["validation_loss"] for epoch in record["epochs"]]
    assert record["kept_epoch"] == 1 + losses.index(min(losses))
    assert 0 <= record["padding_share"] < 1
    assert json.loads(json.dumps(record, allow_nan=False)) == record


@pytest.mark.slow
def test_interrupted_training_returns_a_translator() -> None:
    samples: list[Any] = []

    class Interrupting(Callback):
        def on_epoch_end(self, run: Run) -> None:
            samples.extend(run.samples)
            if run.state.history[-1].number == 2:
                signal.raise_signal(signal.SIGINT)

    held_out = [("ba", "a b!"), ("ed", "d e!")]
    translator = train(PAIRS, settings=TINY, epochs=50, validation=held_out, callbacks=[Interrupting()], seed=5)
    assert translator.record["interrupted"] is True
    assert translator.record["stopped"] == "interrupted"
    assert len(translator.record["epochs"]) == 2
    assert len(samples) == 4
    assert translator.settings.training.epochs == 50
    assert translator.record["kept_epoch"] in (1, 2)
    assert isinstance(translator.translate("ab"), str)
    assert {(sample.source, sample.reference) for sample in samples} <= set(held_out)
    assert all(isinstance(sample.translation, str) for sample in samples)


LONG = ("ß" * 20_000, "b a!")


def test_pairs_that_are_too_long_are_skipped_and_counted() -> None:
    plain, data = (
        prepared_data(validation=[*PAIRS[:3]]),
        prepared_data([*PAIRS, LONG], validation=[*PAIRS[:3], LONG]),
    )
    reason = (
        "longer than 200 source or 200 target tokens; source.max_length and target.max_length in a settings file set "
        "other limits"
    )
    assert data.training.skipped == {reason: 1}
    assert data.validation.skipped == {reason: 1}
    assert (list(data.training), list(data.validation)) == (PAIRS, PAIRS[:3])
    assert data.signature.source.tokenizer.vocabulary.tokens == plain.signature.source.tokenizer.vocabulary.tokens, (
        "skipped pairs add no tokens"
    )
    assert data.training_batches.buckets == plain.training_batches.buckets
    assert training_record(data, History((), 0, False, False), None)["data"]["training_pairs_skipped"] == {reason: 1}


def test_length_limits_in_settings() -> None:
    large = TINY | {"source": {"max_length": 20_000}}
    assert len(prepare([*PAIRS, LONG], choose_settings(settings=large), validation=0).training) == len(PAIRS) + 1
    small = TINY | {"target": {"max_length": 3}}
    with pytest.raises(
        DataError, match=r"training needs at least two pairs, and 0 of 36 remain; the others are longer than 200 so"
    ):
        prepare(PAIRS, choose_settings(settings=small), validation=0)


def test_translator_has_the_maximum_lengths_of_training() -> None:
    translator = build(prepared_data([*PAIRS, ("abcdefa", "abc")], validation=0))
    assert (translator.lengths.source, translator.lengths.target) == (7, 4)
    assert isinstance(translator, passerelle.Translator)


@pytest.mark.parametrize(("search", "started"), [("auto", 0.0), ("greedy", 0.0), ("greedy", 20.0)])
def test_the_minutes_include_everything(
    search: str, started: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The clock advances by half a second per reading; saving takes 5 seconds, comparing a search 1."""
    clock = SimpleNamespace(now=started)

    def read() -> float:
        clock.now += 0.5
        return clock.now

    def save(*args: Any, **options: Any) -> None:
        clock.now += 5.0

    def compared(*args: Any) -> Any:
        clock.now += 1.0
        return SimpleNamespace(chrf=clock.now % 7)

    for module in (experiment_clock, prepared_training, callback):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=read))
    monkeypatch.setattr(prepared_training, "save_bundle", save)
    monkeypatch.setattr(search_choice, "evaluate", compared)
    data = prepare(
        PAIRS, make_settings("tutorial", {"training": {"minutes": 4.0, "search": search}, "network": TINY["network"]})
    )
    translator = train_prepared(data, out=tmp_path / "m.keras", started=0.0)
    save()
    assert translator.record["stopped"] == "time limit of 4 minutes"
    assert len(translator.record["search"]["trials"]) >= (2 if search == "auto" else 0)
    assert 0.95 * 240 < clock.now < 1.02 * 240
