"""The grammar: its patterns, and the corpus that they generate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from . import actions, descriptions, imperatives, people, places, pursuits, relations, times
from .phrase import Phrase, Sentence, digest

__all__ = ["PATTERNS", "generate", "phrasebook", "phrases"]

PATTERNS: tuple[Callable[[], Iterator[Sentence]], ...] = (
    actions.action,
    actions.action_negative,
    actions.action_question,
    actions.action_they,
    actions.question_to_you,
    actions.state,
    actions.state_negative,
    actions.state_question,
    actions.habit,
    actions.described_object,
    imperatives.proposal,
    imperatives.order,
    descriptions.noun_is_adjective,
    descriptions.this_is,
    descriptions.exclamation,
    descriptions.belonging,
    descriptions.counted,
    descriptions.price,
    people.person_is_adjective,
    people.ambiguous_subject,
    people.comparison,
    people.state_with_avoir,
    people.job,
    pursuits.language,
    pursuits.playing,
    pursuits.intransitive,
    relations.object_pronoun,
    relations.person_object,
    relations.giving,
    places.movement,
    places.movement_ambiguous_subject,
    places.region,
    places.weather,
    places.position,
    places.person_in_room,
    places.where_is,
    times.time_of_day,
    times.timetable,
    times.routine,
    times.routine_without_time,
    times.day,
    times.month,
    times.age,
)
"""All patterns; the name of a pattern is the name of its function."""


def generate() -> tuple[Phrase, ...]:
    """Generate all rows, in the order of the patterns.

    Raises:
        ValueError: if two patterns translate the same source differently.
    """
    targets: dict[str, tuple[str, ...]] = {}
    phrases: list[Phrase] = []
    for pattern in PATTERNS:
        for sentence in pattern():
            known = targets.setdefault(sentence.source, sentence.targets)
            if known != sentence.targets:
                raise ValueError(
                    f"Patterns must agree on the translations of {sentence.source!r}, "
                    f"received: {known} and {sentence.targets} from {pattern.__name__!r}."
                )
            if known is not sentence.targets:
                continue  # another pattern has generated this sentence
            name = pattern.__name__
            phrases += [
                Phrase(sentence.source, target, name, sentence.lemmas, sentence.combination)
                for target in sentence.targets
            ]
    return tuple(phrases)


@cache
def _corpus() -> tuple[Phrase, ...]:
    return tuple(sorted(generate(), key=lambda phrase: digest(phrase.source)))


def phrases() -> list[Phrase]:
    """Return all rows, shuffled by source in a fixed order; rows that share a source are adjacent."""
    return list(_corpus())


def phrasebook() -> list[tuple[str, str]]:
    """Return all rows as (English, French), in the order of `phrases`.

    Example:
        >>> rows = passerelle.phrasebook()
        >>> ("He is tired.", "Il est fatigué.") in rows
        True
    """
    return [(phrase.source, phrase.target) for phrase in _corpus()]
