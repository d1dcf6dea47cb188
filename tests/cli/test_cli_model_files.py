"""Damaged, foreign and malicious model files: refused quickly, with an error of one line; their code is never run."""

import contextlib
import io
import json
import os
import subprocess
import zipfile

import h5py
import pytest

ASSET, CONFIG, WEIGHTS = "assets/translator.json", "config.json", "model.weights.h5"
GIGABYTE = 2**30


@pytest.fixture
def members(trained):
    with zipfile.ZipFile(trained.model) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members if isinstance(members, list) else members.items():
            archive.writestr(name, content)
    return path


def with_json(members, name, change):
    """Return the members with a change in one JSON member."""
    value = json.loads(members[name])
    change(value)
    return members | {name: json.dumps(value).encode()}


def set_in(value, path, new):
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = new


@pytest.fixture
def refusal(quick, tmp_path):
    """Translate with a model file that must be refused; return the error message without the name of the file."""

    def translate(path):
        before = sorted(os.listdir(tmp_path.parent)), sorted(os.listdir(tmp_path))
        outcome = quick("translate", path, "A cat sees it.")
        message = outcome.refused()
        assert message.startswith(str(path))
        assert outcome.rss < 0.8 * GIGABYTE
        assert outcome.seconds < 15
        assert (sorted(os.listdir(tmp_path.parent)), sorted(os.listdir(tmp_path))) == before
        return message.removeprefix(str(path))

    return translate


def test_an_unchanged_copy_is_accepted(quick, members, tmp_path):
    outcome = quick("translate", pack(tmp_path / "copy.keras", members), "A cat sees it.")
    assert outcome.status == 0, outcome.err


@pytest.mark.parametrize("length", [0, 3, 1000, 0.5, -1, -30])
def test_truncated(refusal, trained, tmp_path, length):
    content = trained.model.read_bytes()
    path = tmp_path / "cut.keras"
    path.write_bytes(content[: int(length * len(content)) if isinstance(length, float) else length])
    assert refusal(path) == " is not a model file, or incomplete. Copy or train it again."


@pytest.mark.parametrize("content", [b"Go.\tVa !\n", b"\x89HDF\r\n\x1a\n" + bytes(100), b"PK\x03\x04" + bytes(99)])
def test_files_that_are_not_zip_archives(refusal, tmp_path, content):
    path = tmp_path / "text.keras"
    path.write_bytes(content)
    assert refusal(path) == " is not a model file, or incomplete. Copy or train it again."


def test_another_extension_and_a_folder(quick, trained, tmp_path):
    (tmp_path / "model.h5").write_bytes(trained.model.read_bytes())
    assert "must end in .keras" in quick("translate", "model.h5", "x").refused()
    (tmp_path / "folder.keras").mkdir()
    assert quick("translate", "folder.keras", "x").refused().startswith("folder.keras is a folder.")


def test_another_keras_model(refusal, tmp_path):
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(tmp_path / "other.keras")
    assert "it contains no translator; it may be another Keras model" in refusal(tmp_path / "other.keras")


def test_a_changed_byte_in_the_weights(refusal, trained, tmp_path):
    content = bytearray(trained.model.read_bytes())
    with zipfile.ZipFile(trained.model) as archive:
        at = archive.getinfo(WEIGHTS).header_offset + archive.getinfo(WEIGHTS).file_size // 2
    content[at] ^= 0xFF
    path = tmp_path / "flipped.keras"
    path.write_bytes(content)
    refusal(path)


def test_a_newer_format(refusal, members, tmp_path):
    path = pack(tmp_path / "new.keras", with_json(members, ASSET, lambda value: value.update(format=99)))
    message = refusal(path)
    assert "it has format 99, and this version reads formats up to 3; a newer version wrote it" in message
    assert "Upgrade with: pip install --upgrade passerelle" in message


@pytest.mark.parametrize("new", [None, "1", 1.0, True, []], ids=repr)
def test_an_invalid_format(refusal, members, tmp_path, new):
    path = pack(tmp_path / "odd.keras", with_json(members, ASSET, lambda value: value.update(format=new)))
    assert "has no integer `format`" in refusal(path)


NETWORK = ["config", "settings"]


@pytest.mark.parametrize(
    ("path", "new", "reason"),
    [
        ([*NETWORK, "encoder", "units"], 100_000_000, "encoder.units: input should be less than or equal to 8192"),
        ([*NETWORK, "encoder", "units"], 10**400, "a number has 401 digits"),
        ([*NETWORK, "encoder", "units"], "8", "encoder.units"),
        ([*NETWORK, "encoder", "layers"], 1000, "encoder.layers"),
        ([*NETWORK, "lambda"], "print(1)", "unknown setting 'lambda'"),
        (["config", "inputs", "source", "size"], 2**30, "a vocabulary must have"),
        (["config", "outputs", "target", "size"], True, "a vocabulary must have"),
        (["config", "name"], ["x"], "the name of its network is not a string"),
        (["config", "layers"], [], "its network configuration must have the entries inputs, name, outputs, settings"),
        (["config", "settings"], "x", ""),
        (["config"], {}, "its network configuration must have the entries inputs, name, outputs, settings"),
        (["class_name"], "Functional", "the class of its network is not SequenceToSequence of this package"),
        (["registered_name"], "Functional", "the class of its network is not SequenceToSequence of this package"),
        (["module"], "os", "the class of its network is not SequenceToSequence of this package"),
        (["compile_config"], {"optimizer": "adam"}, "its network configuration has unexpected entries"),
        (["build_config"], {"x": 1}, "its network configuration has unexpected entries"),
        (["config", "outputs", "target", "size"], 2**20, "the shapes of its weights do not match its settings"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_a_malicious_network(refusal, members, tmp_path, path, new, reason):
    file = pack(tmp_path / "malicious.keras", with_json(members, CONFIG, lambda value: set_in(value, path, new)))
    assert reason in refusal(file)


def test_a_network_that_is_too_large_for_its_weights(refusal, members, tmp_path):
    """Sizes within bounds that would need gigabytes: refused before memory is allocated."""

    def enlarge(value):
        for side in ("encoder", "decoder"):
            value["config"]["settings"][side] |= {"units": 8192, "layers": 8}

    path = pack(tmp_path / "large.keras", with_json(members, CONFIG, enlarge))
    assert "the shapes of its weights do not match its settings" in refusal(path)


def test_code_in_a_layer_is_not_run(refusal, members, tmp_path):
    import keras

    marker = tmp_path / "marker"
    code = eval(f"lambda x: [x, open({str(marker)!r}, 'w')][0]")
    model = keras.Sequential([keras.layers.Lambda(code, output_shape=(2,))])
    malicious = keras.saving.serialize_keras_object(model)
    assert "lambda" in json.dumps(malicious)
    renamed = json.loads(members[CONFIG]) | {"config": malicious["config"]}
    nested = json.loads(members[CONFIG])
    nested["config"]["settings"]["encoder"] = malicious["config"]["layers"][-1]
    for config in (malicious, renamed, nested):
        refusal(pack(tmp_path / "code.keras", members | {CONFIG: json.dumps(config).encode()}))
    assert not marker.exists()


@pytest.mark.parametrize(
    "name",
    ["extra.txt", "assets/more.json", "../evil.txt", "assets/../../evil.txt", "/tmp/evil.txt", "assets/"],
)
def test_additional_members(refusal, members, tmp_path, name):
    path = pack(tmp_path / "more.keras", members | {name: b"evil"})
    assert f"missing or unexpected archive members ({name})" in refusal(path)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, "metadata.json"])
def test_a_missing_member(refusal, members, tmp_path, name):
    path = pack(tmp_path / "less.keras", {key: value for key, value in members.items() if key != name})
    assert name in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", [CONFIG, ASSET])
def test_a_duplicate_member(refusal, members, tmp_path, name):
    path = pack(tmp_path / "twice.keras", [*members.items(), (name, members[name])])
    assert "duplicate members" in refusal(path)


def test_a_compressed_member(refusal, members, tmp_path):
    path = pack(tmp_path / "bomb.keras", members | {WEIGHTS: bytes(2**26)}, zipfile.ZIP_DEFLATED)
    assert "its member metadata.json is compressed, and Keras does not compress model files" in refusal(path)


@pytest.mark.parametrize(("name", "size"), [(ASSET, 2**26), (CONFIG, 2**21), ("metadata.json", 2**21)])
def test_json_that_is_too_large(refusal, members, tmp_path, name, size):
    assert f"its member {name} is too large" in refusal(pack(tmp_path / "large.keras", members | {name: b" " * size}))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"format": 1}'], ids=len)
@pytest.mark.parametrize("name", [ASSET, CONFIG])
def test_invalid_json(refusal, members, tmp_path, name, content):
    refusal(pack(tmp_path / "json.keras", members | {name: content}))


def with_weights(members, change):
    stream = io.BytesIO(members[WEIGHTS])
    with h5py.File(stream, "r+") as file:
        found = []
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        change(file, found)
    return members | {WEIGHTS: stream.getvalue()}


def replace(file, name, **options):
    del file[name]
    return file.create_dataset(name, **options)


def transposed(file, names):
    name = next(name for name in names if len(file[name].shape) == 2)
    values = file[name][:].T.copy()
    replace(file, name, data=values[:, :1])


CHANGES = {
    "other shapes": (transposed, "the shapes of its weights do not match its settings"),
    "one missing": (lambda file, names: file.pop(names[0]), "the shapes of its weights do not match its settings"),
    "objects": (lambda file, names: replace(file, names[0], data=["x"]), "its weights are not plain arrays of floats"),
    "numbers of another kind": (lambda file, names: replace(file, names[0], data=[1]), "not plain arrays"),
    "an outside file": (
        lambda file, names: replace(
            file, names[0], shape=(4,), dtype="f4", external=[("/etc/hostname", 0, 16)]
        ),
        "its weights are not plain arrays of floats",
    ),
    "a claim of terabytes": (
        lambda file, names: replace(file, names[0], shape=(2**20, 2**20), dtype="f4"),
        "the shapes of its weights do not match its settings",
    ),
    "a link to elsewhere": (
        lambda file, names: (file.pop(names[0]), file.__setitem__(names[0], h5py.ExternalLink("/etc/x.h5", "/x"))),
        "the shapes of its weights do not match its settings",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_invalid_weights(refusal, members, tmp_path, name):
    change, reason = CHANGES[name]
    assert reason in refusal(pack(tmp_path / "weights.keras", with_weights(members, change)))


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["settings", "preset"], 3),
        (["settings", "network", "cell"], "gru"),
        (["settings", "target", "level"], "pretokenized"),
        (["settings"], None),
        (["signature", "inputs", "source", "tokens"], "a" * 47),
        (["signature", "inputs", "source", "tokens", 0], "two"),
        (["signature", "inputs", "source", "tokens", 1], "."),
        (["signature", "outputs", "target", "tokens"], None),
        (["lengths"], {"source": 0, "target": 1, "ratio": 1.0}),
        (["lengths"], {"source": 1, "target": 10**12, "ratio": 1.0}),
        (["lengths"], {"source": 1, "target": 1e999, "ratio": 1.0}),
        (["lengths"], {"source": 1, "target": 1, "ratio": 1e999}),
        (["record"], "x"),
    ],
    ids=str,
)
def test_inconsistent_contents(refusal, members, tmp_path, path, new):
    refusal(pack(tmp_path / "odd.keras", with_json(members, ASSET, lambda value: set_in(value, path, new))))


@pytest.mark.parametrize(
    "record",
    [
        {"data": 3},
        {"versions": ["x"]},
        {"epochs": 7},
        {"epochs": [{"number": 1, "loss": "x", "validation_loss": None, "seconds": {}}]},
    ],
    ids=str,
)
def test_describe_with_an_invalid_record(quick, members, tmp_path, record):
    path = pack(tmp_path / "odd.keras", with_json(members, ASSET, lambda value: value.update(record=record)))
    outcome = quick("describe", path)
    assert outcome.status in (0, 2)
    assert "Traceback" not in outcome.err
    assert len(outcome.err.splitlines()) == (outcome.status == 2)


def on_terminal(spawn, *arguments):
    """Run a command with standard output and error on a terminal; return what the terminal receives."""
    import pty

    leader, follower = pty.openpty()
    process = spawn(*arguments, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
    os.close(follower)
    received = bytearray()
    with contextlib.suppress(OSError):  # Linux ends the output of a closed terminal with an error
        while data := os.read(leader, 2**16):
            received += data
    os.close(leader)
    process.wait(90)
    return received.decode()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="requires a pseudo-terminal")
def test_escape_sequences_do_not_reach_a_terminal(quick, spawn, members, tmp_path):
    def add_escapes(value):
        tokens = value["signature"]["outputs"]["target"]["tokens"]
        tokens[:] = [chr(0x80 + number) for number in range(min(len(tokens), 32))] + tokens[32:]

    model = pack(tmp_path / "escapes.keras", with_json(members, ASSET, add_escapes))
    assert quick("translate", model, "A cat sees it.", "--sample", "--temperature", "9").status == 0
    more = pack(tmp_path / "more.keras", members | {"\x1b]0;title\x07": b""})
    for arguments in (
        ["translate", model, "A cat sees it.", "--sample", "--temperature", "9"],
        ["translate", more, "x"],
    ):
        shown = on_terminal(spawn, *arguments)
        assert not {c for c in shown if not c.isprintable()} - set("\r\n"), shown
        assert "\\x" in shown, shown
    assert "(\\x1b]0;title\\x07)" in quick("translate", more, "x").refused()


def test_control_characters_of_a_record_are_escaped(quick, members, tmp_path):
    record = {"versions": {"jax": "\x1b[2J\x9b2J\nx = 1"}, "data": {"\x1b]0;name": "\x1b[2J"}}
    path = pack(tmp_path / "odd.keras", with_json(members, ASSET, lambda value: value.update(record=record)))
    assert not set(quick("describe", path).out) & {"\x1b", "\x9b"}
