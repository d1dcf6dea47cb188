"""The program of the tutorial and the preset `tutorial` have the same network: weights can be transferred both ways."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
import tutorial_program
from passerelle.data.phrasebook import phrasebook
from passerelle.experiment.building import build
from passerelle.preparation import prepare
from passerelle.settings import choose_settings
from passerelle.special_tokens import FIRST_ORDINARY, START

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
FRA_ENG = PROJECT.parent / "shared" / "data" / "fra-eng.zip"
SENTENCES = 200
SOURCE_LENGTH = 16
"""The program also encodes padding, so most sources have the maximum length and need none."""

TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}
LAYERS = {"encoder_lstm_1": "encoder", "decoder_lstm_1": "decoder", "output": "output"}


def short_pairs() -> list[tuple[str, str]]:
    """Return 300 pairs with distinct sources: 200 sources of the maximum length, then 100 shorter ones."""
    distinct = {source: target for source, target in phrasebook() if len(target) <= 20}
    full = [source for source in distinct if len(source) == SOURCE_LENGTH][:SENTENCES]
    shorter = [source for source in distinct if SOURCE_LENGTH - 3 <= len(source) < SOURCE_LENGTH][:100]
    assert (len(full), len(shorter)) == (SENTENCES, 100)
    return [(source, distinct[source]) for source in [*full, *shorter]]


def name_in_program(variable: Any) -> str:
    layer, *_, name = variable.path.split("/")
    return f"{LAYERS[layer]}_{name}"


def program_columns(program: Any, translator: Any) -> list[int]:
    """Return the program's column for each target column of the translator.

    The translator's columns are START, END, then the sorted characters. The program sorts START and END ("\\t" and
    "\\n") with the other characters.
    """
    characters = [tutorial_program.START, tutorial_program.END, *translator.target.vocabulary.tokens]
    assert sorted(characters) == sorted(program.target_characters)
    return [program.target_characters.index(character) for character in characters]


def to_translator(program: Any, translator: Any) -> None:
    """Copy the program's weights into the translator."""
    order = program_columns(program, translator)
    arrays = program.weights()
    arrays["decoder_kernel"] = arrays["decoder_kernel"][order]
    arrays["output_kernel"] = arrays["output_kernel"][:, order]
    arrays["output_bias"] = arrays["output_bias"][order]
    # Source columns have the same order: the translator's are also the sorted characters, from id 4 on.
    assert list(translator.source.vocabulary.tokens) == program.source_characters
    variables = {name_in_program(variable): variable for variable in translator.network.weights}
    assert variables.keys() == arrays.keys()
    for name, variable in variables.items():
        variable.assign(arrays[name])


def to_program(translator: Any, program: Any) -> None:
    """Copy the translator's weights into the program."""
    order = np.argsort(program_columns(program, translator))
    arrays = {name_in_program(variable): np.asarray(variable) for variable in translator.network.weights}
    arrays["decoder_kernel"] = arrays["decoder_kernel"][order]
    arrays["output_kernel"] = arrays["output_kernel"][:, order]
    arrays["output_bias"] = arrays["output_bias"][order]
    program.set_weights(arrays)


def compare_logits(program: Any, translator: Any, pairs: list[tuple[str, str]]) -> None:
    sources = translator.source.encode([source for source, _ in pairs])
    targets = translator.target.encode([target for _, target in pairs])
    rows = np.arange(len(pairs))
    logits = translator.training_model.predict(
        {
            "source": sources.padded(rows, int(sources.lengths.max())),
            "target": targets.padded(rows, int(targets.lengths.max()) + 1, first=START),
        },
        batch_size=len(pairs),
        verbose=0,
    )
    order = program_columns(program, translator)
    for row, (source, target) in enumerate(pairs):
        expected = program.decode_logits(source, target, padded=False)[:, order]
        np.testing.assert_allclose(logits[row, : len(target) + 1], expected, **TOLERANCE, err_msg=source)


def compare_texts(program: Any, translator: Any, sources: list[str]) -> list[str]:
    texts = translator.translate(sources, max_length=program.max_target + 1)
    assert texts == [program.decode(source) for source in sources]
    return texts


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, str]]:
    return short_pairs()


@pytest.fixture(scope="module")
def program(pairs: list[tuple[str, str]]) -> Any:
    """The program of the tutorial with its published size, trained for four epochs."""
    tutorial_program.keras.utils.set_random_seed(2)
    program = tutorial_program.TutorialProgram.from_pairs(pairs)
    assert (program.units, program.max_source) == (256, SOURCE_LENGTH)
    losses = program.fit(4, batch_size=16)["loss"]
    assert losses[-1] < losses[0]
    return program


def untrained(pairs: list[tuple[str, str]]) -> Any:
    return build(prepare(pairs, choose_settings(preset="tutorial", seed=4), validation=0))


def test_weights_transfer_from_program_to_preset(program: Any, pairs: list[tuple[str, str]]) -> None:
    translator = untrained(pairs)
    assert len(translator.network.weights) == 8
    assert translator.network.count_params() == program.training_model.count_params()
    ids = [translator.source.vocabulary.id_of(character) for character in program.source_characters]
    assert ids == list(range(FIRST_ORDINARY, FIRST_ORDINARY + len(ids)))

    to_translator(program, translator)
    mixed = pairs[:100] + pairs[-100:]
    compare_logits(program, translator, mixed)
    compare_texts(program, translator, [source for source, _ in pairs[:SENTENCES]])


def test_weights_transfer_from_preset_to_program(program: Any, pairs: list[tuple[str, str]]) -> None:
    """Random weights give more diverse texts than those of the program, which is hardly trained."""
    translator = untrained(pairs)
    random = np.random.default_rng(5)
    network = translator.network
    network.set_weights([weight + random.normal(0, 0.1, weight.shape) for weight in network.get_weights()])
    bias = network.weights[-1]
    assert name_in_program(bias) == "output_bias"
    # The program can output START and the translator cannot, so make START improbable.
    bias.assign(np.where(np.arange(bias.shape[0]) == 0, -50.0, np.asarray(bias)))
    before = program.weights()
    try:
        to_program(translator, program)
        compare_logits(program, translator, pairs[:20] + pairs[-20:])
        texts = compare_texts(program, translator, [source for source, _ in pairs[:50]])
        assert len(set(texts)) > 25
    finally:
        program.set_weights(before)


def test_columns_are_matched_by_character(pairs: list[tuple[str, str]]) -> None:
    """If a character sorts before START and END, the two orders of columns differ."""
    pairs = [*pairs[:20], ("a\x01", "b\x01c"), ("b", "\x01")]
    program = tutorial_program.TutorialProgram.from_pairs(pairs, units=8)
    small = {"network": {"encoder": {"units": 8}, "decoder": {"units": 8}}}
    settings = choose_settings(preset="tutorial", settings=small)
    translator = build(prepare(pairs, settings, validation=0))
    assert program_columns(program, translator)[:3] == [1, 2, 0]
    to_translator(program, translator)
    compare_logits(program, translator, pairs[-3:])


@pytest.mark.skipif(not FRA_ENG.is_file(), reason=f"{FRA_ENG} does not exist")
def test_published_sizes() -> None:
    pairs = passerelle.read_pairs(FRA_ENG, limit=10_000)
    prepared = prepare(pairs, choose_settings(preset="tutorial"), validation=0)
    assert len(prepared.training) == 10_000
    translator = build(prepared)
    network = translator.network
    assert (translator.lengths.source, translator.lengths.target) == (16, 57)
    assert int(prepared.training_batches.targets["target"].lengths.max()) + 1 == 59, "START and END included"
    assert network.output_shape[-1] == 93
    assert {name_in_program(w): tuple(w.shape) for w in network.weights} == {
        "encoder_kernel": (71, 1024),
        "encoder_recurrent_kernel": (256, 1024),
        "encoder_bias": (1024,),
        "decoder_kernel": (93, 1024),
        "decoder_recurrent_kernel": (256, 1024),
        "decoder_bias": (1024,),
        "output_kernel": (256, 93),
        "output_bias": (93,),
    }
    assert network.count_params() == 718_173
