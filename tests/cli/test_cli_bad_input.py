"""Bad input: an error message of one line, exit status 2, and no file is written or changed."""

import gzip
import os

import pytest

GOOD = "".join(f"a cat {n}\tun chat {n}\n" for n in range(12))
FILES = {
    "empty.tsv": b"",
    "notab.tsv": b"one\tun\ntwo deux\n",
    "latin.tsv": "one\tun\nsummer\tété\n".encode("latin-1"),
    "single.tsv": b"one\tun\n",
    "cut.tsv.gz": gzip.compress(GOOD.encode())[:-20],
    "good.tsv": GOOD.encode(),
    "spaces.tsv": b";;\tx\n;\ty\n" * 6,
    "unknown.toml": b"[training]\nepoch = 3\n",
    "scalar.toml": b"network = 3\n",
    "preset.toml": b'preset = ["compact"]\n',
    "broken.toml": b"[training\n",
    "file": b"x",
}


@pytest.fixture
def bad_files(tmp_path):
    """A folder of invalid files."""
    folder = tmp_path / "bad_files"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()
    return folder


def train(*arguments):
    return ["train", "good.tsv", "--out", "m.keras", *arguments]


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["train", "no.tsv"], "no.tsv: no such file. Check the path, or try: passerelle phrasebook > pairs.tsv"),
        (["train", "folder"], "folder is a folder. Name a file in it."),
        (["train", "empty.tsv"], "empty.tsv contains no pairs (it is empty)."),
        (["train", "notab.tsv"], "notab.tsv, line 2: no tab between source and target: 'two deux'."),
        (["train", "latin.tsv"], "latin.tsv, line 2: byte 14 (0xe9) is not UTF-8; it is probably WINDOWS-1252"),
        (["train", "single.tsv"], "single.tsv: training needs at least two pairs, received: 1. Add pairs."),
        (["train", "cut.tsv.gz"], "cut.tsv.gz is a damaged archive ("),
        (["train", "-"], "standard input contains no pairs (it is empty)."),
        (["train", "spaces.tsv", "--source-separator", ";"], "spaces.tsv: the source column contains no tokens"),
        (train("--preset", "tutoral"), "unknown preset 'tutoral'. Did you mean 'tutorial'?"),
        (train("--epoch", "3"), "Unknown option: --epoch. Did you mean --epochs?"),
        (train("--horizon=3"), "Unknown option: --horizon. It is an option of passerelle train-forecaster."),
        (train("--epochs", "many"), "Invalid value"),
        (train("--epochs", "0"), "training.epochs: input should be greater than or equal to 1, received: 0"),
        (train("--units", "-1"), "network.encoder.units: input should be greater than or equal to 1"),
        (train("--units", "0"), "network.encoder.units: "),
        (train("--batch-size", "0"), "training.batch_size: "),
        (train("--learning-rate", "0"), "training.learning_rate: input should be greater than 0, received: 0.0"),
        (train("--learning-rate", "nan"), "training.learning_rate: "),
        (train("--optimizer", "adm"), "training.optimizer: "),
        (train("--level", "sentence"), "source.level: "),
        (train("--level", "pretokenized"), "source: level 'pretokenized' requires a separator, and no other"),
        (train("--seed", "-1"), "training.seed: "),
        (train("--seeds", "0"), "--seeds must be from 1 to 100, received: 0"),
        (train("--seeds", "101"), "--seeds must be from 1 to 100, received: 101"),
        (train("--seeds", "2", "--seed", str(2**31 - 1)), "training.seed: input should be less than 2147483648"),
        (["train", "good.tsv", "--out", "m.h5", "--seeds", "2"], "the name of a model file must end in .keras"),
        (train("--validation", "1.5"), "validation must be at least 0 and less than 1, received: 1.5"),
        (train("--validation", "nan"), "validation must be at least 0 and less than 1, received: nan"),
        (train("--validation", "0.01"), "good.tsv: a share of 0.01 of 12 distinct sources leaves one side"),
        (train("--validation", "no.tsv"), "no.tsv: no such file."),
        (train("--limit", "0"), "limit: input should be greater than or equal to 1, received: 0"),
        (train("--settings", "unknown.toml"), "unknown setting 'training.epoch'. Did you mean 'epochs'?"),
        (train("--settings", "scalar.toml", "--units", "8"), "network"),
        (train("--settings", "preset.toml"), ""),
        (train("--settings", "broken.toml"), "broken.toml is not valid TOML: "),
        (train("--set", "network.dropout"), "an assignment must have the form NAME=VALUE, such as "),
        (train("--set", "network.droput=0.2"), "unknown setting 'network.droput'. Did you mean 'network.dropout'?"),
        (train("--set", "network.dropout=2"), "network.dropout: input should be less than 1, received: 2"),
        (train("--settings", "no.toml"), "no.toml cannot be read: No such file or directory."),
        (["train", "good.tsv", "--out", "m.h5"], "the name of a model file must end in .keras, received: m.h5."),
        (["train", "good.tsv", "--out", "no/m.keras"], "no: no such folder. Create it first: mkdir -p no"),
        (["train", "good.tsv", "--out", "file/m.keras"], "file"),
        (["train", "good.tsv", "--out", "folder/.keras"], ""),
        (train("--save-split", "no/split"), "no: no such folder. Create it first: mkdir -p no"),
        (train("--save-split", "file"), "file is a file, not a folder. Name another folder."),
        (["train"], ""),
        (["trian", "good.tsv"], 'Unknown command "trian". Did you mean "train"?'),
        (["translate", "no.keras", "x"], "no.keras: no such file. Check the path, or train a translator and"),
        (["translate", "folder", "x"], "folder"),
        (["translate", "no.keras", "--with"], ""),
        (["describe", "no.keras"], "no.keras: no such file."),
        (["evaluate", "no.keras", "no.tsv"], "no.keras: no such file."),
        (["evaluate", "no.keras", "good.tsv", "--limit", "0"], "limit: input should be greater than or equal to 1"),
        (["diagram", "no.keras"], "no.keras: no such file."),
        (["phrasebook", "--part", "trian"], "unknown part 'trian'. Did you mean 'train'?"),
        (["download", "fra-egn"], "unknown corpus 'fra-egn'. Did you mean 'fra-eng'?"),
        (["demo", "--epochs", "0", "--out", "folder"], "training.epochs: "),
        (["demo", "--out", "no/demo"], "no: no such folder. Create it first: mkdir -p no"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_bad_input_is_refused(quick, bad_files, arguments, start):
    outcome = quick(*arguments, folder=bad_files)
    assert outcome.refused().startswith(start)
    assert sorted(os.listdir(bad_files)) == sorted([*FILES, "folder"])
    assert os.listdir(bad_files / "folder") == []
    assert {name: (bad_files / name).read_bytes() for name in FILES} == FILES


def test_errors_of_a_new_process(run, bad_files):
    assert run("train", "no.tsv", folder=bad_files).refused().startswith("no.tsv: no such file. ")
    assert run("phrasebook", "--prat", "train", folder=bad_files).refused().startswith("Unknown option: --prat. Did")


def test_a_failed_training_does_not_change_an_existing_model(quick, bad_files):
    (bad_files / "m.keras").write_bytes(b"old")
    quick("train", "notab.tsv", "--out", "m.keras", folder=bad_files).refused()
    assert (bad_files / "m.keras").read_bytes() == b"old"
