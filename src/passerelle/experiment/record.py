"""The training record: what a model file says about its training."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from passerelle.backend import backend_name
from passerelle.experiment.forgetting import Comparison
from passerelle.inference.search_choice import SearchChoice
from passerelle.preparation import Prepared
from passerelle.training.history import History

__all__ = ["training_record"]


def training_record(
    prepared: Prepared,
    history: History,
    choices: Mapping[str, SearchChoice] | None,
    comparisons: Sequence[Comparison] = (),
) -> dict[str, Any]:
    """Return the training record as JSON values.

    Args:
        prepared: prepared data.
        history: the history of the training.
        choices: the choice of the search of each output; None before training.
        comparisons: scores before and after fine-tuning.
    """
    versions = {name: importlib.metadata.version(name) for name in ("keras", "numpy", backend_name())}
    training, validation = prepared.training, prepared.validation
    data = {
        "name": training.name,
        "training_pairs": len(training),
        "validation_pairs": len(validation),
        "training_sha256": training.fingerprint(),
        "validation_sha256": validation.fingerprint(),
        "unknown_validation_tokens": prepared.unknown_validation_tokens,
        "validation_sources_used_for_training": prepared.overlap,
        "training_pairs_skipped": dict(training.skipped),
        "validation_pairs_skipped": dict(validation.skipped),
    }
    if training.synthetic:
        data["synthetic"] = dict(training.synthetic)
    if prepared.old:
        data["old_pairs_sha256"] = prepared.old.fingerprint()
    if prepared.vectors:
        data |= {"vectors": prepared.vector_coverage, "extra_source_words": prepared.extra_words}
    if training.outputs:
        data["texts"] = {name: len(training.of_output(name)) for name in training.outputs}
    tuned = {}
    if prepared.fine_tuning is not None:
        scores = [asdict(comparison) for comparison in comparisons]
        tuned = {"fine_tuning": {**prepared.fine_tuning.to_json(prepared.signature), "scores": scores}}
    record = {
        "data": data,
        **tuned,
        "versions": {"python": platform.python_version()} | versions,
        "padding_share": round(prepared.training_batches.padding_share(), 4),
        "kept_epoch": history.kept_epoch,
        "kept_interval": history.kept_interval,
        "interrupted": history.interrupted,
        "diverged": history.diverged,
        "stopped": history.stopped,
        "search": next(iter(choices.values())).to_json() if choices else None,
        "epochs": [asdict(interval) for interval in history.intervals],
    }
    if choices is not None and len(choices) > 1:
        record["searches"] = {name: choice.to_json() for name, choice in choices.items()}
    return record
