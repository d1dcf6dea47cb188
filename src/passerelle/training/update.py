"""One update of the weights from one batch: the interface, and its two implementations."""

from collections.abc import Mapping
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from passerelle.data.batches import Batch
from passerelle.runtime import keep_freed_memory
from passerelle.training.loss import network_sums
from passerelle.training.scheduled_sampling import mix_in_predictions
from passerelle.training.state import TrainingState, check_fit

__all__ = ["CompiledUpdate", "PortableUpdate", "Update", "make_update"]


class Update(Protocol):
    """Changes a training state by one batch.

    A run calls `begin` once, then the update for each batch and `assign` after each epoch, and `end` last.
    """

    def begin(self, state: TrainingState) -> None:
        """Prepare the state's arrays for updates.

        Args:
            state: without arrays, it gets copies of those of the network and the optimizer; with arrays, they are used.

        Raises:
            ValueError: if the state's arrays do not fit the network and the optimizer.
        """
        ...

    def __call__(
        self, state: TrainingState, batch: Batch, right: np.ndarray | None = None, *, rate: float | None = None
    ) -> None:
        """Update `trainable`, `non_trainable`, `optimizer` and `sums` of the state; may return before that is computed.

        Args:
            state: given to `begin` before.
            batch: the pairs.
            right: bool (batch, T), True where the decoder reads the right token, False where it reads its own
                prediction; None: the right token everywhere.
            rate: the learning rate from now on; None leaves it.
        """
        ...

    def freeze(self, rows: Mapping[str, np.ndarray]) -> None:
        """Keep some rows of variables unchanged until the next call; call it after `begin`.

        Args:
            rows: bool (rows,) by the path of a variable (rows, width); True where a row is frozen.
        """
        ...

    def assign(self, state: TrainingState) -> None:
        """Copy the state's weights into the network's variables."""
        ...

    def end(self, state: TrainingState) -> None:
        """Make the state independent of the network, whose weights may change from now on."""
        ...


def make_update(network: Any, optimizer: Any, *, tokens: float, smoothing: float = 0.0) -> Update:
    """Return the update for the backend that Keras runs on.

    Args:
        network: takes a batch's inputs, returns logits; see `loss.network_sums`.
        optimizer: a Keras optimizer that nothing else uses.
        tokens: mean number of labels in a batch, by which each batch's summed loss is divided. Divided by its own
            number, a token in a batch of short texts would weigh more than one in a batch of long texts.
        smoothing: share of each label spread over all columns.
    """
    kind = CompiledUpdate if keras.backend.backend() == "jax" else PortableUpdate
    return kind(network, optimizer, tokens, smoothing)


class CompiledUpdate:
    """On JAX: one compiled program for the gradients and one for the optimizer; both update their arrays in place.

    `Model.fit` does the same work with more overhead (docs/performance.md). The optimizer has a program of its own
    because it is the same for batches of all shapes; compiled together with each shape's gradients it took a third of
    the compile time.
    """

    def __init__(self, network: Any, optimizer: Any, tokens: float, smoothing: float = 0.0):
        keep_freed_memory()
        optimizer.build(network.trainable_variables)
        self._network = network
        self._optimizer = optimizer
        self._rate = next(i for i, own in enumerate(optimizer.variables) if own is optimizer.learning_rate)
        self._gradients = _gradients_program(network, tokens, smoothing)
        self._apply = _optimizer_program(optimizer)
        self.freeze({})

    def begin(self, state: TrainingState) -> None:
        """Copy the arrays to the device; see `Update`."""
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
        self, state: TrainingState, batch: Batch, right: np.ndarray | None = None, *, rate: float | None = None
    ) -> None:
        """Update the state; returns before the work is done. See `Update`."""
        if rate is not None:
            state.optimizer[self._rate] = np.float32(rate)
        gradients, state.non_trainable, state.sums = self._gradients(
            state.trainable, state.non_trainable, state.sums, batch.inputs, batch.labels, right
        )
        state.trainable, state.optimizer = self._apply(state.optimizer, gradients, state.trainable, self._frozen)

    def freeze(self, rows: Mapping[str, np.ndarray]) -> None:
        """Keep rows unchanged; they count neither in the norm of the gradients nor in weight decay. See `Update`."""
        frozen = [rows.get(variable.path) for variable in self._network.trainable_variables]
        self._frozen = [None if which is None else which[:, None] for which in frozen]

    def assign(self, state: TrainingState) -> None:
        """Copy the weights into the network's variables."""
        variables = [*self._network.trainable_variables, *self._network.non_trainable_variables]
        for variable, value in zip(variables, [*state.trainable, *state.non_trainable], strict=True):
            variable.assign(np.asarray(value))

    def end(self, state: TrainingState) -> None:
        """Nothing to do: the state's arrays are copies."""


def _gradients_program(network: Any, tokens: float, smoothing: float) -> Any:
    """Compile (trainable, non_trainable, sums, inputs, labels, right) -> (gradients, non_trainable, sums)."""
    import jax

    def loss(trainable: Any, fixed: Any, inputs: Any, labels: Any) -> Any:
        logits, fixed = network.stateless_call(trainable, fixed, inputs, training=True)
        sums = network_sums(network, logits, labels, smoothing=smoothing)
        return sums[0] / tokens, (ops.stack(sums), fixed)

    def gradients(trainable: Any, fixed: Any, sums: Any, inputs: Any, labels: Any, right: Any) -> Any:
        if right is not None:
            variables = [*network.trainable_variables, *network.non_trainable_variables]
            with keras.StatelessScope(state_mapping=list(zip(variables, [*trainable, *fixed], strict=True))):
                inputs = mix_in_predictions(network, inputs, right)
        (_, (batch, fixed)), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, fixed, inputs, labels)
        return gradients, fixed, sums + batch

    return jax.jit(gradients, donate_argnums=(1, 2))


def _optimizer_program(optimizer: Any) -> Any:
    """Compile (optimizer arrays, gradients, trainable, frozen) -> (trainable, optimizer arrays)."""
    import jax

    def apply(memory: Any, gradients: Any, trainable: Any, frozen: Any) -> Any:
        # Twice: frozen rows have no part in the norm of gradients, and weight decay does not change them.
        none = [0.0] * len(frozen)
        after, memory = optimizer.stateless_apply(memory, _restore_frozen_rows(none, gradients, frozen), trainable)
        return _restore_frozen_rows(trainable, after, frozen), memory

    return jax.jit(apply, donate_argnums=(0, 2))


def _restore_frozen_rows(old: Any, new: Any, frozen: Any) -> list[Any]:
    """Return each array of `new` with the frozen rows of `old`."""
    return [
        after if rows is None else ops.where(rows, before, after)
        for before, after, rows in zip(old, new, frozen, strict=True)
    ]


def _variables(network: Any, optimizer: Any) -> dict[str, list[Any]]:
    """Return the variables by the names of the state's lists."""
    return {
        "trainable": list(network.trainable_variables),
        "non_trainable": list(network.non_trainable_variables),
        "optimizer": list(optimizer.variables),
    }


class PortableUpdate:
    """On any backend: a Keras model of the same layers, compiled by Keras and trained batch by batch.

    The arrays are in Keras's variables, and during a run the state's lists hold these variables.
    """

    def __init__(self, network: Any, optimizer: Any, tokens: float, smoothing: float = 0.0):
        self._network = network
        self._optimizer = optimizer
        self._tokens = tokens
        self._model = _TrainingModel(network.input, network.output)
        self._model.sums_of = lambda logits, labels: network_sums(network, logits, labels, smoothing=smoothing)
        self._model.tokens = tokens
        optimizer.build(self._model.trainable_variables)
        self._model.compile(optimizer)
        self.freeze({})

    def begin(self, state: TrainingState) -> None:
        """Assign the state's arrays, if it has some, to the variables; see `Update`."""
        groups = _variables(self._network, self._optimizer)
        if state.trainable:
            check_fit(state, **groups)
        for name, variables in groups.items():
            for variable, value in zip(variables, getattr(state, name), strict=False):  # an empty list: nothing to do
                variable.assign(value)
            setattr(state, name, variables)

    def __call__(
        self, state: TrainingState, batch: Batch, right: np.ndarray | None = None, *, rate: float | None = None
    ) -> None:
        """Update the state; see `Update`."""
        if rate is not None:
            self._model.optimizer.learning_rate = rate
        inputs: dict[str, Any] = dict(batch.inputs)
        if right is not None:
            inputs = mix_in_predictions(self._network, inputs, ops.convert_to_tensor(right))
        self._model.reset_metrics()
        found = self._model.train_on_batch(inputs, batch.labels, return_dict=True)
        loss = float(found["loss"]) * self._tokens
        sums = np.array([loss, float(found["counted"]), float(found["correct"])])
        state.sums = np.asarray(state.sums, np.float64) + sums
        for variable, rows, values in self._frozen:
            variable.assign(ops.where(rows, values, variable.value))

    def freeze(self, rows: Mapping[str, np.ndarray]) -> None:
        """Keep rows unchanged; here they count in the norm of the gradients. See `Update`."""
        self._frozen = [
            (variable, rows[variable.path][:, None], ops.copy(variable.value))
            for variable in self._network.trainable_variables
            if variable.path in rows
        ]

    def assign(self, state: TrainingState) -> None:
        """Nothing to do: the variables are the network's own."""

    def end(self, state: TrainingState) -> None:
        """Copy the variables into arrays."""
        for name in _variables(self._network, self._optimizer):
            setattr(state, name, [np.array(variable) for variable in getattr(state, name)])


class _TrainingModel(keras.Model):
    """A Keras model of the network's layers, with the loss of all outputs and the counts of tokens as metrics.

    Attributes:
        sums_of: (logits, labels) -> sums of loss, tokens and correct predictions.
        tokens: by which the summed loss is divided.
    """

    sums_of: Any
    tokens: float

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.counted = keras.metrics.Sum(name="counted")
        self.correct = keras.metrics.Sum(name="correct")

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        loss, counted, correct = self.sums_of(y_pred, y)
        self.counted.update_state(counted)
        self.correct.update_state(correct)
        return loss / self.tokens
