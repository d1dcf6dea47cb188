"""Training of a network on batches: the callbacks and the update that the settings ask for, run by the loop.

The trainer does not know the inside of the network.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from passerelle.data.batches import Batches
from passerelle.settings import TrainingSettings
from passerelle.training import loop
from passerelle.training.callbacks.best_weights import BestWeights
from passerelle.training.callbacks.callback import Callback
from passerelle.training.callbacks.divergence import Divergence
from passerelle.training.callbacks.early_stopping import EarlyStopping
from passerelle.training.callbacks.frozen_vectors import FrozenVectors
from passerelle.training.callbacks.interruption import Interruption
from passerelle.training.callbacks.time_limit import TimeLimit
from passerelle.training.callbacks.validation import Validation
from passerelle.training.history import History
from passerelle.training.optimizer import make_optimizer
from passerelle.training.schedule import Schedule
from passerelle.training.state import TrainingState
from passerelle.training.update import make_update

__all__ = ["fit"]


def fit(
    network: Any,
    training: Batches,
    validation: Batches | None,
    settings: TrainingSettings,
    *,
    callbacks: Sequence[Callback] = (),
    frozen: Mapping[str, np.ndarray] | None = None,
    state: TrainingState | None = None,
) -> History:
    """Train a network.

    Args:
        network: takes a batch's inputs, returns logits; see `loss.network_sums`.
        training: the training batches.
        validation: the batches to validate on after each epoch.
        settings: of the training.
        callbacks: called after those that the settings ask for; see `Callback`.
        frozen: rows that stay unchanged for `settings.frozen_epochs`: bool (rows,) by the variable's path.
        state: a state to continue from, inside an epoch too, with the same batches and settings; it is changed in
            place. None begins with the network's weights.

    Returns:
        The history; the network holds the weights that `settings.keep` names. Ctrl-C ends training early and keeps
        the finished epochs, or within the first epoch its last weights.

    Raises:
        SettingsError: if the loss becomes infinite or undefined before there are good weights to keep.
        ValueError: if the arrays of `state` do not fit the network.
    """
    tokens = training.target_tokens / len(training)
    update = make_update(network, make_optimizer(settings), tokens=tokens, smoothing=settings.label_smoothing)
    state = state or TrainingState.from_seed(settings.seed)
    with Interruption() as interruption:
        chosen = [*_callbacks(network, validation, settings, frozen or {}), *callbacks, interruption]
        run = loop.run(state, training, update, chosen, Schedule(settings, len(training)))
    return History(tuple(state.history), run.kept_epoch, interruption.requested, run.diverged, state.stopped)


def _callbacks(
    network: Any, validation: Batches | None, settings: TrainingSettings, frozen: Mapping[str, np.ndarray]
) -> list[Callback]:
    """Return the callbacks that the settings ask for."""
    chosen: list[Callback] = [Divergence(), BestWeights(network, settings.keep), TimeLimit()]
    if frozen:
        chosen.append(FrozenVectors(frozen, settings.frozen_epochs))
    if validation:
        chosen.append(Validation(network, validation))
    if settings.patience:
        chosen.append(EarlyStopping(settings.patience))
    return chosen
