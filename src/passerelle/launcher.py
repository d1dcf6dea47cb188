"""The place of this process among those that a launcher such as srun, mpirun or torchrun started together."""

import os
import re
import zlib
from collections.abc import Mapping

from passerelle.errors import SettingsError

__all__ = ["COORDINATOR", "OWN", "VARIABLES", "coordinator_address", "launched_process", "local_number"]

OWN = ("PASSERELLE_PROCESS_ID", "PASSERELLE_NUM_PROCESSES")
"""The variables that `passerelle train --processes N` sets in the processes that it starts."""

VARIABLES = (
    OWN,
    ("SLURM_PROCID", "SLURM_NTASKS"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("RANK", "WORLD_SIZE"),
    ("JAX_PROCESS_ID", "JAX_NUM_PROCESSES"),
)
"""Environment variables of launchers: the number of the process, from 0, and of all processes. After our own, those of
SLURM, Open MPI and torchrun, and those with which programs for JAX are started by hand."""

COORDINATOR = ("PASSERELLE_COORDINATOR", "JAX_COORDINATOR_ADDRESS")
"""Environment variables with `HOST:PORT` of the first process's machine; the first one that is set counts."""

_LOCAL_NUMBERS = ("SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK", "LOCAL_RANK")

_FIRST_PORT, _PORTS = 61_440, 4_096
"""The range of ports from which one is chosen by the number of a job."""


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


def local_number(environment: Mapping[str, str] = os.environ) -> int:
    """Return the number of this process among those on its machine, from 0."""
    if OWN[0] in environment:
        return int(environment[OWN[0]])
    found = [environment[name] for name in _LOCAL_NUMBERS if environment.get(name, "").isdecimal()]
    return int(found[0]) if found else 0


def coordinator_address(environment: Mapping[str, str] = os.environ) -> str:
    """Return `HOST:PORT` of the first process's machine, at which the processes of a launcher find each other.

    Without a variable of `COORDINATOR`, it follows from the variables of torchrun (the port after MASTER_PORT, at which
    torchrun itself listens), of a step of SLURM, or of Open MPI, if all its processes are on this machine or mpirun
    tells its own address.

    Raises:
        SettingsError: if no variable tells the address.
    """
    for name in COORDINATOR:
        if environment.get(name):
            if not re.fullmatch(r".+:[0-9]{1,5}", environment[name]):
                raise SettingsError(f"{name} must be HOST:PORT, received: {environment[name]!r:.80}")
            return environment[name]
    master, port = environment.get("MASTER_ADDR"), environment.get("MASTER_PORT", "")
    if master and port.isdecimal():
        return f"{master}:{int(port) + 1 if int(port) < 65_535 else int(port) - 1}"
    if host := _first_host(environment.get("SLURM_STEP_NODELIST", "")):
        job = f"{environment.get('SLURM_JOB_ID', '')}.{environment.get('SLURM_STEP_ID', '')}"
        return f"{host}:{_port(job)}"
    if "OMPI_COMM_WORLD_SIZE" in environment:
        address = environment.get("OMPI_MCA_orte_hnp_uri", "")
        if found := re.search(r"tcp://([^,:]+)|tcp6://\[([^,\]]+)", address):
            return f"{found[1] or f'[{found[2]}]'}:{_port(address.partition(';')[0])}"
        if environment.get("OMPI_COMM_WORLD_LOCAL_SIZE") == environment["OMPI_COMM_WORLD_SIZE"]:
            return f"127.0.0.1:{_port(environment.get('PMIX_NAMESPACE', ''))}"
    raise SettingsError(
        f"a launcher has started several processes, but no variable tells where the first one is. Set {COORDINATOR[0]} "
        "to HOST:PORT of its machine in all of them; or train in one process only."
    )


def _first_host(nodes: str) -> str:
    """Return the first host of a list of SLURM, such as `node[001-004,7],gpu1`."""
    found = re.match(r"([^,\[]+)(?:\[([^,\-\]]+))?", nodes)
    return f"{found[1]}{found[2] or ''}" if found else ""


def _port(job: str) -> int:
    return _FIRST_PORT + zlib.crc32(job.encode()) % _PORTS
