"""passerelle train with levels and bounds, and how describe tells of them."""

import re
import tomllib
from typing import Any


def test_subwords(quick: Any, trained: Any) -> None:
    options = [*trained.options, "--level", "subword", "--vocabulary-size", "280", "--source-lowercase"]
    outcome = quick("train", trained.pairs, "--out", "m.keras", *options)
    assert outcome.status == 0, outcome.err
    assert "280 source and 280 target tokens" in outcome.err
    told = quick("describe", "m.keras")
    assert told.status == 0
    assert re.search(
        r'^# 280 source tokens, level subword, 256 bytes and 24 pieces: "[^"]+"( "[^"]+"){23}$', told.out, re.M
    )
    settings = tomllib.loads(told.out)
    chosen = {"level": "subword", "vocabulary_size": 280, "min_count": 1, "lowercase": True}
    assert settings["source"] | chosen == settings["source"]
    assert settings["target"]["lowercase"] is False
    shouted, said = (quick("translate", "m.keras", text) for text in ("A CAT SEES IT.", "a cat sees it."))
    assert shouted.status == 0, shouted.err
    assert shouted.out == said.out
    foreign = quick("translate", "m.keras", "Ça ? 👩‍👧", "--max-length", "3")
    assert "unknown" not in shouted.err + foreign.err


def test_a_level_left_open(quick: Any, trained: Any) -> None:
    outcome = quick("train", trained.pairs, "--out", "m.keras", *trained.options, "--level", "auto")
    assert outcome.status == 0, outcome.err
    assert outcome.err.splitlines()[0] == "level character: 29 training pairs, and subwords require 30,000"
    settings = tomllib.loads(quick("describe", "m.keras").out)
    assert (settings["source"]["level"], settings["target"]["level"]) == ("character", "character")


def test_what_is_refused(quick: Any, trained: Any) -> None:
    message = quick("train", trained.pairs, "--level", "subword", "--vocabulary-size", "100").refused()
    assert message.startswith("source: level 'subword' has a token for each of 256 bytes; ")
    message = quick("train", trained.pairs, "--level", "word", "--min-count", "99").refused()
    assert message.endswith(": no source token occurs 99 times. Lower min_count.")
