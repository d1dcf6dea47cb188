"""Ends of sentences: stops of many scripts, abbreviations, numbers, quotations; and the time does not explode."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passerelle.text.sentence_ends import SentenceEnds
from passerelle.text.sentences import split_sentences

ENDS = SentenceEnds(frozenset({"gen", "etc"}), frozenset({"She", "He"}))

SENTENCES = [
    ["He is old.", "She is young!", "Are they?", "Yes."],
    ["he is old.", "she is young."],
    # Abbreviations, initials and numbers
    ["Mr. Smith met Dr. J. R. R. Tolkien.", "Tom left."],
    ["So do I.", "She left at 5 p.m.", "He stayed until 5.30 p.m. today."],
    ["Gen. Smith is old.", "It is, etc.", "She said, e.g. this, etc. and that."],
    ["M. Dupont est vieux.", "Mme. Le Pen aussi."],
    ["Wir sind z. B. in Wien.", "Er ist alt."],
    ["It costs 3.50.", "In 1999.", "I have 3.", "No. 5 is old.", "No.", "See p. 7 now."],
    ["1. He is old.", "2. She is young."],
    # Ellipses, brackets and quotations
    ["Wait... for me … now.", "Wait...", "Now!?", "Well…", "Good . . .", "Yes"],
    ['He said "I am old."', 'She said "I am young".', '"Why?" he asked.', "'No!'", "(He is old.)", "(Yes).", "Go"],
    ["« Non ! » dit-il.", "« Oui. »", "Il part.", "Va !"],
    ["„Nein.“", "Er ging.", "»Ja.«", "Sie ging."],
    ["¿Es viejo?", "¡Es joven!", "Hola, ¿qué tal?"],
    ["- Is he old?", "- No."],
    # Other scripts
    ["他老了。", "她年轻！", "「走。」", "好"],
    ["他老了！？", "好．", "３．１４是数"],
    ["他老了!", "她年轻"],
    ["هل هو عجوز؟", "هي شابة.", "نعم"],
    ["وہ بوڑھا ہے۔", "وہ جوان ہے۔"],
    ["वह बूढ़ा है।", "वह जवान है।"],
    ["Նա ծեր է։", "Նա երիտասարդ է։"],
    ["እሱ ሽማግሌ ነው።", "እሷ ወጣት ናት።"],
    ["Πού είναι;", "Εδώ."],
    ["그는 늙었다.", "그녀는 젊다."],
    # Blanks, lines and invisible characters
    ["He is old .", "She is young ."],
    ["He is old.\u200b", "She is young.\u200f"],
    ["Title\n\nhe is\nold.", "She"],
    ["one", "two"],
    # Marks without letters are no sentences of their own
    ["He is old. 😀", ":) She is young. !"],
    ["..."],
    [""],
]


@pytest.mark.parametrize("sentences", SENTENCES, ids=lambda sentences: sentences[0])
def test_sentences(sentences: list[str]) -> None:
    space = "" if any("\u4e00" <= char <= "\u9fff" for char in "".join(sentences)) else " "
    expected = sentences
    if sentences == ["one", "two"]:
        space = "\n"
    if sentences[0].startswith("Title"):
        expected = ["Title", "he is\nold.", "She"]
    if sentences[0] == "He is old. 😀":
        expected = ["He is old.", "😀 :) She is young. !"]
    assert [part for part, _ in split_sentences(space.join(sentences), ENDS)] == expected


@given(st.text(st.sampled_from("aB1 .!?。…\n»«\")(';\u00a0\u0301\u200b中"), max_size=60))
def test_each_sentence_contains_a_letter_or_digit_and_nothing_is_lost(text: str) -> None:
    parts = split_sentences(text, ENDS)
    assert "".join(part + whitespace for part, whitespace in parts) == text
    assert len(parts) == 1 or all(any(map(str.isalnum, part)) for part, _ in parts)
    assert not "".join(whitespace for _, whitespace in parts).strip()
    assert len(parts) == ENDS.count(text)


@pytest.mark.parametrize(
    "unit", ["a. ", "a. B", ". ", " ", "a\n", ".", '"', '. "', "A.b", "«» ", "1. ", "e\u0301", "!\u0301"]
)
def test_long_texts_take_linear_time(unit: str) -> None:
    """A quadratic search would take minutes."""
    started = time.perf_counter()
    ENDS.count(unit * 100_000 + "a")
    assert time.perf_counter() - started < 10
