"""passerelle distill, and passerelle train --back-translate: files, messages, repetition after an interruption."""

import itertools
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import passerelle

WORDS = ["".join(letters) for letters in itertools.product("abcdef", repeat=2)]
MORE = ["".join(letters) for letters in itertools.product("abc", repeat=3)]
SMALL = ["--preset", "tutorial", "--units", "8", "--epochs", "1"]
TEACHER: dict[str, Any] = {
    "units": 16, "attention": "none", "dropout": 0.0, "learning_rate": 0.02, "batch_size": 12, "epochs": 15,
    "preset": "compact", "settings": {"training": {"search": "greedy"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pairs, a teacher, a reverse model and sources without references."""
    folder = tmp_path_factory.mktemp("files")
    pairs = [(word, word.upper()) for word in WORDS]
    (folder / "pairs.tsv").write_text("".join(f"{source}\t{target}\n" for source, target in pairs))
    passerelle.train(pairs, **TEACHER).save(folder / "teacher.keras")
    passerelle.train([(target, source) for source, target in pairs], **TEACHER).save(folder / "reverse.keras")
    (folder / "more.txt").write_text("\n".join([*MORE, "", *WORDS]) + "\n")
    (folder / "mono.txt").write_text("\n".join(MORE).upper() + "\n")
    return folder


def arguments(files: Path, *options: str) -> list[str]:
    paths = {"PAIRS": files / "pairs.tsv", "TEACHER": files / "teacher.keras", "MORE": files / "more.txt"}
    words = ["distill", "PAIRS", "--teacher", "TEACHER", "--sources", "MORE", "--out", "one.keras", *SMALL, *options]
    return [str(paths.get(word, word)) for word in words]


def rows_of(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_distill(quick: Any, files: Path, tmp_path: Path) -> None:
    outcome = quick(*arguments(files, "--save-split", "split"))
    assert outcome.status == 0, outcome.err
    assert outcome.out == ""
    assert sorted(os.listdir(tmp_path)) == ["one.keras", "one.run", "one.translations.jsonl", "split"]
    assert "trained with other validation pairs" not in outcome.err, "the same split as that of the teacher"
    held_out = {pair.source for pair in passerelle.read_pairs(tmp_path / "split" / "validation.tsv")}
    assert held_out
    assert f"from {len(WORDS) + len(MORE)} sources, and {len(WORDS) - len(held_out)} with references" in outcome.err
    assert f"left out: {len(held_out)} in the validation pairs" in outcome.err
    assert outcome.err.splitlines()[-1].startswith(
        "saved one.keras (epoch 1 of 1). Try: passerelle translate one.keras"
    )

    rows = rows_of(tmp_path / "one.translations.jsonl")
    assert sorted(row["source"] for row in rows) == sorted({*WORDS, *MORE} - held_out)
    teacher = passerelle.load(files / "teacher.keras")
    wanted = teacher.translate([row["source"] for row in rows])
    assert [row["target"] for row in rows if row["target"]] == [
        text for row, text in zip(rows, wanted, strict=True) if row["target"]
    ]
    read = passerelle.read_pairs(tmp_path / "one.translations.jsonl")
    assert len(read) == sum(bool(row["target"]) for row in rows), "the file is a file of pairs"
    assert '# synthetic: {"pairs": ' in quick("describe", "one.keras").out

    again = quick("train", files / "pairs.tsv", "--save-split", "other", "--out", "plain.keras", *SMALL)
    assert again.status == 0, again.err
    for name in ("train.tsv", "validation.tsv"):
        assert (tmp_path / "split" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()

    assert "one.run exists: an earlier run." in quick(*arguments(files)).refused()
    assert quick(*arguments(files, "--no-run")).refused().startswith("one.keras exists. Add --overwrite")
    (tmp_path / "one.translations.jsonl").unlink()
    resumed = quick("train", "--resume", "one.run", "--epochs", "2")
    assert resumed.status == 0, resumed.err
    assert passerelle.load(tmp_path / "one.keras").record["data"]["synthetic"]["method"] == "distillation"
    message = quick("train", "--resume", "one.run", "--reference-copies", "2").refused()
    assert message.startswith("--reference-copies cannot be used with --resume")


def test_an_interrupted_translation_is_used_again(quick: Any, files: Path, tmp_path: Path) -> None:
    assert quick(*arguments(files)).status == 0
    path = tmp_path / "one.translations.jsonl"
    complete = path.read_bytes()
    lines = complete.splitlines(keepends=True)
    first = json.loads(lines[0])
    lines[0] = json.dumps(first | {"target": "marked"}).encode() + b"\n"
    path.write_bytes(b"".join(lines[:20]) + lines[20][:30])
    (tmp_path / "one.keras").unlink()
    shutil.rmtree(tmp_path / "one.run")
    outcome = quick(*arguments(files))
    assert outcome.status == 0, outcome.err
    rows = rows_of(path)
    assert rows[0]["target"] == "marked", "it was not translated again"
    assert sorted(map(str, rows[1:])) == sorted(map(str, map(json.loads, complete.splitlines()[1:])))

    (tmp_path / "one.keras").unlink()
    shutil.rmtree(tmp_path / "one.run")
    message = quick(*arguments(files, "--beam", "3")).refused()
    assert message == "one.translations.jsonl exists. Add --overwrite to replace it, or name another output."
    assert len(rows_of(path)) == len(rows)
    assert quick(*arguments(files, "--beam", "3", "--overwrite")).status == 0
    assert {row["by"] for row in rows_of(path)}.isdisjoint({first["by"]})


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_during_the_translation(spawn: Any, files: Path, tmp_path: Path) -> None:
    many = ["".join(letters) for letters in itertools.product("abcdef", repeat=6)]
    (tmp_path / "many.txt").write_text("\n".join(many))
    process = spawn(*arguments(files, "--sources", "many.txt"))
    path = tmp_path / "one.translations.jsonl"
    for _ in range(900):
        if path.exists() and path.stat().st_size:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    err = process.stderr.read().decode()
    assert process.wait(60) == 130, err
    assert "the translations so far are in one.translations.jsonl; the same command uses them again" in err
    assert "Traceback" not in err
    assert rows_of(path)
    assert not (tmp_path / "one.keras").exists()


def test_tags(quick: Any, tmp_path: Path) -> None:
    rows = [(word, f"{word}{tag}", tag) for word in WORDS for tag in ("x", "y")]
    (tmp_path / "pairs.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    (tmp_path / "more.txt").write_text("".join(f"{word}\tx\n" for word in MORE))
    passerelle.train(rows, tag_mode="inline", **TEACHER).save(tmp_path / "teacher.keras")
    words = [
        "distill",
        "pairs.tsv",
        "--teacher",
        "teacher.keras",
        "--sources",
        "more.txt",
        "--out",
        "one.keras",
        *SMALL,
    ]
    message = quick(*words).refused()
    assert message.startswith("the teachers must have the tags of the pairs, received: tags.mode 'inline'")
    outcome = quick(*words, "--tag-column", "3")
    assert outcome.status == 0, outcome.err
    written = rows_of(tmp_path / "one.translations.jsonl")
    assert {row["tags"] for row in written if row["source"] in MORE} == {"x"}
    assert {row["tags"] for row in written if row["source"] in WORDS} == {"x", "y"}
    (tmp_path / "more.txt").write_text("no tags\n")
    message = quick(*words, "--tag-column", "3", "--overwrite").refused()
    assert message.startswith("more.txt: no tab between text and tags")


def test_back_translation(quick: Any, files: Path, tmp_path: Path) -> None:
    words = ["train", files / "pairs.tsv", "--out", "one.keras", *SMALL]
    options = ["--back-translate", files / "mono.txt", "--reverse-model", files / "reverse.keras"]
    outcome = quick(*words, *options, "--reference-copies", "2", "--save-split", "split")
    assert outcome.status == 0, outcome.err
    written = rows_of(tmp_path / "one.translations.jsonl")
    assert sorted(row["target"] for row in written) == sorted(word.upper() for word in MORE)
    wanted = passerelle.load(files / "reverse.keras").translate([row["target"] for row in written])
    usable = [(row["source"], text) for row, text in zip(written, wanted, strict=True) if row["source"]]
    assert usable
    assert [source for source, _ in usable] == [text for _, text in usable]
    references = len(passerelle.read_pairs(tmp_path / "split" / "train.tsv"))
    assert f"synthetic pairs from {len(MORE)} targets, and {2 * references} with references" in outcome.err
    record = passerelle.load(tmp_path / "one.keras").record["data"]
    assert record["synthetic"]["reverse_models"][0]["name"] == "reverse.keras"
    assert record["training_pairs"] == 2 * references + record["synthetic"]["pairs"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--teacher", "none.keras"], "none.keras: no such file"),
        (["--weights", "1,x"], "--weights must be numbers such as 2,1,1"),
        (["--weights", "1,2"], "weights must be positive numbers, one for each of 1 networks"),
        (["--sources", "none.txt"], "none.txt"),
        (["--beam", "0"], "beam"),
        (["--reference-copies", "101"], "reference_copies"),
        (["--translation-share", "1"], "translation_share"),
        (["--seeds", "0"], "--seeds must be from 1 to 100"),
    ],
)
def test_refused_options(quick: Any, files: Path, tmp_path: Path, options: list[str], message: str) -> None:
    assert message in quick(*arguments(files, *options)).refused()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--back-translate", "mono.txt"], "--back-translate and --reverse-model require each other"),
        (["--reference-copies", "2"], "--reference-copies requires --back-translate"),
    ],
)
def test_refused_options_of_train(quick: Any, files: Path, options: list[str], message: str) -> None:
    assert message in quick("train", files / "pairs.tsv", *options).refused()


def test_teachers_of_another_split_are_reported(quick: Any, files: Path) -> None:
    outcome = quick(*arguments(files, "--seed", "7"))
    assert outcome.status == 0, outcome.err
    assert "teacher.keras: trained with other validation pairs" in outcome.err
