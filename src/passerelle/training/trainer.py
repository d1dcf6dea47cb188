"""Train a network on batches: builds the optimizer, the update and the callbacks from the settings, and runs the loop.

The trainer does not depend on the network's architecture.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from passerelle.backend import computing
from passerelle.data.batches import Batches
from passerelle.settings import TrainingSettings
from passerelle.training import loop
from passerelle.training.callbacks.best_weights import BestWeights
from passerelle.training.callbacks.callback import Callback
from passerelle.training.callbacks.divergence import Divergence
from passerelle.training.callbacks.early_stopping import EarlyStopping
from passerelle.training.callbacks.frozen_vectors import FrozenVectors
from passerelle.training.callbacks.interruption import INTERRUPTED, Interruption
from passerelle.training.callbacks.time_limit import TimeLimit
from passerelle.training.callbacks.validation import Validation
from passerelle.training.history import History
from passerelle.training.optimizer import make_optimizer
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
    state: TrainingState | None = None,
    interruption: Interruption | None = None,
    before: float = 0.0,
    after: float = 0.0,
) -> History:
    """Train a network.

    Args:
        network: maps the inputs of a batch to logits; see `loss.network_sums`.
        training: training batches.
        validation: batches for validation after each epoch; None disables validation.
        settings: training settings.
        callbacks: called after the callbacks that the settings require; see `Callback`.
        frozen: rows to freeze for the first `settings.frozen_epochs` epochs: variable path -> bool (rows,).
        state: training state to continue from, also within an epoch, with the same batches and settings. It is changed
            in place. None starts a new run from the network's weights.
        interruption: the object that receives signals; the caller may have entered it, to receive them after training
            too. None creates one.
        before: seconds of the time limit that were spent before this call.
        after: seconds of the time limit that are reserved for the work after this call.

    Returns:
        The history. Afterwards the network has the weights of the epoch that `settings.keep` chooses. Ctrl-C, SIGTERM
        and SIGHUP end training early and keep the finished epochs. Within the first epoch they keep the weights of the
        last update.

    Raises:
        Interrupted: if one of these signals arrives before the first update.
        SettingsError: if the loss becomes infinite or NaN before an epoch has ended with a finite loss.
        RunError: if the arrays of `state` do not match the network and the optimizer.
    """
    tokens = training.target_tokens / len(training)
    update = make_update(network, make_optimizer(settings), tokens=tokens, smoothing=settings.label_smoothing)
    state = state or TrainingState.from_seed(settings.seed)
    with interruption or Interruption() as interruption:
        all_callbacks = [*_callbacks(network, validation, settings, frozen or {}), *callbacks, interruption]
        run = loop.run(state, training, update, all_callbacks, Schedule(settings, len(training), before, after))
    return History(tuple(state.history), run.kept_epoch, state.stopped == INTERRUPTED, run.diverged, state.stopped)


def _callbacks(
    network: Any, validation: Batches | None, settings: TrainingSettings, frozen: Mapping[str, np.ndarray]
) -> list[Callback]:
    """Return the callbacks that the settings require."""
    callbacks: list[Callback] = [
        Divergence(),
        BestWeights(network, settings.keep),
        TimeLimit(validated=validation is not None),
    ]
    if frozen:
        callbacks.append(FrozenVectors(frozen, settings.frozen_epochs))
    if validation:
        callbacks.append(Validation(network, validation))
    if settings.patience:
        callbacks.append(EarlyStopping(settings.patience))
    return callbacks
