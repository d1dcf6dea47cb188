"""Compare training on two cores in four ways: threads, rows over two devices, two processes, and one core.

    python benchmarks/processes.py
    python benchmarks/processes.py --networks tutorial --updates 20 --rounds 1

Every way makes the same updates of the same network on the first pairs of fra-eng: each worker first makes `--updates`
updates and notes the loss of each, which compiles the programs; then it makes them again, timed. The ways take turns,
on pinned cores. Timings are kept in a file of JSON lines; those that it contains are not repeated.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "fra-eng.zip"
SECONDS = 3600

NETWORKS: dict[str, dict[str, str]] = {
    "`compact` by word": {"preset": "compact", "level": "word"},
    "`compact` by character": {"preset": "compact", "level": "character"},
    "`tutorial`": {"preset": "tutorial"},
    "`deep`": {"preset": "deep"},
}


@dataclass(frozen=True)
class Way:
    """A way to use cores.

    Attributes:
        processes: number of processes.
        cores: number of cores of each process.
        devices: number of devices of each process.
    """

    processes: int = 1
    cores: int = 1
    devices: int = 1


WAYS = {
    "one core": Way(),
    "two cores, one device": Way(cores=2),
    "two cores, rows over two devices": Way(cores=2, devices=2),
    "two processes, one core each": Way(processes=2),
}


def main() -> None:
    """Time what is not timed yet, then print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--networks", nargs="+", help="words of their names, such as tutorial; default: all")
    parser.add_argument("--updates", type=int, default=200, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "processes.jsonl")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(**json.loads(arguments.worker))
        return
    words = arguments.networks or [""]
    names = [name for name in NETWORKS if any(word in name for word in words)]
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        sys.exit("this comparison needs two cores")
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    results = read(arguments.results)
    for number in range(arguments.rounds):
        for name in names:
            for way in WAYS:
                key = [name, way, arguments.updates, number]
                if not any(each["key"] == key for each in results):
                    found = time_way(name, WAYS[way], arguments, cores)
                    results.append({"key": key, "load": os.getloadavg()[0], **found})
                    with open(arguments.results, "a", encoding="utf-8") as stream:
                        stream.write(json.dumps(results[-1]) + "\n")
                    print(f"{name}, {way}: {found['speed']:.2f} updates/s", file=sys.stderr, flush=True)
    print_table([each for each in results if each["key"][2] == arguments.updates], names)


def read(path: Path) -> list[dict[str, Any]]:
    """Return the results of earlier runs."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def time_way(name: str, way: Way, arguments: argparse.Namespace, cores: list[int]) -> dict[str, Any]:
    """Return the speed in updates per second, and the loss of each update, of the first process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        workers = []
        for number in range(way.processes):
            values = NETWORKS[name] | {
                "pairs": str(arguments.pairs), "limit": arguments.limit, "updates": arguments.updates,
                "cores": cores[number * way.cores : (number + 1) * way.cores], "devices": way.devices,
                "number": number, "processes": way.processes, "port": port, "out": f"{folder}/{number}",
            }  # fmt: skip
            workers.append(
                subprocess.Popen([sys.executable, __file__, "--worker", json.dumps(values)], stdout=subprocess.DEVNULL)
            )
        for worker in workers:
            if worker.wait(SECONDS):
                for other in workers:
                    other.kill()
                sys.exit(f"{name}: a worker ended with status {worker.returncode}")
        return json.loads(Path(folder, "0").read_text(encoding="utf-8"))


def work(
    *,
    pairs: str,
    limit: int,
    preset: str,
    updates: int,
    cores: list[int],
    devices: int,
    number: int,
    processes: int,
    port: int,
    out: str,
    level: str | None = None,
) -> None:
    """Make updates in this process, time them, and write the result to the file `out`."""
    os.sched_setaffinity(0, cores)  # before JAX counts the cores
    import passerelle
    from passerelle.backend import computing
    from passerelle.experiment.building import build
    from passerelle.parallel.group import join, leave
    from passerelle.parallel.row_mesh import use_devices
    from passerelle.preparation import prepare
    from passerelle.settings import choose_settings
    from passerelle.training.optimizer import make_optimizer
    from passerelle.training.state import TrainingState
    from passerelle.training.update import make_update

    use_devices(devices)
    if processes > 1:
        join(number, processes, f"127.0.0.1:{port}")
    options = {} if level is None else {"level": level}
    prepared = prepare(
        passerelle.read_pairs(pairs, limit=limit), choose_settings(preset=preset, **options), validation=0
    )
    settings, batches = prepared.settings.training, prepared.training_batches
    with computing():
        network = build(prepared).network
        update = make_update(network, make_optimizer(settings), tokens=batches.target_tokens / len(batches))
        state = TrainingState.from_seed(settings.seed)
        update.begin(state)

        def batches_of_all_epochs() -> Iterator[Any]:
            epoch = 1
            while True:
                yield from batches.shared(update.share).epoch(epoch)
                epoch += 1

        losses = []
        stream = batches_of_all_epochs()
        for _ in range(updates):
            state.start_epoch(1)
            update(state, next(stream))
            losses.append(state.means()[0])
        stream = batches_of_all_epochs()  # the same batches again, whose programs are compiled
        state.start_epoch(1)
        began = time.perf_counter()
        for _ in range(updates):
            update(state, next(stream))
        state.means()
        speed = updates / (time.perf_counter() - began)
    Path(out).write_text(json.dumps({"speed": speed, "losses": losses}), encoding="utf-8")
    leave()


def print_table(results: list[dict[str, Any]], names: list[str]) -> None:
    """Print the median speeds, their ratios to one device on two cores, and the largest differences of the losses."""
    print(
        "\n| network | way | updates/s | ratio | largest difference of the losses |\n| --- | --- | ---: | ---: | ---: |"
    )
    for name in names:
        by_way = {way: [each for each in results if each["key"][:2] == [name, way]] for way in WAYS}
        speeds = {way: statistics.median(each["speed"] for each in found) for way, found in by_way.items() if found}
        base = "two cores, one device"
        reference = by_way["one core"][0]["losses"] if by_way["one core"] else []
        for way, speed in speeds.items():
            losses = by_way[way][0]["losses"]
            difference = max((abs(a - b) for a, b in zip(losses, reference, strict=False)), default=0.0)
            ratio = f"{speed / speeds[base]:.2f}" if base in speeds else ""
            print(f"| {name} | {way} | {speed:.2f} | {ratio} | {difference:.1e} |")


if __name__ == "__main__":
    main()
