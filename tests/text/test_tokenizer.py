"""Text to ids and back: nothing is lost, nothing depends on the batch, a typed sentence gets the training's ids."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passerelle.errors import DataError, SettingsError
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, FIRST_ORDINARY, UNK
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import normalize

# Blanks of French typography, marks that compose and marks that do not, joined emoji, line ends, controls.
PECULIAR = (
    " \u00a0\u202f\u2009\u3000\t\n\r\u0085\u2028'’-.!?«»eéE\u0301\u0338\u0327\u0591ßſİ\u1e9e"
    "👩\u200d👧\ufe0f🇫\x00\x7f\ufeff\ufffd한ᄒ"
)
TEXT = st.text(st.one_of(st.sampled_from(PECULIAR), st.characters(exclude_categories=["Cs"])), max_size=40)
PLAIN_LEVELS = ("character", "word")
SEPARATORS = (" ", ";", "|", ", ", "\u202f", "__", "\t")

quick = settings(max_examples=100, deadline=None)


def learned(level, *texts, separator=None):
    return make_tokenizer(level, separator, texts=texts)


@st.composite
def separated(draw):
    """A separator, and tokens that hold none of its characters."""
    separator = draw(st.sampled_from(SEPARATORS))
    token = TEXT.filter(lambda text: text and not set(separator) & set(normalize(text)))
    return separator, draw(st.lists(token, max_size=8))


@pytest.mark.parametrize("level", PLAIN_LEVELS)
@quick
@given(text=TEXT)
@example(text="")
@example(text="  two  blanks  ")
@example(text=" ")
@example(text="Où ça\u00a0? «\u202fL'été\u202f», c’est l'heure\u202f!")
@example(text="e\u0301te\u0301 n\u0303 q\u0307\u0323")
@example(text="rock 'n' roll, aujourd'hui, '' ' x' 'x")
@example(text="tab\tnew\nline\r\nnel\u0085ls\u2028")
@example(text="👩‍👩‍👧‍👦 and 🇫🇷 and ❤️")
def test_decoding_undoes_encoding(level, text):
    tokenizer = learned(level, text)
    assert tokenizer.decode(tokenizer.encode([text])) == [normalize(text)]
    assert tokenizer.unknown(text) == ()


@quick
@given(separated())
def test_decoding_undoes_encoding_of_separated_tokens(case):
    separator, tokens = case
    text = separator.join(tokens)
    tokenizer = learned("pretokenized", text, separator=separator)
    assert tokenizer.decode(tokenizer.encode([text])) == [normalize(text)]
    assert len(tokenizer.encode([text])[0]) == len(tokens)


@pytest.mark.parametrize("level", [*PLAIN_LEVELS, "pretokenized"])
@quick
@given(texts=st.lists(TEXT, max_size=6), known=st.lists(TEXT, max_size=3))
def test_batch_is_one_by_one_and_end_closes_each(level, texts, known):
    tokenizer = learned(level, *known, separator=" " if level == "pretokenized" else None)
    together = tokenizer.encode(texts)
    closed = tokenizer.encode(texts, end=True)
    assert len(together) == len(closed) == len(texts)
    for row, text in enumerate(texts):
        alone = tokenizer.encode([text])[0].tolist()
        assert together[row].tolist() == alone
        assert closed[row].tolist() == [*alone, END]
        assert END not in alone
    decoded = tokenizer.decode(together)
    assert decoded == [tokenizer.decode(tokenizer.encode([text]))[0] for text in texts]


@pytest.mark.parametrize("level", PLAIN_LEVELS)
@quick
@given(known=TEXT, text=TEXT)
def test_unknown_names_each_missing_token_once_in_order(level, known, text):
    tokenizer = learned(level, known)
    tokens = tokenizer.split(normalize(text))
    missing = [token for token in tokens if token not in tokenizer.split(normalize(known))]
    shown = (token.removeprefix(" ") or token if level == "word" else token for token in missing)
    assert tokenizer.unknown(text) == tuple(dict.fromkeys(shown))
    ids = tokenizer.encode([text])[0]
    assert np.count_nonzero(ids == UNK) == len(missing)
    assert [i == UNK for i in ids.tolist()] == [token in missing for token in tokens]


@pytest.mark.parametrize(
    ("level", "separator", "known", "text", "ids", "unknown"),
    [
        ("character", None, "abc", "cabz!z", [6, 4, 5, UNK, UNK, UNK], ("z", "!")),
        ("character", None, "é", "e\u0301e", [4, UNK], ("e",)),
        # The vocabulary, sorted: " Go", " up", "!".
        ("word", None, "Go up!", "up, Go up!", [5, UNK, 4, 5, 6], (",",)),
        ("word", None, "Go up!", "Go in (in)!", [4, UNK, UNK, UNK, UNK, 6], ("in", "(", ")")),
        ("pretokenized", " ", "a v iː", "v  x iː x", [6, UNK, 5, UNK], ("x",)),
        ("pretokenized", ";", "V;PST", ";V;;PRS;", [5, UNK], ("PRS",)),
    ],
)
def test_golden_ids(level, separator, known, text, ids, unknown):
    tokenizer = learned(level, known, separator=separator)
    assert tokenizer.encode([text])[0].tolist() == ids
    assert tokenizer.unknown(text) == unknown


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Go.", [" Go", "."]),
        ("l'eau ?", [" l'", " eau", " ?"]),
        ("l’été\u202f!", [" l’", " été", "\u202f", "!"]),
        ("(d'l'eau)", [" (", "d'", " l'", " eau", ")"]),
        ("l' eau 'l'", [" l", "'", " eau", " '", "l", "'"]),
        ("don't rock'n'roll", [" don'", " t", " rock'", " n'", " roll"]),
        ("a  b", [" a", "  ", "b"]),
        (" a", ["  ", "a"]),
        ("dogs' tails", [" dogs", "'", " tails"]),
        ("naïve", [" naïve"]),
        ("x\u0338y", [" x\u0338y"]),
        ("", []),
    ],
)
def test_words(text, tokens):
    tokenizer = learned("word")
    assert tokenizer.split(normalize(text)) == tokens
    assert tokenizer.join(tokens) == normalize(text)


@pytest.mark.parametrize("level", [*PLAIN_LEVELS, "pretokenized"])
def test_a_typed_sentence_gets_the_ids_of_training(level):
    sentences = ["Où est l'école\u202f?", "Il fait chaud.", "L'été, c'est long."]
    tokenizer = learned(level, *sentences, separator=" " if level == "pretokenized" else None)
    training = tokenizer.encode(sentences, end=True)
    for row, sentence in enumerate(sentences):
        # Some keyboards send letters and accents apart.
        for typed in (sentence, sentence.replace("é", "e\u0301").replace("ù", "u\u0300")):
            assert tokenizer.encode([typed])[0].tolist() == training[row].tolist()[:-1]


@pytest.mark.parametrize("level", [*PLAIN_LEVELS, "pretokenized"])
@pytest.mark.parametrize("text", ["<pad> <unk> <s> </s>", "PAD UNK START END", "\ufffd \ufffd", "[PAD] \0 0 1 2 3"])
def test_text_that_spells_special_tokens_is_ordinary(level, text):
    tokenizer = learned(level, text, separator=" " if level == "pretokenized" else None)
    ids = tokenizer.encode([text])
    assert ids.values.min() >= FIRST_ORDINARY
    assert tokenizer.decode(ids) == [text]


@pytest.mark.parametrize("level", PLAIN_LEVELS)
def test_special_ids_look_like_a_replacement_character(level):
    tokenizer = learned(level, "ab")
    assert tokenizer.decode(Ragged.from_lists([[UNK, END], []])) == ["\ufffd\ufffd", ""]


@pytest.mark.parametrize("level", [*PLAIN_LEVELS, "pretokenized"])
def test_lone_surrogates_are_unknown_and_never_learned(level):
    separator = " " if level == "pretokenized" else None
    text = "a\udcff b\ud800"
    with pytest.raises(DataError, match="a lone surrogate"):
        learned(level, text, separator=separator)
    unaware = learned(level, "a b", separator=separator)
    assert UNK in unaware.encode([text])[0]
    assert len(unaware.unknown(text)) == 2


def test_a_separator_is_normalized_as_the_texts_are():
    decomposed = "e\u0301"
    tokenizer = learned("pretokenized", f"a{decomposed}b", separator=decomposed)
    assert set(tokenizer.vocabulary.tokens) == {"a", "b"}


def test_an_unknown_level_names_the_nearest():
    with pytest.raises(SettingsError, match=r"received: 'charakter'\. Did you mean 'character'\?"):
        make_tokenizer("charakter", None)


def test_given_tokens_keep_their_order_and_texts_are_not_read():
    tokenizer = make_tokenizer("character", None, tokens=["z", "a"], texts=["never"])
    assert tokenizer.vocabulary.tokens == ("z", "a")
    assert tokenizer.encode(["az"])[0].tolist() == [5, 4]


def test_differences_name_what_is_not_shared():
    letters = learned("character", "ab")
    assert letters.differences(learned("character", "bab")) == []
    assert letters.differences(learned("character", "abc")) == ["tokens"]
    assert letters.differences(make_tokenizer("character", None, tokens=("b", "a"))) == ["tokens"], "other ids"
    assert letters.differences(learned("word", "ab")) == ["level", "tokens"]
    spaces = learned("pretokenized", "a b", separator=" ")
    assert letters.differences(spaces) == ["level", "separator"]
    assert spaces.differences(learned("pretokenized", "a;b", separator=";")) == ["separator"]
