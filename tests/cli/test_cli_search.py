"""Beams, n-best lists and scores from the command line; a model and its pairs come from `trained`."""

import json
import os
from typing import Any

import pytest


def test_a_beam_writes_a_line_a_text(quick: Any, trained: Any) -> None:
    sources = [source for source, _ in trained.rows[:5]]
    plain = quick("translate", trained.model, stdin="\n".join(sources).encode())
    beam = quick("translate", trained.model, "--beam", "3", stdin="\n".join(sources).encode())
    assert (beam.status, len(beam.out.splitlines())) == (0, len(plain.out.splitlines()))
    one = quick("translate", trained.model, "--beam", "1", stdin="\n".join(sources).encode())
    assert one.out == plain.out


def test_scores_are_columns(quick: Any, trained: Any) -> None:
    texts = [source for source, _ in trained.rows[:2]]
    outcome = quick("translate", trained.model, *texts, "--n-best", "3", "--scores")
    assert outcome.status == 0, outcome.err
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert {len(row) for row in rows} == {5}
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    for number in "12":
        own = [row for row in rows if row[0] == number]
        assert [int(row[1]) for row in own] == list(range(1, len(own) + 1))
        assert all(float(row[3]) <= 0 for row in own)


def test_json_says_everything(quick: Any, trained: Any) -> None:
    text = trained.rows[0][0]
    outcome = quick("translate", trained.model, text, "--n-best", "2", "--json")
    (line,) = outcome.out.splitlines()
    found = json.loads(line)
    assert found["source"] == text
    for translation in found["translations"]:
        assert "".join(translation["tokens"]) == translation["text"]
        assert len(translation["probabilities"]) == len(translation["tokens"]) + translation["finished"]
        assert all(0 <= probability <= 1 for probability in translation["probabilities"])


def test_lines_stay_in_step_where_there_are_fewer_translations(quick: Any, trained: Any) -> None:
    outcome = quick("translate", trained.model, "--n-best", "2", stdin=b"\nA cat\n")
    assert len(outcome.out.split("\n")) == 5
    assert outcome.out.startswith("\n\n")


SOURCES = ["a cat", "the dog runs"]


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model file with attention, of random weights."""
    from untrained import untrained

    path = tmp_path_factory.mktemp("looking") / "looking.keras"
    untrained([("a cat runs", "Il court, un chat"), ("the dog", "le chien, abcde")]).save(path)
    return path


def test_alignments_are_a_last_column(quick: Any, looking: Any) -> None:
    texts = SOURCES
    plain = quick("translate", looking, *texts)
    outcome = quick("translate", looking, *texts, "--align")
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert [row[0] for row in rows] == plain.out.splitlines()
    for text, (translation, links) in zip(texts, rows, strict=True):
        pairs = [tuple(map(int, link.split("-"))) for link in links.split()]
        assert [target for _, target in pairs] == list(range(len(translation)))
        assert all(source < len(text) for source, _ in pairs)


def test_pictures_and_links_in_json(quick: Any, looking: Any, tmp_path: Any) -> None:
    text = SOURCES[0]
    outcome = quick("translate", looking, text, "--json", "--align", "--pictures", tmp_path / "seen")
    (translation,) = json.loads(outcome.out)["translations"]
    assert len(translation["alignment"]) == len(translation["tokens"])
    assert (tmp_path / "seen" / "1.svg").read_text(encoding="utf-8").startswith("<svg")


def test_wishes_are_obeyed(quick: Any, looking: Any, tmp_path: Any) -> None:
    text = SOURCES[0]
    assert quick("translate", looking, text, "--prefix", "Il").out.startswith("Il")
    assert "chat" in quick("translate", looking, text, "--require", "chat").out
    assert quick("translate", looking, text, "--pattern", "[a-e]{3}").out.strip("abcde") == "\n"
    (tmp_path / "words.txt").write_text("un chat\nle chien\n", encoding="utf-8")
    outcome = quick("translate", looking, text, "--lexicon", tmp_path / "words.txt")
    assert outcome.out in ("un chat\n", "le chien\n")
    (tmp_path / "grammar").write_text("letter = [a-e]\nmain = (?&letter){2}\n", encoding="utf-8")
    assert len(quick("translate", looking, text, "--grammar", tmp_path / "grammar").out) == 3


def test_draws_are_the_same_for_the_same_seed(quick: Any, looking: Any) -> None:
    text = SOURCES[0]
    options = ("--sample", "--temperature", "3", "--n-best", "3")
    first, second, other = (quick("translate", looking, text, *options, "--seed", seed).out for seed in ("1", "1", "2"))
    assert first == second != other


def test_what_cannot_be_written_is_said_and_leaves_its_line(quick: Any, trained: Any) -> None:
    outcome = quick("translate", trained.model, "--prefix", "a" * 30, "--max-length", "9", stdin=b"A cat\n\n")
    assert (outcome.status, outcome.out) == (1, "\n\n")
    assert outcome.err.splitlines()[0].startswith("passerelle: text 1: nothing can be written within its limits")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beam", "2", "--n-best", "3"], "3 best translations need a beam of as many, received: beam=2"),
        (["--beam", "0"], "beam: input should be greater than or equal to 1"),
        (["--length-penalty", "-1"], "length_penalty"),
        (["--max-length", "0"], "max_length"),
        (["--sample", "--beam", "2"], "choose one of them"),
        (["--pattern", "(a"], "pattern"),
        (["--replacements", "x"], "--replace-unknown"),
        (["--weights", "one"], "--weights takes numbers"),
        (["--weights", "1,2"], "one for each of 1 networks"),
        (["--lexicon", "no-such-file"], "no-such-file: no such file"),
        (["--grammar", "no-such-file"], "no-such-file cannot be read"),
        (["--lexicon", os.devnull], "holds no text that may be written"),
    ],
)
def test_bad_options(quick: Any, trained: Any, options: list[str], message: str) -> None:
    assert message in quick("translate", trained.model, "text", *options).refused()


def test_replacements_may_be_a_single_line(quick: Any, looking: Any, tmp_path: Any) -> None:
    (tmp_path / "words.tsv").write_text("cat\tchat\n", encoding="utf-8")
    (tmp_path / "wrong.tsv").write_text("cat\n", encoding="utf-8")
    plain = quick("translate", looking, "a cat")
    options = ("--replace-unknown", "--replacements")
    assert quick("translate", looking, "a cat", *options, tmp_path / "words.tsv").out == plain.out
    assert "'cat' has no tab" in quick("translate", looking, "a cat", *options, tmp_path / "wrong.tsv").refused()
