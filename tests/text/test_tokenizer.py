"""Tokenizers: lossless round trips, no dependence on the batch, the same ids for the same text."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from passerelle.errors import DataError, SettingsError
from passerelle.ragged import Ragged
from passerelle.special_tokens import END, FIRST_ORDINARY, UNK
from passerelle.text.level import make_tokenizer
from passerelle.text.tokenizer import normalize

# French spaces, combining marks with and without composed forms, joined emoji, line ends, control characters.
PECULIAR = (
    " \u00a0\u202f\u2009\u3000\t\n\r\u0085\u2028'’-.!?«»eéE\u0301\u0338\u0327\u0591ßſİ\u1e9e"
    "👩\u200d👧\ufe0f🇫\x00\x7f\ufeff\ufffd한ᄒ"
)
TEXT = st.text(st.one_of(st.sampled_from(PECULIAR), st.characters(exclude_categories=["Cs"])), max_size=40)
PLAIN_LEVELS = ("character", "word")
SEPARATORS = (" ", ";", "|", ", ", "\u202f", "__", "\t")

quick = settings(max_examples=100, deadline=None)


def trained(level, *texts, separator=None):
    return make_tokenizer(level, separator, texts=texts)


@st.composite
def separated(draw):
    """A separator, and tokens that contain none of its characters."""
    separator = draw(st.sampled_from(SEPARATORS))
    token = TEXT.filter(lambda text: text and not set(separator) & set(normalize(text)))
    return separator, draw(st.lists(token, max_size=8))


@pytest.mark.parametrize("level", PLAIN_LEVELS)
@quick
@given(text=TEXT)
@example(text="")
@example(text="  two  spaces  ")
@example(text=" ")
@example(text="Où ça\u00a0? «\u202fL'été\u202f», c’est l'heure\u202f!")
@example(text="e\u0301te\u0301 n\u0303 q\u0307\u0323")
@example(text="rock 'n' roll, aujourd'hui, '' ' x' 'x")
@example(text="tab\tnew\nline\r\nnel\u0085ls\u2028")
@example(text="👩‍👩‍👧‍👦 and 🇫🇷 and ❤️")
def test_decoding_undoes_encoding(level, text):
    tokenizer = trained(level, text)
    assert tokenizer.decode(tokenizer.encode([text])) == [normalize(text)]
    assert tokenizer.unknown(text) == ()


@quick
@given(separated())
def test_decoding_undoes_encoding_of_separated_tokens(case):
    separator, tokens = case
    text = separator.join(tokens)
    tokenizer = trained("pretokenized", text, separator=separator)
    assert tokenizer.decode(tokenizer.encode([text])) == [normalize(text)]
    assert len(tokenizer.encode([text])[0]) == len(tokens)


@pytest.mark.parametrize("level", [*PLAIN_LEVELS, "pretokenized"])
@quick
@given(texts=st.lists(TEXT, max_size=6), known=st.lists(TEXT, max_size=3))
def test_a_batch_equals_single_texts_and_end_is_appended(level, texts, known):
    tokenizer = trained(level, *known, separator=" " if level == "pretokenized" else None)
    batch = tokenizer.encode(texts)
    closed = tokenizer.encode(texts, end=True)
    assert len(batch) == len(closed) == len(texts)
    for row, text in enumerate(texts):
        single = tokenizer.encode([text])[0].tolist()
        assert batch[row].tolist() == single
        assert closed[row].tolist() == [*single, END]
        assert END not in single
    decoded = tokenizer.decode(batch)
    assert decoded == [tokenizer.decode(tokenizer.encode([text]))[0] for text in texts]


@pytest.mark.parametrize("level", PLAIN_LEVELS)
@quick
@given(known=TEXT, text=TEXT)
def test_unknown_returns_each_missing_token_once_in_order(level, known, text):
    tokenizer = trained(level, known)
    tokens = tokenizer.split(normalize(text))
    missing = [token for token in tokens if token not in tokenizer.split(normalize(known))]
    readable = (tokenizer.join([token]) or token if level == "word" else token for token in missing)
    assert tokenizer.unknown(text) == tuple(dict.fromkeys(readable))
    ids = tokenizer.encode([text])[0]
    assert np.count_nonzero(ids == UNK) == len(missing)
    assert [i == UNK for i in ids.tolist()] == [token in missing for token in tokens]


@pytest.mark.parametrize(
    ("level", "separator", "known", "text", "ids", "unknown"),
    [
        ("character", None, "abc", "cabz!z", [6, 4, 5, UNK, UNK, UNK], ("z", "!")),
        ("character", None, "é", "e\u0301e", [4, UNK], ("e",)),
        # The sorted vocabulary: " Go", " up", "!".
        ("word", None, "Go up!", "up, Go up!", [5, UNK, 4, 5, 6], (",",)),
        ("word", None, "Go up!", "Go in (in)!", [4, UNK, UNK, UNK, UNK, 6], ("in", "(", ")")),
        ("pretokenized", " ", "a v iː", "v  x iː x", [6, UNK, 5, UNK], ("x",)),
        ("pretokenized", ";", "V;PST", ";V;;PRS;", [5, UNK], ("PRS",)),
    ],
)
def test_golden_ids(level, separator, known, text, ids, unknown):
    tokenizer = trained(level, known, separator=separator)
    assert tokenizer.encode([text])[0].tolist() == ids
    assert tokenizer.unknown(text) == unknown


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Go.", [" Go", "."]),
        ("l'eau ?", [" l'", " eau", " ?"]),
        ("l’été\u202f!", [" l’", " été", "\u202f", "!"]),
        ("(d'l'eau)", [" (￭", " d'", " l'", " eau", ")"]),
        ("l' eau 'l'", [" l", "'", " eau", " '￭", " l", "'"]),
        ("don't rock'n'roll", [" don'", " t", " rock'", " n'", " roll"]),
        ("a  b", [" a", "  ￭", " b"]),
        (" a", ["  ￭", " a"]),
        ("￭ ￭a  ￭b", [" ￭", " ￭￭", " a", "  ", "￭￭", " b"]),
        ("dogs' tails", [" dogs", "'", " tails"]),
        ("naïve", [" naïve"]),
        ("x\u0338y", [" x\u0338y"]),
        ("", []),
    ],
)
def test_words(text, tokens):
    tokenizer = trained("word")
    assert tokenizer.split(normalize(text)) == tokens
    assert tokenizer.join(tokens) == normalize(text)


@pytest.mark.parametrize("level", [*PLAIN_LEVELS, "pretokenized"])
def test_a_typed_sentence_has_the_same_ids_as_in_training(level):
    sentences = ["Où est l'école\u202f?", "Il fait chaud.", "L'été, c'est long."]
    tokenizer = trained(level, *sentences, separator=" " if level == "pretokenized" else None)
    training = tokenizer.encode(sentences, end=True)
    for row, sentence in enumerate(sentences):
        # Some keyboards send letters and combining accents separately.
        for typed in (sentence, sentence.replace("é", "e\u0301").replace("ù", "u\u0300")):
            assert tokenizer.encode([typed])[0].tolist() == training[row].tolist()[:-1]


@pytest.mark.parametrize("level", [*PLAIN_LEVELS, "pretokenized"])
@pytest.mark.parametrize("text", ["<pad> <unk> <s> </s>", "PAD UNK START END", "\ufffd \ufffd", "[PAD] \0 0 1 2 3"])
def test_text_that_spells_special_tokens_has_ordinary_ids(level, text):
    tokenizer = trained(level, text, separator=" " if level == "pretokenized" else None)
    ids = tokenizer.encode([text])
    assert ids.values.min() >= FIRST_ORDINARY
    assert tokenizer.decode(ids) == [text]


@pytest.mark.parametrize("level", PLAIN_LEVELS)
def test_special_ids_decode_to_a_replacement_character(level):
    tokenizer = trained(level, "ab")
    assert tokenizer.decode(Ragged.from_lists([[UNK, END], []])) == ["\ufffd\ufffd", ""]


@pytest.mark.parametrize("level", [*PLAIN_LEVELS, "pretokenized"])
def test_lone_surrogates_are_unknown_and_refused_in_training(level):
    separator = " " if level == "pretokenized" else None
    text = "a\udcff b\ud800"
    with pytest.raises(DataError, match="a lone surrogate"):
        trained(level, text, separator=separator)
    tokenizer = trained(level, "a b", separator=separator)
    assert UNK in tokenizer.encode([text])[0]
    assert len(tokenizer.unknown(text)) == 2


def test_a_separator_is_normalized_like_the_texts():
    decomposed = "e\u0301"
    tokenizer = trained("pretokenized", f"a{decomposed}b", separator=decomposed)
    assert set(tokenizer.vocabulary.tokens) == {"a", "b"}


def test_an_unknown_level_suggests_the_most_similar_one():
    with pytest.raises(SettingsError, match=r"received: 'charakter'\. Did you mean 'character'\?"):
        make_tokenizer("charakter", None)


def test_specified_tokens_keep_their_order_and_texts_are_ignored():
    tokenizer = make_tokenizer("character", None, tokens=["z", "a"], texts=["never"])
    assert tokenizer.vocabulary.tokens == ("z", "a")
    assert tokenizer.encode(["az"])[0].tolist() == [5, 4]


def test_differences():
    characters = trained("character", "ab")
    assert characters.differences(trained("character", "bab")) == []
    assert characters.differences(trained("character", "abc")) == ["tokens"]
    assert characters.differences(make_tokenizer("character", None, tokens=("b", "a"))) == ["tokens"], "other ids"
    assert characters.differences(trained("word", "ab")) == ["level", "tokens"]
    spaces = trained("pretokenized", "a b", separator=" ")
    assert characters.differences(spaces) == ["level", "separator"]
    assert spaces.differences(trained("pretokenized", "a;b", separator=";")) == ["separator"]


ODDITIES = {
    "space before": " {}",
    "no-break space before": "\N{NO-BREAK SPACE}{}",
    "thin space before": "\N{THIN SPACE}{}",
    "tab before": "\t{}",
    "zero-width space before": "\N{ZERO WIDTH SPACE}{}",
    "byte order mark": "\ufeff{}",
    "right-to-left mark": "\N{RIGHT-TO-LEFT MARK}{}",
    "isolate": "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}",
    "straight quotes": '"{}"',
    "curved quotes": "“{}”",
    "low quotes": "„{}“",
    "guillemets": "« {} »",
    "single quotes": "‘{}’",
    "brackets": "({})",
    "dash": "– {}",
    "hyphen": "-{}",
}


@pytest.mark.parametrize("pattern", ODDITIES.values(), ids=ODDITIES)
def test_spacing_and_marks_around_a_source_do_not_change_its_tokens(pattern: str) -> None:
    tokenizer = make_tokenizer("word", texts=["He isn't old. l'eau", "Is it, too?"], ignore_spacing=True)
    for text in ("He isn't old.", "Is it, too?", "l'eau"):
        expected = tokenizer.tokenize(text)
        assert tokenizer.tokenize(pattern.format(text)) == expected
        assert tokenizer.unknown(pattern.format(text)) == ()
        doubled = text.replace(" ", "\N{NO-BREAK SPACE} ").replace(".", " .").replace("'", "’")
        assert tokenizer.tokenize(pattern.format(doubled)) == expected


def test_unknown_punctuation_is_dropped() -> None:
    tokenizer = make_tokenizer("word", texts=["(He) is old."], ignore_spacing=True)
    assert tokenizer.tokenize("[He] is + (odd).") == [" He", " is", "+", "(", " odd", ")", "."]
    assert tokenizer.unknown("[He] is + (odd).") == ("+", "odd")
    assert tokenizer.tokenize("[…]") == ["[", "…", "]"], "a text of nothing else keeps its marks"
