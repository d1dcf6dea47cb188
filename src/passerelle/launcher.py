"""The number of this process among those that a launcher such as srun, mpirun or torchrun started together."""

import os
from collections.abc import Mapping

from passerelle.errors import SettingsError

__all__ = ["VARIABLES", "launched_process"]

VARIABLES = (
    ("SLURM_PROCID", "SLURM_NTASKS"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("RANK", "WORLD_SIZE"),
)
"""Environment variables of SLURM, Open MPI and torchrun: the number of the process, from 0, and of all processes."""


def launched_process(environment: Mapping[str, str] = os.environ) -> tuple[int, int] | None:
    """Return the number of this process, from 0, and the number of processes; None without a launcher.

    The first launcher of `VARIABLES` whose two variables are set counts, except that SLURM with one task does not:
    mpirun and torchrun may have been started in it.

    Raises:
        SettingsError: if the values are no numbers, or the number of the process is too large.
    """
    found = [names for names in VARIABLES if all(name in environment for name in names)]
    if not found:
        return None
    names = next((names for names in found if environment[names[1]].strip() != "1"), found[-1])
    try:
        number, count = (int(environment[name]) for name in names)
    except ValueError:
        number, count = -1, 0
    if not 0 <= number < count:
        values = ", ".join(f"{name}={environment[name]!r:.40}" for name in names)
        raise SettingsError(f"the launcher's variables contradict each other: {values}. Unset them.")
    return number, count
