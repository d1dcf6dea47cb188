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

Normalize = Callable[[str], str]
"""Converts a text to NFC and to the case of the target tokenizer."""


def _prefix(prefix: str, normalize: Normalize) -> Automaton:
    return beginning_with(normalize(prefix))


def _forbid(phrases: Iterable[str], normalize: Normalize) -> Automaton:
    return without(map(normalize, phrases))


def _require(phrases: Iterable[str], normalize: Normalize) -> Automaton:
    return containing(map(normalize, phrases))


def _pattern(pattern: str, normalize: Normalize) -> Automaton:
    return matching(pattern)


def _grammar(path: str, normalize: Normalize) -> Automaton:
    return read_grammar(path)


def _lexicon(texts: Iterable[str], normalize: Normalize) -> Automaton:
    return of_texts(map(normalize, texts))


MAKERS: Mapping[str, Callable[[Any, Normalize], Automaton]] = {
    "prefix": _prefix,
    "forbid": _forbid,
    "require": _require,
    "pattern": _pattern,
    "grammar": _grammar,
    "lexicon": _lexicon,
}
"""The automaton of each setting, by the setting's name: (value, normalize) -> automaton over UTF-8 bytes."""


def constraint_of(settings: ConstraintSettings, tokenizer: Tokenizer) -> Constraint | None:
    """Return the constraint that meets every setting; None where all settings have their defaults.

    Prefix, phrases and lexicon are normalized in the same way as the tokenizer normalizes its texts; patterns and
    grammars are used unchanged.

    Args:
        settings: the constraints on each translation.
        tokenizer: of the target.

    Raises:
        DataError: if a phrase is empty or not valid Unicode text.
        SettingsError: if a pattern or grammar is invalid, or no text can meet all constraints.
    """
    defaults = ConstraintSettings()
    automata = [
        make(value, tokenizer.normalize)
        for name, make in MAKERS.items()
        if (value := getattr(settings, name)) != getattr(defaults, name)
    ]
    return lift(reduce(intersect, automata), tokenizer) if automata else None
