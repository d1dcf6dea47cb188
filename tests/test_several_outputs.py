"""One encoder and several outputs: data, training, missing texts, search, evaluation, the model file, resuming."""

import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from passerelle.data.checking import check_pairs
from passerelle.data.pairs import Pairs
from passerelle.data.reading import read_pairs
from passerelle.errors import DataError, SettingsError
from passerelle.preparation import prepare
from passerelle.ragged import Ragged
from passerelle.settings import make_settings
from passerelle.training.loss import network_sums, output_weights
from passerelle.translator import Translator

NOUNS = {"cat": ("chat", "Katze", "gato"), "dog": ("chien", "Hund", "perro"), "cow": ("vache", "Kuh", "vaca")}
VERBS = {"eats": ("mange", "frisst", "come"), "sleeps": ("dort", "schläft", "duerme"), "runs": ("va", "läuft", "corre")}
NAMES = ("fr", "de", "es")
SMALL: dict[str, Any] = {
    "preset": "compact", "level": "word", "units": 12, "epochs": 60, "batch_size": 4, "dropout": 0.0,
    "learning_rate": 0.02,
}  # fmt: skip


def rows(*, missing: bool = True) -> list[tuple[str, dict[str, str]]]:
    """Every third sentence has no Spanish text if `missing`."""
    found = []
    for number, (noun, verb) in enumerate(itertools.product(NOUNS, VERBS)):
        texts = {name: f"{NOUNS[noun][i]} {VERBS[verb][i]}" for i, name in enumerate(NAMES)}
        if missing and number % 3 == 2:
            del texts["es"]
        found.append((f"{noun} {verb}", texts))
    return found


@pytest.fixture(scope="module")
def translator() -> Translator:
    own = {"outputs": {"de": {"level": "character"}}, "network": {"decoders": {"es": {"units": 8, "layers": 2}}}}
    return passerelle.train(rows(), validation=0, settings=own, **SMALL)


def prepared(pairs: Any, file: Any = None, **options: Any) -> Any:
    values = {**SMALL, **options}
    return prepare(pairs, make_settings(values.pop("preset"), file, values), validation=0)


def build(data: Any) -> Any:
    from passerelle.experiment.building import build as build_translator

    return build_translator(data)


def test_each_output_is_learned_with_its_own_level_and_decoder(translator: Translator) -> None:
    sources = [source for source, _ in rows()]
    outputs = translator.outputs
    assert list(outputs) == list(NAMES)
    for number, (name, output) in enumerate(outputs.items()):
        expected = [f"{NOUNS[noun][number]} {VERBS[verb][number]}" for noun, verb in map(str.split, sources)]
        seen = [name in texts for _, texts in rows()]
        found = output.translate(sources, beam=2)
        assert [text for text, known in zip(found, seen, strict=True) if known] == [
            text for text, known in zip(expected, seen, strict=True) if known
        ]
        assert output.output == name
    assert (outputs["fr"].target.level, outputs["de"].target.level) == ("word", "character")
    assert outputs["es"].model.steppers[0].settings.decoder.layers == 2
    assert outputs["de"].lengths.target > outputs["fr"].lengths.target


def test_saved_equals_loaded_for_each_output(translator: Translator, tmp_path: Path) -> None:
    translator = translator.outputs["de"].with_search(beam=3).for_output("fr")
    translator.save(tmp_path / "three.keras")
    again: Any = passerelle.load(tmp_path / "three.keras")
    sources = [source for source, _ in rows()]
    for name, output in translator.outputs.items():
        other = again.outputs[name]
        assert other.translate(sources) == output.translate(sources)
        assert (other.lengths, other.stored_search) == (output.lengths, output.stored_search)
    assert again.outputs["de"].stored_search.beam == 3
    assert again.outputs["fr"].stored_search.beam != 3
    assert again.settings == translator.settings
    copied = pickle.loads(pickle.dumps(again)).outputs["es"]
    assert copied.translate(sources) == again.outputs["es"].translate(sources)


def test_a_batch_equals_single_texts_and_every_search_works(translator: Translator) -> None:
    sources = [source for source, _ in rows()][:4]
    for name, output in translator.outputs.items():
        for options in ({"beam": 1}, {"beam": 3, "coverage_penalty": 0.1}, {"no_repeat_ngram_size": 2, "beam": 2}):
            together = output.translate(sources, **options)
            assert together == [output.translate(source, **options) for source in sources], (name, options)
        assert output.translate(sources[:1], require=["x"] if name == "none" else []) != [""]
        assert len(output.n_best(sources[:1], 2)[0]) == 2


def test_report_of_each_output_and_of_all_right(translator: Translator) -> None:
    wrong = [(source, {**texts, "fr": "faux"}) if source == "cat eats" else (source, texts) for source, texts in rows()]
    report = translator.evaluate_outputs(wrong)
    assert [each.sources for each in report.outputs.values()] == [9, 9, 6]
    assert report.sources == 9
    assert report.all_right == pytest.approx(100 * 8 / 9)
    assert report.outputs["fr"].exact == 8
    assert report.outputs["es"].exact_match == 100
    assert str(report).endswith("all right     88.89 %   of 9 sources")
    assert translator.evaluate(wrong).exact == 8
    assert translator.outputs["de"].evaluate(wrong).exact == 9
    assert translator.outputs["de"].evaluate([("cat eats", "Katze frisst")]).exact == 1
    scores = translator.outputs["de"].score(check_pairs(rows()))
    assert all(score.per_token > -0.5 for score in scores)
    with pytest.raises(DataError, match="pairs has one output, and the model has fr, de, es"):
        translator.evaluate_outputs([("a", "b")])
    with pytest.raises(DataError, match="has the outputs fr, it, and the model writes 'de'"):
        translator.outputs["de"].evaluate([("a", {"fr": "b", "it": "c"})])


def test_missing_texts_change_nothing_for_the_other_outputs() -> None:
    """The loss and its gradients of two outputs are the same, whatever the texts of the third one are."""
    import jax

    full, partial = prepared(rows(missing=False)), prepared(rows())
    network: Any = build(full).network
    columns = {**check_pairs(rows()).columns, "es": [None] * 9}
    signature = full.signature
    batches = {}
    for name, own in (("full", full.training.columns), ("none", columns)):
        from passerelle.data.batches import Batches

        batches[name] = Batches(signature.encode_inputs(own), signature.encode_targets(own), 9, seed=None)
    assert partial.training_batches.targets["es"].lengths.tolist() == [3, 3, 0] * 3
    found = {}
    for name, each in batches.items():
        (batch,) = each.epoch(0)

        def loss(trainable: Any, batch: Any = batch, ignored: str = name) -> Any:
            values, _ = network.stateless_call(
                trainable, [v.value for v in network.non_trainable_variables], batch.inputs
            )
            weights = {"fr": 1.0, "de": 0.5, "es": 0.0 if ignored == "full" else 1.0}
            return network_sums(network, values, batch.labels, weights=weights)[0]

        found[name] = jax.value_and_grad(loss)([v.value for v in network.trainable_variables])
    np.testing.assert_allclose(found["full"][0], found["none"][0], rtol=1e-5)
    for full_gradient, gradient in zip(found["full"][1], found["none"][1], strict=True):
        np.testing.assert_allclose(full_gradient, gradient, rtol=1e-4, atol=1e-5)


def test_weights_balance_texts_not_tokens() -> None:
    assert output_weights({"target": 7.0}, {}) == {"target": 1.0}
    assert output_weights({"fr": 8.0, "tense": 2.0}, {"tense": 3.0}) == {"fr": 1.0, "tense": 12.0}
    data = prepared(rows(), {"outputs": {"es": {"weight": 0.5}}})
    batches = data.training_batches
    assert batches.tokens_per_target == {"fr": 3.0, "de": 3.0, "es": 3.0}
    assert batches.target_tokens == 27
    assert data.output_weights == {"fr": 1.0, "de": 1.0, "es": 0.5}


def test_an_output_is_as_wide_as_its_own_texts() -> None:
    texts = [("a b c", {"long": "a b c d e f g h", "tag": "x"}), ("b", {"long": "a b c d", "tag": "y"})] * 4
    (batch, *_) = prepared(texts).training_batches.epoch(0)
    assert batch.labels["tag"].shape[1] == 2
    assert batch.labels["long"].shape[1] == 9
    assert batch.steps[1] == 9


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"attention": "monotonic"},
        {"preset": "pointer"},
        {"preset": "transformer", "settings": {"network": {"encoder": {"feed_forward": 24}, "heads": 2}}},
        {"settings": {"training": {"decoder_inputs": "scheduled_sampling"}}},
        {"settings": {"network": {"tie": "all"}}},
        {"settings": {"network": {"heads": 2, "attention": "multi-head", "decoders": {"de": {"kind": "transformer"}}}}},
    ],
    ids=str,
)
def test_every_network_has_several_outputs(options: dict[str, Any]) -> None:
    tagged = [(source, texts, "a;b" if "cat" in source else "c") for source, texts in rows()]
    found = passerelle.train(tagged, validation=0, tag_mode="separate", **{**SMALL, "epochs": 80, **options})
    report = {
        name: output.evaluate(check_pairs(tagged, tagged=True)).exact_match for name, output in found.outputs.items()
    }
    assert min(report.values()) > 60, report


@pytest.mark.slow
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    options = {**SMALL, "epochs": 4, "settings": {"training": {"schedule": "constant"}}}
    whole = passerelle.train(rows(), validation=0.2, **options)
    passerelle.train(rows(), validation=0.2, run=tmp_path / "some.run", **{**options, "epochs": 2})
    resumed = passerelle.resume(tmp_path / "some.run", epochs=4)
    for mine, other in zip(whole.network.get_weights(), resumed.network.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert list(resumed.outputs) == list(NAMES)
    assert resumed.record["data"] == whole.record["data"] | {"name": resumed.record["data"]["name"]}


def test_rows_of_several_outputs_are_checked() -> None:
    pairs = check_pairs([("a", {"fr": "b", "de": None}), ("b", {"fr": " ", "de": "c"}), ("c", {"de": ""})])
    assert pairs == Pairs(["a", "b"], [{"fr": "b"}, {"de": "c"}], outputs=("fr", "de"))
    assert pairs.blank == 1
    assert pairs.columns == {"source": ["a", "b"], "fr": ["b", None], "de": [None, "c"]}
    assert pairs.of_output("de") == Pairs(["b"], ["c"])
    assert pairs[:1].outputs == ("fr", "de")
    for wrong, message in (
        (
            [("a", {"fr": "b", "de": "c"}), ("b", "c")],
            r"row 2: expected \(source, \{output: text or numbers\}\), received",
        ),
        (
            [("a", {"fr": "b", "de": "c"}), ("b", {"de": 3})],
            "row 2: the output 'de' must have a text, as in the rows b",
        ),
        ([("a", "b"), ("a", {"fr": "b"})], r"row 2: expected \(source, target\), two texts"),
        ([("a", {"fr": "b", "de": ""})], "no row has the output 'de'"),
    ):
        with pytest.raises(DataError, match=message):
            check_pairs(wrong)
    for name in ("x-y", "source", "1a", ""):
        with pytest.raises(SettingsError, match="the name of an output must consist of letters"):
            check_pairs([("a", {"fr": "b", name: "c"})])
    with pytest.raises(SettingsError, match="outputs are 2 to 8 names, received: fr"):
        check_pairs([("a", {"fr": "b"})])


def test_settings_of_outputs_are_checked() -> None:
    for file, message in (
        ({"outputs": {"it": {"level": "word"}}}, "outputs.it: pairs has the outputs fr, de, es"),
        ({"network": {"decoders": {"it": {"units": 8}}}}, "network.decoders.it: pairs has the outputs"),
        ({"outputs": {name: {"weight": 0.0} for name in NAMES}}, "the weights of all outputs are 0"),
        ({"outputs": {"de": {"levle": "word"}}}, "unknown setting 'outputs.de.levle'. Did you mean 'level'"),
        ({"outputs": {"de": {"max_length": 3}}}, "target.max_length limits the texts of all outputs"),
        ({"network": {"attention": "dot", "decoders": {"de": {"units": 9}}}}, "decoders.de: attention 'dot' requires"),
    ):
        with pytest.raises(SettingsError, match=message):
            prepared(rows(), file)
    with pytest.raises(SettingsError, match="outputs.fr: pairs has one output"):
        prepared([("a", "b"), ("b", "c")], {"outputs": {"fr": {"level": "word"}}})
    with pytest.raises(SettingsError, match="target vectors belong to one output"):
        prepare(rows(), make_settings("compact", {}, {"level": "word"}), validation=0, target_vectors="none.vec")
    with pytest.raises(DataError, match="validation has the outputs fr, it, and expected are fr, de, es"):
        prepare(rows(), make_settings("compact", {}, {}), validation=[("a", {"fr": "b", "it": "c"})])
    with pytest.raises(SettingsError, match="synthetic pairs have one"):
        passerelle.distill(rows(), "none.keras", validation=0)
    chosen = make_settings(
        "compact", {"outputs": {"de": {"separator": " "}, "fr": {"level": "word"}}}, {"separator": "_"}
    )
    assert (chosen.outputs["de"].level, chosen.outputs["fr"].separator) == ("pretokenized", None)


def test_the_level_auto_is_chosen_for_every_output() -> None:
    data = prepare(rows() * 3, make_settings("auto"), validation=0)
    assert "auto" not in {each.level for each in data.settings.outputs.values()}


def test_empty_sequences_remain_in_a_ragged_array() -> None:
    ids = Ragged.from_lists([[4, 5], [6], [7, 8, 9]])
    emptied = ids.without(np.array([False, True, False]))
    assert [emptied[row].tolist() for row in range(3)] == [[4, 5], [], [7, 8, 9]]


@pytest.mark.parametrize(
    ("name", "content", "outputs", "options"),
    [
        ("a.tsv", "Go.\tVa !\tGeh!\nRun.\t\tLauf!\nHi.\tSalut !\n", "fr=2,de=3", {}),
        ("b.tsv", "en\tfr\tde\nGo.\tVa !\tGeh!\nRun.\t\tLauf!\nHi.\tSalut !\n", "fr,de", {"columns": "en"}),
        ("c.csv", "source,f,de\nGo.,Va !,Geh!\nRun.,,Lauf!\nHi.,Salut !,\n", "fr=f,de", {}),
        (
            "d.jsonl",
            '{"source":"Go.","fr":"Va !","de":"Geh!"}\n{"source":"Run.","de":"Lauf!","fr":null}\n'
            '{"source":"Hi.","fr":"Salut !"}\n',
            "fr,de",
            {},
        ),
        (
            "e.json",
            '[{"source":"Go.","fr":"Va !","de":"Geh!"},{"source":"Run.","de":"Lauf!"},{"source":"Hi.","fr":"Salut !"}]',
            {"fr": "fr", "de": "de"},
            {},
        ),
    ],
)
def test_outputs_are_read_from_each_format(
    name: str, content: str, outputs: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    pairs = read_pairs(path, outputs=outputs, **options)
    expected = [{"fr": "Va !", "de": "Geh!"}, {"de": "Lauf!"}, {"fr": "Salut !"}]
    assert (pairs.sources, pairs.targets, pairs.outputs) == (["Go.", "Run.", "Hi."], expected, ("fr", "de"))


def test_parquet_and_tags_with_several_outputs(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    from pyarrow import parquet  # pyright: ignore[reportMissingImports]

    table = arrow.table({"source": ["a", "b"], "fr": ["c", None], "de": ["d", "e"], "tags": ["x", "y"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    pairs = read_pairs(tmp_path / "a.parquet", outputs="fr,de", tag_column=3)
    assert (pairs.targets, pairs.tags) == ([{"fr": "c", "de": "d"}, {"de": "e"}], ["x", "y"])
    (tmp_path / "a.tsv").write_text("a\tx\tb\tc\n")
    assert read_pairs(tmp_path / "a.tsv", outputs="fr=3,de=4", columns="1,2").tags == ["x"]
    assert read_pairs(tmp_path / "a.tsv", outputs="fr=2,de=3", tag_column=4).tags == ["c"]


@pytest.mark.parametrize(
    ("outputs", "options", "message"),
    [
        ("fr=2,de=9", {}, r"no row has the output 'de' \(column 9\)"),
        ("fr=2,de=2", {}, "the column '2' is named twice: source 1, fr 2, de 2"),
        ("fr=2,de=0", {}, "numbers from 1, received: 1, 2, 0"),
        ("fr=2,fr=3", {}, "the output 'fr' is named twice"),
        ("fr=2", {}, "outputs are 2 to 8 names"),
        ("pt-BR=2,fr=3", {}, "the name of an output must consist of letters"),
        ("fr=2,de=3", {"columns": "1,2,3"}, "with outputs, columns are those of the source and optionally the tags"),
        ("fr=2,de=3", {"swap": True}, "swap exchanges one source and one target"),
        ("fr=2,de=3", {"format": "tmx"}, "format tmx has one output. Formats with several: tsv"),
    ],
)
def test_wrong_outputs_are_named(outputs: str, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a\tb\tc\n")
    with pytest.raises((DataError, SettingsError), match=message):
        read_pairs(tmp_path / "a.tsv", outputs=outputs, **options)
