"""Grammars: files of named patterns that may refer to each other. Recursion is not allowed, so all are regular."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from passerelle.constraints.automaton import Automaton
from passerelle.constraints.expressions import Expression
from passerelle.constraints.patterns import parse
from passerelle.constraints.subsets import automaton_of
from passerelle.errors import SettingsError, did_you_mean
from passerelle.text.tokenizer import normalize

__all__ = ["MAIN", "read_grammar"]

MAIN = "main"

_DEFINITION = re.compile(r"\s*([^\W\d][\w-]*)\s*=\s*(.*?)\s*")


def read_grammar(path: str | os.PathLike[str]) -> Automaton:
    """Return the automaton that accepts the texts that the main pattern of a grammar matches in full.

    Args:
        path: a UTF-8 file with one `name = pattern` per line; lines that begin with `#` are comments. `(?&name)` refers
            to the pattern of that name. The main pattern is named `main`; without it, the last pattern is the main one.
            Whitespace around a pattern is ignored; write `[ ]` for a space at its start or end.

    Raises:
        SettingsError: if the file cannot be read, a line is wrong (the error names it), a pattern refers to itself (the
            error shows the cycle), or the grammar is too large.
    """
    name = os.fspath(path)
    try:
        lines = normalize(Path(path).read_text(encoding="utf-8-sig")).split("\n")
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}: byte {error.start + 1} is not UTF-8. Save the file as UTF-8.") from None
    definitions: dict[str, tuple[str, str, int]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{name}, line {number}"
        found = _DEFINITION.fullmatch(line)
        if found is None:
            raise SettingsError(f"{where}: expected NAME = PATTERN, received: {line.strip()!r:.60}")
        if found[1] in definitions:
            raise SettingsError(f"{where}: {found[1]!r} is already defined. Rename one, or join both patterns with |.")
        definitions[found[1]] = (found[2], where, found.start(2) + 1)
    if not definitions:
        raise SettingsError(f"{name} contains no pattern. Write one per line: NAME = PATTERN")
    return automaton_of(_Grammar(definitions).parse(MAIN if MAIN in definitions else list(definitions)[-1], 0))


class _Grammar:
    """The definitions of a grammar by name: pattern, file and line, column of the pattern's first character."""

    def __init__(self, definitions: Mapping[str, tuple[str, str, int]]):
        self.definitions = definitions
        self._open: list[str] = []
        self._done: dict[str, Expression] = {}

    def parse(self, name: str, depth: int) -> Expression:
        if name in self._done:
            return self._done[name]
        where = self.definitions[self._open[-1]][1] if self._open else ""
        if name not in self.definitions:
            raise SettingsError(f"{where}: no pattern is named {name!r}.{did_you_mean(name, self.definitions)}")
        if name in self._open:
            cycle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise SettingsError(f"{where}: a pattern cannot refer to itself: {cycle}. Use repeats instead.")
        pattern, where, first = self.definitions[name]
        self._open.append(name)
        self._done[name] = parse(pattern, where, first=first, lookup=self.parse, depth=depth)
        self._open.pop()
        return self._done[name]
