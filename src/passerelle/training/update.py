"""The update of the weights from one batch: its interface and two implementations."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import keras
import numpy as np
from keras import ops

from passerelle.backend import backend_name
from passerelle.data.batches import Batch
from passerelle.errors import BackendError
from passerelle.parallel.row_mesh import RowMesh, row_mesh
from passerelle.parallel.share import Share
from passerelle.runtime import keep_freed_memory
from passerelle.training.loss import network_sums
from passerelle.training.optimizer import moving_averages
from passerelle.training.scheduled_sampling import mix_in_predictions
from passerelle.training.state import TrainingState, check_fit, share_state

__all__ = ["MAX_SKIPPED", "CompiledUpdate", "PortableUpdate", "Update", "make_update"]

MAX_SKIPPED = 20
"""Number of skipped updates in a row after which the weights do not change any more."""

WITHOUT_GRADIENTS = {"numpy", "openvino"}
"""Backends of Keras that cannot train."""


class Update(Protocol):
    """One optimizer step on a training state.

    A run calls `begin` once, the update for each batch, `assign` after each epoch, and `end` last.

    Attributes:
        share: the rows of each batch that this process must pass; None for whole batches. See `Batches.shared`.
    """

    share: Share | None

    def begin(self, state: TrainingState) -> None:
        """Prepare the state's arrays for updates.

        Args:
            state: training state. If it has no arrays, it receives copies of the network's and the optimizer's. With
                several processes, all receive the state of the first one.

        Raises:
            RunError: if the state's arrays do not fit the network and the optimizer.
        """
        ...

    def __call__(
        self,
        state: TrainingState,
        batch: Batch,
        teacher_forced: np.ndarray | None = None,
        *,
        rate: float | None = None,
        complete: bool = True,
    ) -> None:
        """Update the state's arrays, possibly asynchronously.

        An update whose gradients are not finite is skipped: weights, optimizer arrays and `sums` do not change, and
        `skipped` counts it. After `MAX_SKIPPED` skipped updates in a row, all further ones are skipped too, so that the
        weights do not depend on the moment at which the run ends.

        Args:
            state: a state that was passed to `begin`.
            batch: padded arrays of pairs, with the rows of `share`.
            teacher_forced: bool (batch, T) of the whole batch, True where the decoder reads the target token, False
                where it reads its own prediction; None means True everywhere.
            rate: new learning rate; None means no change.
            complete: False only adds up the gradients, for the next complete call (gradient accumulation). Between the
                two, the state cannot be saved.
        """
        ...

    def freeze(self, rows: Mapping[str, np.ndarray]) -> None:
        """Freeze rows of variables until the next call of this method. Call it after `begin`.

        Args:
            rows: variable path -> bool (rows,) for a variable (rows, width), True where a row is frozen.
        """
        ...

    def assign(self, state: TrainingState) -> None:
        """Copy the state's weights into the network's variables.

        Until the next update, other weights may be assigned to the network; the state does not change.
        """
        ...

    def end(self, state: TrainingState) -> None:
        """Make the state independent of the network, so that later changes of its weights do not affect it."""
        ...


def make_update(
    network: Any,
    optimizer: Any,
    *,
    tokens: float,
    smoothing: float = 0.0,
    weights: Mapping[str, float] | None = None,
) -> Update:
    """Return the update for the current Keras backend.

    Args:
        network: maps the inputs of a batch to logits; see `loss.network_sums`.
        optimizer: a Keras optimizer that nothing else uses.
        tokens: mean number of labels per update; divides the summed loss of each update. A division by the actual
            number would give tokens in batches of short texts larger weights than tokens in batches of long texts.
        smoothing: label smoothing; see `loss.cross_entropy_sums`.
        weights: weight of the tokens of each output; see `loss.output_weights`.

    Raises:
        BackendError: if the backend has no gradients.
    """
    if backend_name() in WITHOUT_GRADIENTS:
        raise BackendError(
            f"Keras's backend {backend_name()} can translate but not train. Unset KERAS_BACKEND to train with JAX."
        )
    kind = CompiledUpdate if backend_name() == "jax" else PortableUpdate
    return kind(network, optimizer, tokens, smoothing, weights)


class CompiledUpdate:
    """The update on JAX: a compiled program for the gradients and one for the optimizer, both with donated arrays.

    `Model.fit` does the same work with more overhead (docs/performance.md). The optimizer has a separate program
    because it does not depend on the batch shape. If it were compiled with the gradients of each shape, it would take a
    third of the compile time.

    If several processes train together, each computes the gradients of its rows of a batch, and their sum is that of
    the whole batch, to rounding. Each process has all weights, and updates them.
    """

    def __init__(
        self,
        network: Any,
        optimizer: Any,
        tokens: float,
        smoothing: float = 0.0,
        weights: Mapping[str, float] | None = None,
    ):
        keep_freed_memory()
        optimizer.build(network.trainable_variables)
        self._network = network
        self._optimizer = optimizer
        self._mesh = row_mesh()
        self.share = None if self._mesh is None else self._mesh.share
        self._rate = next(i for i, variable in enumerate(optimizer.variables) if variable is optimizer.learning_rate)
        self._gradients = _gradients_program(network, tokens, smoothing, weights, self._mesh)
        self._add = _addition_program()
        self._apply = _optimizer_program(optimizer)
        self._accumulated: Any = None
        self.freeze({})

    def begin(self, state: TrainingState) -> None:
        """Copy the state's arrays to the device; see `Update`."""
        from jax import numpy as jnp

        groups = _variables(self._network, self._optimizer)
        if not state.trainable:
            for name, variables in groups.items():
                setattr(state, name, [variable.value for variable in variables])
        check_fit(state, **groups)
        share_state(state)
        self._accumulated = None
        # Copy the arrays: the programs donate their inputs, and the variables must stay valid.
        copy = partial(jnp.array, copy=True) if self._mesh is None else self._mesh.replicate
        for name in groups:
            setattr(state, name, [copy(array) for array in getattr(state, name)])

    def __call__(
        self,
        state: TrainingState,
        batch: Batch,
        teacher_forced: np.ndarray | None = None,
        *,
        rate: float | None = None,
        complete: bool = True,
    ) -> None:
        """Update the state; the computation is asynchronous. See `Update`."""
        if rate is not None:
            state.optimizer[self._rate] = np.float32(rate)
        arrays: Any = (batch.inputs, batch.labels, teacher_forced)
        if self._mesh is not None:
            own = None if teacher_forced is None else self._mesh.share.of(teacher_forced)
            arrays = self._mesh.divide((batch.inputs, batch.labels, own))
        gradients, state.non_trainable, sums = self._gradients(state.trainable, state.non_trainable, *arrays)
        if self._accumulated is not None:
            gradients, sums = self._add(self._accumulated, (gradients, sums))
        self._accumulated = None if complete else (gradients, sums)
        if complete:
            state.trainable, state.optimizer, state.sums, state.skipped = self._apply(
                state.optimizer, gradients, state.trainable, self._frozen, state.sums, sums, state.skipped
            )

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


def _gradients_program(
    network: Any, tokens: float, smoothing: float, weights: Mapping[str, float] | None, mesh: RowMesh | None
) -> Any:
    """Compile (trainable, non_trainable, inputs, labels, teacher_forced) -> (gradients, non_trainable, sums)."""
    import jax

    def loss(trainable: Any, non_trainable: Any, inputs: Any, labels: Any) -> Any:
        logits, non_trainable = network.stateless_call(trainable, non_trainable, inputs, training=True)
        sums = network_sums(network, logits, labels, smoothing=smoothing, weights=weights)
        return sums[0] / tokens, (ops.stack(sums), non_trainable)

    def gradients(trainable: Any, non_trainable: Any, inputs: Any, labels: Any, teacher_forced: Any) -> Any:
        if teacher_forced is not None:
            variables = [*network.trainable_variables, *network.non_trainable_variables]
            with keras.StatelessScope(state_mapping=list(zip(variables, [*trainable, *non_trainable], strict=True))):
                inputs = mix_in_predictions(network, inputs, teacher_forced)
        loss_and_gradients = jax.value_and_grad(loss, has_aux=True)
        (_, (sums, non_trainable)), gradients = loss_and_gradients(trainable, non_trainable, inputs, labels)
        if mesh is not None:
            gradients, sums = mesh.sum((gradients, sums))
        return gradients, non_trainable, sums

    return jax.jit(gradients, donate_argnums=1) if mesh is None else mesh.program(gradients, whole=2, donate=(1,))


def _addition_program() -> Any:
    """Compile (arrays, arrays) -> their sums."""
    import jax

    return jax.jit(lambda left, right: jax.tree.map(ops.add, left, right), donate_argnums=0)


def _optimizer_program(optimizer: Any) -> Any:
    """Compile one optimizer step; `batch_sums` are the sums of its batches.

    (optimizer variables, gradients, trainable, frozen, sums, batch_sums, skipped) -> (trainable, optimizer variables,
    sums, skipped)
    """
    import jax

    averages = moving_averages(optimizer)

    def apply(
        variables: Any, gradients: Any, trainable: Any, frozen: Any, sums: Any, batch_sums: Any, skipped: Any
    ) -> Any:
        # Zero gradients keep frozen rows out of the gradient norm; restoring the rows undoes momentum and weight decay.
        gradients = _restore_frozen_rows([0.0] * len(frozen), gradients, frozen)
        used = _have_finite_norm(gradients) & (skipped[2] < MAX_SKIPPED)

        def step(trainable: Any, variables: Any, sums: Any) -> Any:
            updated, variables = optimizer.stateless_apply(variables, gradients, trainable)
            averaged = _restore_frozen_rows(trainable, [variables[index] for index in averages], frozen)
            for index, average in zip(averages, averaged, strict=True):
                variables[index] = average
            return _restore_frozen_rows(trainable, updated, frozen), variables, sums + batch_sums

        # A conditional overwrites the donated arrays in place. Selecting old or new values would double the time.
        results = jax.lax.cond(
            used,
            step,
            lambda trainable, variables, sums: (list(trainable), list(variables), sums),
            trainable, variables, sums,
        )  # fmt: skip
        return *results, _count_skipped(skipped, used)

    return jax.jit(apply, donate_argnums=(0, 2))


def _have_finite_norm(gradients: Any) -> Any:
    """Return whether the norm of all gradients is finite, bool ()."""
    from jax import numpy as jnp

    return jnp.isfinite(sum(jnp.vdot(gradient, gradient) for gradient in gradients))  # no array of squares is made


def _count_skipped(skipped: Any, used: Any) -> Any:
    """Return `TrainingState.skipped` after an update that was used or skipped, bool ()."""
    one: Any = ops.cast(ops.logical_not(used), "int32")
    row: Any = (skipped[1] + one) * one
    return ops.stack([skipped[0] + one, row, ops.maximum(skipped[2], row)])


def _restore_frozen_rows(old: Any, new: Any, frozen: Any) -> list[Any]:
    """Return the arrays of `new`, with the frozen rows replaced by those of `old`."""
    return [
        after if rows is None else ops.where(rows, before, after)
        for before, after, rows in zip(old, new, frozen, strict=False)  # `new` may be empty
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

    share: Share | None = None

    def __init__(
        self,
        network: Any,
        optimizer: Any,
        tokens: float,
        smoothing: float = 0.0,
        weights: Mapping[str, float] | None = None,
    ):
        self._network = network
        self._optimizer = optimizer
        self._tokens = tokens
        self._model = _TrainingModel(network.input, network.output)
        self._model.compute_sums = lambda logits, labels: network_sums(
            network, logits, labels, smoothing=smoothing, weights=weights
        )
        self._model.tokens = tokens
        optimizer.build(self._model.trainable_variables)
        _skip_if_not_finite(optimizer, self._model.trainable_variables)
        self._model.compile(optimizer)
        self._bound = False
        self.freeze({})

    def begin(self, state: TrainingState) -> None:
        """Assign the state's arrays, if it has any, to the variables; see `Update`."""
        self._bound = True
        groups = _variables(self._network, self._optimizer)
        if state.trainable:
            check_fit(state, **groups)
        for name, variables in groups.items():
            for variable, value in zip(variables, getattr(state, name), strict=False):  # the list may be empty
                variable.assign(value)
            setattr(state, name, variables)

    def __call__(
        self,
        state: TrainingState,
        batch: Batch,
        teacher_forced: np.ndarray | None = None,
        *,
        rate: float | None = None,
        complete: bool = True,
    ) -> None:
        """Update the state; see `Update`.

        Raises:
            BackendError: if the update is not complete: gradients can only be accumulated on JAX.
        """
        if not complete:
            raise BackendError(
                f"Keras's backend {backend_name()} cannot accumulate gradients here. Set training.accumulation to 1, "
                "or unset KERAS_BACKEND to train with JAX."
            )
        if not self._bound:
            self.begin(state)
        if rate is not None:
            self._model.optimizer.learning_rate = rate
        inputs: dict[str, Any] = dict(batch.inputs)
        if teacher_forced is not None:
            inputs = mix_in_predictions(self._network, inputs, ops.convert_to_tensor(teacher_forced))
        done = int(self._optimizer.iterations)
        self._model.reset_metrics()
        metrics: Any = {}
        if state.skipped[2] < MAX_SKIPPED:
            metrics = self._model.train_on_batch(inputs, batch.labels, return_dict=True)
        used = int(self._optimizer.iterations) > done
        state.skipped = ops.convert_to_numpy(_count_skipped(state.skipped, used))
        if used:
            loss = float(metrics["loss"]) * self._tokens
            sums = np.array([loss, float(metrics["counted"]), float(metrics["correct"])])
            state.sums = np.asarray(state.sums, np.float64) + sums
        for variable, rows, values in self._frozen:
            variable.assign(ops.where(rows, values, variable.value))

    def freeze(self, rows: Mapping[str, np.ndarray]) -> None:
        """Freeze rows; unlike in `CompiledUpdate` their gradients are part of the gradient norm. See `Update`."""
        trainable, variables = self._network.trainable_variables, self._optimizer.variables
        averages = [variables[index] for index in moving_averages(self._optimizer)] or trainable
        self._frozen = [
            (each, rows[variable.path][:, None], ops.copy(variable.value))
            for variable, average in zip(trainable, averages, strict=True)
            if variable.path in rows
            for each in (variable, average)
        ]

    def assign(self, state: TrainingState) -> None:
        """Assign the state's weights to the network, and keep NumPy copies in the state until the next update."""
        if not self._bound:
            self.begin(state)
        self.end(state)

    def end(self, state: TrainingState) -> None:
        """Replace the variables in the state by NumPy copies."""
        self._bound = False
        for name in _variables(self._network, self._optimizer):
            setattr(state, name, [np.array(variable) for variable in getattr(state, name)])


def _skip_if_not_finite(optimizer: Any, trainable: Any) -> None:
    """Make `optimizer.apply` undo its changes if the gradients are not finite, also within a compiled train step."""
    apply = optimizer.apply

    def apply_if_finite(gradients: Any, trainable_variables: Any = None) -> None:
        finite: Any = True
        for gradient in gradients:
            finite = ops.logical_and(finite, ops.isfinite(ops.sum(ops.square(gradient))))
        variables = [*optimizer.variables, *trainable]
        before = [ops.copy(variable.value) for variable in variables]
        apply(gradients, trainable_variables)
        for variable, value in zip(variables, before, strict=True):
            variable.assign(ops.where(finite, variable.value, value))

    optimizer.apply = apply_if_finite


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
