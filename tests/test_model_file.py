"""The model file: written atomically, verified, loaded unchanged, and checked when loaded."""

import copy
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import passerelle
from networks import network_of
from passerelle.bundle import bundle, model_file
from passerelle.errors import ModelFileError, OutputError
from passerelle.settings import make_settings

TEXTS = ["abc", "éa", "bz", "c", ""]
WEIGHTS = "model.weights.h5"
ASSET = "assets/translator.json"


@pytest.fixture(scope="module")
def saved(copier: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "copier.keras"
    copier.save(path)
    return path


@pytest.fixture(scope="module")
def members(saved: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(saved) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# ---- round trip


def test_loaded_equals_saved(copier: Any, saved: Path) -> None:
    loaded = passerelle.load(saved)
    assert loaded.search(TEXTS) == copier.search(TEXTS)
    assert loaded.settings == copier.settings
    assert loaded.record == copier.record
    assert loaded.lengths == copier.lengths
    assert loaded.source.vocabulary.tokens == copier.source.vocabulary.tokens
    assert loaded.target.vocabulary.tokens == copier.target.vocabulary.tokens
    for left, right in zip(loaded.network.get_weights(), copier.network.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_a_new_process_loads_it_with_keras_and_with_passerelle(copier: Any, saved: Path) -> None:
    script = """
import json, sys
import passerelle
passerelle.SequenceToSequence
import keras
network = keras.saving.load_model(sys.argv[1])
results = passerelle.load(sys.argv[1]).search(json.loads(sys.argv[2]))
print(json.dumps([type(network).__name__, network.count_params(), bool(network.compiled),
                  [[r.text, r.score, r.ids, r.unknown] for r in results]]))
"""
    done = run(script, saved, json.dumps(TEXTS))
    assert done.returncode == 0, done.stderr
    name, parameters, compiled, results = json.loads(done.stdout.splitlines()[-1])
    assert (name, parameters) == ("SequenceToSequence", copier.network.count_params())
    assert not compiled
    for (text, score, ids, unknown), expected in zip(results, copier.search(TEXTS), strict=True):
        assert (text, tuple(ids), tuple(unknown)) == (expected.text, expected.ids, expected.unknown)
        assert score == expected.score


def test_members_and_content(members: dict[str, bytes], copier: Any) -> None:
    assert set(members) == {"metadata.json", "config.json", WEIGHTS, ASSET}
    content = json.loads(members[ASSET])
    assert set(content) == {
        "format", "signature", "settings", "lengths", "record", "search",
    }  # fmt: skip
    assert "é" in members[ASSET].decode("utf-8"), "characters are not escaped"
    assert passerelle.Settings.model_validate(content["settings"]) == copier.settings


# ---- atomic writing


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def old(saved: Path, tmp_path: Path) -> Path:
    """An existing file, which the next one replaces."""
    path = tmp_path / "model.keras"
    path.write_bytes(saved.read_bytes())
    return path


def changed_weights(network: Any, content: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    network.set_weights([weight * -1 for weight in network.get_weights()])
    return network, content


def changed_weight(network: Any, content: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    weights = network.get_weights()
    weights[-1].flat[-1] += 1e-6
    network.set_weights(weights)
    return network, content


def changed_lengths(network: Any, content: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    return network, content | {"lengths": content["lengths"] | {"source": content["lengths"]["source"] + 1}}


def changed_vocabulary(network: Any, content: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    changed = copy.deepcopy(content)
    changed["signature"]["outputs"]["target"]["tokens"].reverse()
    return network, changed


@pytest.mark.parametrize("change", [changed_weights, changed_weight, changed_lengths, changed_vocabulary])
def test_a_file_that_fails_verification_is_not_saved(
    copier: Any, old: Path, change: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(old.parent)
    original = model_file.load_network
    monkeypatch.setattr(model_file, "load_network", lambda path: change(*original(path)))
    with pytest.raises(OutputError, match="was not saved; writing or verifying the file failed"):
        copier.save(old)
    assert snapshot(old.parent) == before


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("h5 write failed"), KeyboardInterrupt()],
    ids=repr,
)  # fmt: skip
def test_a_failed_write_leaves_the_old_file_unchanged(
    copier: Any, old: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(old.parent)

    def fail(model: Any, path: Any) -> None:
        Path(path).write_bytes(b"half")
        raise error

    monkeypatch.setattr(model_file.SequenceToSequence, "save_weights", fail)
    expected = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError
    with pytest.raises(expected):
        copier.save(old)
    assert snapshot(old.parent) == before


@pytest.mark.slow
def test_a_process_killed_while_saving(old: Path) -> None:
    before = old.read_bytes()
    script = """
import os, signal, sys
import keras
import passerelle
translator = passerelle.load(sys.argv[1])
translator.record = {"changed": True}
write = keras.Model.save_weights
def dying(model, path):
    write(model, path)
    os.kill(os.getpid(), signal.SIGKILL)
keras.Model.save_weights = dying
translator.save(sys.argv[1])
"""
    done = run(script, old)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert old.read_bytes() == before
    assert len(os.listdir(old.parent)) == 2
    passerelle.load(old).save(old)
    assert os.listdir(old.parent) == [old.name]


@pytest.mark.parametrize("name", ["model", "model.h5", "model.keras.zip"])
def test_a_wrong_suffix(copier: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"must end in \.keras"):
        copier.save(tmp_path / name)
    assert not snapshot(tmp_path)


def test_a_missing_folder(copier: Any, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such folder"):
        copier.save(tmp_path / "absent" / "model.keras")


def test_saving_again_replaces_the_file_and_keeps_its_permissions(copier: Any, old: Path) -> None:
    old.chmod(0o640)
    copier.save(old)
    assert old.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in old.parent.iterdir()] == ["model.keras"]


# ---- checks


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def refused(path: Path, match: str | None = None) -> None:
    with pytest.raises(ModelFileError, match=match) as caught:
        passerelle.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def edited(data: bytes, *keys: str, value: Any) -> bytes:
    """Return JSON with the value at the path `keys` replaced."""
    content = json.loads(data)
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return json.dumps(content).encode()


CONFIG_EDITS: list[tuple[str, tuple[str, ...], Any, str]] = [
    ("another class", ("class_name",), "Lambda", "not SequenceToSequence of this package"),
    ("another module", ("module",), "os", "not SequenceToSequence of this package"),
    ("another registered name", ("registered_name",), "Functional", "not SequenceToSequence of this package"),
    ("an optimizer", ("compile_config",), {"optimizer": "adam"}, "unexpected entries"),
    ("a build configuration", ("build_config",), {"code": "x"}, "unexpected entries"),
    ("an additional argument", ("config", "trainable"), False, "must have the entries inputs, name, outputs, settings"),
    ("a name of a wrong type", ("config", "name"), 7, "not a string"),
    ("settings of a wrong type", ("config", "settings"), [], "valid dictionary"),
    ("an unknown setting", ("config", "settings", "run"), "x", "run"),
    ("an invalid cell", ("config", "settings", "cell"), "__import__", "cell"),
    ("a value out of range", ("config", "settings", "encoder", "units"), 10**9, "encoder.units"),
    ("a size of a wrong type", ("config", "inputs", "source", "size"), "9", "a vocabulary must have"),
    ("a size out of range", ("config", "inputs", "source", "size"), 2**22, "a vocabulary must have"),
    ("a vocabulary of another size", ("config", "inputs", "source", "size"), 10, "do not match its settings"),
    (
        "more extra words than tokens",
        ("config", "inputs", "source", "extra"),
        99,
        "extra source vectors must be fewer",
    ),
    (
        "a number of extra words of a wrong type",
        ("config", "inputs", "source", "extra"),
        True,
        "extra source vectors must be fewer",
    ),
    ("another number of extra words", ("config", "inputs", "source", "extra"), 1, "do not match its settings"),
    ("tied embeddings that are not tied", ("config", "settings", "tie"), "target", "do not match its settings"),
    ("another width", ("config", "settings", "decoder", "units"), 17, "do not match its settings"),
]


@pytest.mark.parametrize(
    ("keys", "value", "match"),
    [case[1:] for case in CONFIG_EDITS],
    ids=[case[0] for case in CONFIG_EDITS],
)
def test_changed_network_configurations(
    members: dict[str, bytes], tmp_path: Path, keys: tuple[str, ...], value: Any, match: str
) -> None:
    config = edited(members["config.json"], *keys, value=value)
    refused(archive(tmp_path / "bad.keras", members | {"config.json": config}), match)


def test_files_without_newer_settings(copier: Any, members: dict[str, bytes], tmp_path: Path) -> None:
    """Missing settings have their defaults."""
    config, content = (json.loads(members[name]) for name in ("config.json", "assets/translator.json"))
    for settings in (config["config"]["settings"], content["settings"]["network"]):
        del settings["tie"]
    for side in ("source", "target"):
        del content["settings"][side]["max_length"], content["settings"][side]["vector_words"]
    texts = {"config.json": json.dumps(config).encode(), "assets/translator.json": json.dumps(content).encode()}
    older = passerelle.load(archive(tmp_path / "older.keras", members | texts))
    assert older.translate(["abé"]) == copier.translate(["abé"])
    assert older.settings == copier.settings


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"encoder": {"units": 8192, "layers": 8}, "decoder": {"units": 8192, "layers": 8}}, 8),
        ({"encoder": {"embedding": 8192}, "decoder": {"embedding": 8192}}, 2**21),
    ],
    ids=["wide and deep", "a large vocabulary"],
)
def test_too_large_settings_are_refused_without_allocating_memory(
    members: dict[str, bytes], tmp_path: Path, changes: dict[str, Any], size: int
) -> None:
    """The settings are valid, but imply tens of gigabytes."""
    config = json.loads(members["config.json"])["config"]
    for side, values in changes.items():
        config["settings"][side] |= values
    config["inputs"]["source"]["size"] = config["outputs"]["target"]["size"] = size
    data = edited(members["config.json"], "config", value=config)
    path = archive(tmp_path / "bad.keras", members | {"config.json": data})
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    refused(path, "do not match its settings")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400 * 1024, f"{grown / 1024:.0f} MiB"
    assert time.monotonic() - start < 60


def other_weights(data: bytes, change: Callable[[h5py.File], None]) -> bytes:
    stream = io.BytesIO(data)
    with h5py.File(stream, "r+") as file:
        change(file)
    return stream.getvalue()


def one_array(file: h5py.File) -> tuple[str, np.ndarray]:
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found[0], np.asarray(file[found[0]])


def replaced(**options: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        name, array = one_array(file)
        del file[name]
        settings = dict(options)
        array = settings.pop("convert", lambda x: x)(array)
        file.create_dataset(name, data=array, **settings)

    return change


def removed(file: h5py.File) -> None:
    del file[one_array(file)[0]]


def added(file: h5py.File) -> None:
    file.create_dataset("more", data=np.zeros(3, "f4"))
    file["cycle"] = file["/"]


def linked_elsewhere(file: h5py.File) -> None:
    name, _ = one_array(file)
    del file[name]
    file[name] = h5py.ExternalLink("/etc/hostname", "/x")


def stored_elsewhere(file: h5py.File) -> None:
    name, array = one_array(file)
    del file[name]
    file.create_dataset(name, array.shape, "f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])


def virtual(file: h5py.File) -> None:
    name, array = one_array(file)
    del file[name]
    layout = h5py.VirtualLayout(shape=array.shape, dtype="f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=array.shape)
    file.create_virtual_dataset(name, layout)


def too_large(file: h5py.File) -> None:
    name, _ = one_array(file)
    del file[name]
    file.create_dataset(name, (2**40,), "f4")


def absent(file: h5py.File) -> None:
    """The array has its shape, and the file has no bytes for it."""
    name, array = one_array(file)
    del file[name]
    file.create_dataset(name, array.shape, "f4")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (replaced(chunks=True), "not plain arrays"),
        (replaced(compression="gzip"), "not plain arrays"),
        (replaced(convert=lambda array: array.astype("i4")), "not plain arrays"),
        (replaced(convert=lambda array: array.astype("S4")), "not plain arrays"),
        (replaced(convert=lambda array: array.T), "do not match its settings"),
        (removed, "do not match its settings"),
        (linked_elsewhere, "do not match its settings"),
        (stored_elsewhere, "not plain arrays"),
        (virtual, "not plain arrays"),
        (too_large, "do not match its settings"),
        (absent, "are not complete"),
    ],
    ids=[
        "chunked", "compressed", "integers", "bytes", "transposed", "one missing", "linked", "external",
        "virtual", "too large", "absent",
    ],
)  # fmt: skip
def test_changed_weights(
    members: dict[str, bytes], tmp_path: Path, change: Callable[[h5py.File], None], match: str
) -> None:
    data = members | {WEIGHTS: other_weights(members[WEIGHTS], change)}
    refused(archive(tmp_path / "bad.keras", data), match)


def test_changed_archives(members: dict[str, bytes], saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.keras"
    refused(archive(path, members | {"assets/../../x.py": b""}), "missing or unexpected archive members")
    refused(archive(path, {n: d for n, d in members.items() if n != ASSET}), "contains no translator")
    refused(archive(path, {n: d for n, d in members.items() if n != WEIGHTS}), "missing or unexpected archive members")
    bomb = members | {WEIGHTS: bytes(2**26)}
    refused(archive(path, bomb, zipfile.ZIP_DEFLATED), "compressed")
    archive(path, members)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("config.json", b"{}")
    refused(path, "duplicate members")

    content = saved.read_bytes()
    for data in (b"", b"PK", content[:-1], content[: len(content) // 2], b"x" * 1000):
        path.write_bytes(data)
        refused(path, "not a model file, or incomplete")
    position = content.index(members[WEIGHTS][:512]) + 2000
    path.write_bytes(content[:position] + bytes(64) + content[position + 64 :])
    refused(path)


def test_invalid_json(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "bad.keras"
    for data in (b"", b"{", b"\xff", b"[" * 100_000):
        refused(archive(path, members | {ASSET: data}))
        refused(archive(path, members | {"config.json": data}))
    for data in (b"[]", b"7", b"null", b"{}", b'{"format": "1"}', b'{"format": true}'):
        refused(archive(path, members | {ASSET: data}), "has no integer `format`")
    newer = edited(members[ASSET], "format", value=99)
    refused(archive(path, members | {ASSET: newer}), r"newer version wrote it.*pip install --upgrade passerelle")
    older = edited(members[ASSET], "format", value=1)
    refused(archive(path, members | {ASSET: older}), "format 1, which is older than the first release. Train it again")


def test_other_files(tmp_path: Path) -> None:
    refused(tmp_path / "absent.keras", "no such file")
    (tmp_path / "folder.keras").mkdir()
    refused(tmp_path / "folder.keras", "is a folder")
    (tmp_path / "model.h5").write_bytes(b"x")
    refused(tmp_path / "model.h5", r"must end in \.keras")
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.save(tmp_path / "other.keras")
    refused(tmp_path / "other.keras", "may be another Keras model")


CONTENT_EDITS: list[tuple[str, tuple[str, ...], Any]] = [
    ("other settings", ("settings", "network", "dropout"), 0.7),
    ("settings of a wrong type", ("settings",), "x"),
    ("an unknown setting", ("settings", "network", "x"), 1),
    ("a token missing", ("signature", "inputs", "source", "tokens"), ["a", "b", "c"]),
    ("a duplicate token", ("signature", "inputs", "source", "tokens"), ["a", "b", "c", "c"]),
    ("an empty token", ("signature", "inputs", "source", "tokens"), ["a", "b", "c", ""]),
    ("a long token", ("signature", "inputs", "source", "tokens"), ["a", "b", "c", "dd"]),
    ("tokens of a wrong type", ("signature", "inputs", "source", "tokens"), [1, 2, 3, 4]),
    ("no tokens", ("signature", "outputs", "target", "tokens"), None),
    ("a surrogate", ("signature", "outputs", "target", "tokens"), ["a", "b", "c", "\ud800"]),
    ("a length of 0", ("lengths", "source"), 0),
    ("a negative length", ("lengths", "target"), -5),
    ("a large length", ("lengths", "target"), 10**9),
    ("an infinite length", ("lengths", "source"), float("inf")),
    ("a length that is NaN", ("lengths", "source"), float("nan")),
    ("a length of a wrong type", ("lengths", "source"), "x"),
    ("lengths of a wrong type", ("lengths",), 7),
    ("sentences of a wrong type", ("lengths", "sentences"), 7),
    ("a share above 1", ("lengths", "sentences", "share"), 1.5),
    ("a share that is NaN", ("lengths", "sentences", "share"), float("nan")),
    ("no sentences", ("lengths", "sentences", "most"), 0),
    ("very many sentences", ("lengths", "sentences", "most"), 10**9),
    ("a very long abbreviation", ("lengths", "sentences", "abbreviations"), ["x" * 10**6]),
    ("very many starters", ("lengths", "sentences", "starters"), ["x"] * 10**6),
    ("a record of a wrong type", ("record",), [1, 2]),
]


@pytest.mark.parametrize(
    ("keys", "value"), [case[1:] for case in CONTENT_EDITS], ids=[case[0] for case in CONTENT_EDITS]
)
def test_changed_content(
    copier: Any,
    members: dict[str, bytes],
    keys: tuple[str, ...],
    value: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The content is checked against the network, which is unchanged."""
    content = json.loads(edited(members[ASSET], *keys, value=value))
    monkeypatch.setattr(bundle, "load_network", lambda path: (copier.network, copy.deepcopy(content)))
    refused(Path("changed.keras"), "damaged|cannot be loaded as a translator")


def test_loading_writes_no_files(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(saved.parent)
    before = snapshot(saved.parent)
    passerelle.load(saved.name)
    assert snapshot(saved.parent) == before
    assert os.getcwd() == str(saved.parent)


@pytest.mark.parametrize("preset", ["compact", "deep"])
def test_saving_needs_no_more_space_than_it_checks(preset: str, tmp_path: Path, monkeypatch: Any) -> None:
    """The bound of the two files holds for networks with many small arrays, and is not far above them."""
    used: list[int] = []
    network = network_of(make_settings(preset, options={"units": 8}).network, 9, 9)
    published = model_file.load_network
    monkeypatch.setattr(
        model_file, "load_network",
        lambda path: used.append(sum(each.stat().st_size for each in path.parent.iterdir())) or published(path),
    )  # fmt: skip
    model_file.save_network(network, {"settings": "x" * 1000}, tmp_path / "m.keras", check=lambda *parts: None)
    bound = sum(model_file.space_to_save(network, 1100))
    assert used[0] <= bound <= 2.5 * used[0]
