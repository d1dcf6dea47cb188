"""The variables of launchers."""

import pytest

from passerelle.errors import SettingsError
from passerelle.launcher import launched_process

SLURM = {"SLURM_PROCID": "3", "SLURM_NTASKS": "8"}
ONE_TASK = {"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}
OPEN_MPI = {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}
TORCHRUN = {"RANK": "1", "WORLD_SIZE": "2"}


@pytest.mark.parametrize(
    ("environment", "process"),
    [
        ({}, None),
        ({"RANK": "1"}, None),
        (SLURM, (3, 8)),
        (OPEN_MPI, (0, 2)),
        (TORCHRUN, (1, 2)),
        (ONE_TASK, (0, 1)),
        (ONE_TASK | TORCHRUN, (1, 2)),  # torchrun within a job of one task
        (SLURM | {"RANK": "5"}, (3, 8)),
    ],
)
def test_the_number_of_the_process(environment: dict[str, str], process: tuple[int, int] | None) -> None:
    assert launched_process(environment) == process


@pytest.mark.parametrize("values", [("x", "2"), ("2", "2"), ("-1", "2"), ("0", "0")])
def test_contradicting_variables_are_refused(values: tuple[str, str]) -> None:
    with pytest.raises(SettingsError, match="contradict each other: RANK="):
        launched_process(dict(zip(("RANK", "WORLD_SIZE"), values, strict=True)))
