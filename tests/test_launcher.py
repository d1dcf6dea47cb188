"""The variables of launchers."""

import pytest

from passerelle.errors import SettingsError
from passerelle.launcher import coordinator_address, launched_process, local_number

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


OWN = {"PASSERELLE_PROCESS_ID": "1", "PASSERELLE_NUM_PROCESSES": "3"}


def test_our_own_processes_come_before_those_of_a_launcher() -> None:
    assert launched_process(SLURM | OWN) == (1, 3)
    assert local_number(OWN) == 1
    assert local_number(SLURM | {"SLURM_LOCALID": "2"}) == 2
    assert local_number({}) == 0


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"PASSERELLE_COORDINATOR": "a:1", "JAX_COORDINATOR_ADDRESS": "b:2"}, "a:1"),
        (TORCHRUN | {"JAX_COORDINATOR_ADDRESS": "b:2"}, "b:2"),
        (TORCHRUN | {"MASTER_ADDR": "node1", "MASTER_PORT": "29500"}, "node1:29501"),
        (SLURM | {"SLURM_STEP_NODELIST": "node7"}, "node7:"),
        (SLURM | {"SLURM_STEP_NODELIST": "node7,gpu[1-2]"}, "node7:"),
        (SLURM | {"SLURM_STEP_NODELIST": "node[001-004,007],gpu1"}, "node001:"),
        (SLURM | {"SLURM_STEP_NODELIST": "node[12,14]"}, "node12:"),
        (OPEN_MPI | {"OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911"}, "10.96.0.1:"),
        (OPEN_MPI | {"OMPI_MCA_orte_hnp_uri": "1.0;tcp6://[fe80::b9b,2620::3]:43370"}, "[fe80::b9b]:"),
        (OPEN_MPI | {"OMPI_COMM_WORLD_LOCAL_SIZE": "2", "PMIX_NAMESPACE": "prterun-1"}, "127.0.0.1:"),
    ],
)
def test_the_address_of_the_first_process(environment: dict[str, str], address: str) -> None:
    found = coordinator_address(environment)
    assert found.startswith(address)
    assert 0 < int(found.rpartition(":")[2]) < 2**16
    assert coordinator_address(dict(environment)) == found


def test_two_jobs_use_different_ports() -> None:
    steps = [SLURM | {"SLURM_STEP_NODELIST": "n", "SLURM_JOB_ID": job, "SLURM_STEP_ID": "0"} for job in ("71", "72")]
    assert coordinator_address(steps[0]) != coordinator_address(steps[1])


@pytest.mark.parametrize("environment", [TORCHRUN, SLURM, OPEN_MPI, {"PASSERELLE_COORDINATOR": "host"}])
def test_an_unknown_address_is_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"PASSERELLE_COORDINATOR .*HOST:PORT"):
        coordinator_address(environment)
