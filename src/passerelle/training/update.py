"""The update of the weights from one batch: its interface and two implementations."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from passerelle.backend import backend_name
from passerelle.data.batches import Batch
from passerelle.errors import BackendError
from passerelle.runtime import keep_freed_memory
from passerelle.training.loss import network_sums
from passerelle.training.scheduled_sampling import mix_in_predictions
from passerelle.training.state import TrainingState, check_fit

__all__ = ["CompiledUpdate", "PortableUpdate", "Update", "make_update"]


WITHOUT_GRADIENTS = {"numpy", "openvino"}
"""Backends of Keras that cannot train."""


class Update(Protocol):
    """One optimizer step on a training state.

    A run calls `begin` once, the update for each batch, `assign` after each epoch, and `end` last.
    """

    def begin(self, state: TrainingState) -> None:
        """Prepare the state's arrays for updates.

        Args:
            state: training state. If it has no arrays, it receives copies of the network's and the optimizer's.

        Raises:
            RunError: if the state's arrays do not fit the network and the optimizer.
        """
        ...

    def __call__(
        self, state: TrainingState, batch: Batch, teacher_forced: np.ndarray | None = None, *, rate: float | None = None
    ) -> None:
        """Update the state's `trainable`, `non_trainable`, `optimizer` and `sums`, possibly asynchronously.

        Args:
            state: a state that was passed to `begin`.
            batch: padded arrays of pairs.
            teacher_forced: bool (batch, T), True where the decoder reads the target token, False where it reads its own
                prediction; None means True everywhere.
            rate: new learning rate; None means no change.
        """
        ...

    def freeze(self, rows: Mapping[str, np.ndarray]) -> None:
        """Freeze rows of variables until the next call of this method. Call it after `begin`.

        Args:
            rows: variable path -> bool (rows,) for a variable (rows, width), True where a row is frozen.
        """
        ...

    def assign(self, state: TrainingState) -> None:
        """Copy the state's weights into the network's variables."""
        ...

    def end(self, state: TrainingState) -> None:
        """Make the state independent of the network, so that later changes of its weights do not affect it."""
        ...


def make_update(network: Any, optimizer: Any, *, tokens: float, smoothing: float = 0.0) -> Update:
    """Return the update for the current Keras backend.

    Args:
        network: maps the inputs of a batch to logits; see `loss.network_sums`.
        optimizer: a Keras optimizer that nothing else uses.
        tokens: mean number of labels per batch; divides the summed loss of each batch. A division by the batch's actual
            number would give tokens in batches of short texts larger weights than tokens in batches of long texts.
        smoothing: label smoothing; see `loss.cross_entropy_sums`.

    Raises:
        BackendError: if the backend has no gradients.
    """
    if backend_name() in WITHOUT_GRADIENTS:
        raise BackendError(
            f"Keras's backend {backend_name()} can translate but not train. Unset KERAS_BACKEND to train with JAX."
        )
    kind = CompiledUpdate if backend_name() == "jax" else PortableUpdate
    return kind(network, optimizer, tokens, smoothing)


class CompiledUpdate:
    """The update on JAX: a compiled program for the gradients and one for the optimizer, both with donated arrays.

    `Model.fit` does the same work with more overhead (docs/performance.md). The optimizer has a separate program
    because it does not depend on the batch shape. If it were compiled with the gradients of each shape, it would take a
    third of the compile time.
    """

    def __init__(self, network: Any, optimizer: Any, tokens: float, smoothing: float = 0.0):
        keep_freed_memory()
        optimizer.build(network.trainable_variables)
        self._network = network
        self._optimizer = optimizer
        self._rate = next(i for i, variable in enumerate(optimizer.variables) if variable is optimizer.learning_rate)
        self._gradients = _gradients_program(network, tokens, smoothing)
        self._apply = _optimizer_program(optimizer)
        self.freeze({})

    def begin(self, state: TrainingState) -> None:
        """Copy the state's arrays to the device; see `Update`."""
        from jax import numpy as jnp

        groups = _variables(self._network, self._optimizer)
        if not state.trainable:
            for name, variables in groups.items():
                setattr(state, name, [variable.value for variable in variables])
        check_fit(state, **groups)
        # Copy the arrays: the programs donate their inputs, and the variables must stay valid.
        for name in groups:
            setattr(state, name, [jnp.array(array, copy=True) for array in getattr(state, name)])

    def __call__(
        self, state: TrainingState, batch: Batch, teacher_forced: np.ndarray | None = None, *, rate: float | None = None
    ) -> None:
        """Update the state; the computation is asynchronous. See `Update`."""
        if rate is not None:
            state.optimizer[self._rate] = np.float32(rate)
        gradients, state.non_trainable, state.sums = self._gradients(
            state.trainable, state.non_trainable, state.sums, batch.inputs, batch.labels, teacher_forced
        )
        state.trainable, state.optimizer = self._apply(state.optimizer, gradients, state.trainable, self._frozen)

    def freeze(self, rows: Mapping[str, np.ndarray]) -> None:
        """Freeze rows; they have no part in the gradient norm and no weight decay. See `Update`."""
        masks = [rows.get(variable.path) for variable in self._network.trainable_variables]
        self._frozen = [None if mask is None else mask[:, None] for mask in masks]

    def assign(self, state: TrainingState) -> None:
        """Copy the weights into the network's variables."""
        variables = [*self._network.trainable_variables, *self._network.non_trainable_variables]
        for variable, value in zip(variables, [*state.trainable, *state.non_trainable], strict=True):
            variable.assign(np.asarray(value))

    def end(self, state: TrainingState) -> None:
        """Do nothing: the state's arrays are copies."""


def _gradients_program(network: Any, tokens: float, smoothing: float) -> Any:
    """Compile (trainable, non_trainable, sums, inputs, labels, teacher_forced) -> (gradients, non_trainable, sums)."""
    import jax

    def loss(trainable: Any, non_trainable: Any, inputs: Any, labels: Any) -> Any:
        logits, non_trainable = network.stateless_call(trainable, non_trainable, inputs, training=True)
        sums = network_sums(network, logits, labels, smoothing=smoothing)
        return sums[0] / tokens, (ops.stack(sums), non_trainable)

    def gradients(trainable: Any, non_trainable: Any, sums: Any, inputs: Any, labels: Any, teacher_forced: Any) -> Any:
        if teacher_forced is not None:
            variables = [*network.trainable_variables, *network.non_trainable_variables]
            with keras.StatelessScope(state_mapping=list(zip(variables, [*trainable, *non_trainable], strict=True))):
                inputs = mix_in_predictions(network, inputs, teacher_forced)
        loss_and_gradients = jax.value_and_grad(loss, has_aux=True)
        (_, (batch_sums, non_trainable)), gradients = loss_and_gradients(trainable, non_trainable, inputs, labels)
        return gradients, non_trainable, sums + batch_sums

    return jax.jit(gradients, donate_argnums=(1, 2))


def _optimizer_program(optimizer: Any) -> Any:
    """Compile (optimizer variables, gradients, trainable, frozen) -> (trainable, optimizer variables)."""
    import jax

    def apply(variables: Any, gradients: Any, trainable: Any, frozen: Any) -> Any:
        # Zero gradients keep frozen rows out of the gradient norm; restoring the rows undoes momentum and weight decay.
        zeros = [0.0] * len(frozen)
        gradients = _restore_frozen_rows(zeros, gradients, frozen)
        updated, variables = optimizer.stateless_apply(variables, gradients, trainable)
        return _restore_frozen_rows(trainable, updated, frozen), variables

    return jax.jit(apply, donate_argnums=(0, 2))


def _restore_frozen_rows(old: Any, new: Any, frozen: Any) -> list[Any]:
    """Return the arrays of `new`, with the frozen rows replaced by those of `old`."""
    return [
        after if rows is None else ops.where(rows, before, after)
        for before, after, rows in zip(old, new, frozen, strict=True)
    ]


def _variables(network: Any, optimizer: Any) -> dict[str, list[Any]]:
    """Return the variables for each list of arrays in `TrainingState`, by its name."""
    return {
        "trainable": list(network.trainable_variables),
        "non_trainable": list(network.non_trainable_variables),
        "optimizer": list(optimizer.variables),
    }


class PortableUpdate:
    """The update on any backend: `train_on_batch` of a Keras model with the same layers.

    Keras's variables store the arrays. During a run the lists of the state contain these variables.
    """

    def __init__(self, network: Any, optimizer: Any, tokens: float, smoothing: float = 0.0):
        self._network = network
        self._optimizer = optimizer
        self._tokens = tokens
        self._model = _TrainingModel(network.input, network.output)
        self._model.compute_sums = lambda logits, labels: network_sums(network, logits, labels, smoothing=smoothing)
        self._model.tokens = tokens
        optimizer.build(self._model.trainable_variables)
        self._model.compile(optimizer)
        self.freeze({})

    def begin(self, state: TrainingState) -> None:
        """Assign the state's arrays, if it has any, to the variables; see `Update`."""
        groups = _variables(self._network, self._optimizer)
        if state.trainable:
            check_fit(state, **groups)
        for name, variables in groups.items():
            for variable, value in zip(variables, getattr(state, name), strict=False):  # the list may be empty
                variable.assign(value)
            setattr(state, name, variables)

    def __call__(
        self, state: TrainingState, batch: Batch, teacher_forced: np.ndarray | None = None, *, rate: float | None = None
    ) -> None:
        """Update the state; see `Update`."""
        if rate is not None:
            self._model.optimizer.learning_rate = rate
        inputs: dict[str, Any] = dict(batch.inputs)
        if teacher_forced is not None:
            inputs = mix_in_predictions(self._network, inputs, ops.convert_to_tensor(teacher_forced))
        self._model.reset_metrics()
        metrics = self._model.train_on_batch(inputs, batch.labels, return_dict=True)
        loss = float(metrics["loss"]) * self._tokens
        sums = np.array([loss, float(metrics["counted"]), float(metrics["correct"])])
        state.sums = np.asarray(state.sums, np.float64) + sums
        for variable, rows, values in self._frozen:
            variable.assign(ops.where(rows, values, variable.value))

    def freeze(self, rows: Mapping[str, np.ndarray]) -> None:
        """Freeze rows; unlike in `CompiledUpdate` their gradients are part of the gradient norm. See `Update`."""
        self._frozen = [
            (variable, rows[variable.path][:, None], ops.copy(variable.value))
            for variable in self._network.trainable_variables
            if variable.path in rows
        ]

    def assign(self, state: TrainingState) -> None:
        """Do nothing: the updated variables are those of the network."""

    def end(self, state: TrainingState) -> None:
        """Replace the variables in the state by NumPy copies."""
        for name in _variables(self._network, self._optimizer):
            setattr(state, name, [np.array(variable) for variable in getattr(state, name)])


class _TrainingModel(keras.Model):
    """A Keras model of the network's layers whose loss covers all outputs and whose metrics count tokens.

    Attributes:
        compute_sums: function (logits, labels) -> sums of loss, tokens and correct predictions.
        tokens: divisor of the summed loss.
    """

    compute_sums: Any
    tokens: float

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.counted = keras.metrics.Sum(name="counted")
        self.correct = keras.metrics.Sum(name="correct")

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        loss, counted, correct = self.compute_sums(y_pred, y)
        self.counted.update_state(counted)
        self.correct.update_state(correct)
        return loss / self.tokens
