"""Grammars: files of named patterns, each of which may use the others. None holds itself, so all are regular."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from passerelle.constraints.automaton import Automaton
from passerelle.constraints.expressions import Expression, automaton_of
from passerelle.constraints.patterns import parse
from passerelle.errors import SettingsError, did_you_mean

__all__ = ["MAIN", "read_grammar"]

MAIN = "main"

_RULE = re.compile(r"\s*([^\W\d][\w-]*)\s*=\s*(.*?)\s*")


def read_grammar(path: str | os.PathLike[str]) -> Automaton:
    """Accepts the texts that a grammar's main part matches as a whole.

    Args:
        path: a file in UTF-8 with one `name = pattern` a line; lines that begin with `#` are comments. `(?&name)` is
            the pattern of that name. The part `main` is the main one; where there is none, the last. Blanks around a
            pattern do not count: write `[ ]`.

    Raises:
        SettingsError: if the file cannot be read, a line is wrong (names it), a part holds itself (shows the circle),
            or the grammar is too large.
    """
    name = os.fspath(path)
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}: byte {error.start + 1} is not UTF-8. Save the file as UTF-8.") from None
    rules: dict[str, tuple[str, str, int]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{name}, line {number}"
        found = _RULE.fullmatch(line)
        if found is None:
            raise SettingsError(f"{where}: expected NAME = PATTERN, received: {line.strip()!r:.60}")
        if found[1] in rules:
            raise SettingsError(f"{where}: {found[1]!r} stands twice. Rename one, or join them with |.")
        rules[found[1]] = (found[2], where, found.start(2) + 1)
    if not rules:
        raise SettingsError(f"{name} holds no part. Write one a line: NAME = PATTERN")
    return automaton_of(_Grammar(rules).part(MAIN if MAIN in rules else list(rules)[-1], 0))


class _Grammar:
    """Parts by name: each one's pattern, where it stands, and the place of its first character there."""

    def __init__(self, rules: Mapping[str, tuple[str, str, int]]):
        self.rules = rules
        self._open: list[str] = []
        self._done: dict[str, Expression] = {}

    def part(self, name: str, depth: int) -> Expression:
        if name in self._done:
            return self._done[name]
        where = self.rules[self._open[-1]][1] if self._open else ""
        if name not in self.rules:
            raise SettingsError(f"{where}: no part is called {name!r}.{did_you_mean(name, self.rules)}")
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise SettingsError(f"{where}: a part may not hold itself: {circle}. Use repeats instead.")
        pattern, where, first = self.rules[name]
        self._open.append(name)
        self._done[name] = parse(pattern, where, first=first, parts=self.part, depth=depth)
        self._open.pop()
        return self._done[name]
