"""The mixture of pairs with references and synthetic pairs, and the time for writing the latter."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from passerelle.data.pairs import Pairs, joined
from passerelle.errors import DataError
from passerelle.settings import Settings, SyntheticSettings

__all__ = ["add_synthetic", "translation_ends"]


def add_synthetic(
    training: Pairs, rows: Sequence[tuple[str, str, str]], synthetic: SyntheticSettings, facts: Mapping[str, Any]
) -> Pairs:
    """Return the training pairs, repeated as the settings say, and then the synthetic pairs.

    Args:
        training: pairs with references.
        rows: source, target and tags of each synthetic pair.
        synthetic: settings of the synthetic pairs.
        facts: facts for the training record, to which the number of pairs is added.

    Raises:
        DataError: if there are no synthetic pairs and the references are left out.
    """
    copies = synthetic.reference_copies
    if not rows and not copies:
        raise DataError(f"{training.name}: no synthetic pairs were written, and reference_copies is 0. Set it to 1.")
    return replace(
        joined(training, rows, copies=copies),
        synthetic={"pairs": len(rows), "references": copies * len(training), **facts},
    )


def translation_ends(started: float, settings: Settings, synthetic: SyntheticSettings) -> float:
    """Return the value of `time.perf_counter()` at which the translation must end; infinity without a time limit."""
    minutes = settings.training.minutes
    return started + synthetic.translation_share * 60.0 * minutes if minutes else math.inf
