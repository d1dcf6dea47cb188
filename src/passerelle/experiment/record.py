"""The training record: what a model file says about its training."""

import importlib.metadata
import platform
from dataclasses import asdict
from typing import Any

from passerelle.backend import backend_name
from passerelle.inference.search_choice import SearchChoice
from passerelle.preparation import Prepared
from passerelle.training.history import History

__all__ = ["training_record"]


def training_record(prepared: Prepared, history: History, choice: SearchChoice | None) -> dict[str, Any]:
    """Return the training record as JSON values; without a choice of the search before training."""
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
    if prepared.vectors:
        data |= {"vectors": prepared.vector_coverage, "extra_source_words": prepared.extra_words}
    return {
        "data": data,
        "versions": {"python": platform.python_version()} | versions,
        "padding_share": round(prepared.training_batches.padding_share(), 4),
        "kept_epoch": history.kept_epoch,
        "interrupted": history.interrupted,
        "diverged": history.diverged,
        "stopped": history.stopped,
        "search": None if choice is None else choice.to_json(),
        "epochs": [asdict(epoch) for epoch in history.epochs],
    }
