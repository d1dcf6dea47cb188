"""Copy ids of source tokens, also of tokens that no vocabulary contains."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from passerelle.fields.copying import copy_ids, copy_targets, target_tokens
from passerelle.special_tokens import END, UNK
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import normalize


def word(*texts: str):
    return make_tokenizer("word", None, texts=texts)


def test_known_words_have_their_id_and_others_their_first_position() -> None:
    source, target = word("define an integer variable"), word("int integer")
    size, known = target.vocabulary.size, target.vocabulary.id_of(" integer")
    (ids,) = [copy_ids([source.split("define an integer variable define")], target)[0].tolist()]
    assert ids == [size, size + 1, known, size + 3, size]
    (targets,) = [copy_targets([source.split("define add")], target, ["int add strange"])[0].tolist()]
    assert targets == [target.vocabulary.id_of(" int"), size + 1, UNK, END]


@given(st.lists(st.text("abcdxyz é", max_size=12), min_size=1, max_size=5))
def test_copying_all_tokens_gives_the_source(texts: list[str]) -> None:
    """The copy ids of a source decode to the source, independently of the vocabularies."""
    source = make_tokenizer("character", None, texts=["abc"])
    target = make_tokenizer("character", None, texts=["bcd"])
    tokens = [source.split(normalize(text)) for text in texts]
    copies = copy_ids(tokens, target)
    np.testing.assert_array_equal(copies.lengths, source.encode(texts).lengths)
    for row, text in enumerate(texts):
        assert target.join(target_tokens(tokens[row], target, copies[row])) == text
    targets = copy_targets(tokens, target, texts)
    for row in range(len(texts)):
        assert targets[row].tolist() == [*copies[row].tolist(), END]
