"""One update of the weights from one batch, as lean as the backend allows."""

from typing import Any

import keras
import numpy as np
from keras import ops

from passerelle.data.batches import Batch
from passerelle.training.loss import cross_entropy_sums

__all__ = ["CompiledUpdate", "PortableUpdate", "make_update"]


def make_update(
    network: Any, optimizer: Any, *, symbols: float, smoothing: float = 0.0
) -> "CompiledUpdate | PortableUpdate":
    """Returns the update for the backend that Keras runs on.

    Args:
        network: takes `{"source_ids", "target_ids"}`, gives logits; `first_target` is the id of column 0.
        optimizer: a Keras optimizer of its own.
        symbols: mean number of labels in a batch, by which each batch's summed loss is divided. With its own number
            instead, a symbol in a batch of short texts would weigh more than one in a batch of long texts.
        smoothing: share of each label spread over all columns.
    """
    kind = CompiledUpdate if keras.backend.backend() == "jax" else PortableUpdate
    return kind(network, optimizer, symbols, smoothing)


class CompiledUpdate:
    """On JAX: one compiled program for the gradients, one for the optimizer, whose arrays stay in place.

    `Model.fit` does the same work, but more around it (docs/performance.md). The optimizer's program is by itself
    because it is the same for batches of all shapes, and compiling it with each took a third of the compiling.
    """

    def __init__(self, network: Any, optimizer: Any, symbols: float, smoothing: float = 0.0):
        import jax

        optimizer.build(network.trainable_variables)
        self._network = network
        # Copies: the programs consume what they are given, and the variables must stay readable.
        self._trainable, self._fixed, self._memory = (
            [jax.numpy.array(variable.value, copy=True) for variable in group]
            for group in (network.trainable_variables, network.non_trainable_variables, optimizer.variables)
        )
        self._sums: Any = np.zeros(3, np.float32)

        def loss(trainable: Any, fixed: Any, source: Any, target: Any) -> Any:
            inputs = {"source_ids": source, "target_ids": target[:, :-1]}
            logits, fixed = network.stateless_call(trainable, fixed, inputs, training=True)
            sums = cross_entropy_sums(logits, target[:, 1:], first=network.first_target, smoothing=smoothing)
            return sums[0] / symbols, (ops.stack(sums), fixed)

        def gradients(trainable: Any, fixed: Any, sums: Any, source: Any, target: Any) -> Any:
            (_, (batch, fixed)), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, fixed, source, target)
            return gradients, fixed, sums + batch

        self._gradients = jax.jit(gradients, donate_argnums=(1, 2))
        self._apply = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))

    def __call__(self, batch: Batch) -> None:
        """Updates the weights; returns before the work is done."""
        gradients, self._fixed, self._sums = self._gradients(
            self._trainable, self._fixed, self._sums, batch.source, batch.target
        )
        self._trainable, self._memory = self._apply(self._memory, gradients, self._trainable)

    def sums(self) -> tuple[float, float, float]:
        """Loss, symbols and right answers since the last `reset`; waits for all updates."""
        loss, symbols, correct = np.asarray(self._sums).tolist()
        return loss, symbols, correct

    def reset(self) -> None:
        """Begins the sums anew."""
        self._sums = np.zeros(3, np.float32)

    def sync(self) -> None:
        """Copies the weights into the network's variables."""
        variables = [*self._network.trainable_variables, *self._network.non_trainable_variables]
        for variable, value in zip(variables, [*self._trainable, *self._fixed], strict=True):
            variable.assign(np.asarray(value))


class PortableUpdate:
    """On any backend: a Keras model of the same layers, compiled and trained batch by batch."""

    def __init__(self, network: Any, optimizer: Any, symbols: float, smoothing: float = 0.0):
        self._first = network.first_target
        self._symbols = symbols
        self._smoothing = smoothing
        self._model = keras.Model(network.inputs, network.outputs)
        self._model.compile(optimizer, loss=self._loss, metrics=[self._correct])
        self.reset()

    def _loss(self, labels: Any, logits: Any) -> Any:
        return cross_entropy_sums(logits, labels, first=self._first, smoothing=self._smoothing)[0] / self._symbols

    def _correct(self, labels: Any, logits: Any) -> Any:
        return cross_entropy_sums(logits, labels, first=self._first)[2]

    def __call__(self, batch: Batch) -> None:
        """Updates the weights."""
        labels = batch.target[:, 1:]
        self._model.reset_metrics()
        loss, correct = self._model.train_on_batch([batch.source, batch.target[:, :-1]], labels)
        self._sums += [float(loss) * self._symbols, np.count_nonzero(labels >= self._first), float(correct)]

    def sums(self) -> tuple[float, float, float]:
        """Loss, symbols and right answers since the last `reset`."""
        loss, symbols, correct = self._sums.tolist()
        return loss, symbols, correct

    def reset(self) -> None:
        """Begins the sums anew."""
        self._sums = np.zeros(3)

    def sync(self) -> None:
        """Nothing to do: the variables are the network's own."""
