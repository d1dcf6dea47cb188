"""Numbers as one of several outputs, and as the only ones: data, training, missing numbers, prediction, the file."""

import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.data.checking import check_pairs
from passerelle.data.outputs import OutputValues, cell_text, output_columns
from passerelle.data.pair_files import write_pairs
from passerelle.data.pairs import Pairs
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError, SettingsError
from passerelle.preparation import prepare
from passerelle.settings import make_settings
from passerelle.training.loss import network_sums, output_weights
from passerelle.translator import Translator

SMALL: dict[str, Any] = {
    "preset": "compact", "units": 16, "epochs": 60, "batch_size": 8, "dropout": 0.0, "learning_rate": 0.02,
}  # fmt: skip
WORDS = ["".join(letters) for letters in itertools.product("abc", repeat=3)]


def rows(*, missing: bool = True) -> list[tuple[str, dict[str, Any]]]:
    """The number of `a`, far from 0; the letters in capitals; and two numbers of different size."""
    found = []
    for number, word in enumerate(WORDS):
        values = {
            "count": 100 + word.count("a"),
            "upper": word.upper(),
            "pair": np.array([word.count("b") / 3, 5000.0 * word.count("c")]),
        }
        for name, remainder in (("count", 3), ("upper", 4), ("pair", 5)):
            if missing and number % 7 == remainder:
                del values[name]
        found.append((word, values))
    return found


@pytest.fixture(scope="module")
def translator() -> Translator:
    own = {"network": {"decoders": {"pair": {"units": 12, "head": "quantiles"}}}}
    return passerelle.train(rows(), validation=0.2, settings=own, **SMALL)


def prepared(pairs: Any, file: Any = None, **options: Any) -> Any:
    values = {**SMALL, **options}
    return prepare(pairs, make_settings(values.pop("preset"), file, values), validation=0)


def test_numbers_are_learned_beside_texts_in_their_own_units(translator: Translator) -> None:
    assert list(translator.outputs) == ["upper"]
    assert list(translator.number_outputs) == ["count", "pair"]
    count, pair = translator.number_outputs.values()
    assert count.predict(WORDS).shape == (27,)
    assert pair.predict(WORDS).shape == (27, 2)
    report = translator.evaluate_outputs(rows(missing=False))
    assert list(report.outputs) == ["count", "upper", "pair"]
    for name in ("count", "pair"):
        for scores in report.outputs[name].columns.values():
            assert scores.rmse < 0.35 * scores.mean_rmse
    assert report.outputs["upper"].exact_match > 60
    assert report.all_right == report.outputs["upper"].exact_match
    assert report.outputs["count"].rows == 27


def test_predictions_do_not_depend_on_the_batch_and_the_file_keeps_them(translator: Translator, tmp_path: Path) -> None:
    translator.save(tmp_path / "mixed.keras")
    again: Any = passerelle.load(tmp_path / "mixed.keras")
    assert isinstance(again, Translator)
    for name, regressor in translator.number_outputs.items():
        found = regressor.predict([*WORDS[:9], " ", "abcabcabcabc"])
        assert np.isnan(found[9]).all()
        single = [regressor.predict([word])[0] for word in WORDS[:3]]
        np.testing.assert_allclose(found[:3], single, rtol=1e-5)
        other = again.number_outputs[name]
        np.testing.assert_array_equal(other.predict(WORDS), regressor.predict(WORDS))
        for level, values in regressor.quantiles(WORDS, [0.1, 0.9]).items():
            np.testing.assert_array_equal(other.quantiles(WORDS, [0.1, 0.9])[level], values)
    copied = pickle.loads(pickle.dumps(again))
    np.testing.assert_array_equal(
        copied.number_outputs["count"].predict(WORDS), again.number_outputs["count"].predict(WORDS)
    )
    assert again.translate(WORDS) == translator.translate(WORDS)


def test_an_ensemble_averages_numbers(translator: Translator) -> None:
    count, pair = translator.number_outputs.values()
    twice = count.ensemble_with([count], weights=[1, 2])
    np.testing.assert_allclose(twice.predict(WORDS), count.predict(WORDS))
    assert count.has_quantiles  # calibrated on validation pairs
    np.testing.assert_allclose(twice.quantiles(["abc"], [0.9])[0.9], count.quantiles(["abc"], [0.9])[0.9])
    with pytest.raises(SettingsError, match="the same name and shape"):
        count.ensemble_with([pair])
    with pytest.raises(SettingsError, match="weights must be positive numbers, one for each of 2 networks"):
        count.ensemble_with([count], weights=[1])


def test_errors_name_the_output(translator: Translator) -> None:
    with pytest.raises(SettingsError, match="the output 'count' has numbers: use number_outputs"):
        translator.for_output("count")
    with pytest.raises(DataError, match=r"must have numbers of the shape \(1, 1\)"):
        translator.number_outputs["count"].evaluate([("abc", {"count": (1, 2)})])
    with pytest.raises(SettingsError, match="levels must be numbers between 0 and 1"):
        translator.number_outputs["pair"].quantiles(["a"], [2.0])


def test_numbers_only_and_sequences_of_numbers() -> None:
    steps = [(word, {"steps": [[word.count(letter), 1.0] for letter in "abc"]}) for word in WORDS]
    found = passerelle.train(steps, validation=0, **{**SMALL, "preset": None, "epochs": 3})
    assert found.outputs == {}
    assert found.number_outputs["steps"].predict(["abc", "b"]).shape == (2, 3, 2)
    report = found.evaluate_outputs(steps)
    assert report.all_right is None
    assert list(report.outputs["steps"].columns) == ["1", "2"]
    assert found.record["search"] is None
    assert found.encode(["abc"]).shape == (1, 32)
    for use in (found.translate, found.search, found.score):
        with pytest.raises((SettingsError, DataError)):
            use([("abc", "b")] if use == found.score else ["abc"])
    with pytest.raises(SettingsError, match="training.metric 'chrf' compares texts, and pairs has numbers only"):
        prepared(steps, metric="chrf")


def test_numbers_are_sources_and_outputs() -> None:
    waves = [(np.sin(np.arange(6) * speed), {"name": f"w{speed}", "speed": speed}) for speed in (1, 2, 3, 4)] * 4
    found = passerelle.train(waves, validation=0, **{**SMALL, "epochs": 2})
    assert found.number_outputs["speed"].predict([np.sin(np.arange(6))]).shape == (1,)
    assert len(found.translate([np.sin(np.arange(6))])) == 1


def test_missing_numbers_change_nothing_for_the_other_outputs() -> None:
    """The loss of the texts and its gradients are the same, whatever the numbers are."""
    import jax

    from passerelle.data.batches import Batches
    from passerelle.experiment.building import build

    data = prepared(rows(missing=False))
    network: Any = build(data).network
    columns = data.training.columns
    found = {}
    for name, own in (("full", columns), ("none", {**columns, "count": [None] * 27, "pair": [None] * 27})):
        batches = Batches(data.signature.encode_inputs(own), data.signature.encode_targets(own), 27, seed=None)
        (batch,) = batches.epoch(0)

        def loss(trainable: Any, batch: Any = batch, name: str = name) -> Any:
            values, _ = network.stateless_call(
                trainable, [v.value for v in network.non_trainable_variables], batch.inputs
            )
            ignored = 0.0 if name == "full" else 1.0
            weights = {"count": ignored, "upper": 1.0, "pair": ignored}
            sums = network_sums(network, values, batch.labels, weights=weights)
            return sums[0], sums[2] / sums[1]

        found[name] = jax.value_and_grad(loss, has_aux=True)([v.value for v in network.trainable_variables])
    (full, full_accuracy), (none, accuracy) = found["full"][0], found["none"][0]
    np.testing.assert_allclose(full, none, rtol=1e-5)
    np.testing.assert_allclose(full_accuracy, accuracy, rtol=1e-5)
    for full_gradient, gradient in zip(found["full"][1], found["none"][1], strict=True):
        np.testing.assert_allclose(full_gradient, gradient, rtol=1e-4, atol=1e-5)


def test_accuracy_is_that_of_the_texts() -> None:
    """Numbers are no correct or wrong tokens, so their weight has no influence on the accuracy."""
    from passerelle.experiment.building import build

    data = prepared(rows())
    network: Any = build(data).network
    (batch, *_) = data.training_batches.epoch(0)
    logits = network(batch.inputs)
    shares = []
    for weight in (0.5, 3.0):
        _, tokens, correct = network_sums(
            network, logits, batch.labels, weights={"count": weight, "upper": 1.0, "pair": 1.0}
        )
        shares.append(float(correct / tokens))
    labels = batch.labels["upper"]
    right = (np.asarray(logits["upper"]).argmax(-1) + network.steppers["upper"].first == labels) & (labels > 0)
    np.testing.assert_allclose(shares, right.sum() / (labels > 0).sum(), rtol=1e-5)


def test_weights_balance_texts_and_numbers() -> None:
    data = prepared(rows(missing=False), {"outputs": {"pair": {"weight": 0.5}}})
    per_target = data.training_batches.tokens_per_target
    assert per_target == {"count": 1.0, "upper": 4.0, "pair": 1.0}
    assert output_weights(per_target, data.output_weights) == {"count": 1.0, "upper": 0.25, "pair": 0.5}


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"preset": "monotonic", "settings": {"network": {"copying": True}}},
        {"preset": "pointer"},
        {"preset": "transformer", "settings": {"network": {"encoder": {"feed_forward": 24}, "heads": 2}}},
        {"settings": {"training": {"decoder_inputs": "scheduled_sampling", "accumulation": 2}}},
        {"settings": {"network": {"tie": "all"}}},
        {"settings": {"network": {"heads": 2, "attention": "multi-head", "decoders": {"n": {"kind": "transformer"}}}}},
        {"settings": {"network": {"decoders": {"n": {"head": "student-t", "feedback": False, "context": True}}}}},
    ],
    ids=str,
)
def test_every_network_has_numbers_among_its_outputs(options: dict[str, Any]) -> None:
    tagged = [
        (word, {"n": [word.count("a"), 1.0], "upper": word.upper()}, "x;y" if "a" in word else "z") for word in WORDS
    ]
    found = passerelle.train(tagged, validation=0, tag_mode="separate", **{**SMALL, **options})
    report = found.evaluate_outputs(check_pairs(tagged, tagged=True))
    assert report.outputs["upper"].exact_match > 60
    assert report.outputs["n"].columns["1"].rmse < 0.4
    assert found.number_outputs["n"].predict(["abc"], tags="x;y").shape == (1, 2)


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    options = {**SMALL, "epochs": 4, "settings": {"training": {"schedule": "constant"}}}
    whole = passerelle.train(rows(), validation=0.2, **options)
    passerelle.train(rows(), validation=0.2, run=tmp_path / "some.run", **{**options, "epochs": 2})
    resumed = passerelle.resume(tmp_path / "some.run", epochs=4)
    for mine, other in zip(whole.network.get_weights(), resumed.network.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(
        whole.number_outputs["pair"].quantiles(["abc"], [0.1])[0.1],
        resumed.number_outputs["pair"].quantiles(["abc"], [0.1])[0.1],
    )


def test_rows_with_numbers_are_checked() -> None:
    pairs = check_pairs([("a", {"n": 3, "t": "x"}), ("b", {"n": None, "t": "y"}), ("c", {"n": np.float32(4)})])
    assert pairs == Pairs(
        ["a", "b", "c"], [{"n": ((3.0,),), "t": "x"}, {"t": "y"}, {"n": ((4.0,),)}], outputs=("n", "t")
    )
    assert (pairs.number_outputs, pairs.text_outputs) == (("n",), ("t",))
    assert pairs.outputs_to_read == ("n:numbers", "t")
    assert pairs.main.targets == ["x", "y"]
    assert check_pairs([("a", {"n": 3})]).outputs == ("n",)
    for wrong, message in (
        ([("a", {"n": 3, "t": "x"}), ("b", {"n": "4"})], "row 2: the output 'n' must have 1 number, as in the rows"),
        ([("a", {"n": "x", "t": "x"}), ("b", {"n": 4})], "row 2: the output 'n' must have a text, as in the rows"),
        ([("a", {"n": 3}), ("b", {"n": (1, 2)})], r"row 2: the output 'n' must have 1 number, .* received: \(1, 2\)"),
        ([("a", {"n": float("nan")})], "row 1: the output 'n' must have finite numbers, received: .nan.. Leave out"),
        ([("a", {"n": float("inf")})], "row 1: the output 'n' must have finite numbers"),
        ([("a", {"n": True})], "row 1: the output 'n' must be a text, or numbers, or missing, received: True"),
        ([("a", {"n": [[1, 2], [3]]})], "row 1: the output 'n' must be a text, or numbers"),
        ([("a", {"n": []})], "row 1: the output 'n' must be a text, or numbers"),
        ([("a", {"n": np.zeros((1, 1, 1))})], "row 1: the output 'n' must be a text, or numbers"),
    ):
        with pytest.raises(DataError, match=message):
            check_pairs(wrong)
    with pytest.raises(DataError, match="validation has numbers as the output 't', and pairs has texts"):
        prepare([("a", {"n": 3, "t": "x"})] * 4, make_settings("compact"), validation=[("b", {"n": 3, "t": 4})])


def test_numbers_in_cells() -> None:
    values = OutputValues({"n"})
    assert values.checked({"n": "1 2.5; -3 4e-1", "t": "1"}, "row 1") == {"n": ((1.0, 2.5), (-3.0, 0.4)), "t": "1"}
    assert values.checked({"n": " ", "t": None}, "row 2") == {}
    assert cell_text(((1.0, 2.5), (-3.0, 0.4))) == "1.0 2.5; -3.0 0.4"
    with pytest.raises(DataError, match="row 3: the output 'n' must be numbers, or missing, received: '3,5'"):
        values.checked({"n": "3,5"}, "row 3")
    with pytest.raises(DataError, match="row 4: the output 'n' must have 2 numbers in each of 2 steps, as in the rows"):
        values.checked({"n": "3 5"}, "row 4")
    columns = output_columns("fr=2, size=3:numbers,x:numbers", numbered=True)
    assert (dict(columns.columns), columns.numbers) == ({"fr": "2", "size": "3", "x": "x"}, {"size", "x"})
    assert output_columns(["n:numbers"], numbered=True).columns == {"n": "2"}


@pytest.mark.parametrize(
    ("name", "content", "outputs"),
    [
        ("a.tsv", "go\tva\t1 2\nrun\t\t3 4\nhi\tsalut\n", "fr=2,n=3:numbers"),
        ("b.csv", "source,fr,n\ngo,va,1 2\nrun,,3 4\nhi,salut,\n", "fr,n:numbers"),
        (
            "c.jsonl",
            '{"source":"go","fr":"va","n":[1,2]}\n{"source":"run","n":[3,4.0]}\n{"source":"hi","fr":"salut","n":null}\n',
            {"fr": "fr", "n": "n:numbers"},
        ),
        ("d.json", '[{"source":"go","fr":"va","n":"1 2"},{"source":"run","n":[3,4]},{"source":"hi","fr":"salut"}]',
         ["fr", "n:numbers"]),
    ],
)  # fmt: skip
def test_numbers_are_read_from_each_format(name: str, content: str, outputs: Any, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    pairs = read_pairs(tmp_path / name, outputs=outputs)
    assert pairs.sources == ["go", "run", "hi"]
    assert pairs.targets == [{"fr": "va", "n": ((1.0, 2.0),)}, {"n": ((3.0, 4.0),)}, {"fr": "salut"}]
    write_pairs(tmp_path / "again.tsv", pairs)
    assert read_pairs(tmp_path / "again.tsv", outputs=pairs.outputs_to_read) == Pairs(
        pairs.sources, pairs.targets, str(tmp_path / "again.tsv"), outputs=pairs.outputs
    )


def test_numbers_of_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    from pyarrow import parquet  # pyright: ignore[reportMissingImports]

    table = arrow.table({"source": ["a", "b"], "t": ["c", None], "n": [1.5, None], "m": [[1, 2], [3, 4]]})
    parquet.write_table(table, tmp_path / "a.parquet")
    pairs = read_pairs(tmp_path / "a.parquet", outputs="t,n:numbers,m:numbers")
    assert pairs.targets == [{"t": "c", "n": ((1.5,),), "m": ((1.0, 2.0),)}, {"m": ((3.0, 4.0),)}]
    with pytest.raises(DataError, match="column 'n' contains double, not strings"):
        read_pairs(tmp_path / "a.parquet", outputs="t,n")


def test_a_column_of_text_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("go\tva\t1\nrun\tcours\tfast\n")
    with pytest.raises(DataError, match="a.tsv, line 2: the output 'n' must be numbers, or missing, received: 'fast'"):
        read_pairs(tmp_path / "a.tsv", outputs="fr=2,n=3:numbers")


def test_numbers_are_readable() -> None:
    data = prepared([(word, {"n": [0.001 * number, 1e6 * number, 3.0]}) for number, word in enumerate(WORDS)])
    field = data.signature.outputs["n"]
    assert field.text(np.array([[0.012345, 12345678.9, 3.04]])) == "0.01235 12345679 3.04"
    assert field.text(np.array([[np.nan] * 3])) == ""
