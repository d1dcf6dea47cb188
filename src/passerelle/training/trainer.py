"""Train a network on batches: builds the optimizer, the update and the callbacks from the settings, and runs the loop.

The trainer does not depend on the network's architecture.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from passerelle.backend import computing
from passerelle.data.batches import Batches
from passerelle.errors import SettingsError
from passerelle.parallel.group import current
from passerelle.settings import TrainingSettings
from passerelle.training import loop
from passerelle.training.callbacks.averages import Averages
from passerelle.training.callbacks.best_weights import BestWeights
from passerelle.training.callbacks.callback import Callback
from passerelle.training.callbacks.divergence import Divergence
from passerelle.training.callbacks.early_stopping import EarlyStopping
from passerelle.training.callbacks.frozen_vectors import FrozenVectors
from passerelle.training.callbacks.interruption import INTERRUPTED, Interruption
from passerelle.training.callbacks.plateau import Plateau
from passerelle.training.callbacks.time_limit import TimeLimit
from passerelle.training.callbacks.validation import Validation
from passerelle.training.history import History, Sample, Translations
from passerelle.training.loss import output_weights
from passerelle.training.optimizer import make_optimizer, moving_averages
from passerelle.training.schedule import Schedule
from passerelle.training.state import TrainingState
from passerelle.training.update import make_update

__all__ = ["fit"]


@computing()
def fit(
    network: Any,
    training: Batches,
    validation: Batches | None,
    settings: TrainingSettings,
    *,
    callbacks: Sequence[Callback] = (),
    frozen: Mapping[str, np.ndarray] | None = None,
    weights: Mapping[str, float] | None = None,
    translate: Callable[[], Translations] | None = None,
    state: TrainingState | None = None,
    interruption: Interruption | None = None,
    before: float = 0.0,
    after: float = 0.0,
) -> History:
    """Train a network.

    If processes train together, all of them call this with the same arguments; the times and the state of the first one
    count. Then all have the same network.

    Args:
        network: maps the inputs of a batch to logits; see `loss.network_sums`.
        training: training batches.
        validation: batches for validation after each epoch or interval; None disables validation.
        settings: training settings.
        callbacks: called after the callbacks that the settings require; see `Callback`.
        frozen: rows to freeze for the first `settings.frozen_epochs` epochs: variable path -> bool (rows,).
        weights: relative weight of each of several outputs by name; None for equal weights. See `loss.output_weights`.
        translate: translates validation sources with the network's weights, at each validation; None to translate none.
        state: training state to continue from, also within an epoch, with the same batches and settings. It is changed
            in place. None starts a new run from the network's weights.
        interruption: the object that receives signals; the caller may have entered it, to receive them after training
            too. None creates one.
        before: seconds of the time limit that were spent before this call.
        after: seconds of the time limit that are reserved for the work after this call.

    Returns:
        The history. Afterwards the network has the weights of the interval that `settings.keep` chooses. Ctrl-C,
        SIGTERM and SIGHUP end training early and keep the finished intervals. Within the first one they keep the
        weights of the last update.

    Raises:
        Interrupted: if one of these signals arrives before the first update.
        BackendError: if Keras's backend cannot train with these settings.
        SettingsError: if gradients or loss become infinite or NaN before the end of the first interval, or if the
            metric needs translations and there are none.
        RunError: if the arrays of `state` do not match the network and the optimizer.
    """
    if settings.metric != "loss" and (validation is None or translate is None):
        raise SettingsError(
            f"training.metric {settings.metric!r} requires validation pairs with texts as targets, and there are none. "
            "Hold out validation pairs, or set training.metric to 'loss'."
        )
    updates = math.ceil(len(training) / settings.accumulation)
    optimizer = make_optimizer(settings)
    of_tokens = output_weights(training.tokens_per_target, weights or {})
    tokens = training.target_tokens / updates
    update = make_update(network, optimizer, tokens=tokens, smoothing=settings.label_smoothing, weights=of_tokens)
    state = state or TrainingState.from_seed(settings.seed)
    group = current()
    before, after = group.first([before, after])
    required: list[Callback] = [
        Divergence(),
        BestWeights(network, settings.keep, settings.metric),
        TimeLimit(validated=validation is not None),
    ]
    if frozen:
        required.append(FrozenVectors(frozen, settings.frozen_epochs))
    averaged = settings.ema > 0 or settings.average > 1
    if averaged:
        required.append(Averages(moving_averages(optimizer), settings.average))
    if validation or averaged:
        if translate is not None:
            translate = _by_first(translate)
        validate = Validation(network, validation, weights=of_tokens, metric=settings.metric, translate=translate)
        required.append(validate)
    if settings.schedule == "plateau":
        required.append(Plateau(settings.plateau_patience, settings.plateau_factor))
    if settings.patience:
        required.append(EarlyStopping(settings.patience, settings.metric))
    with interruption or Interruption() as interruption, group.noticing_losses():
        schedule = Schedule(settings, updates, before, after)
        run = loop.run(state, training.shared(update.share), update, [*required, *callbacks, interruption], schedule)
    return History(tuple(state.history), run.kept_interval, state.stopped == INTERRUPTED, run.diverged, state.stopped)


def _by_first(translate: Callable[[], Translations]) -> Callable[[], Translations]:
    """Return a function that lets the first process translate, and returns its translations in each process."""
    group = current()

    def shared() -> Translations:
        found = asdict(translate()) if group.is_first else None
        values = group.first(found)
        return Translations(**values | {"samples": tuple(Sample(**sample) for sample in values["samples"])})

    return translate if group.count == 1 else shared
