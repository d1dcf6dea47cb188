r"""Regular expressions over whole texts, in the notation of Python's `re`.

Known are characters, `.`, classes, `\d \w \s \D \W \S`, `\t \n \r \f \v \a \xXX \uXXXX \UXXXXXXXX`, escaped
punctuation, `( )`, `(?: )`, `|`, `* + ? {m} {m,} {,n} {m,n}`, and `^` and `$` at the very ends. They mean what they
mean to `re.fullmatch`; a lazy mark (`*?`) changes nothing where a whole text must match. In a grammar
(`constraints.grammars`), `(?&name)` is the pattern of that name.
"""

import re
from collections.abc import Callable

from passerelle.constraints.automaton import Automaton
from passerelle.constraints.code_points import EVERY, Ranges, complement, merged, ranges_of
from passerelle.constraints.expressions import Chain, Characters, Choice, Expression, Repeat, automaton_of
from passerelle.errors import SettingsError

__all__ = ["Parts", "matching", "parse"]

Parts = Callable[[str, int], Expression]

DEEPEST = 50
"""Groups and parts inside each other."""

LONGEST_BOUNDS = 20
"""Characters of `{m,n}`."""

_BOUNDS = re.compile(r"\{([0-9]*)(?:(,)([0-9]*))?\}")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_HEXADECIMAL = {"x": 2, "u": 4, "U": 8}
_UNSUPPORTED = {
    "(?=": "lookahead",
    "(?!": "lookahead",
    "(?<": "lookbehind",
    "(?P": "a group's name",
    "(?>": "an atomic group",
    "(?(": "a condition",
    "(?#": "a comment",
    r"\b": "a word's bound",
    r"\B": "a word's bound",
    r"\A": "an anchor (whole texts match anyway)",
    r"\Z": "an anchor (whole texts match anyway)",
    r"\N": "a character's name (write \\uXXXX)",
}


def matching(pattern: str) -> Automaton:
    """Accepts the texts that `pattern` matches as a whole.

    Raises:
        SettingsError: if the pattern is wrong, uses what is not supported (names the character, from 1), or is too
            large.
    """
    return automaton_of(parse(pattern, f"pattern {pattern!r:.60}"))


def parse(pattern: str, where: str, *, first: int = 1, parts: Parts | None = None, depth: int = 0) -> Expression:
    """Reads a pattern.

    Args:
        pattern: in the notation above.
        where: what stands before an error's place.
        first: the place there of the pattern's first character.
        parts: gives the part of a name, at a depth; None where there are no names.
        depth: how deep in other patterns this one stands; the anchors `^` and `$` mean something at 0 only.

    Raises:
        SettingsError: if the pattern is wrong or uses what is not supported.
    """
    return _Parser(pattern, where, first, parts, depth).whole()


class _Parser:
    """Reads one pattern by recursive descent."""

    def __init__(self, pattern: str, where: str, first: int, parts: Parts | None, depth: int):
        self.pattern = pattern
        self.where = where
        self.first = first
        self.parts = parts
        self.depth = depth
        self.at = 0

    def whole(self) -> Expression:
        found = self._choice()
        if self.at < len(self.pattern):
            raise self._error("this ')' closes nothing", self.at)
        return found

    def _error(self, what: str, at: int) -> SettingsError:
        return SettingsError(f"{self.where}, character {self.first + at}: {what}.")

    def _take(self, text: str) -> bool:
        taken = self.pattern.startswith(text, self.at)
        self.at += len(text) * taken
        return taken

    def _next(self, expected: str, opened: int) -> str:
        if self.at == len(self.pattern):
            raise self._error(expected, opened)
        self.at += 1
        return self.pattern[self.at - 1]

    def _choice(self) -> Expression:
        parts = [self._chain()]
        while self._take("|"):
            parts.append(self._chain())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _chain(self) -> Expression:
        parts: list[Expression] = []
        anchors = self.depth == 0
        if anchors:
            self._take("^")
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            if anchors and self.pattern[self.at] == "$" and self.pattern[self.at + 1 : self.at + 2] in ("", "|"):
                self.at += 1
            else:
                parts.append(self._repeated())
        return parts[0] if len(parts) == 1 else Chain(tuple(parts))

    def _repeated(self) -> Expression:
        begin = self.at
        if self._bounds() is not None:
            raise self._error("there is nothing to repeat; for the sign itself write \\ before it", begin)
        part = self._atom()
        begin = self.at
        bounds = self._bounds()
        if bounds is None:
            return part
        if bounds[1] is not None and bounds[0] > bounds[1]:
            raise self._error(f"at least {bounds[0]} and at most {bounds[1]} times cannot be", begin)
        mark = self.at
        if self._take("+"):
            raise self._error("a '+' after a repeat (possessive) is not supported; leave it out", mark)
        self._take("?")
        mark = self.at
        if self._bounds() is not None:
            raise self._error("a repeat of a repeat; put the first one into a group: (?: )", mark)
        return Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        for mark, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(mark):
                return bounds
        found = _BOUNDS.match(self.pattern, self.at)
        if found is None or found[0] == "{}":
            return None  # to `re` too, other braces are characters
        if len(found[0]) > LONGEST_BOUNDS:
            raise self._error("so many repeats are too many", self.at)
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
                f"'{character}' is supported at the very ends only; write \\{character} for itself", begin
            )
        return Characters(self._escape(begin, "") if character == "\\" else _one(character))

    def _group(self, begin: int) -> Expression:
        if self._take("?&"):
            return self._part(begin)
        if self.pattern.startswith("?", self.at) and not self._take("?:"):
            kind = _UNSUPPORTED.get(self.pattern[begin : begin + 3], "a flag")
            raise self._error(f"{self.pattern[begin : begin + 3]!r}, {kind}, is not supported", begin)
        self._deepen(begin)
        inner = self._choice()
        self.depth -= 1
        if not self._take(")"):
            raise self._error("this '(' is not closed", begin)
        return inner

    def _part(self, begin: int) -> Expression:
        end = self.pattern.find(")", begin)
        if end < 0:
            raise self._error("this '(' is not closed", begin)
        if self.parts is None:
            raise self._error("parts have names in a grammar only", begin)
        self._deepen(begin)
        part = self.parts(self.pattern[self.at : end], self.depth)
        self.depth -= 1
        self.at = end + 1
        return part

    def _deepen(self, begin: int) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._error(f"more than {DEEPEST} groups or parts inside each other", begin)

    def _class(self, begin: int) -> Ranges:
        negated = self._take("^")
        first = self.at
        members: list[tuple[int, int]] = []
        while self.at == first or not self._take("]"):  # a `]` that comes first is a member
            place = self.at
            low = self._member(begin)
            if self.pattern.startswith("-", self.at) and not self.pattern.startswith("-]", self.at):
                self.at += 1
                high = self._member(begin)
                points = [point for pair in (*low, *high) for point in pair]
                if len(points) != 4 or not points[0] == points[1] <= points[2] == points[3]:
                    raise self._error(f"{self.pattern[place : self.at]!r} is no range", place)
                low = ((points[0], points[3]),)
            members += low
        found = merged(members)
        return complement(found) if negated else found

    def _member(self, opened: int) -> Ranges:
        begin = self.at
        character = self._next("this '[' is not closed", opened)
        return self._escape(begin, "b") if character == "\\" else _one(character)

    def _escape(self, begin: int, controls: str) -> Ranges:
        character = self._next("nothing stands after this '\\'", begin)
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
            if not re.fullmatch(f"[0-9a-fA-F]{{{_HEXADECIMAL[character]}}}", digits) or int(digits, 16) > EVERY[0][1]:
                raise self._error(f"'\\{character}{digits}' names no character", begin)
            return _one(chr(int(digits, 16)))
        if character.isascii() and character.isdigit():
            raise self._error(f"'\\{character}', a reference to a group, is not supported", begin)
        if character.isascii() and character.isalpha():
            kind = _UNSUPPORTED.get(f"\\{character}", "an escape")
            raise self._error(f"'\\{character}', {kind}, is not supported", begin)
        return _one(character)


def _one(character: str) -> Ranges:
    return ((ord(character), ord(character)),)
