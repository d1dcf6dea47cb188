"""What is learned from training sources: the share of texts of several sentences, abbreviations and starters."""

import json
from typing import Any

import pytest

from passerelle.text.sentence_ends import SentenceEnds
from passerelle.text.sentence_statistics import SAMPLE, SentenceStatistics, learn_sentence_ends

SINGLE = ["He is old.", "Is he old?", "He met Gen. Smith.", "The gen. is old.", "She saw Prof. Ito, and he left."]


def test_abbreviations_are_learned_from_single_sentences() -> None:
    texts = [
        *SINGLE,
        *["She is old."] * 9,
        "She lives in Mt. Vernon.",
        "Mt. Fuji is old.",
        "It is old, approx. five or approx. six.",
    ]
    ends = learn_sentence_ends(texts)
    assert {"gen", "mt", "approx"} <= ends.abbreviations
    assert "old" not in ends.abbreviations
    assert ends.count("She met Gen. Smith in Mt. Vernon. Is she old?") == 2
    assert (
        learn_sentence_ends(["Am 3. Mai.", "Der 1. Juli.", "Um 5 Uhr.", "Er ging."]).count(
            "Er kam am 3. Juli. Er ging."
        )
        == 2
    )


def test_ends_of_sentences_are_no_abbreviations() -> None:
    texts = [
        "I am Tom. He is Jim.",
        "He is Tom. Go.",
        "See Tom.",
        "Tom left.",
        "It was too blurry. I left.",
        "It is 5. Go.",
    ]
    assert learn_sentence_ends(texts).abbreviations == frozenset()
    assert learn_sentence_ends(["He is old. She is young."] * 50).abbreviations == frozenset()


def test_starters_are_words_and_not_names() -> None:
    texts = ["He left.", "He came.", "Is he old?", "Tom left.", "Tom came.", "Is Tom old?"]
    assert learn_sentence_ends(texts).starters == {"He"}


@pytest.mark.parametrize(
    ("texts", "share", "usual"),
    [
        (["He is old."] * 9 + ["Mr. Smith is old."], 0.0, 1),
        (["He is old."] * 99 + ["He left. She left."], 0.01, 1),
        (["He is old."] * 5 + ["He left. She left. They left."] * 5, 0.5, 3),
        (["他老了。她年轻。", "他老了。"] * 5, 0.5, 2),
        ([""], 0.0, 1),
    ],
)
def test_share_and_usual_number_of_sentences(texts: list[str], share: float, usual: int) -> None:
    statistics = SentenceStatistics.of(texts)
    assert (statistics.share, statistics.usual) == (pytest.approx(share), usual)


def test_a_sample_spread_over_all_texts_is_read() -> None:
    texts = ["He is old."] * (3 * SAMPLE) + ["He left. She left."] * SAMPLE
    assert SentenceStatistics.of(texts).share == pytest.approx(0.25, abs=0.01)


def test_json_round_trip() -> None:
    statistics = SentenceStatistics(0.25, 3, SentenceEnds(frozenset({"gen"}), frozenset({"She"})))
    assert SentenceStatistics.from_json(json.loads(json.dumps(statistics.to_json()))) == statistics


@pytest.mark.parametrize(
    "change",
    [
        {"share": 1.5}, {"share": float("nan")}, {"share": "x"}, {"most": 0}, {"most": 10**9}, {"most": float("inf")},
        {"abbreviations": "gen"}, {"abbreviations": [""]}, {"abbreviations": ["x" * 1000]}, {"abbreviations": [1]},
        {"starters": ["x"] * 10_000}, {"starters": None},
    ],
    ids=str,
)  # fmt: skip
def test_values_out_of_bounds_are_refused(change: dict[str, Any]) -> None:
    values = SentenceStatistics(0.0, 1).to_json() | change
    with pytest.raises((ValueError, TypeError, ArithmeticError)):
        SentenceStatistics.from_json(values)
