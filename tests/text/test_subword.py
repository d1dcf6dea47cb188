"""Subwords: the same merges as an independent library, lossless round trips, and checked vocabularies."""

import itertools
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passerelle.errors import DataError
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, FIRST_ORDINARY, UNK
from passerelle.text.level import make_tokenizer
from passerelle.text.subword import BYTES, LONGEST_WORD, train_bpe
from passerelle.text.tokenizer import normalize

TEXTS = """Il était une fois un petit garçon qui aimait les petits oiseaux.
L'été, l'oiseau chantait ; l'hiver, il ne chantait plus\u202f!
— Où est l'oiseau ? demandait le petit garçon. — Il est où il était, 👩‍👧 !
Un garçon, deux garçons, trois garçons ; un oiseau, deux oiseaux, trois oiseaux.
naïve naïveté cœur sœur cœurs sœurs ohohohoh ohohoh aaaa aaaaa"""

# From the library `tokenizers` 0.23.3: BpeTrainer(vocab_size=330, min_frequency=2, initial_alphabet=<256 characters>)
# on TEXTS, split into the same words. For each side of 140,000 pairs, all 8,000 tokens were the same too.
MERGED = (
    "is it ois aa oh au ait eau oiseau ar gar on §on Ã© Ã§on Ġl Ġgar ohoh ĠgarÃ§on et tait ur Åĵ âĢ Ġc Ġp Ġoiseau "
    "Åĵur an de es un Ġn Ġde Ġun Ġl' etit Ġpetit Ġoiseaux Il aÃ han il rois sÅĵur trois ux ve Ã¹ ðŁ Ġ; Ġaa ĠÃ© Ġohoh "
    "ĠâĢ Ġes ĠIl Ġil ĠsÅĵur Ġtrois ĠgarÃ§ons ĠcÅĵur Ġchan ĠnaÃ Ġdeux ðŁĳ Ġaaaa ĠÃ©tait ĠâĢĶ Ġest Ġchantait ĠnaÃ¯"
)
SPLIT = {
    "le petit oiseau chantait": "Ġl e Ġpetit Ġoiseau Ġchantait",
    "garçonnets naïfs": "ĠgarÃ§on n et s ĠnaÃ¯ f s",
    "L'œuvre d'un sœurs ohohohohoh aaaaaaa 👩": ("Ġ L ' Åĵ u v r e Ġ d ' un ĠsÅĵur s Ġohoh ohoh oh Ġaaaa aa a Ġ ðŁĳ ©"),
}

quick = settings(max_examples=150, deadline=None)
ANY = st.text(
    st.one_of(
        st.sampled_from(" \u00a0\u202f\n\r\u0085'’.!?éeE\u0301\u0327ſİß👩\u200d👧\ufe0f\x00\x7f\ufffd한ᄒ\u1161Ġ"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


@pytest.fixture(scope="module")
def trained():
    return make_tokenizer("subword", texts=TEXTS.splitlines())


def test_merges_equal_those_of_the_library(trained):
    assert trained.vocabulary.tokens == (*BYTES, *MERGED.split())


@pytest.mark.parametrize("text", SPLIT)
def test_splits_equal_those_of_the_library(trained, text):
    assert trained.split(text) == SPLIT[text].split()


def test_the_alphabet_contains_every_byte_once():
    assert len(set(BYTES)) == 256
    assert list(BYTES) == sorted(BYTES)
    assert all(token.isprintable() and not token.isspace() for token in BYTES)
    assert BYTES[:3] == ("!", '"', "#")
    assert make_tokenizer("subword").tokenize("a é") == ["Ġ", "a", "Ġ", "Ã", "©"]


@quick
@given(ANY)
@example("")
@example("  two  spaces  ")
@example("Où ça\u00a0? «\u202fL'été\u202f», c’est l'heure\u202f!")
@example("x" * (3 * LONGEST_WORD + 1))
def test_any_text_round_trips(trained, text):
    ids = trained.encode([text])
    assert UNK not in ids.values
    assert trained.decode(ids) == [normalize(text)]
    assert trained.unknown(text) == ()


@quick
@given(st.text(st.characters(categories=["Cs", "Ll"]), max_size=12))
@example("a\ud800b \udcff")
def test_lone_surrogates_decode_to_replacement_characters(trained, text):
    decoded = [character for character in trained.decode(trained.encode([text]))[0] if character != "\ufffd"]
    assert decoded == [character for character in normalize(text) if not "\ud800" <= character <= "\udfff"]
    assert UNK not in trained.encode([text]).values


def test_lone_surrogates_are_refused_in_training():
    with pytest.raises(DataError, match="'\\\\ud800' is a lone surrogate"):
        make_tokenizer("subword", texts=["ab", "a\ud800"])


@quick
@given(st.lists(st.integers(0, FIRST_ORDINARY + 400)))
def test_any_ids_decode_to_valid_text(trained, ids):
    (text,) = trained.decode(Ragged.from_lists([ids]))
    text.encode()
    if any(i < FIRST_ORDINARY for i in ids):
        assert "\ufffd" in text


def test_invalid_utf_8_decodes_to_a_replacement_character(trained):
    assert trained.join(["Ġa", "Ã", "b"]) == "a\ufffdb"
    assert trained.decode(Ragged.from_lists([[UNK, END], []])) == ["\ufffd\ufffd", ""]


@quick
@given(st.lists(st.text("abc é", max_size=10), max_size=12), st.randoms())
def test_the_order_of_texts_does_not_change_the_vocabulary(texts, order):
    shuffled = list(texts)
    order.shuffle(shuffled)
    first, second = (make_tokenizer("subword", texts=own_texts) for own_texts in (texts, shuffled))
    assert first.vocabulary.tokens == second.vocabulary.tokens


def naive_bpe(counts, size, min_count):
    """Byte-pair encoding as in the paper: count all pairs again for every merge."""
    tokens = list(BYTES)
    words = {word: make_tokenizer("subword").tokenize(word)[1:] for word in counts}
    while len(tokens) < size:
        pairs = {}
        for word, parts in words.items():
            for pair in itertools.pairwise(parts):
                pairs[pair] = pairs.get(pair, 0) + counts[word]
        best = min(pairs, key=lambda pair: (-pairs[pair], *map(tokens.index, pair)), default=None)
        if best is None or pairs[best] < min_count:
            break
        if "".join(best) not in tokens:
            tokens.append("".join(best))
        for parts in words.values():
            for place in range(len(parts)):
                if tuple(parts[place : place + 2]) == best:
                    parts[place : place + 2] = ["".join(best)]
    return tokens


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text("abé", min_size=1, max_size=9), st.integers(1, 5), max_size=8), st.integers(1, 4))
def test_incremental_counts_equal_recounting(counts, min_count):
    assert train_bpe(counts, 280, min_count) == naive_bpe(counts, 280, min_count)


def test_size_and_min_count():
    generator = random.Random(1)
    texts = ["".join(generator.choices("abcdefgh ", k=30)) for _ in range(200)]
    every = make_tokenizer("subword", texts=texts).vocabulary.tokens
    fewer = make_tokenizer("subword", texts=texts, size=300).vocabulary.tokens
    assert fewer == every[:300]
    frequent = make_tokenizer("subword", texts=texts, min_count=20).vocabulary.tokens
    assert 256 < len(frequent) < len(every)
    assert frequent == every[: len(frequent)]
    assert make_tokenizer("subword", texts=["once a"]).vocabulary.tokens == BYTES, "rare pairs are not merged"


def test_splitting_depends_on_the_tokens_only(trained):
    again = make_tokenizer("subword", tokens=list(trained.vocabulary.tokens))
    for text in (*TEXTS.splitlines(), *SPLIT):
        assert again.tokenize(text) == trained.tokenize(text)
    assert again.differences(trained) == []


def test_lowercase():
    lower = make_tokenizer("subword", texts=["The the THE"] * 2, lowercase=True)
    assert lower.tokenize("THE") == ["Ġthe"]
    assert lower.decode(lower.encode(["The İ"])) == ["the i"]


def test_readable_tokens(trained):
    assert trained.readable_tokens(16)[-1] == " l"
    assert trained.readable_tokens(14)[-1] == "é"


@pytest.mark.parametrize(
    "tokens",
    [[], BYTES[:255], BYTES[::-1], [*BYTES, " a"], [*BYTES, "a\ud800"], [*BYTES, "ab", "ab"], [*BYTES, ""]],
    ids=["none", "a byte missing", "another order", "a space", "a surrogate", "duplicate", "empty"],
)
def test_invalid_vocabularies(tokens):
    with pytest.raises(DataError):
        make_tokenizer("subword", tokens=tokens)
