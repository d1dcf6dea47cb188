"""Ends of sentences: the stops of all scripts, except those of abbreviations, initials and numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import regex

__all__ = ["MAX_WORD", "MAX_WORDS", "OPENING", "UPPER", "SentenceEnds", "word_key"]

_TITLES = frozenset(
    {
        "dr", "dra", "fr", "hr", "m", "mlle", "mm", "mme", "mr", "mrs", "ms", "mx", "prof", "sr", "sra", "srta",
        "st", "ste", "vs", "bzw", "dña", "ud", "uds",
    }
)  # fmt: skip
"""Titles and other abbreviations, in lower case and without the stop, that hardly ever end a sentence."""

_BEFORE_NUMBERS = frozenset(
    {
        "abb", "art", "bd", "ca", "cap", "ch", "circa", "fig", "figs", "kap", "n", "no", "nos", "nr", "nrs",
        "núm", "num", "p", "pag", "pp", "s", "vol",
    }
)  # fmt: skip
"""Abbreviations that end no sentence if a number follows."""

MAX_WORDS = 500
"""Maximum number of abbreviations, and of starters."""

MAX_WORD = 40
"""Maximum length of an abbreviation or a starter, in characters."""

_BREAK = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_WITHOUT_SPACES = r"\p{Han}\p{Hiragana}\p{Katakana}"

# A stop and the closing marks after it, then the whitespace between two sentences. Quotation marks of every direction
# close if they follow a stop directly: German closes with U+201C, Danish with «. French writes a space before ».
# U+104A, the Burmese comma, has the property Sentence_Terminal, but ends no sentence.
_CANDIDATE = regex.compile(
    rf"""(?V1)
      (?: (?P<stop> (?: [\p{{Sentence_Terminal}}…--\u104a] | (?<=[\p{{Greek}}\p{{M}}])[;\u037e] )++ )
          (?P<close> [\p{{Pe}}\p{{Pf}}\p{{Pi}}"'*_\p{{Cf}}\p{{Mn}}]*+
              (?: [^\S{_BREAK}][»\p{{Pe}}](?!\w)[\p{{Pe}}\p{{Pf}}"'\p{{Cf}}]*+ )?+ )
          (?P<space>\s*+)
      |   (?<=\S)[^\S{_BREAK}]*+(?P<break>[{_BREAK}])\s*+
      )
    """,
    regex.VERBOSE,
)  # fmt: skip
_STOPS_WITH_SPACE = frozenset(".!?…۔;\u037e‼‽⁇⁈⁉․")
"""Stops that also stand within sentences, and end one only if whitespace follows."""
OPENING = r"""[\p{Ps}\p{Pi}\p{Pf}"'¿¡*_\p{Pd}\p{Cf}\s]{0,8}+"""
_NEXT_WORD = regex.compile(rf"{OPENING}(?P<word>[\p{{L}}\p{{M}}\p{{N}}]*)(?P<other>\S?)")
_LAST_WORD = regex.compile(r"[\p{L}\p{M}\p{N}.]{0,40}+\Z")
_IDEOGRAPH = regex.compile(f"[{_WITHOUT_SPACES}]")
_LETTER = regex.compile(r"[\p{L}\p{N}]")
_FINAL_LETTER = regex.compile(r"(?r)[\p{L}\p{N}]")
_INITIAL = regex.compile(rf"(?![{_WITHOUT_SPACES}\p{{Hangul}}])\p{{L}}\p{{M}}*|\p{{L}}{{1,2}}(?:\.\p{{L}}{{1,2}})+")
_NUMBER = regex.compile(r"\p{Nd}+")
UPPER = regex.compile(r"\p{Lu}")
_PARAGRAPH = regex.compile(rf"\u2029|(?:\r\n|[{_BREAK}])[^\S{_BREAK}]*(?:\r\n|[{_BREAK}])")


@dataclass(frozen=True)
class SentenceEnds:
    """Finds the ends of sentences.

    Attributes:
        abbreviations: words in lower case, without their last stop, whose stop ends no sentence; `0` for numbers of one
            or two digits, as in German "am 3. Mai".
        starters: words that start sentences; after one of the abbreviations, or an initial, they start a new sentence.
    """

    abbreviations: frozenset[str] = frozenset()
    starters: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """Return JSON values from which `from_json` restores the object."""
        return {"abbreviations": sorted(self.abbreviations), "starters": sorted(self.starters)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "SentenceEnds":
        """Restore the object from JSON values; raise a ValueError or similar if they are not lists of short words."""
        words = []
        for name in ("abbreviations", "starters"):
            listed = values[name]
            if not isinstance(listed, list) or len(listed) > MAX_WORDS:
                raise ValueError(f"{name} must be a list of at most {MAX_WORDS} words")
            if not all(isinstance(word, str) and 0 < len(word) <= MAX_WORD for word in listed):
                raise ValueError(f"{name} must be words of 1 to {MAX_WORD} characters")
            words.append(frozenset(listed))
        return cls(*words)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Return the whitespace between the sentences of a text: start and end of each, which may be equal.

        Each sentence contains a letter or digit. Text without whitespace after a stop is split only where the script
        needs none, as in Chinese.
        """
        if (final := _FINAL_LETTER.search(text)) is None:
            return []
        cased = UPPER.search(text) is not None
        found = []
        begin = scanned = 0  # of the current sentence; its first letter is not before `scanned`
        has_letter = False
        for match in _CANDIDATE.finditer(text, 0, final.end()):
            start, end = match.span("space") if match["stop"] else match.span()
            has_letter = has_letter or _LETTER.search(text, scanned, match.start()) is not None
            scanned = match.start()
            if has_letter and end < final.end() and self._ends(text, begin, match, cased=cased):
                found.append((start, end))
                begin, scanned, has_letter = end, end, False
        return found

    def count(self, text: str) -> int:
        """Return the number of sentences of a text, at least 1."""
        return 1 + len(self.find(text))

    def _ends(self, text: str, begin: int, match: regex.Match[str], *, cased: bool) -> bool:
        """Return whether a candidate is the end of a sentence that begins at `begin`.

        A word in lower case continues its sentence, except in a text without any upper case.
        """
        stop = match["stop"]
        following = _NEXT_WORD.match(text, match.end())
        word = following["word"] if following else ""
        continued = cased and word[:1].islower()
        if not stop:
            return not continued or bool(_PARAGRAPH.search(match.group()))
        if not match["space"]:
            return self._ends_without_space(text, match, word)
        if _PARAGRAPH.search(match["space"]):
            return True
        if not word and following and following["other"] in _STOPS_WITH_SPACE:
            return False  # the stops of "Wait . . ." are one mark
        if not _STOPS_WITH_SPACE.issuperset(stop):
            return True
        if continued:
            return False
        if stop != "." or match["close"]:
            return True
        return not self._is_abbreviated(text, begin, match.start(), word if cased else word.capitalize())

    def _ends_without_space(self, text: str, match: regex.Match[str], word: str) -> bool:
        """Return whether a stop ends a sentence although no whitespace follows it."""
        stop = match["stop"]
        before, after = text[max(0, match.start() - 1) : match.start()], word[:1]
        if "．" in stop:
            return not (before.isdecimal() and after.isdecimal())
        if _STOPS_WITH_SPACE.isdisjoint(stop):
            return True
        return "…" not in stop and bool(_IDEOGRAPH.match(before) and _IDEOGRAPH.match(after))

    def _is_abbreviated(self, text: str, begin: int, stop: int, following: str) -> bool:
        """Return whether the stop at index `stop` belongs to an abbreviation, an initial or the number of a list."""
        before = _LAST_WORD.search(text, max(begin, stop - MAX_WORD), stop)
        word = before.group().strip(".") if before else ""
        key = word_key(word)
        if key in _TITLES:
            return True
        if _NUMBER.fullmatch(word):
            is_list_number = not _LETTER.search(text, begin, stop - len(word))
            return is_list_number or key in self.abbreviations
        if following[:1].isdigit() and key in _BEFORE_NUMBERS:
            return True
        return following not in self.starters and (key in self.abbreviations or bool(_INITIAL.fullmatch(word)))


def word_key(word: str) -> str:
    """Return the form in which a word is counted; all numbers of one or two digits are counted as one word."""
    return "0" if len(word) < 3 and _NUMBER.fullmatch(word) else word.lower()
