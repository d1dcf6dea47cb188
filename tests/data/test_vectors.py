"""Pretrained word vectors: files written by gensim, selection of words, and errors that name the line."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.data.vectors import WordVectors, read_vectors
from passerelle.errors import DataError
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import WordTokenizer

GENSIM = """3 4
cat 0.34558418 0.82161814 0.33043706 -1.3031572
the 0.9053559 0.44637457 -0.5369532 0.5811181
éclair 0.3645724 0.2941325 0.028422242 0.546713
"""
"""`EXPECTED`, as written by `KeyedVectors.save_word2vec_format` of gensim 4.4."""

EXPECTED = np.random.default_rng(1).normal(size=(3, 4)).astype("f4")


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(text: str, name: str = "v.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.txt.gz"])
@pytest.mark.parametrize("header", [True, False], ids=["word2vec", "glove"])
def test_files_written_by_gensim(written: Any, name: str, header: bool) -> None:
    text = GENSIM if header else GENSIM.split("\n", 1)[1]
    vectors = read_vectors(written(text, name), [" cat", " the", "éclair"])
    assert (vectors.words, vectors.dimension, vectors.first) == (("cat", "the", "éclair"), 4, 0)
    np.testing.assert_array_equal(vectors.values, EXPECTED)


def test_fasttext_lines_end_with_a_space(written: Any) -> None:
    text = "".join(f"{line} \n" for line in GENSIM.splitlines()[1:])
    np.testing.assert_array_equal(read_vectors(written("3 4\n" + text), ["cat", "the", "éclair"]).values, EXPECTED)


def test_lines_of_other_words_are_not_parsed(written: Any) -> None:
    path = written("a 1 2\nb 3 4\nodd 1\nodder x y\nc 5 6\n")
    vectors = read_vectors(path, [" c"], first=2)
    assert (vectors.words, vectors.first) == (("a", "b", "c"), 2)
    assert read_vectors(path, [" c", "b"]).words == ("b", "c")
    assert read_vectors(written("a 1\nb 2\n"), ["b"], first=9).first == 2


def test_tokens_without_leading_space_then_in_lower_case(written: Any) -> None:
    vectors = read_vectors(
        written("cat 1\nCat 2\ntHe 3\nthe 4\ne\u0301te\u0301 5\n"), [" cat", "CAT", " Cat", "The", "été"]
    )
    rows = vectors.rows([" cat", "cat", " Cat", "CAT", " The", "dog", " ", "été"])
    found = [None if row < 0 else float(vectors.values[row, 0]) for row in rows]
    assert found == [1, 1, 2, 1, 4, None, None, 5]


def test_the_first_vector_of_a_repeated_word_is_used(written: Any) -> None:
    vectors = read_vectors(written("a 1\nb 2\na 3\n"), ["a", "b"], first=3)
    assert vectors.values.ravel().tolist() == [1, 2]
    assert vectors.first == 2


def test_words_that_contain_spaces_are_skipped(written: Any) -> None:
    assert read_vectors(written("a 5 6\n. . . 1 2\nat x@y.org 3 4\n"), ["a", ".", "at"], first=3).words == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2\nb 1\n", r"line 2: expected a word and 2 numbers, received: 'b 1'"),
        ("2 2\na 1 2\nb 1 2 3\n", r"line 3: expected a word and 2 numbers"),
        ("a 1 2\nb 1 two\n", r"line 2: expected a word and 2 numbers"),
        ("a 1 2\nb 1 nan\n", r"line 2: expected a word and 2 numbers"),
        ("a 1 2\nb 1 inf\n", r"line 2: expected a word and 2 numbers"),
        ("a 1 2\nb\t1\t2\n\n", r"line 2: expected a word and 2 numbers"),
        ("word\n", r"line 1: expected a word and 1 to 8,192 numbers"),
        ("", r"has no vector for any of 2 words"),
        ("3 9000\na 1\n", r"line 1: expected a word and 1 to 8,192 numbers"),
        ("x 1 2\ny 1 2\n", r"has no vector for any of 2 words\. Use vectors of their language\."),
    ],
)
def test_invalid_lines_are_named(written: Any, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_vectors(written(text), [" a", "b"], first=2)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no\.txt: no such file\. Name a text file"):
        read_vectors(tmp_path / "no.txt", ["a"])
    (tmp_path / "GoogleNews.bin").write_bytes(b"3 4\n\xff\xfe")
    with pytest.raises(DataError, match=r"binary vector files are not supported"):
        read_vectors(tmp_path / "GoogleNews.bin", ["a"])


def test_extra_words_are_those_the_tokenizer_does_not_split() -> None:
    words = ("the", "Cat", "n't", "new-york", "</s>", ",", "dog", "late")
    vectors = WordVectors(words, np.zeros((8, 1), "f4"), first=7)
    tokenizer: Any = make_tokenizer("word", texts=["the dog"])
    assert vectors.extra_words(tokenizer) == [" Cat", " ,", ","]
    assert vectors.extra_words(make_tokenizer("word", texts=["the dog"], lowercase=True)) == [" ,", ","]


@given(st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=4), unique=True, max_size=8))
def test_extra_words_are_known_tokens_with_a_vector(words: list[str]) -> None:
    vectors = WordVectors(tuple(words), np.zeros((len(words), 1), "f4"), first=len(words))
    tokenizer = make_tokenizer("word", texts=["a b, c"])
    tokens = vectors.extra_words(tokenizer)
    assert len(set(tokens)) == len(tokens)
    known = WordTokenizer(make_tokenizer("word", tokens=[*tokenizer.vocabulary.tokens, *tokens]).vocabulary)
    for token in tokens:
        assert token not in tokenizer.vocabulary
        assert known.unknown(f"a{token}" if token[0] == " " else token) == ()
        assert vectors.words[vectors.rows([token])[0]] == token.removeprefix(" ")
