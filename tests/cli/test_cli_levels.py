"""passerelle train with token levels and vocabulary sizes, and their description by passerelle describe."""

import re
import tomllib
from typing import Any


def test_subwords(quick: Any, trained: Any) -> None:
    options = [*trained.options, "--level", "subword", "--vocabulary-size", "280", "--source-lowercase"]
    outcome = quick("train", trained.pairs, "--out", "m.keras", *options)
    assert outcome.status == 0, outcome.err
    assert "280 source and 280 target tokens" in outcome.err
    described = quick("describe", "m.keras")
    assert described.status == 0
    assert re.search(
        r'^# 280 source tokens, level subword, 256 bytes and 24 subwords: "[^"]+"( "[^"]+"){23}$', described.out, re.M
    )
    settings = tomllib.loads(described.out)
    chosen = {"level": "subword", "vocabulary_size": 280, "min_count": 1, "lowercase": True}
    assert settings["source"] | chosen == settings["source"]
    assert settings["target"]["lowercase"] is False
    upper, lower = (quick("translate", "m.keras", text) for text in ("A CAT SEES IT.", "a cat sees it."))
    assert upper.status == 0, upper.err
    assert upper.out == lower.out
    foreign = quick("translate", "m.keras", "Ça ? 👩‍👧", "--max-length", "3")
    assert "unknown" not in upper.err + foreign.err


def test_the_level_auto(quick: Any, trained: Any) -> None:
    outcome = quick("train", trained.pairs, "--out", "m.keras", *trained.options, "--level", "auto")
    assert outcome.status == 0, outcome.err
    assert outcome.err.splitlines()[0] == "level character: 29 training pairs, and subwords require 30,000"
    settings = tomllib.loads(quick("describe", "m.keras").out)
    assert (settings["source"]["level"], settings["target"]["level"]) == ("character", "character")


def test_impossible_vocabularies_are_refused(quick: Any, trained: Any) -> None:
    message = quick("train", trained.pairs, "--level", "subword", "--vocabulary-size", "100").refused()
    assert message.startswith("source: level 'subword' requires a vocabulary_size of 256 or more ")
    message = quick("train", trained.pairs, "--level", "word", "--min-count", "99").refused()
    assert message.endswith(": no source token occurs 99 times. Lower min_count.")
