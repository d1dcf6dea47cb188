"""The search of one batch as one compiled program."""

from typing import Any

import numpy as np

from passerelle.decoding.beam import BeamResult
from passerelle.decoding.decode import Task, decode
from passerelle.decoding.processors import Tables
from passerelle.models.compiled import compiled
from passerelle.settings import SearchSettings

__all__ = ["Program"]


class Program:
    """Searches a batch. One program is compiled for each `SearchSettings.program_key` and shape.

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
        """Search for the translations of every row of a batch.

        Args:
            inputs: of the network, int32 (rows, width) by name.
            limits: int32 (rows,), most steps; 0 for rows that fill up the batch.
            settings: of the search.
            max_length: at least the largest limit.
            uniform: float32 (rows, max_length), random numbers for sampling.
            tables: of a constraint.

        Returns:
            NumPy arrays.
        """
        key = settings.program_key()
        found = self._compiled(inputs, limits, uniform, tables, max_length=max_length, settings=key)
        return BeamResult(*map(np.asarray, found))

    def _run(
        self,
        inputs: Any,
        limits: Any,
        uniform: Any,
        tables: Tables | None,
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
            covered=self.network.coverage_score if coverage else None,
        )
        return decode(task, settings)
