"""Blanks, dashes, scripts and fractions on the command line, with real processes."""

import json
from pathlib import Path
from typing import Any

import pytest

PHONES = {"a": "ɑ", "b": "b", "c": "k", "d": "d", "e": "ɛ"}
WORDS = [a + b + c for a in "ab" for b in PHONES for c in "cd"]
TRAIN = ("--epochs", "1", "--units", "8", "--validation", "0", "--out", "m.keras", "--overwrite")


def write(path: Path, rows: list[tuple[str, ...]]) -> Path:
    path.write_text("".join("\t".join(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_blanks_that_mean_nothing(quick: Any, tmp_path: Path) -> None:
    """Training and evaluation give the same numbers with and without the blanks, and one line tells of them."""
    clean = [(word, " ".join(PHONES[letter] for letter in word)) for word in WORDS]
    odd = [(f" {word} ", f" {phones.replace(' ', '  ')} ") for word, phones in clean]
    options = ("--target-separator", " ", *TRAIN)
    messages, reports = [], []
    for rows in (clean, odd):
        trained = quick("train", write(tmp_path / "pairs.tsv", rows), *options)
        assert trained.status == 0, trained.err
        messages.append(trained.err)
        reports += [
            quick("evaluate", "m.keras", write(tmp_path / "test.tsv", other), "--json") for other in (clean, odd)
        ]
    losses = [
        [line.split("  ")[1] for line in message.splitlines() if line.startswith("epoch")] for message in messages
    ]
    assert losses[0] == losses[1]
    scores = [json.loads(report.out) for report in reports]
    assert all(score == scores[0] for score in scores)
    assert (scores[0]["bleu"], scores[0]["bleu_missing"]) == (None, "not meaningful: references have 1 to 3 words")
    told = f"{len(WORDS)} of {len(WORDS)} pairs have whitespace at the ends"
    assert [told in text for text in (*messages, *(report.err for report in reports))] == [0, 1, 0, 1, 0, 1]
    exact = quick("train", "pairs.tsv", *options, "--exact-whitespace")
    assert told not in exact.err


def test_a_dash_as_separator_and_texts_that_begin_with_one(quick: Any, tmp_path: Path) -> None:
    write(tmp_path / "pairs.tsv", [(f"- {word}", "-".join(word)) for word in WORDS])
    trained = quick("train", "pairs.tsv", "--target-separator", "-", *TRAIN)
    assert trained.status == 0, trained.err
    assert " and 5 target tokens" in trained.err
    assert "Try: passerelle translate m.keras -- '- aac'" in trained.err
    assert quick("translate", "m.keras", "--", "- aac").status == 0
    message = quick("translate", "m.keras", "- aac").refused()
    assert message.startswith("'- aac' is not an option. Write -- before texts that begin with a dash.")
    hint = quick("translate", "m.keras", "pairs.tsv")
    assert "the text 'pairs.tsv' is the name of a file. To read the lines of the file: --in FILE" in hint.err


def test_a_language_without_spaces_at_level_word(quick: Any, tmp_path: Path) -> None:
    pairs = write(tmp_path / "pairs.tsv", [(f"I like {word}", f"我喜欢{word}茶。") for word in "abc"])
    assert "target texts are written without spaces" in (err := quick("train", pairs, "--level", "word", *TRAIN).err)
    assert "Use --level character, or --target-level character" in err
    assert "without spaces" not in quick("train", pairs, "--level", "character", *TRAIN).err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", "2.6"], "Invalid value for --epochs: expected a whole number, received: '2.6'"),
        (["--limit", "20.5"], "Invalid value for --limit: expected a whole number, received: '20.5'"),
        (["--seeds", "1.5"], "Invalid value for --seeds: expected a whole number"),
        (["--units", "nan"], "Invalid value for --units: expected a whole number"),
        (
            ["--level", "word", "--separator", "-"],
            "level 'pretokenized' requires a separator, and no other level accepts",
        ),
        (["--tag-column", "3", "--tag-mode", "none"], "a column of tags is named, but the tag mode is none"),
    ],
)
def test_fractions_and_contradictions_are_refused(quick: Any, trained: Any, options: Any, message: str) -> None:
    assert message in quick("train", trained.pairs, *options).refused()


def test_min_length_above_max_length(quick: Any, trained: Any) -> None:
    message = quick("translate", trained.model, "--min-length", "9", "--max-length", "3", "x").refused()
    assert "min_length must not exceed max_length, received: min_length=9, max_length=3" in message
