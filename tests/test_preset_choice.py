"""The preset `auto`: what is chosen for which pairs, and that explicit settings win."""

import random
from typing import Any

import pytest

import passerelle
from passerelle import preset_choice
from passerelle.errors import SettingsError
from passerelle.experiment import candidates
from passerelle.experiment.candidates import prepare_candidates
from passerelle.preparation import prepare
from passerelle.preset_choice import FEW_PAIRS, MANY_WORDS, PairStatistics, choose_candidates
from passerelle.settings import PRESETS, choose_settings

WORDS = [
    *("we", "you", "they", "see", "hear", "find", "the", "a", "red", "blue", "old", "house"),
    *("car", "dog", "cat", "tree", "today", "now", "here"),
]


def sentences(count: int, words: list[str] = WORDS) -> tuple[list[str], list[str]]:
    drawn = random.Random(1)
    sources = [" ".join(drawn.choices(words, k=drawn.randint(3, 8))) + "." for _ in range(count)]
    return sources, [source.upper() for source in sources]


def spellings(count: int) -> tuple[list[str], list[str]]:
    drawn = random.Random(1)
    sources = ["".join(drawn.choices("abcdefgh", k=drawn.randint(3, 9))) for _ in range(count)]
    return sources, [" ".join(word.upper()) for word in sources]


def inflections(count: int) -> tuple[list[str], list[str]]:
    sources, _ = spellings(count)
    return sources, [f"ge{source}t" for source in sources]


def choose(pairs: tuple[list[str], list[str]], **options: Any) -> list[Any]:
    return choose_candidates(choose_settings(**options), *pairs)


def facts(candidate: Any) -> tuple[Any, ...]:
    settings = candidate.settings
    return settings.preset, settings.source.level, settings.target.level, settings.network.copying


def test_spelling_to_sound_and_inflection() -> None:
    (candidate,) = choose(spellings(800), target_separator=" ")
    assert facts(candidate) == ("monotonic", "character", "pretokenized", False)
    assert candidate.reasons == (
        "preset monotonic: targets are sequences of symbols of 8 different tokens, 11 characters long (median)",
    )
    assert candidate.settings.network.embedding_init_range == 1.0
    (candidate,) = choose(inflections(800))
    assert facts(candidate) == ("monotonic", "character", "character", True)
    assert candidate.reasons[1].startswith("copying: ")
    assert candidate.settings.network.embedding_init_range == 0.05


def test_initial_embeddings_follow_explicit_copying() -> None:
    for pairs, options in ((spellings(800), {"target_separator": " "}), (inflections(800), {})):
        for copying, limit in ((True, 0.05), (False, 1.0)):
            (candidate,) = choose(pairs, settings={"network": {"copying": copying}}, **options)
            network = candidate.settings.network
            assert (candidate.settings.preset, network.copying) == ("monotonic", copying)
            assert network.embedding_init_range == limit


def test_a_transformer_needs_some_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three to eight words per side: 64 pairs have 700 words, and an update takes 0.28 s on one core."""
    pairs = sentences(FEW_PAIRS)
    monkeypatch.setattr(preset_choice, "_cores", lambda: 1)
    (candidate,) = choose(pairs, minutes=2)
    assert candidate.settings.preset == "compact"
    assert candidate.reasons == ("preset compact: 2 minutes are too short for a Transformer",)
    assert choose(pairs, minutes=5)[0].settings.preset == "transformer"
    assert choose(pairs)[0].settings.preset == "transformer", "without a limit, its own epochs"
    monkeypatch.setattr(preset_choice, "_cores", lambda: 4)
    assert choose(pairs, minutes=2)[0].settings.preset == "transformer"


def test_characters_count_where_there_are_no_spaces() -> None:
    written = PairStatistics.of(["a b c"] * 20, ["x y"] * 20, choose_settings())
    unspaced = PairStatistics.of(["a b c"] * 20, ["我们今天去看那个老房子"] * 20, choose_settings())
    assert (written.length, unspaced.length) == (5, 3 + 11)


def test_sentences() -> None:
    best, other = choose(sentences(FEW_PAIRS))
    assert facts(best) == ("transformer", "word", "word", False)
    assert best.reasons == (
        f"preset transformer: {FEW_PAIRS:,} pairs of sentences",
        f"level word: {FEW_PAIRS:,} pairs with {2 * len(WORDS):,} different words",
    )
    assert facts(other)[:2] == ("monotonic", "character")
    sources, targets = sentences(MANY_WORDS // 4)
    rare = [f"{source} {' '.join(f'{i}.{k}' for k in range(4))}" for i, source in enumerate(sources)]
    assert facts(choose((rare, targets))[0])[:3] == ("transformer", "subword", "subword")
    (few,) = choose(sentences(FEW_PAIRS - 1))
    assert facts(few) == ("compact", "character", "character", False)
    assert few.reasons == (f"preset compact: only {FEW_PAIRS - 1:,} pairs",)


def test_a_side_without_spaces_is_read_by_character() -> None:
    sources, _ = sentences(FEW_PAIRS)
    targets = ["我们今天看见了一只红色的猫在树上" for _ in sources]
    assert facts(choose((sources, targets))[0])[:3] == ("transformer", "word", "character")


def test_explicit_settings_win() -> None:
    pairs = sentences(FEW_PAIRS)
    best, *_ = choose(pairs, source_level="subword", dropout=0.25, epochs=3)
    assert facts(best)[:3] == ("transformer", "subword", "word")
    assert (best.settings.network.dropout, best.settings.training.epochs) == (0.25, 3)
    (own,) = choose(pairs, cell="gru")
    assert (own.settings.preset, own.settings.network.cell) == ("compact", "gru")
    assert own.reasons == ("preset compact: network.cell is set",)
    (named,) = choose(pairs, preset="deep")
    assert (named.settings, named.reasons) == (PRESETS["deep"].settings, ())
    (word,) = choose(inflections(100), level="word")
    assert facts(word)[:2] == ("compact", "word")


def test_the_level_auto_is_part_of_the_choice() -> None:
    assert [facts(each) for each in choose(sentences(FEW_PAIRS), level="auto")] == [
        facts(each) for each in choose(sentences(FEW_PAIRS))
    ]


def test_the_choice_is_recorded_in_the_model_settings() -> None:
    prepared = prepare(list(zip(*inflections(50), strict=True)), choose_settings(), validation=0)
    assert prepared.settings.preset == "monotonic"
    assert prepared.choices[0].startswith("preset monotonic: ")


def test_an_unknown_preset_names_auto_too() -> None:
    with pytest.raises(SettingsError, match="unknown preset 'autoo'. Did you mean 'auto'"):
        choose_settings(preset="autoo")


def test_candidates_are_compared_for_a_tenth_of_the_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The candidate with the better trial is trained, whichever it is; without time to spare, the first one."""
    pairs = passerelle.phrasebook()[: FEW_PAIRS + 500]
    scores = {"transformer": 10.0, "monotonic": 20.0}
    monkeypatch.setattr(candidates, "_trial_score", lambda prepared, *_: scores[prepared.settings.preset])
    lines: list[str] = []
    prepared = prepare_candidates(pairs, choose_settings(minutes=10), report=lines.append)
    assert prepared.settings.preset == "monotonic"
    assert prepared.settings.training.minutes == 10
    assert [line.split(":")[0] for line in lines] == ["preset transformer", "preset monotonic"]
    assert lines[1].endswith(": 20.0 after 60 s")
    assert prepare_candidates(pairs, choose_settings(minutes=9)).settings.preset == "transformer"
    assert prepare_candidates(pairs, choose_settings(minutes=10), validation=0).settings.preset == "transformer"
