"""Kill small trainings at random moments, resume them, and compare their weights with those of uninterrupted ones.

    python benchmarks/resume.py                        # 40 runs of 4 presets, killed with SIGKILL
    python benchmarks/resume.py --runs 8 --signal SIGTERM
    python benchmarks/resume.py --results resume.jsonl # finished runs are in this file, and are not repeated

Every third run is killed twice. A run passes if all weights are those of the uninterrupted run of its preset, bit for
bit. A process is killed at a random time within the first epoch, which includes the start of the process, or a random
time after the end of one of the others.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import passerelle

PRESETS = {
    "compact": ["--preset", "compact", "--level", "word"],
    "tutorial": ["--preset", "tutorial", "--set", "network.dropout=0.2"],
    "deep": ["--preset", "deep", "--set", "network.dropout=0.2"],
    "monotonic": ["--preset", "monotonic", "--set", "training.decoder_inputs=scheduled_sampling"],
}
EPOCHS = 12
OPTIONS = ["--units", "24", "--epochs", str(EPOCHS), "--batch-size", "16"]
COMMAND = [sys.executable, "-m", "passerelle", "train"]


@dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes:
        number: number of the run.
        preset: its preset.
        kills: seconds from the start of each process to its end by the signal.
        states: for each kill, the newest checkpoint: number of updates, 0 if there was none.
        updates: updates of the whole run.
        equal: whether all weights are those of the uninterrupted run.
        message: the last line of the last process.
    """

    number: int
    preset: str
    kills: tuple[float, ...]
    states: tuple[int, ...]
    updates: int
    equal: bool
    message: str


class Trainings:
    """Trainings in one folder.

    Args:
        folder: an empty folder.
        signal_number: the signal that ends processes.
    """

    def __init__(self, folder: Path, signal_number: int):
        self._folder = folder
        self._signal = signal_number
        self._wholes: dict[str, tuple[list[np.ndarray], float, float, int]] = {}
        rows = passerelle.phrasebook()[:1200:3]
        (folder / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")

    def whole(self, preset: str) -> tuple[list[np.ndarray], float, float, int]:
        """Return the uninterrupted run: its weights, the seconds of its first epoch and of another, its updates."""
        if preset not in self._wholes:
            for name in ("first", "whole"):  # the first one fills the cache of compiled programs
                arguments = ["pairs.tsv", *PRESETS[preset], *OPTIONS, "--out", f"{preset}-{name}.keras"]
                started, ends = time.perf_counter(), []
                process = subprocess.Popen([*COMMAND, *arguments], cwd=self._folder, stderr=subprocess.PIPE, text=True)
                assert process.stderr is not None
                for line in process.stderr:
                    if line.startswith("epoch "):
                        ends.append(time.perf_counter() - started)
                if process.wait():
                    raise SystemExit(f"the training of {preset} failed")
            log = (self._folder / f"{preset}-whole.run" / "log.jsonl").read_text(encoding="utf-8")
            updates = json.loads(log.splitlines()[-1])["updates"]
            epoch = (ends[-1] - ends[0]) / (len(ends) - 1)
            self._wholes[preset] = (self._weights(f"{preset}-whole.keras"), ends[0], epoch, updates)
        return self._wholes[preset]

    def _weights(self, name: str) -> list[np.ndarray]:
        return passerelle.load(self._folder / name).network.get_weights()

    def run(self, number: int, preset: str) -> Outcome:
        """Train, kill and resume; compare the weights."""
        moments = random.Random(number)
        expected, first, epoch, updates = self.whole(preset)
        name = f"run-{number}"
        folder = self._folder / f"{name}.run"
        kills, states, arguments = [], [], []
        done = 0  # finished epochs in the newest checkpoint
        for _ in range(2 if number % 3 == 0 else 1):
            new = not (folder / "run.json").exists()
            options = [*PRESETS[preset], *OPTIONS, "--checkpoint-seconds", "0.3", "--out", f"{name}.keras"]
            arguments = ["pairs.tsv", *options] if new else ["--resume", folder.name]
            after = moments.randrange(done, EPOCHS)
            started = time.perf_counter()
            process = subprocess.Popen([*COMMAND, *arguments], cwd=self._folder, stderr=subprocess.PIPE, text=True)
            assert process.stderr is not None
            for line in process.stderr if after > done else ():
                if line.startswith(f"epoch {after}/"):
                    break
            time.sleep(moments.uniform(0.0, epoch if after > done else first))
            process.send_signal(self._signal)
            process.communicate()
            kills.append(round(time.perf_counter() - started, 2))
            found = sorted((folder / "checkpoints").glob("update-*"))
            states.append(int(found[-1].stem.split("-")[1]) if found else 0)
            done = states[-1] * EPOCHS // updates
            if done >= EPOCHS:
                break
        again = ["--resume", folder.name] if (folder / "run.json").exists() else arguments
        last = subprocess.run([*COMMAND, *again], cwd=self._folder, capture_output=True, text=True)
        models = sorted(self._folder.glob(f"{name}*.keras"))
        equal = bool(models) and all(
            np.array_equal(left, right)
            for model in models
            for left, right in zip(self._weights(model.name), expected, strict=True)
        )
        message = (last.stderr.splitlines() or [""])[-1]
        return Outcome(number, preset, tuple(kills), tuple(states), updates, equal, message)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--signal", choices=["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"], default="SIGKILL")
    parser.add_argument("--results", type=Path, help="file of JSON lines with the finished runs")
    arguments = parser.parse_args()
    outcomes = []
    if arguments.results and arguments.results.exists():
        outcomes = [json.loads(line) for line in arguments.results.read_text(encoding="utf-8").splitlines()]
    done = {outcome["number"] for outcome in outcomes}
    presets = list(PRESETS)
    with tempfile.TemporaryDirectory() as folder:
        trainings = Trainings(Path(folder), getattr(signal, arguments.signal))
        for number in (number for number in range(arguments.runs) if number not in done):
            outcome = asdict(trainings.run(number, presets[number % len(presets)]))
            outcomes.append(outcome)
            if arguments.results:
                with open(arguments.results, "a", encoding="utf-8") as stream:
                    stream.write(json.dumps(outcome) + "\n")
            print(json.dumps(outcome), flush=True)
    rows: dict[str, list[dict[str, object]]] = defaultdict(list)
    for outcome in outcomes:
        rows[str(outcome["preset"])].append(outcome)
    print("\n| preset | runs | kills | of these, before the first checkpoint | the same weights |")
    print("| --- | --- | --- | --- | --- |")
    for preset, group in rows.items():
        states = [state for outcome in group for state in outcome["states"]]  # pyright: ignore[reportGeneralTypeIssues]
        equal = sum(bool(outcome["equal"]) for outcome in group)
        print(f"| {preset} | {len(group)} | {len(states)} | {states.count(0)} | {equal} |")
    sys.exit(0 if all(outcome["equal"] for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
