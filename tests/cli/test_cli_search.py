"""passerelle translate with beam search, n-best lists, scores, alignments, constraints and sampling."""

import json
import os
from typing import Any

import pytest


def test_beam_search_writes_one_line_per_text(quick: Any, trained: Any) -> None:
    sources = [source for source, _ in trained.rows[:5]]
    plain = quick("translate", trained.model, stdin="\n".join(sources).encode())
    beam = quick("translate", trained.model, "--beam", "3", stdin="\n".join(sources).encode())
    assert (beam.status, len(beam.out.splitlines())) == (0, len(plain.out.splitlines()))
    stored = quick("translate", trained.model, "--beam", "5", stdin="\n".join(sources).encode())
    assert stored.out == plain.out


def test_minimum_bayes_risk_scores_are_similarities(quick: Any, trained: Any) -> None:
    texts = [source for source, _ in trained.rows[:2]]
    outcome = quick("translate", trained.model, *texts, "--mbr", "8", "--n-best", "3", "--scores")
    assert outcome.status == 0, outcome.err
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert all(0 <= float(row[2]) <= 100 and float(row[3]) < 0 for row in rows)
    refused = quick("translate", trained.model, "a", "--mbr", "8", "--beam", "2").refused()
    assert "mbr excludes sample and beam search" in refused


def test_columns_of_scores(quick: Any, trained: Any) -> None:
    texts = [source for source, _ in trained.rows[:2]]
    outcome = quick("translate", trained.model, *texts, "--n-best", "3", "--scores")
    assert outcome.status == 0, outcome.err
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert {len(row) for row in rows} == {5}
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    for number in "12":
        of_text = [row for row in rows if row[0] == number]
        assert [int(row[1]) for row in of_text] == list(range(1, len(of_text) + 1))
        assert all(float(row[3]) <= 0 for row in of_text)


def test_json_contains_tokens_and_probabilities(quick: Any, trained: Any) -> None:
    text = trained.rows[0][0]
    outcome = quick("translate", trained.model, text, "--n-best", "2", "--json")
    (line,) = outcome.out.splitlines()
    found = json.loads(line)
    assert found["source"] == text
    for translation in found["translations"]:
        assert "".join(translation["tokens"]) == translation["text"]
        assert len(translation["probabilities"]) == len(translation["tokens"]) + translation["finished"]
        assert all(0 <= probability <= 1 for probability in translation["probabilities"])


def test_missing_translations_are_empty_lines(quick: Any, trained: Any) -> None:
    outcome = quick("translate", trained.model, "--n-best", "2", stdin=b"\nA cat\n")
    assert len(outcome.out.split("\n")) == 5
    assert outcome.out.startswith("\n\n")


SOURCES = ["a cat", "the dog runs"]


@pytest.fixture(scope="module")
def attentive(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model file of an untrained translator with attention."""
    from untrained import untrained

    path = tmp_path_factory.mktemp("attention") / "attention.keras"
    untrained([("a cat runs", "Il court, un chat"), ("the dog", "le chien, abcde")]).save(path)
    return path


def test_alignments_are_the_last_column(quick: Any, attentive: Any) -> None:
    texts = SOURCES
    plain = quick("translate", attentive, *texts)
    outcome = quick("translate", attentive, *texts, "--align")
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert [row[0] for row in rows] == plain.out.splitlines()
    for text, (translation, links) in zip(texts, rows, strict=True):
        pairs = [tuple(map(int, link.split("-"))) for link in links.split()]
        assert [target for _, target in pairs] == list(range(len(translation)))
        assert all(source < len(text) for source, _ in pairs)


def test_pictures_and_alignments_in_json(quick: Any, attentive: Any, tmp_path: Any) -> None:
    text = SOURCES[0]
    outcome = quick("translate", attentive, text, "--json", "--align", "--pictures", tmp_path / "seen")
    (translation,) = json.loads(outcome.out)["translations"]
    assert len(translation["alignment"]) == len(translation["tokens"])
    assert (tmp_path / "seen" / "1.svg").read_text(encoding="utf-8").startswith("<svg")


def test_constraints_are_satisfied(quick: Any, attentive: Any, tmp_path: Any) -> None:
    text = SOURCES[0]
    assert quick("translate", attentive, text, "--prefix", "Il").out.startswith("Il")
    assert "chat" in quick("translate", attentive, text, "--require", "chat").out
    assert quick("translate", attentive, text, "--pattern", "[a-e]{3}").out.strip("abcde") == "\n"
    (tmp_path / "words.txt").write_text("un chat\nle chien\n", encoding="utf-8")
    outcome = quick("translate", attentive, text, "--lexicon", tmp_path / "words.txt")
    assert outcome.out in ("un chat\n", "le chien\n")
    (tmp_path / "grammar").write_text("letter = [a-e]\nmain = (?&letter){2}\n", encoding="utf-8")
    assert len(quick("translate", attentive, text, "--grammar", tmp_path / "grammar").out) == 3


def test_samples_are_the_same_for_the_same_seed(quick: Any, attentive: Any) -> None:
    text = SOURCES[0]
    options = ("--sample", "--temperature", "3", "--n-best", "3")
    first, second, other = (
        quick("translate", attentive, text, *options, "--seed", seed).out for seed in ("1", "1", "2")
    )
    assert first == second != other


def test_an_impossible_translation_is_reported_and_its_line_is_empty(quick: Any, trained: Any) -> None:
    outcome = quick("translate", trained.model, "--prefix", "a" * 30, "--max-length", "9", stdin=b"A cat\n\n")
    assert (outcome.status, outcome.out) == (1, "\n\n")
    assert outcome.err.splitlines()[0].startswith("passerelle: text 1 has no translation within its length limit")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--beam", "2", "--n-best", "3"], "n_best must not exceed the beam size, received: n_best=3, beam=2"),
        (["--beam", "0"], "beam: input should be greater than or equal to 1"),
        (["--length-penalty", "-1"], "length_penalty"),
        (["--max-length", "0"], "max_length"),
        (["--sample", "--beam", "2"], "choose one of them"),
        (["--pattern", "(a"], "pattern"),
        (["--replacements", "x"], "--replace-unknown"),
        (["--weights", "one"], "--weights must be numbers"),
        (["--weights", "1,2"], "one for each of 1 networks"),
        (["--lexicon", "no-such-file"], "no-such-file: no such file"),
        (["--grammar", "no-such-file"], "no-such-file cannot be read"),
        (["--lexicon", os.devnull], "contains no text"),
    ],
)
def test_bad_options_are_refused(quick: Any, trained: Any, options: list[str], message: str) -> None:
    assert message in quick("translate", trained.model, "text", *options).refused()


def test_replacements_of_one_line(quick: Any, attentive: Any, tmp_path: Any) -> None:
    (tmp_path / "words.tsv").write_text("cat\tchat\n", encoding="utf-8")
    (tmp_path / "wrong.tsv").write_text("cat\n", encoding="utf-8")
    plain = quick("translate", attentive, "a cat")
    options = ("--replace-unknown", "--replacements")
    assert quick("translate", attentive, "a cat", *options, tmp_path / "words.tsv").out == plain.out
    assert (
        "no tab between token and translation: 'cat'."
        in quick("translate", attentive, "a cat", *options, tmp_path / "wrong.tsv").refused()
    )


def test_the_stored_search_is_described_and_used(quick: Any, trained: Any) -> None:
    """The training of a few seconds is too short to compare searches, so the model stores the default beam."""
    described = quick("describe", trained.model).out
    assert "# stored search: beam 5, length penalty 0.6\n" in described
    assert "(default, since training was too short to compare searches)" in described
    text = trained.rows[0][0]
    plain = quick("translate", trained.model, text, "--json").out
    assert plain == quick("translate", trained.model, text, "--json", "--beam", "5", "--length-penalty", "0.6").out
    for options in (["--sample"], ["--n-best", "7"], ["--groups", "2"], ["--sample", "--n-best", "3"]):
        assert quick("translate", trained.model, text, *options).status == 0


def test_the_search_is_set_in_training(quick: Any, trained: Any) -> None:
    words = ["--epochs", "1", "--set", "training.search=greedy", "--out", "greedy.keras", "--overwrite"]
    outcome = quick("train", trained.pairs, *trained.options[:4], *words)
    assert "stored search: greedy (set by training.search)\n" in outcome.err
    assert "# stored search: greedy\n" in quick("describe", "greedy.keras").out
    refused = quick("train", trained.pairs, "--set", "training.search=wide").refused()
    assert refused.startswith("training.search: input should be 'auto', 'greedy' or 'beam'")
