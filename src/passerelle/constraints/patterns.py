r"""Regular expressions in the syntax of Python's `re`, which must match the complete text.

Supported: characters, `.`, classes, `\d \w \s \D \W \S`, `\t \n \r \f \v \a \xXX \uXXXX \UXXXXXXXX`, escaped
punctuation, `( )`, `(?: )`, `|`, `* + ? {m} {m,} {,n} {m,n}`, and `^` and `$` at the ends of the pattern. They have the
same meaning as in `re.fullmatch`. Lazy quantifiers (`*?`) equal greedy ones, since the complete text must match. A
pattern is converted to NFC, like all texts. In a grammar (`constraints.grammars`), `(?&name)` refers to the pattern of
that name.
"""

import re
from collections.abc import Callable

from passerelle.constraints.automaton import Automaton
from passerelle.constraints.code_points import ALL_CODE_POINTS, Ranges, complement, merged, ranges_of
from passerelle.constraints.expressions import Alternation, Characters, Concatenation, Expression, Repeat
from passerelle.constraints.subsets import automaton_of
from passerelle.errors import SettingsError
from passerelle.text.tokenizer import normalize

__all__ = ["Lookup", "matching", "parse"]

Lookup = Callable[[str, int], Expression]
"""Returns the expression of a named pattern, which is nested at a depth: (name, depth) -> expression."""

DEEPEST = 50
"""Maximum nesting of groups and named patterns."""

LONGEST_BOUNDS = 20
"""Maximum number of characters of `{m,n}`."""

_BOUNDS = re.compile(r"\{([0-9]*)(?:(,)([0-9]*))?\}")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_HEXADECIMAL = {"x": 2, "u": 4, "U": 8}
_UNSUPPORTED = {
    "(?=": "lookahead",
    "(?!": "lookahead",
    "(?<": "lookbehind",
    "(?P": "a named group",
    "(?>": "an atomic group",
    "(?(": "a conditional",
    "(?#": "a comment",
    r"\b": "a word boundary",
    r"\B": "a word boundary",
    r"\A": "an anchor (patterns match complete texts anyway)",
    r"\Z": "an anchor (patterns match complete texts anyway)",
    r"\N": "a character name (write \\uXXXX)",
}


def matching(pattern: str) -> Automaton:
    """Return the automaton that accepts the texts that `pattern` matches in full.

    Raises:
        SettingsError: if the pattern is invalid, uses unsupported syntax, or is too large. The error names the position
            in the pattern, from 1.
    """
    return automaton_of(parse(pattern, f"pattern {pattern!r:.60}"))


def parse(pattern: str, where: str, *, first: int = 1, lookup: Lookup | None = None, depth: int = 0) -> Expression:
    """Parse a pattern.

    Args:
        pattern: a regular expression in the syntax above.
        where: the start of error messages, before the position: the pattern, or its file and line.
        first: the position of the pattern's first character there, from 1.
        lookup: returns named patterns; None where patterns have no names.
        depth: nesting of this pattern inside others; `^` and `$` are anchors only at depth 0.

    Raises:
        SettingsError: if the pattern is invalid or uses unsupported syntax.
    """
    # Translations are in NFC, in which a letter and its accent are one character.
    return _Parser(normalize(pattern), where, first, lookup, depth).parse()


class _Parser:
    """A recursive descent parser of one pattern."""

    def __init__(self, pattern: str, where: str, first: int, lookup: Lookup | None, depth: int):
        self.pattern = pattern
        self.where = where
        self.first = first
        self.lookup = lookup
        self.depth = depth
        self.at = 0

    def parse(self) -> Expression:
        found = self._alternation()
        if self.at < len(self.pattern):
            raise self._error("this ')' has no matching '('", self.at)
        return found

    def _error(self, message: str, at: int) -> SettingsError:
        return SettingsError(f"{self.where}, character {self.first + at}: {message}.")

    def _consume(self, text: str) -> bool:
        """Move past `text` if it comes next; return whether it does."""
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) * found
        return found

    def _next(self, message: str, opened: int) -> str:
        """Move past one character and return it; at the end of the pattern raise `message` for position `opened`."""
        if self.at == len(self.pattern):
            raise self._error(message, opened)
        self.at += 1
        return self.pattern[self.at - 1]

    def _alternation(self) -> Expression:
        parts = [self._concatenation()]
        while self._consume("|"):
            parts.append(self._concatenation())
        return parts[0] if len(parts) == 1 else Alternation(tuple(parts))

    def _concatenation(self) -> Expression:
        parts: list[Expression] = []
        anchors = self.depth == 0
        if anchors:
            self._consume("^")
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            if anchors and self.pattern[self.at] == "$" and self.pattern[self.at + 1 : self.at + 2] in ("", "|"):
                self.at += 1
            else:
                parts.append(self._repeated())
        return parts[0] if len(parts) == 1 else Concatenation(tuple(parts))

    def _repeated(self) -> Expression:
        begin = self.at
        if self._bounds() is not None:
            raise self._error("there is nothing to repeat; to match this character itself, write \\ before it", begin)
        part = self._atom()
        begin = self.at
        bounds = self._bounds()
        if bounds is None:
            return part
        if bounds[1] is not None and bounds[0] > bounds[1]:
            raise self._error(f"the least count {bounds[0]} exceeds the greatest {bounds[1]}", begin)
        mark = self.at
        if self._consume("+"):
            raise self._error("a possessive quantifier ('+' after a repeat) is not supported; leave out the '+'", mark)
        self._consume("?")
        mark = self.at
        if self._bounds() is not None:
            raise self._error("a repeat cannot be repeated; put the first into a group: (?: )", mark)
        return Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        for mark, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._consume(mark):
                return bounds
        found = _BOUNDS.match(self.pattern, self.at)
        if found is None or found[0] == "{}":
            return None  # like `re`, read other braces as characters
        if len(found[0]) > LONGEST_BOUNDS:
            raise self._error("the number of repeats is too large", self.at)
        self.at = found.end()
        least = int(found[1] or 0)
        return least, (int(found[3]) if found[3] else None) if found[2] else least

    def _atom(self) -> Expression:
        begin = self.at
        character = self._next("", begin)
        if character == "(":
            return self._group(begin)
        if character == "[":
            return Characters(self._class(begin))
        if character == ".":
            return Characters(complement(((ord("\n"), ord("\n")),)))
        if character in "^$":
            raise self._error(
                f"'{character}' is supported only at the ends of the pattern; to match it, write \\{character}", begin
            )
        return Characters(self._escape(begin, "") if character == "\\" else _one(character))

    def _group(self, begin: int) -> Expression:
        if self._consume("?&"):
            return self._named(begin)
        if self.pattern.startswith("?", self.at) and not self._consume("?:"):
            kind = _UNSUPPORTED.get(self.pattern[begin : begin + 3], "a flag")
            raise self._error(f"{self.pattern[begin : begin + 3]!r}, {kind}, is not supported", begin)
        self._deepen(begin)
        inner = self._alternation()
        self.depth -= 1
        if not self._consume(")"):
            raise self._error("this '(' is not closed", begin)
        return inner

    def _named(self, begin: int) -> Expression:
        end = self.pattern.find(")", begin)
        if end < 0:
            raise self._error("this '(' is not closed", begin)
        if self.lookup is None:
            raise self._error("named patterns exist only in a grammar", begin)
        self._deepen(begin)
        part = self.lookup(self.pattern[self.at : end], self.depth)
        self.depth -= 1
        self.at = end + 1
        return part

    def _deepen(self, begin: int) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} nested groups or named patterns", begin)

    def _class(self, begin: int) -> Ranges:
        negated = self._consume("^")
        first = self.at
        members: list[tuple[int, int]] = []
        while self.at == first or not self._consume("]"):  # a `]` in the first place is a member
            place = self.at
            low = self._member(begin)
            if self.pattern.startswith("-", self.at) and not self.pattern.startswith("-]", self.at):
                self.at += 1
                high = self._member(begin)
                points = [point for pair in (*low, *high) for point in pair]
                if len(points) != 4 or not points[0] == points[1] <= points[2] == points[3]:
                    raise self._error(f"{self.pattern[place : self.at]!r} is not a range", place)
                low = ((points[0], points[3]),)
            members += low
        found = merged(members)
        return complement(found) if negated else found

    def _member(self, opened: int) -> Ranges:
        begin = self.at
        character = self._next("this '[' is not closed", opened)
        return self._escape(begin, "b") if character == "\\" else _one(character)

    def _escape(self, begin: int, controls: str) -> Ranges:
        character = self._next("nothing follows this '\\'", begin)
        if character in "dws":
            return ranges_of(f"\\{character}")
        if character in "DWS":
            return complement(ranges_of(f"\\{character.lower()}"))
        if character in _CONTROLS:
            return _one(_CONTROLS[character])
        if character in controls:
            return _one("\b")
        if character in _HEXADECIMAL:
            digits = self.pattern[self.at : self.at + _HEXADECIMAL[character]]
            self.at += len(digits)
            if (
                not re.fullmatch(f"[0-9a-fA-F]{{{_HEXADECIMAL[character]}}}", digits)
                or int(digits, 16) > ALL_CODE_POINTS[0][1]
            ):
                raise self._error(f"'\\{character}{digits}' is not a character", begin)
            return _one(chr(int(digits, 16)))
        if character.isascii() and character.isdigit():
            raise self._error(f"'\\{character}', a backreference, is not supported", begin)
        if character.isascii() and character.isalpha():
            kind = _UNSUPPORTED.get(f"\\{character}", "an escape")
            raise self._error(f"'\\{character}', {kind}, is not supported", begin)
        return _one(character)


def _one(character: str) -> Ranges:
    return ((ord(character), ord(character)),)
