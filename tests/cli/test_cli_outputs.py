"""Several outputs on the command line: train, translate, evaluate, score, describe, diagram, resume."""

import json
from pathlib import Path
from typing import Any

import pytest

ROWS = [
    (word, word.upper(), word[::-1], "" if number % 3 else word[0])
    for number, word in enumerate(a + b for a in "bcdfgk" for b in "aeiou")
]
SMALL = ["--preset", "compact", "--units", "8", "--epochs", "1", "--batch-size", "8", "--set", "training.search=greedy"]


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in ROWS))
    return path


def test_train_and_use_a_model_of_three_outputs(quick: Any, words: Path) -> None:
    own = ["--set", "outputs.back.level=word", "--set", "network.decoders.first.units=6"]
    trained = quick("train", words, "--outputs", "up=2,back=3,first=4", *SMALL, *own, "--save-split", "split")
    assert trained.status == 0, trained.err
    assert "training pairs have the output first" in trained.err
    assert "stored search of back: greedy" in trained.err
    lines = (words.parent / "split" / "train.tsv").read_text().splitlines()
    assert {line.count("\t") for line in lines} == {3}

    every = quick("translate", "words.keras", "ba", "ko")
    assert every.status == 0, every.err
    assert [line.count("\t") for line in every.out.splitlines()] == [2, 2]
    one = quick("translate", "words.keras", "ba", "ko", "--output", "back")
    assert one.out.splitlines() == [line.split("\t")[1] for line in every.out.splitlines()]
    best = quick("translate", "words.keras", "ba", "ko", "--n-best", "2", "--beam", "2")
    assert [line.count("\t") for line in best.out.splitlines()] == [2] * 4
    objects = quick("translate", "words.keras", "ba", "--json", "--align").out.splitlines()
    assert len(objects) == 1
    assert list(json.loads(objects[0])["outputs"]) == ["up", "back", "first"]

    whole = quick("evaluate", "words.keras", words)
    assert whole.status == 0, whole.err
    assert whole.out.splitlines()[0] == "up"
    assert whole.out.splitlines()[-1].startswith("all right ")
    report = json.loads(quick("evaluate", "words.keras", words, "--json").out)
    assert [each["sources"] for each in report["outputs"].values()] == [30, 30, 10]
    pairs = words.with_name("pairs.tsv")
    pairs.write_text("".join(f"{row[0]}\t{row[2]}\n" for row in ROWS))
    assert "of 30 sources" in quick("evaluate", "words.keras", pairs, "--output", "back").out
    scored = quick("score", "words.keras", pairs, "--output", "back")
    assert scored.out == quick("score", "words.keras", words, "--output", "back", "--outputs", "up=2,back=3").out

    described = quick("describe", "words.keras").out
    assert "# output first: longest training text 1 tokens, stored search: greedy" in described
    assert "[network.decoders.first]" in described
    drawn = quick("diagram", "words.keras", "--out", "drawn").out.splitlines()
    assert [Path(line).stem for line in drawn][:3] == ["training_model", "up_inference_encoder", "up_inference_decoder"]
    assert len(drawn) == 7

    for command, message in (
        (["translate", "words.keras", "ba", "--output", "it"], "words.keras has no output 'it'. Known: "),
        (["translate", "words.keras", "ba", "--scores"], "--scores describes one output, and the model has several"),
        (["translate", "words.keras", "ba", "--align"], "--align describes one output, and the model has several"),
        (["score", "words.keras", pairs], "words.keras has the outputs up, back, first. Name one: --output NAME"),
        (["evaluate", "words.keras", pairs], "no row has the output 'back' (column 3)"),
        (["train", "--resume", "words.run", "--set", "outputs.up.weight=2"], "outputs cannot be changed"),
    ):
        assert message in quick(*command).refused()


def test_shards_of_several_outputs_are_those_of_one_process(quick: Any, words: Path) -> None:
    assert quick("train", words, "--outputs", "up=2,back=3,first=4", *SMALL, "--no-run").status == 0
    source = words.with_name("in.txt")
    source.write_text("".join(f"{row[0]}\n" for row in ROWS))
    command = ["translate", "words.keras", "--in", source]
    assert quick(*command, "--out", "whole.txt").status == 0
    for number in (1, 2):
        shard = quick(*command, "--out", "part.{shard}", "--shard", f"{number}/2")
        assert shard.status == 0, shard.err
    parts = sorted(words.parent.glob("part.*"))
    whole = words.with_name("whole.txt").read_text()
    assert "".join(part.read_text() for part in parts) == whole
    assert {line.count("\t") for line in whole.splitlines()} == {2}
    one = [*command, "--out", "part.{shard}", "--shard", "1/2", "--output", "back"]
    assert "exists, and another command wrote it" in quick(*one).refused()
    assert quick(*one, "--overwrite").status == 0
    (first, *_) = whole.splitlines()
    assert parts[0].read_text().splitlines()[0] == first.split("\t")[1]
    tune, outputs = ["train", words, "--from", "words.keras", "--out", "other.keras"], "--outputs up=2,back=3,first=4"
    assert f"has several outputs. Name their columns, such as {outputs}" in quick(*tune).refused()
    words.with_name("corrections.tsv").write_text("ba\tAB\t\tback\n")
    options = [*outputs.split(), "--corrections", "corrections.tsv", "--mix", f"{words}:0.5", "--epochs", "1"]
    tuned = quick(*tune, *options)
    assert tuned.status == 0, tuned.err
    assert "3 old validation pairs of back: exact match" in tuned.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--outputs", "up=2,back=9"], "no row has the output 'back' (column 9)"),
        (["--outputs", "up=2"], "outputs are 2 to 8 names, received: up"),
        (["--outputs", "up=2,back=3", "--swap"], "swap exchanges one source and one target"),
        (["--outputs", "up=2,back=3", "--set", "outputs.it.level=word"], "outputs.it: "),
        (["--outputs", "up=2,back=3", "--target-vectors", "x.vec"], "target vectors belong to one output"),
        (
            ["--outputs", "up=2,back=3", "--back-translate", "x.txt", "--reverse-model", "r.keras"],
            "synthetic pairs have one output, and --outputs names several",
        ),
    ],
)
def test_bad_outputs_are_refused(quick: Any, words: Path, options: list[str], message: str) -> None:
    assert message in quick("train", words, *options).refused()


def test_output_needs_a_model_of_several(quick: Any, words: Path) -> None:
    assert quick("train", words, *SMALL, "--no-run").status == 0
    tuned = ["train", words, "--outputs", "up=2,back=3", "--from", "words.keras", "--out", "other.keras"]
    assert "has up, back, and words.keras has one output. Both need the same outputs" in quick(*tuned).refused()
    message = quick("translate", "words.keras", "ba", "--output", "up").refused()
    assert "words.keras has one output, and --output chooses one of several" in message


@pytest.mark.slow
def test_a_sweep_of_several_outputs(run: Any, words: Path) -> None:
    pytest.importorskip("optuna", reason="needs the extra sweep")
    words.with_name("space.toml").write_text("[units]\nchoices = [4, 8]\n")
    command = ["sweep", "space.toml", words, "--outputs", "up=2,back=3", *SMALL, "--out", "best.keras"]
    for objective in ("auto", "loss"):
        swept = run(*command, "--trials", "1", "--objective", objective, "--overwrite")
        assert swept.status == 0, swept.err
        assert "saved best.keras: trial 1" in swept.err
    translated = run("translate", "best.keras", "ba")
    assert translated.out.count("\t") == 1
