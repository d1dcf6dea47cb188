"""The constraint that the settings describe: one automaton per setting, all of them intersected.

To add a constraint, add a setting to `ConstraintSettings` and an entry to `MAKERS`.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any

from passerelle.constraints.automaton import Automaton, intersect
from passerelle.constraints.grammars import read_grammar
from passerelle.constraints.lexicon import of_texts
from passerelle.constraints.lift import Constraint, lift
from passerelle.constraints.patterns import matching
from passerelle.constraints.phrases import beginning_with, containing, without
from passerelle.settings import ConstraintSettings
from passerelle.text.tokenizer import Tokenizer

__all__ = ["MAKERS", "constraint_of"]


def _prefix(prefix: str, tokenizer: Tokenizer) -> Automaton:
    return beginning_with(tokenizer.normalize_part(prefix))


def _forbid(phrases: Iterable[str], tokenizer: Tokenizer) -> Automaton:
    return without(map(tokenizer.normalize_part, phrases))


def _require(phrases: Iterable[str], tokenizer: Tokenizer) -> Automaton:
    return containing(map(tokenizer.normalize_part, phrases))


def _pattern(pattern: str, tokenizer: Tokenizer) -> Automaton:
    return matching(pattern)


def _grammar(path: str, tokenizer: Tokenizer) -> Automaton:
    return read_grammar(path)


def _lexicon(texts: Iterable[str], tokenizer: Tokenizer) -> Automaton:
    return of_texts(map(tokenizer.normalize, texts))


MAKERS: Mapping[str, Callable[[Any, Tokenizer], Automaton]] = {
    "prefix": _prefix,
    "forbid": _forbid,
    "require": _require,
    "pattern": _pattern,
    "grammar": _grammar,
    "lexicon": _lexicon,
}
"""The automaton of each setting, by the setting's name: (value, target tokenizer) -> automaton over UTF-8 bytes."""


def constraint_of(settings: ConstraintSettings, tokenizer: Tokenizer) -> Constraint | None:
    """Return the constraint that meets every setting; None where all settings have their defaults.

    Prefix, phrases and lexicon are normalized in the same way as the tokenizer normalizes its texts; the whitespace at
    the ends of a prefix or phrase has a meaning. Patterns and grammars keep their case.

    Args:
        settings: the constraints on each translation.
        tokenizer: of the target.

    Raises:
        DataError: if a phrase is empty or not valid Unicode text.
        SettingsError: if a pattern or grammar is invalid, or no text can meet all constraints.
    """
    defaults = ConstraintSettings()
    automata = [
        make(value, tokenizer)
        for name, make in MAKERS.items()
        if (value := getattr(settings, name)) != getattr(defaults, name)
    ]
    return lift(reduce(intersect, automata), tokenizer) if automata else None
