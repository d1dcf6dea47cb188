"""Numbers among several outputs on the command line: train, translate, evaluate, describe, shards, ensembles."""

import json
from pathlib import Path
from typing import Any

import pytest

ROWS = [
    (word, word.upper(), "" if number % 5 == 4 else f"{ord(word[1]) / 10}", f"{len(word)} {1000 * number}")
    for number, word in enumerate(a + b for a in "bcdfgk" for b in "aeiou")
]
SMALL = ["--preset", "compact", "--units", "8", "--epochs", "1", "--batch-size", "8", "--set", "training.search=greedy"]
OUTPUTS = ["--outputs", "up=2,size=3:numbers,both=4:numbers"]


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.tsv"
    path.write_text("".join("\t".join(row) + "\n" for row in ROWS))
    return path


def test_train_and_use_a_model_with_numbers(quick: Any, words: Path) -> None:
    trained = quick("train", words, *OUTPUTS, *SMALL, "--save-split", "split")
    assert trained.status == 0, trained.err
    assert "training pairs have the output size, numbers" in trained.err
    assert {line.count("\t") for line in (words.parent / "split" / "train.tsv").read_text().splitlines()} == {3}

    every = quick("translate", "words.keras", "ba", "ko")
    assert every.status == 0, every.err
    first = every.out.splitlines()[0].split("\t")
    assert len(first) == 3
    assert (len(first[1].partition(".")[2]), len(first[2].split(" "))) == (3, 2)
    both = quick("translate", "words.keras", "ba", "ko", "--output", "both")
    assert both.out.splitlines() == [line.split("\t")[2] for line in every.out.splitlines()]
    best = quick("translate", "words.keras", "ba", "--n-best", "2", "--beam", "2").out.splitlines()
    assert [line.split("\t")[1:] for line in best] == [first[1:], ["", ""]]
    content = json.loads(quick("translate", "words.keras", "ba", "--json").out)["outputs"]
    assert list(content) == ["up", "size", "both"]
    assert f"{content['size']['numbers']:.3f}" == first[1]
    assert list(content["both"]["quantiles"]) == ["0.05", "0.1", "0.5", "0.9", "0.95"]
    assert quick("translate", "words.keras", "", "ba", "--output", "size").out == f"\n{first[1]}\n"

    whole = quick("evaluate", "words.keras", words)
    assert whole.status == 0, whole.err
    assert "MAE 2" in whole.out
    assert "by the mean of the training rows; 24 rows" in whole.out
    assert whole.out.splitlines()[-1].startswith("all right ")
    report = json.loads(quick("evaluate", "words.keras", words, "--json").out)["outputs"]
    assert (report["up"]["sources"], report["size"]["rows"]) == (30, 24)
    alone = words.with_name("alone.tsv")
    alone.write_text("".join(f"{row[0]}\t{row[3]}\n" for row in ROWS))
    mae = json.loads(quick("evaluate", "words.keras", alone, "--output", "both", "--json").out)["columns"]["1"]["mae"]
    assert mae == report["both"]["columns"]["1"]["mae"]

    described = quick("describe", "words.keras").out
    assert '# both: 2 columns of numbers, 1 steps, scaling column: "1", "2"' in described
    assert "# output size: intervals calibrated on" in described
    drawn = quick("diagram", "words.keras", "--out", "drawn").out.splitlines()
    assert [Path(line).stem for line in drawn][3:5] == ["size_inference_encoder", "size_inference_decoder"]
    pair = quick("translate", "words.keras", "ba", "--with", "words.keras", "--weights", "1,3")
    assert pair.out == every.out.splitlines()[0] + "\n"
    resumed = quick("train", "--resume", "words.run", "--epochs", "2", "--overwrite")
    assert resumed.status == 0, resumed.err

    for command, message in (
        (["translate", "words.keras", "ba", "--output", "size", "--beam", "3"], "numbers have no search, scores or al"),
        (["translate", "words.keras", "ba", "--output", "size", "--align"], "numbers have no search, scores or align"),
        (["evaluate", "words.keras", alone, "--output", "both", "--beam", "3"], "search options are for texts"),
        (["score", "words.keras", alone, "--output", "size"], "the output size of words.keras has numbers"),
        (["evaluate", "words.keras", words, "--outputs", "up=2,size=3,both=4"], "must have numbers of the shape"),
        (["predict", "words.keras", "x.csv"], "is a translator"),
        (["train", words, "--from", "words.keras", "--out", "o.keras"], "has several outputs. Name their columns"),
    ):
        assert message in quick(*command).refused()


def test_shards_with_numbers_are_those_of_one_process(quick: Any, words: Path) -> None:
    assert quick("train", words, *OUTPUTS, *SMALL, "--no-run").status == 0
    source = words.with_name("in.txt")
    source.write_text("".join(f"{row[0]}\n" for row in ROWS))
    command = ["translate", "words.keras", "--in", source]
    assert quick(*command, "--out", "whole.txt").status == 0
    for number in (1, 2):
        assert quick(*command, "--out", "part.{shard}", "--shard", f"{number}/2").status == 0
    whole = words.with_name("whole.txt").read_text()
    assert "".join(part.read_text() for part in sorted(words.parent.glob("part.*"))) == whole


def test_words_to_numbers_only(quick: Any, words: Path) -> None:
    trained = quick(
        "train", words, "--outputs", "size=3:numbers", *SMALL, "--no-run", "--set", "network.decoder.head=quantiles"
    )
    assert trained.status == 0, trained.err
    assert "stored search" not in trained.err
    translated = quick("translate", "words.keras", "ba", "ko")
    assert [float(line) > 0 for line in translated.out.splitlines()] == [True, True]
    evaluated = quick("evaluate", "words.keras", words, "--outputs", "size=3:numbers")
    assert evaluated.out.startswith("MAE ")
    assert "numbers have no search" in quick("translate", "words.keras", "ba", "--n-best", "3").refused()


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ("up=2,size=2:numbers", "the column '2' is named twice"),
        ("up=3,size=2:numbers", "words.tsv, line 1: the output 'size' must be numbers, or missing, received: 'BA'"),
        ("up=2,size=4:numbrs", "output 'size': unknown kind 'numbrs'. Write size=4:numbers"),
    ],
)
def test_wrong_numbers_are_refused(quick: Any, words: Path, outputs: str, message: str) -> None:
    assert message in quick("train", words, "--outputs", outputs).refused()


@pytest.mark.slow
def test_a_sweep_of_numbers(run: Any, words: Path) -> None:
    pytest.importorskip("optuna", reason="needs the extra sweep")
    words.with_name("space.toml").write_text("[units]\nchoices = [4, 8]\n")
    options = [*SMALL, "--trials", "1", "--out", "best.keras", "--overwrite"]
    for outputs in (OUTPUTS, ["--outputs", "size=3:numbers"]):
        swept = run("sweep", "space.toml", words, *outputs, *options)
        assert swept.status == 0, swept.err
        assert "saved best.keras: trial 1" in swept.err
    refused = run("sweep", "space.toml", words, *outputs, *options, "--objective", "chrf").refused()
    assert "--objective chrf compares texts, and " in refused
    assert "words.tsv has numbers only" in refused
