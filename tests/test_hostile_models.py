"""Hostile model files: limits before work, messages of bounded length, and random changes."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import passerelle
from hostile_models import ASSET, CONFIG, WEIGHTS, Members, check, members_of, packed
from passerelle.bundle.weights import variables_by_name
from passerelle.data.lengths import MAX_RATIO, Lengths
from passerelle.errors import PasserelleError, SettingsError, brief, listed, one_line
from passerelle.settings import MAX_TEXT_LENGTH, Settings, validated
from passerelle.text.level import make_tokenizer
from passerelle.text.vocabulary import MAX_TOKEN_LENGTH
from untrained import TRANSFORMER, untrained


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "sound.keras"
    untrained([("abc", "cba"), ("ab", "ba")]).save(path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def members(sound: bytes) -> Members:
    return members_of(sound)


@pytest.fixture
def refusal(tmp_path: Path) -> Callable[[bytes], str]:
    """Load a file that must be refused quickly; return the message."""

    def load(data: bytes) -> str:
        path = tmp_path / "hostile.keras"
        path.write_bytes(data)
        started = time.monotonic()
        with pytest.raises(passerelle.ModelFileError) as caught:
            passerelle.load(path)
        assert time.monotonic() - started < 5
        assert len(str(caught.value)) < 2200 + len(str(path))
        assert str(caught.value).isprintable()
        assert list(tmp_path.iterdir()) == [path]
        return str(caught.value)

    return load


def edited(members: Members, name: str, change: Callable[[Any], object]) -> bytes:
    tree = json.loads(members[name])
    change(tree)
    return packed(members | {name: json.dumps(tree).encode()})


@pytest.mark.slow
def test_random_changes(sound: bytes) -> None:
    faults = [result for result in check(sound, range(1, 61)) if result["fault"]]
    assert not faults, faults


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"[" + b"[]," * 2**19 + b"0]", "too many lists, objects or keys"),
        (b'{"a":1,' + b",".join(b'"%d":1' % number for number in range(2**20)) + b"}", "too many lists"),
        (b"[" * 200 + b"]" * 200, "more than 100 nested"),
        (b"[" * 10**5 + b"]" * 10**5, "damaged"),
        (b"1" * 401, "a number has 401 digits"),
    ],
    ids=["lists", "keys", "nested", "deeply nested", "digits"],
)
def test_ceilings_of_json(
    refusal: Callable[[bytes], str], members: Members, value: bytes, expected: str
) -> None:  # fmt: skip
    asset = members[ASSET].rstrip()[:-1] + b',"more":' + value + b"}"
    assert expected in refusal(packed(members | {ASSET: asset}))


def test_many_unknown_settings(refusal: Callable[[bytes], str], members: Members) -> None:
    def add(tree: Any, count: int) -> None:
        tree["settings"].update({f"dropoutx{number}": number for number in range(count)})

    assert "settings with " in refusal(edited(members, ASSET, lambda tree: add(tree, 50_000)))
    message = refusal(edited(members, ASSET, lambda tree: add(tree, 22)))
    assert "'dropoutx9'" in message
    assert "'dropoutx10'" not in message
    assert "and 12 more" in message
    long = refusal(edited(members, ASSET, lambda tree: tree["settings"].update({"q" * 10**6: "\x1b[2J"})))
    assert "unknown setting 'qqq" in long
    assert len(long) < 1000


@pytest.mark.parametrize("inputs", [(10**6, 5, 1.0), (5, 10**6, 1.0), (5, 5, 1e6)])
def test_lengths_that_would_let_a_translation_run_for_ever(
    refusal: Callable[[bytes], str], members: Members, inputs: tuple[int, int, float]
) -> None:
    values = dict(zip(("source", "target", "ratio"), inputs, strict=True))
    assert "length" in refusal(edited(members, ASSET, lambda tree: tree["lengths"].update(values)))


def test_training_stays_below_the_ceilings_of_a_model_file() -> None:
    assert Lengths.of(np.array([0, 5]), np.array([9_000, 5])).ratio == MAX_RATIO
    assert Lengths(MAX_TEXT_LENGTH, MAX_TEXT_LENGTH, MAX_RATIO).max_steps(10) <= 5_000
    tokenizer = make_tokenizer("pretokenized", " ", texts=["a " + "b" * (MAX_TOKEN_LENGTH + 1)])
    assert tokenizer.vocabulary.tokens == ("a",)


def test_a_long_token(refusal: Callable[[bytes], str], members: Members) -> None:
    def lengthen(tree: Any) -> None:
        tree["settings"]["source"]["level"] = tree["signature"]["inputs"]["source"]["level"] = "word"
        tree["signature"]["inputs"]["source"]["tokens"][0] = " " + "a" * 10**6

    assert "at most 10,000 characters" in refusal(edited(members, ASSET, lengthen))


def test_more_tokens_than_the_network_has(refusal: Callable[[bytes], str], members: Members) -> None:
    def add(tree: Any) -> None:
        tree["signature"]["outputs"]["target"]["tokens"] = [str(number) for number in range(10**5)]

    assert "target has 100,000 tokens" in refusal(edited(members, ASSET, add))


def test_an_odd_name_of_the_network(refusal: Callable[[bytes], str], members: Members) -> None:
    for name in ("a/b", "x" * 10**5, "\x1b[2J", ""):
        message = refusal(edited(members, CONFIG, lambda tree, name=name: tree["config"].update(name=name)))
        assert "no name of a Keras model" in message


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Members:
    path = tmp_path_factory.mktemp("transformer") / "transformer.keras"
    untrained([("abc", "cba"), ("ab", "ba")], TRANSFORMER).save(path)
    return members_of(path.read_bytes())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        # 16 blocks with 8,192 units each would have 7.5 billion weights: 30 GB.
        ({"layers": 8, "units": 8192, "feed_forward": 8192}, "the shapes of its weights do not match its settings"),
        ({"layers": 8}, "the shapes of its weights do not match its settings"),
        ({"feed_forward": 8192}, "the shapes of its weights do not match its settings"),
        ({"feed_forward": 10**9}, "feed_forward: input should be less than or equal to 8192"),
        ({"layers": 10**6}, "layers: input should be less than or equal to 8"),
        ({"units": 7}, "heads must divide encoder.units, 7, received: 2"),
        ({"heads": 4}, "heads must divide encoder.units, 6, received: 4"),
        ({"heads": 10**6}, "heads: input should be less than or equal to 64"),
        ({"heads": 0}, "heads: input should be greater than or equal to 1"),
        ({"kind": "recurrent"}, "the shapes of its weights do not match its settings"),
    ],
    ids=lambda value: ",".join(f"{name}={size}" for name, size in value.items()) if isinstance(value, dict) else None,
)
def test_sizes_of_a_transformer(
    refusal: Callable[[bytes], str], transformer: Members, changes: dict[str, Any], expected: str
) -> None:
    """Refused before memory is allocated, in the network's configuration and in the settings."""

    def change(network: dict[str, Any]) -> None:
        for name, value in changes.items():
            for part in (network,) if name == "heads" else (network["encoder"], network["decoder"]):
                part[name] = value

    assert expected in refusal(edited(transformer, CONFIG, lambda tree: change(tree["config"]["settings"])))
    refusal(edited(transformer, ASSET, lambda tree: change(tree["settings"]["network"])))


def test_a_damaged_member_that_is_not_needed(refusal: Callable[[bytes], str], sound: bytes) -> None:
    assert "incomplete" in refusal(sound.replace(b'"keras_version": "3', b'"keras_version": "4', 1))


def test_sizes_that_do_not_add_up(refusal: Callable[[bytes], str], sound: bytes, members: Members) -> None:
    assert "its members have" in refusal(b"MZ" * 5000 + sound)
    assert "too many archive members" in refusal(packed(members | {f"assets/{n}": b"" for n in range(10_000)}))
    assert "do not match its settings" in refusal(packed(members | {WEIGHTS: members[WEIGHTS] + bytes(2**20)}))


def test_names_of_arrays_are_those_of_keras(combination: Any, make_harness: Any, tmp_path: Path) -> None:
    import h5py
    import keras

    network = make_harness(combination.settings(), tags=combination.tags).network
    path = tmp_path / "network.weights.h5"
    keras.saving.save_weights(network, path)
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    variables = variables_by_name(network)
    assert set(variables) == set(found)
    assert len(variables) == len(network.weights)
    for name, variable in variables.items():
        np.testing.assert_array_equal(np.asarray(variable.value), found[name])


# ---- messages


def test_messages_are_one_line_of_bounded_length_without_control_characters() -> None:
    error = PasserelleError(f"bad \x1b[2J\x9b {'x' * 10**6}\nend. Mend it.")
    assert str(error).startswith("bad \\x1b[2J\\x9b xxx")
    assert str(error).endswith("x end. Mend it.")
    assert len(str(error)) < 2100
    assert one_line("été\u202f!") == "été\u202f!"


def test_values_and_lists_are_shortened() -> None:
    assert brief("short") == "'short'"
    assert len(brief(["x" * 10**6] * 10**5)) <= 300
    assert listed(map(str, range(3))) == "0; 1; 2"
    assert listed(map(str, range(22))).endswith("9; and 12 more")
    with pytest.raises(SettingsError) as caught:
        validated(Settings, {"network": ["x" * 10**6] * 100})
    assert len(str(caught.value)) < 1000  # two faults
