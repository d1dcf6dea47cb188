"""Prepare pairs; with the preset `auto`, for each candidate, and train each for a short time to compare them."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from passerelle.data.checking import check_pairs
from passerelle.experiment.prepared_training import train_prepared
from passerelle.fine_tuning.plan import FineTuning
from passerelle.inference.search_choice import choose_metric
from passerelle.parallel.group import current
from passerelle.preparation import Prepared, Validation, prepare
from passerelle.preset_choice import choose_candidates
from passerelle.settings import Settings, validated
from passerelle.training.callbacks.interruption import Interruption

__all__ = ["prepare_candidates"]

TRIAL_SHARE = 0.1
"""Share of the minutes for which each candidate of the preset `auto` is trained."""

MIN_TRIAL_SECONDS = 60.0
"""Time below which a trial says nothing, since the first epoch compiles programs."""

MAX_TRIAL_SOURCES = 256
"""Maximum number of validation sources that a trial translates."""


def prepare_candidates(
    pairs: Iterable[tuple[str, ...]],
    settings: Settings,
    *,
    validation: Validation = None,
    source_vectors: str | os.PathLike[str] | None = None,
    target_vectors: str | os.PathLike[str] | None = None,
    fine_tuning: FineTuning | None = None,
    interruption: Interruption | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Prepared:
    """Prepare pairs as `prepare` does; with the preset `auto` and enough minutes, compare its candidates first.

    If there are several candidates, each is trained for a tenth of the minutes, and the one with the best greedy
    translations of validation sources remains.

    Args:
        pairs: see `train`.
        settings: the settings.
        validation: see `train`.
        source_vectors: see `train`.
        target_vectors: see `train`.
        fine_tuning: see `prepare`; the settings are then not those of the preset `auto`.
        interruption: see `training.trainer.fit`.
        report: receives one line for each trial.
    """
    options: dict[str, Any] = {
        "source_vectors": source_vectors, "target_vectors": target_vectors, "fine_tuning": fine_tuning,
    }  # fmt: skip
    pairs = check_pairs(pairs, tagged=settings.tags.mode != "none")
    if isinstance(validation, Iterator):
        validation = list(validation)  # each candidate reads it
    seconds = TRIAL_SHARE * 60.0 * settings.training.minutes
    candidates = choose_candidates(settings, pairs.main.sources, pairs.main.targets) if pairs else []
    if not candidates:
        return prepare(pairs, settings, validation=validation, **options)  # says what is missing
    trials: list[tuple[float, Prepared]] = []
    for candidate in candidates:
        prepared = prepare(pairs, candidate.settings, validation=validation, **options)
        prepared = replace(prepared, choices=(*candidate.reasons, *prepared.choices))
        if len(candidates) < 2 or seconds < MIN_TRIAL_SECONDS or not prepared.validation:
            return prepared
        score = _trial_score(prepared, seconds, interruption)
        report(f"{candidate.reasons[0]}: {score:.1f} after {seconds:.0f} s")
        trials.append((score, prepared))
    return max(trials, key=lambda trial: trial[0])[1]


def _trial_score(prepared: Prepared, seconds: float, interruption: Interruption | None) -> float:
    """Train for a short time, and return the score of greedy translations of validation sources, 0 to 100."""
    values = prepared.settings.model_dump()
    values["training"] |= {"minutes": seconds / 60.0, "epochs": None, "search": "greedy"}
    trial = replace(prepared, settings=validated(Settings, values))
    translator = train_prepared(trial, interruption=interruption)
    pretokenized = translator.target.level == "pretokenized"
    metric = choose_metric(trial.settings.training, prepared.training.main.targets, pretokenized=pretokenized)
    if not current().is_first:
        return current().first(None)
    found = translator.evaluate(prepared.validation.main[:MAX_TRIAL_SOURCES], beam=1)
    return current().first(found.exact_match if metric == "exact" else found.chrf)
