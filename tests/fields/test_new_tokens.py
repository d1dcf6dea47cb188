"""New tokens: where they come in the vocabularies, and the former ids of the others."""

from typing import Any

import numpy as np
import pytest

from passerelle.errors import SettingsError
from passerelle.fields.new_tokens import former_ids, with_new_tokens
from passerelle.fields.signature import Signature, fit_text_signature
from passerelle.fields.text import TextField
from passerelle.settings import make_settings

OLD = {"source": ["a b", "b c"], "target": ["x", "y"], "tags": ["p", "q"]}
NEW = {"source": ["c d e", "a ( d"], "target": ["x z", "z"], "tags": ["r", "p"]}


def extended(**options: Any) -> tuple[Signature, Signature]:
    settings = make_settings("compact", None, {"level": "word", **options})
    before = fit_text_signature(settings, OLD, name="old")
    return before, with_new_tokens(before, settings, NEW)


def tokens(field: Any) -> list[str]:
    return list(field.tokenizer.vocabulary.tokens)


def test_new_tokens_come_last() -> None:
    before, after = extended()
    assert tokens(before.source) == [" a", " b", " c"]
    assert tokens(after.source) == [" a", " b", " c", " d", " e", "("] or tokens(after.source)[3:] == ["(", " d", " e"]
    assert set(tokens(after.source)[3:]) == {" d", " e", "("}
    assert tokens(after.target) == [" x", " y", " z"]
    assert after.source.tokenizer.ignore_spacing
    assert former_ids(after.target, before.target).tolist() == [*range(6), -1]  # pyright: ignore
    assert former_ids(before.target, before.target) is None


def test_the_settings_of_the_model_choose_the_tokens() -> None:
    _, after = extended(source_min_count=2)
    assert set(tokens(after.source)) >= {" d"}
    assert " e" not in tokens(after.source)
    _, after = extended(vocabulary_size=1)
    assert len(tokens(after.target)) == 2, "the most frequent token of the new pairs"


@pytest.mark.parametrize("mode", ["inline", "separate"])
def test_tags_are_extended(mode: str) -> None:
    before, after = extended(tag_mode=mode)
    former = former_ids(after.source, before.source)
    assert former is not None
    if mode == "inline":  # ids: special tokens, a, b, c, new, new, new, p, q, new
        assert former.tolist() == [*range(7), -1, -1, -1, 7, 8, -1]
        ids = [after.source.encode({"source": ["c"], "tags": [tag]})["source"][0].tolist() for tag in "pr"]
        assert ids == [[10, 6], [12, 6]]
    else:
        assert former_ids(after.inputs["tags"], before.inputs["tags"]).tolist() == [*range(6), -1]  # pyright: ignore


def test_new_tokens_come_before_extra_words() -> None:
    settings = make_settings("compact", None, {"level": "word"})
    before = fit_text_signature(settings, OLD, name="old")
    source = TextField("source", before.source.tokenizer, extra=1)
    after = with_new_tokens(Signature({"source": source}, before.outputs), settings, NEW)
    assert tokens(after.source)[:2] == [" a", " b"]
    assert tokens(after.source)[-1] == " c"
    assert after.source.extra == 1
    assert former_ids(after.source, source).tolist() == [*range(6), -1, -1, -1, 6]  # pyright: ignore


def test_one_vocabulary_of_both_sides_stays_one() -> None:
    settings = make_settings("compact", {"network": {"tie": "all"}}, {"level": "word"})
    before = fit_text_signature(settings, OLD, name="old")
    after = with_new_tokens(before, settings, NEW)
    assert tokens(after.source) == tokens(after.target)
    assert set(tokens(after.source)) >= {" a", " x", " d", " z", " e"}


def test_subwords_know_every_text() -> None:
    settings = make_settings("compact", None, {"level": "subword"})
    before = fit_text_signature(settings, OLD, name="old")
    with pytest.raises(SettingsError, match="new_tokens has no effect at level subword"):
        with_new_tokens(before, settings, NEW)
    mixed = make_settings("compact", None, {"source_level": "subword", "target_level": "character"})
    before = fit_text_signature(mixed, OLD, name="old")
    after = with_new_tokens(before, mixed, NEW)
    assert after.source.tokenizer is before.source.tokenizer
    assert tokens(after.target) == ["x", "y", " ", "z"]
    copied = former_ids(after.target, before.target)
    np.testing.assert_array_equal(copied, [*range(6), -1, -1])  # pyright: ignore
