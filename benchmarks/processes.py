"""Train on several processes: compare the speed with that of one, and resume runs on another number of processes.

    python benchmarks/processes.py                              # speed and losses: under 10 minutes on two quiet cores
    python benchmarks/processes.py --networks tutorial --rounds 1
    python benchmarks/processes.py --resumed                    # begun on two, resumed on one, and the other way round

Speed: one process on one core, one process on two cores, and two processes with a core each make the same updates of
the same network, on batches of the most frequent shapes of the first pairs of fra-eng. All compile their programs and
note the loss of each update first; then they take turns, on pinned cores. The results of each round of a network are
added to a file of JSON lines; those that it contains are not repeated.

--resumed: `compact` by word with dropout is begun on one process or on two, and resumed, for more epochs, on one or on
two. The training logs and the weights are compared with those of one process.
"""

import argparse
import itertools
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "fra-eng.zip"

NETWORKS: dict[str, dict[str, str]] = {
    "`compact` by word": {"preset": "compact", "level": "word"},
    "`compact` by character": {"preset": "compact", "level": "character"},
    "`tutorial`": {"preset": "tutorial"},
    "`deep`": {"preset": "deep"},
}

SHAPES = 3
"""Number of shapes of batches; each takes time to compile."""

RESUMED_PAIRS, RESUMED_EPOCHS, BEGUN_EPOCHS = 2_000, 5, 2
RESUMED_OPTIONS = ["--preset", "compact", "--level", "word", "--seed", "1", "--set", "network.dropout=0.3"]
RESUMED_OPTIONS += ["--set", "training.search=greedy"]


@dataclass(frozen=True)
class Way:
    """A way to use cores.

    Attributes:
        processes: number of processes.
        cores: number of cores of each process.
    """

    processes: int = 1
    cores: int = 1


WAYS = {"one core": Way(), "two cores": Way(cores=2), "two processes": Way(processes=2)}
BASE = "two cores"


def main() -> None:
    """Time what is not timed yet, then print a table in Markdown; or compare resumed runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument(
        "--networks", nargs="+", default=[""], help="words of their names, such as tutorial; default: all"
    )
    parser.add_argument("--updates", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "processes.jsonl")
    parser.add_argument("--resumed", action="store_true")
    arguments = parser.parse_args()
    if arguments.resumed:
        compare_resumed(arguments.pairs)
        return
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        sys.exit("this comparison needs two cores")
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    names = [name for name in NETWORKS if any(word in name for word in arguments.networks)]
    for name in names:
        done = {each["round"] for each in read(arguments, name)}
        if rounds := [number for number in range(arguments.rounds) if number not in done]:
            time_rounds(name, rounds, arguments, cores)
    print("\n| network | way | updates/s | ratio | largest difference of the losses |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name in names:
        print_rows(name, read(arguments, name))


def read(arguments: argparse.Namespace, name: str) -> list[dict[str, Any]]:
    """Return the results of a network with this number of updates."""
    if not arguments.results.exists():
        return []
    results = [json.loads(line) for line in arguments.results.read_text(encoding="utf-8").splitlines()]
    return [each for each in results if (each["network"], each["updates"]) == (name, arguments.updates)]


def time_rounds(name: str, rounds: Sequence[int], arguments: argparse.Namespace, cores: Sequence[int]) -> None:
    """Start the processes of all ways, let the ways take turns, and write the results of each round."""
    teams, losses = {}, {}
    for way, values in WAYS.items():
        teams[way] = start(name, values, arguments, cores)
        losses[way], *_ = [receive(connection, name) for connection in teams[way]]
    for number in rounds:
        speeds = {}
        for way, team in teams.items():
            for connection in team:
                connection.send(True)
            speeds[way], *_ = [receive(connection, name) for connection in team]
            print(f"{name}, {way}: {speeds[way]:.2f} updates/s", file=sys.stderr, flush=True)
        result = {"network": name, "updates": arguments.updates, "round": number, "load": os.getloadavg()[0]}
        with open(arguments.results, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(result | {"speeds": speeds, "losses": losses}) + "\n")
    connections = [connection for team in teams.values() for connection in team]
    for connection in connections:
        connection.send(False)
    for connection in connections:  # processes of a team wait for each other
        receive(connection, name)


def start(name: str, way: Way, arguments: argparse.Namespace, cores: Sequence[int]) -> list[Connection]:
    """Start the processes of a way; return connections to them."""
    from passerelle.parallel.channel import free_port

    port, spawn, team = free_port(), multiprocessing.get_context("spawn"), []
    for number in range(way.processes):
        connection, other = spawn.Pipe()
        own = cores[number * way.cores : (number + 1) * way.cores]
        place = (number, way.processes, f"127.0.0.1:{port}")
        values = (other, NETWORKS[name], str(arguments.pairs), arguments.limit, arguments.updates, own, place)
        spawn.Process(target=work, args=values, daemon=True).start()
        other.close()  # so that the end of the process is noticed
        team.append(connection)
    return team


def receive(connection: Connection, name: str) -> Any:
    """Return the next message of a process."""
    try:
        return connection.recv()
    except EOFError:
        sys.exit(f"{name}: a process has ended")


def work(
    connection: Connection,
    network: dict[str, str],
    pairs: str,
    limit: int,
    updates: int,
    cores: Sequence[int],
    place: tuple[int, int, str],
) -> None:
    """Make updates in this process; send the losses, then the updates per second of each turn."""
    os.sched_setaffinity(0, cores)  # before JAX counts the cores
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # gloo prints a line for each connection
    import passerelle
    from passerelle.backend import computing
    from passerelle.experiment.building import build
    from passerelle.parallel.group import join, leave
    from passerelle.preparation import prepare
    from passerelle.settings import choose_settings
    from passerelle.training.optimizer import make_optimizer
    from passerelle.training.state import TrainingState
    from passerelle.training.update import make_update

    if place[1] > 1:
        join(*place)
    options: dict[str, Any] = {**network}
    prepared = prepare(passerelle.read_pairs(pairs, limit=limit), choose_settings(**options), validation=0)
    settings, batches = prepared.settings.training, prepared.training_batches
    with computing():
        update = make_update(
            build(prepared).network, make_optimizer(settings), tokens=batches.target_tokens / len(batches)
        )
        state = TrainingState.from_seed(settings.seed)
        update.begin(state)
        whole, shared = list(batches.epoch(1)), list(batches.shared(update.share).epoch(1))
        shapes = [tuple(array.shape for array in batch.inputs.values()) for batch in whole]
        frequent = {shape for shape, _ in Counter(shapes).most_common(SHAPES)}
        chosen = [batch for batch, shape in zip(shared, shapes, strict=True) if shape in frequent]
        repeated = list(itertools.islice(itertools.cycle(chosen), updates))
        losses = []
        for batch in repeated:
            state.start_epoch(1)
            update(state, batch)
            losses.append(state.means()[0])
        connection.send(losses)
        while connection.recv():
            began = perf_counter()
            for batch in repeated:
                update(state, batch)
            state.means()
            connection.send(updates / (perf_counter() - began))
    leave()
    connection.send(None)


def print_rows(name: str, results: list[dict[str, Any]]) -> None:
    """Print the median speed of each way, its ratio, and the largest difference of the losses."""
    speeds = {way: statistics.median(each["speeds"][way] for each in results) for way in WAYS} if results else {}
    for way, speed in speeds.items():
        pairs = [zip(each["losses"][way], each["losses"]["one core"], strict=True) for each in results]
        difference = max(abs(a - b) for a, b in itertools.chain(*pairs))
        print(f"| {name} | {way} | {speed:.2f} | {speed / speeds[BASE]:.2f} | {difference:.1e} |")


def compare_resumed(source: Path) -> None:
    """Train, begin and resume; print the losses and the largest differences."""
    import numpy as np

    import passerelle

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = passerelle.read_pairs(str(source), limit=RESUMED_PAIRS)
        lines = [f"{a}\t{b}\n" for a, b in zip(pairs.sources, pairs.targets, strict=True)]
        (folder / "pairs.tsv").write_text("".join(lines), encoding="utf-8")
        print("| epoch | updates | way | loss | validation loss |\n| ---: | ---: | --- | ---: | ---: |")
        logs, weights = {}, {}
        for begun, resumed in ((1, 1), (2, 1), (1, 2)):
            way, stem = f"begun on {begun}, resumed on {resumed}", f"{begun}-{resumed}"
            options = [*RESUMED_OPTIONS, "--epochs", BEGUN_EPOCHS, "--processes", begun, "--out", f"{stem}.keras"]
            train(folder, "pairs.tsv", *options)
            train(folder, "--resume", f"{stem}.run", "--epochs", RESUMED_EPOCHS, "--processes", resumed)
            log = (folder / f"{stem}.run" / "log.jsonl").read_text(encoding="utf-8").splitlines()
            logs[way] = [json.loads(line) for line in log]
            weights[way] = passerelle.load(folder / f"{stem}.keras").network.get_weights()
            for row in logs[way]:
                loss, validation = row["loss"], row["validation_loss"]
                print(f"| {row['epoch']} | {row['updates']} | {way} | {loss:.6f} | {validation:.6f} |", flush=True)
    reference = next(iter(logs))
    for way, log in logs.items():
        keys = [key for key in ("loss", "validation_loss", "accuracy", "validation_accuracy") if key in log[0]]
        rows = zip(log, logs[reference], strict=True)
        largest = max(abs(a[key] - b[key]) for a, b in rows for key in keys)
        parts = [float(np.abs(a - b).max()) for a, b in zip(weights[way], weights[reference], strict=True)]
        print(f"{way}: largest difference of {', '.join(keys)}: {largest:.1e}; of the weights: {max(parts):.1e}")


def train(folder: Path, *arguments: object) -> None:
    """Run `passerelle train` in a folder."""
    command = [sys.executable, "-m", "passerelle", "train", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with status {done.returncode}: {done.stderr}")


if __name__ == "__main__":
    main()
