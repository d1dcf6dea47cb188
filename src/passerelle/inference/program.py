"""The search of one batch, as one compiled program."""

from typing import Any

import numpy as np

from passerelle.decoding.beam import BeamResult
from passerelle.decoding.decode import Task, decode
from passerelle.decoding.processors import Tables
from passerelle.layers.cache import with_capacity
from passerelle.models.compiled import compiled
from passerelle.settings import SearchSettings

__all__ = ["Program"]


class Program:
    """Searches a batch. A program is compiled for each combination of `SearchSettings.program_key` and array shapes.

    Args:
        network: a `Stepper` or an `Ensemble`.
    """

    def __init__(self, network: Any):
        self.network = network
        self._compiled = compiled(self._run, network.variables)

    def __call__(
        self,
        inputs: dict[str, np.ndarray],
        limits: np.ndarray,
        settings: SearchSettings,
        *,
        max_length: int,
        uniform: np.ndarray | None = None,
        tables: Tables | None = None,
    ) -> BeamResult:
        """Search for the translations of all rows of a batch.

        Args:
            inputs: the inputs of the network by name, int32 (rows, width).
            limits: int32 (rows,), maximum number of steps; 0 for padding rows.
            settings: the search settings.
            max_length: at least the largest limit.
            uniform: float32 (rows, max_length), uniform random numbers from 0 to 1; None without sampling.
            tables: the arrays of the constraint; None for no constraint.

        Returns:
            The result as NumPy arrays.
        """
        key = settings.program_key()
        penalty = np.float32(settings.length_penalty)
        found = self._compiled(inputs, limits, uniform, tables, penalty, max_length=max_length, settings=key)
        return BeamResult(*map(np.asarray, found))

    def _run(
        self,
        inputs: Any,
        limits: Any,
        uniform: Any,
        tables: Tables | None,
        length_penalty: Any,
        *,
        max_length: int,
        settings: SearchSettings,
    ) -> BeamResult:
        coverage = settings.coverage_penalty > 0
        task = Task(
            step=self.network.step,
            state=self.network.begin(inputs, coverage=coverage),
            limits=limits,
            max_length=max_length,
            uniform=uniform,
            tables=tables,
            length_penalty=length_penalty,
            coverage_score=self.network.coverage_score if coverage else None,
            allocate=with_capacity,
        )
        return decode(task, settings)
