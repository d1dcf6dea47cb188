"""One update of the weights from one batch, as lean as the backend allows."""

from typing import Any

import keras
import numpy as np
from keras import ops

from passerelle.data.batches import Batch
from passerelle.training.loss import cross_entropy_sums

__all__ = ["CompiledUpdate", "PortableUpdate", "make_update"]


def make_update(network: Any, optimizer: Any, *, smoothing: float = 0.0) -> "CompiledUpdate | PortableUpdate":
    """Returns the update for the backend that Keras runs on.

    Args:
        network: takes `{"source_ids", "target_ids"}`, gives logits; `first_target` is the id of column 0.
        optimizer: a Keras optimizer of its own.
        smoothing: share of each label spread over all columns.
    """
    kind = CompiledUpdate if keras.backend.backend() == "jax" else PortableUpdate
    return kind(network, optimizer, smoothing)


class CompiledUpdate:
    """On JAX: forward, backward and optimizer in one program, whose arrays stay in place between batches.

    `Model.fit` does the same work, but more around it (docs/performance.md).
    """

    def __init__(self, network: Any, optimizer: Any, smoothing: float):
        import jax

        optimizer.build(network.trainable_variables)
        self._variables = (network.trainable_variables, network.non_trainable_variables, optimizer.variables)
        # Copies: the program consumes what it is given, and the variables must stay readable.
        self._values: Any = [[jax.numpy.array(v.value, copy=True) for v in group] for group in self._variables]
        self._sums: Any = np.zeros(3, np.float32)

        def loss(trainable: Any, fixed: Any, source: Any, target: Any) -> Any:
            inputs = {"source_ids": source, "target_ids": target[:, :-1]}
            logits, fixed = network.stateless_call(trainable, fixed, inputs, training=True)
            total, symbols, correct = cross_entropy_sums(
                logits, target[:, 1:], first=network.first_target, smoothing=smoothing
            )
            return total / ops.maximum(symbols, 1.0), (ops.stack([total, symbols, correct]), fixed)

        def update(values: Any, sums: Any, source: Any, target: Any) -> Any:
            trainable, fixed, memory = values
            (_, (batch, fixed)), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, fixed, source, target)
            trainable, memory = optimizer.stateless_apply(memory, gradients, trainable)
            return [trainable, fixed, memory], sums + batch

        self._program = jax.jit(update, donate_argnums=(0, 1))

    def __call__(self, batch: Batch) -> None:
        """Updates the weights; returns before the work is done."""
        self._values, self._sums = self._program(self._values, self._sums, batch.source, batch.target)

    def sums(self) -> tuple[float, float, float]:
        """Loss, symbols and right answers since the last `reset`; waits for all updates."""
        loss, symbols, correct = np.asarray(self._sums).tolist()
        return loss, symbols, correct

    def reset(self) -> None:
        """Begins the sums anew."""
        self._sums = np.zeros(3, np.float32)

    def sync(self) -> None:
        """Copies the weights into the network's variables."""
        for variables, values in zip(self._variables[:2], self._values[:2], strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(np.asarray(value))


class PortableUpdate:
    """On any backend: a Keras model of the same layers, compiled and trained batch by batch."""

    def __init__(self, network: Any, optimizer: Any, smoothing: float):
        self._first = network.first_target
        self._smoothing = smoothing
        self._model = keras.Model(network.inputs, network.outputs)
        self._model.compile(optimizer, loss=self._loss, metrics=[self._accuracy])
        self.reset()

    def _loss(self, labels: Any, logits: Any) -> Any:
        total, symbols, _ = cross_entropy_sums(logits, labels, first=self._first, smoothing=self._smoothing)
        return total / ops.maximum(symbols, 1.0)

    def _accuracy(self, labels: Any, logits: Any) -> Any:
        _, symbols, correct = cross_entropy_sums(logits, labels, first=self._first)
        return correct / ops.maximum(symbols, 1.0)

    def __call__(self, batch: Batch) -> None:
        """Updates the weights."""
        labels = batch.target[:, 1:]
        self._model.reset_metrics()
        means = self._model.train_on_batch([batch.source, batch.target[:, :-1]], labels)
        symbols = np.count_nonzero(labels >= self._first)
        self._sums += [float(means[0]) * symbols, symbols, float(means[1]) * symbols]

    def sums(self) -> tuple[float, float, float]:
        """Loss, symbols and right answers since the last `reset`."""
        loss, symbols, correct = self._sums.tolist()
        return loss, symbols, correct

    def reset(self) -> None:
        """Begins the sums anew."""
        self._sums = np.zeros(3)

    def sync(self) -> None:
        """Nothing to do: the variables are the network's own."""
