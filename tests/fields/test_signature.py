"""Signatures: texts to ids and back, with tags and with copying."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.fields.signature import Signature
from passerelle.fields.tags import TagsField
from passerelle.fields.text import TextField
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, FIRST_ORDINARY, UNK
from passerelle.text.level import make_tokenizer


def signature_with(*, tags: str = "separate", copying: bool = False) -> Signature:
    tokenizer = make_tokenizer("pretokenized", ";", texts=["V;PST", "N"])
    source = TextField(
        "source", make_tokenizer("character", None, texts=["abc"]), inline_tags=tokenizer if tags == "inline" else None
    )
    inputs: dict[str, Any] = {"source": source}
    if tags == "separate":
        inputs["tags"] = TagsField("tags", tokenizer)
    target = make_tokenizer("character", None, texts=["bcd"])
    return Signature(inputs, {"target": TextField("target", target, copies=source if copying else None)})


def columns(texts: Any, tags: Any = ()) -> dict[str, Any]:
    return {"source": list(texts), "tags": list(tags)}


def rows(sequences: Ragged) -> list[list[int]]:
    return [sequences[row].tolist() for row in range(len(sequences))]


def test_separate_tags_have_a_separate_array() -> None:
    signature = signature_with()
    arrays = signature.encode_inputs(columns(["ab", ""], ["V;PST", "new;N"]))
    assert rows(arrays["source"]) == [[4, 5], []]
    assert rows(arrays["tags"]) == [[6, 5], [UNK, 4]]  # N, PST, V
    assert {name: spec["size"] for name, spec in signature.specs()["inputs"].items()} == {"source": 7, "tags": 7}


def test_inline_tags_precede_the_source_with_distinct_ids() -> None:
    signature = signature_with(tags="inline")
    arrays = signature.encode_inputs(columns(["ab", "", "c"], ["V;PST", "new;N", ""]))
    assert rows(arrays["source"]) == [[9, 8, 4, 5], [UNK, 7], [6]]
    assert set(arrays) == {"source"}
    assert {name: spec["size"] for name, spec in signature.specs()["inputs"].items()} == {"source": 10}
    assert max(arrays["source"].values) < 10


def test_a_signature_without_tags_has_no_tag_array() -> None:
    plain = signature_with(tags="none")
    assert set(plain.encode_inputs({"source": ["ab"]})) == {"source"}
    assert (plain.columns, plain.tagged) == (("source",), False)


@given(
    st.lists(st.tuples(st.text("abcdxé", max_size=8), st.sampled_from(["", "V", "V;PST", "X;N;V"])), min_size=1),
    st.booleans(),
)
def test_copying_gives_the_source_with_inline_and_separate_tags(pairs: list[tuple[str, str]], inline: bool) -> None:
    signature = signature_with(tags="inline" if inline else "separate", copying=True)
    texts, tags = ([pair[side] for pair in pairs] for side in (0, 1))
    inputs = columns(texts, tags)
    arrays = signature.encode_inputs(inputs)
    np.testing.assert_array_equal(arrays["target_copies"].lengths, arrays["source"].lengths)
    targets = signature.encode_targets(inputs | {"target": texts})["target"]
    assert all(targets[row][-1] == END for row in range(len(texts)))
    copied = Ragged.from_lists(targets[row][:-1].tolist() for row in range(len(texts)))
    assert signature.target.decode(copied, inputs) == texts


@pytest.mark.parametrize("tags", ["inline", "separate"])
def test_unknown_tokens_of_source_and_tags(tags: str) -> None:
    inputs = columns(["ab", "axb"], ["V", "V;NEW"])
    assert signature_with(tags=tags).unknown(inputs, 1) == ("x", "NEW")
    assert signature_with(tags=tags).unknown(inputs, 0) == ()
    assert signature_with(tags="none").unknown(inputs, 1) == ("x",)


def test_differences() -> None:
    one, other = signature_with(), signature_with(tags="inline")
    assert one.differences(signature_with()) == []
    assert one.differences(other) == ["field tags", "source inline_tags"]
    assert signature_with(tags="none").differences(one) == ["field tags"]
    tags = TagsField("tags", make_tokenizer("pretokenized", ",", texts=["V"]))
    more = Signature({"source": TextField("source", one.target.tokenizer), "tags": tags}, one.outputs)
    assert one.differences(more) == ["source tokens", "tags separator", "tags tokens"]


@pytest.mark.parametrize("tags", ["none", "inline", "separate"])
@pytest.mark.parametrize("copying", [False, True])
def test_json_round_trip(tags: str, copying: bool) -> None:
    before = signature_with(tags=tags, copying=copying)
    after = Signature.from_json(json.loads(json.dumps(before.to_json())))
    assert after.to_json() == before.to_json()
    assert (after.differences(before), after.specs(), after.columns) == ([], before.specs(), before.columns)
    inputs = columns(["abx", "c"], ["V;PST", "N"])
    for name, array in before.encode_inputs(inputs).items():
        np.testing.assert_array_equal(after.encode_inputs(inputs)[name].values, array.values)


@pytest.mark.parametrize("first", [[[1, 2], [], [3]], [[], [], []]])
def test_followed_by_concatenates_row_by_row(first: list[list[int]]) -> None:
    second = [[7], [8, 9], []]
    joined = Ragged.from_lists(first).concatenate_rows(Ragged.from_lists(second))
    assert rows(joined) == [left + right for left, right in zip(first, second, strict=True)]
    assert joined.values.dtype == np.int32
    assert FIRST_ORDINARY == 4
