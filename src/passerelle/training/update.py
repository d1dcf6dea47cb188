"""One update of the weights from one batch, as lean as the backend allows."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from passerelle.data.batches import Batch
from passerelle.training.loss import cross_entropy_sums
from passerelle.training.scheduled_sampling import own_inputs

__all__ = ["CompiledUpdate", "PortableUpdate", "make_update"]


def make_update(
    network: Any, optimizer: Any, *, tokens: float, smoothing: float = 0.0
) -> "CompiledUpdate | PortableUpdate":
    """Returns the update for the backend that Keras runs on.

    Args:
        network: takes `{"source", "target"}`, gives logits; `first_target` is the id of column 0, `target_size`
            the number of target ids.
        optimizer: a Keras optimizer of its own.
        tokens: mean number of labels in a batch, by which each batch's summed loss is divided. With its own number
            instead, a token in a batch of short texts would weigh more than one in a batch of long texts.
        smoothing: share of each label spread over all columns.
    """
    kind = CompiledUpdate if keras.backend.backend() == "jax" else PortableUpdate
    return kind(network, optimizer, tokens, smoothing)


class CompiledUpdate:
    """On JAX: one compiled program for the gradients, one for the optimizer, whose arrays stay in place.

    `Model.fit` does the same work, but more around it (docs/performance.md). The optimizer's program is by itself
    because it is the same for batches of all shapes, and compiling it with each took a third of the compiling.
    """

    def __init__(self, network: Any, optimizer: Any, tokens: float, smoothing: float = 0.0):
        import jax

        optimizer.build(network.trainable_variables)
        self._network = network
        self._memory: list[Any]
        # Copies: the programs consume what they are given, and the variables must stay readable.
        self._trainable, self._fixed, self._memory = (
            [jax.numpy.array(variable.value, copy=True) for variable in group]
            for group in (network.trainable_variables, network.non_trainable_variables, optimizer.variables)
        )
        self._rate = next(i for i, own in enumerate(optimizer.variables) if own is optimizer.learning_rate)
        self._sums: Any = np.zeros(3, np.float32)
        self.hold({})

        def loss(trainable: Any, fixed: Any, inputs: Any, labels: Any) -> Any:
            logits, fixed = network.stateless_call(trainable, fixed, inputs, training=True)
            sums = cross_entropy_sums(
                logits,
                labels,
                first=network.first_target,
                smoothing=smoothing,
                ordinary=network.target_size - network.first_target,
            )
            return sums[0] / tokens, (ops.stack(sums), fixed)

        def gradients(trainable: Any, fixed: Any, sums: Any, inputs: Any, labels: Any, right: Any) -> Any:
            if right is not None:
                variables = [*network.trainable_variables, *network.non_trainable_variables]
                with keras.StatelessScope(state_mapping=list(zip(variables, [*trainable, *fixed], strict=True))):
                    inputs = inputs | {"target": own_inputs(network, inputs, right)}
            (_, (batch, fixed)), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, fixed, inputs, labels)
            return gradients, fixed, sums + batch

        def apply(memory: Any, gradients: Any, trainable: Any, held: Any) -> Any:
            # Both: what is held counts in no norm of gradients, and no decay of weights reaches it.
            none = [0.0] * len(held)
            after, memory = optimizer.stateless_apply(memory, _kept(none, gradients, held), trainable)
            return _kept(trainable, after, held), memory

        self._gradients = jax.jit(gradients, donate_argnums=(1, 2))
        self._apply = jax.jit(apply, donate_argnums=(0, 2))

    def __call__(self, batch: Batch, right: np.ndarray | None = None, *, rate: float | None = None) -> None:
        """Updates the weights; returns before the work is done.

        Args:
            batch: the pairs.
            right: bool (batch, T), where the decoder reads the right token and not its own choice; None: everywhere.
            rate: the step size from now on; None leaves it.
        """
        if rate is not None:
            self._memory[self._rate] = np.float32(rate)
        gradients, self._fixed, self._sums = self._gradients(
            self._trainable, self._fixed, self._sums, batch.inputs, batch.labels, right
        )
        self._trainable, self._memory = self._apply(self._memory, gradients, self._trainable, self._held)

    def hold(self, rows: Mapping[str, np.ndarray]) -> None:
        """From now on some rows stay as they are, until it is called again.

        Args:
            rows: bool (rows,) by the path of a variable (rows, width).
        """
        held = [rows.get(variable.path) for variable in self._network.trainable_variables]
        self._held = [None if which is None else which[:, None] for which in held]

    def sums(self) -> tuple[float, float, float]:
        """Loss, tokens and right answers since the last `reset`; waits for all updates."""
        loss, tokens, correct = np.asarray(self._sums).tolist()
        return loss, tokens, correct

    def reset(self) -> None:
        """Begins the sums anew."""
        self._sums = np.zeros(3, np.float32)

    def sync(self) -> None:
        """Copies the weights into the network's variables."""
        variables = [*self._network.trainable_variables, *self._network.non_trainable_variables]
        for variable, value in zip(variables, [*self._trainable, *self._fixed], strict=True):
            variable.assign(np.asarray(value))


def _kept(old: Any, new: Any, held: Any) -> list[Any]:
    """Each array of `new`, with what `old` has in the rows that are held."""
    return [
        after if rows is None else ops.where(rows, before, after)
        for before, after, rows in zip(old, new, held, strict=True)
    ]


class PortableUpdate:
    """On any backend: a Keras model of the same layers, compiled and trained batch by batch."""

    def __init__(self, network: Any, optimizer: Any, tokens: float, smoothing: float = 0.0):
        self._network = network
        self._tokens = tokens
        self._smoothing = smoothing
        self._model = keras.Model(network.input, network.output)
        self._model.compile(optimizer, loss=self._loss, metrics=[self._correct])
        self.hold({})
        self.reset()

    def _loss(self, labels: Any, logits: Any) -> Any:
        network = self._network
        ordinary = network.target_size - network.first_target
        sums = cross_entropy_sums(
            logits, labels, first=network.first_target, smoothing=self._smoothing, ordinary=ordinary
        )
        return sums[0] / self._tokens

    def _correct(self, labels: Any, logits: Any) -> Any:
        return cross_entropy_sums(logits, labels, first=self._network.first_target)[2]

    def __call__(self, batch: Batch, right: np.ndarray | None = None, *, rate: float | None = None) -> None:
        """Updates the weights; see `CompiledUpdate`."""
        if rate is not None:
            self._model.optimizer.learning_rate = rate
        inputs: dict[str, Any] = dict(batch.inputs)
        if right is not None:
            inputs["target"] = own_inputs(self._network, inputs, ops.convert_to_tensor(right))
        self._model.reset_metrics()
        loss, correct = self._model.train_on_batch(inputs, batch.labels)
        counted = np.count_nonzero(batch.labels >= self._network.first_target)
        self._sums += [float(loss) * self._tokens, counted, float(correct)]
        for variable, rows, values in self._held:
            variable.assign(ops.where(rows, values, variable.value))

    def hold(self, rows: Mapping[str, np.ndarray]) -> None:
        """From now on some rows stay as they are; see `CompiledUpdate`. Here they count in the norm of gradients."""
        self._held = [
            (variable, rows[variable.path][:, None], ops.copy(variable.value))
            for variable in self._network.trainable_variables
            if variable.path in rows
        ]

    def sums(self) -> tuple[float, float, float]:
        """Loss, tokens and right answers since the last `reset`."""
        loss, tokens, correct = self._sums.tolist()
        return loss, tokens, correct

    def reset(self) -> None:
        """Begins the sums anew."""
        self._sums = np.zeros(3)

    def sync(self) -> None:
        """Nothing to do: the variables are the network's own."""
