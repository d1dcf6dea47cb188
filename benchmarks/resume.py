"""End small trainings at random moments, resume them, and compare their weights with those of uninterrupted ones.

    python benchmarks/resume.py                          # 40 runs of 4 presets, killed with SIGKILL
    python benchmarks/resume.py --runs 12 --ends SIGTERM
    python benchmarks/resume.py --runs 12 --ends truncated flipped deleted
    python benchmarks/resume.py --runs 8 --ends full-disk  # Linux; mounts a tmpfs in a namespace of its own
    python benchmarks/resume.py --runs 2 --ends full-disk --presets deep
    python benchmarks/resume.py --results resume.jsonl   # finished runs are in this file, and are not repeated

A run passes if all weights are those of the uninterrupted run of its preset, bit for bit. A process ends at a random
time within the first epoch, which includes the start of the process, or a random time after the end of one of the
others. The ends:

SIGKILL, SIGTERM, SIGHUP, SIGINT  the process receives the signal; every third run is ended twice
truncated, flipped, deleted       SIGKILL after the first epoch; then the newest checkpoint loses its end or is removed,
                                  or one bit of it changes
full-disk                         the run's folder and the model are on a tmpfs, which another file fills at a random
                                  moment; half of the processes are then killed, the others run on and cannot save the
                                  model; the run is resumed when there is space again. The tmpfs has 2 MB, or more where
                                  the model and three checkpoints need it
"""

import argparse
import json
import os
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
OPTIONS = ["--epochs", str(EPOCHS), "--batch-size", "16"]
COMMAND = [sys.executable, "-m", "passerelle", "train"]
SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
DAMAGES = ("truncated", "flipped", "deleted")
FULL_DISK = "full-disk"
DISK_BYTES, DISK_SPARE_BYTES = 2 * 2**20, 2**17
"""Minimum size of the small disk, and its space for the other files of the run."""
UNITS, DISK_UNITS = 24, 8
"""Units of the networks. The heads of `deep`, 4, divide them."""
NAMESPACE = "PASSERELLE_RESUME_NAMESPACE"
"""Environment variable of a process that may mount file systems."""


@dataclass(frozen=True)
class Outcome:
    """One run.

    Attributes:
        end: how its processes ended.
        number: number of the run.
        preset: its preset.
        kills: seconds from the start of each process to its end.
        states: for each end, the newest checkpoint: number of updates, 0 if there was none.
        updates: updates of the whole run.
        equal: whether all weights are those of the uninterrupted run.
        messages: lines of the last process about checkpoints and the resumed run.
        message: its last line.
    """

    end: str
    number: int
    preset: str
    kills: tuple[float, ...]
    states: tuple[int, ...]
    updates: int
    equal: bool
    messages: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Whole:
    """An uninterrupted run.

    Attributes:
        weights: all weights of its model.
        first: seconds of its first epoch, with the start of the process.
        epoch: seconds of another epoch.
        updates: number of its updates.
        disk: bytes of the small disk for the same training.
    """

    weights: list[np.ndarray]
    first: float
    epoch: float
    updates: int
    disk: int


class Trainings:
    """Trainings in one folder.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._wholes: dict[tuple[str, int], Whole] = {}
        rows = passerelle.phrasebook()[:1200:3]
        (folder / "pairs.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")

    def whole(self, preset: str, units: int) -> Whole:
        """Return the uninterrupted run of a preset."""
        key = preset, units
        if key not in self._wholes:
            ends: list[float] = []
            for name in ("first", "whole"):  # the first one fills the cache of compiled programs
                options = [*_options(preset, units), "--out", f"{preset}-{units}-{name}.keras"]
                started, ends = time.perf_counter(), []
                process = self._start(["pairs.tsv", *options])
                for line in process.stderr or ():
                    if line.startswith("epoch "):
                        ends.append(time.perf_counter() - started)
                if process.wait():
                    raise SystemExit(f"the training of {preset} failed")
            model = self._folder / f"{preset}-{units}-whole.keras"
            folder = model.with_suffix(".run")
            log = (folder / "log.jsonl").read_text(encoding="utf-8")
            updates = json.loads(log.splitlines()[-1])["updates"]
            epoch = (ends[-1] - ends[0]) / (len(ends) - 1)
            disk = model.stat().st_size + 3 * _checkpoints(folder)[-1].stat().st_size + DISK_SPARE_BYTES
            self._wholes[key] = Whole(_weights(model), ends[0], epoch, updates, max(DISK_BYTES, disk))
        return self._wholes[key]

    def run(self, number: int, preset: str, end: str) -> Outcome:
        """Train, end the process, resume; compare the weights."""
        moments = random.Random(f"{end} {number}")
        units = DISK_UNITS if end == FULL_DISK else UNITS
        whole = self.whole(preset, units)
        place = self._folder if end != FULL_DISK else _small_disk(self._folder / f"disk-{number}", whole.disk)
        model = place / f"{end}-{number}.keras"
        folder = model.with_suffix(".run")
        new = ["pairs.tsv", *_options(preset, units), "--checkpoint-seconds", "0.3", "--out", str(model)]
        kills, states = [], []
        done = 0  # finished epochs in the newest checkpoint
        for _ in range(2 if end in SIGNALS and number % 3 == 0 else 1):
            first = 0 if end in SIGNALS else 1  # the other ends need a checkpoint
            after = moments.randrange(max(done, first), EPOCHS)
            started = time.perf_counter()
            process = self._start(["--resume", str(folder)] if _is_run(folder) else new)
            for line in process.stderr or () if after > done else ():
                if line.startswith(f"epoch {after}/"):
                    break
            time.sleep(moments.uniform(0.0, whole.epoch if after > done else whole.first))
            if end == FULL_DISK:
                _fill(place / "ballast")
                time.sleep(moments.uniform(0.0, 3 * whole.epoch))
            if end != FULL_DISK or number % 2:
                process.send_signal(getattr(signal, end) if end in SIGNALS else signal.SIGKILL)
            process.communicate()
            (place / "ballast").unlink(missing_ok=True)
            kills.append(round(time.perf_counter() - started, 2))
            found = _checkpoints(folder)
            states.append(int(found[-1].stem.split("-")[1]) if found else 0)
            if end in DAMAGES and found:
                _damage(found[-1], end, moments)
            done = states[-1] * EPOCHS // whole.updates
            if done >= EPOCHS:
                break
        last = self._start(["--resume", str(folder)] if _is_run(folder) else new)
        lines = last.communicate()[1].splitlines() or [""]
        models = sorted(place.glob(f"{model.stem}*.keras"))
        equal = bool(models) and all(
            np.array_equal(left, right)
            for path in models
            for left, right in zip(_weights(path), whole.weights, strict=True)
        )
        if place != self._folder:
            subprocess.run(["umount", str(place)], check=True)
        told = tuple(line for line in lines if "checkpoint" in line or line.startswith("resuming "))
        return Outcome(end, number, preset, tuple(kills), tuple(states), whole.updates, equal, told, lines[-1])

    def _start(self, arguments: list[str]) -> "subprocess.Popen[str]":
        return subprocess.Popen([*COMMAND, *arguments], cwd=self._folder, stderr=subprocess.PIPE, text=True)


def _options(preset: str, units: int) -> list[str]:
    return [*PRESETS[preset], *OPTIONS, "--units", str(units)]


def _is_run(folder: Path) -> bool:
    return (folder / "run.json").exists()


def _checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("update-*"))


def _weights(path: Path) -> list[np.ndarray]:
    return passerelle.load(path).network.get_weights()


def _damage(checkpoint: Path, damage: str, moments: random.Random) -> None:
    """Damage a checkpoint. The best one may be a second name of the same file, which is damaged with it."""
    data = bytearray(checkpoint.read_bytes())
    place = moments.randrange(len(data))
    if damage == "deleted":
        checkpoint.unlink()
    elif damage == "truncated":
        os.truncate(checkpoint, place)
    else:
        data[place] ^= 1 << moments.randrange(8)
        with open(checkpoint, "r+b") as stream:
            stream.write(data)


def _small_disk(folder: Path, size: int) -> Path:
    """Mount a tmpfs of some bytes and return its folder."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    return folder


def _fill(path: Path) -> None:
    """Fill the file system to its last page."""
    with open(path, "wb", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass
        except OSError:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--ends", nargs="+", choices=[*SIGNALS, *DAMAGES, FULL_DISK], default=["SIGKILL"])
    parser.add_argument("--presets", nargs="+", choices=[*PRESETS], default=[*PRESETS])
    parser.add_argument("--results", type=Path, help="file of JSON lines with the finished runs")
    arguments = parser.parse_args()
    if FULL_DISK in arguments.ends and NAMESPACE not in os.environ:
        os.environ[NAMESPACE] = "1"
        os.execvp("unshare", ["unshare", "--map-root-user", "--mount", sys.executable, *sys.argv])
    outcomes = []
    if arguments.results and arguments.results.exists():
        outcomes = [json.loads(line) for line in arguments.results.read_text(encoding="utf-8").splitlines()]
    done = {(outcome["end"], outcome["number"]) for outcome in outcomes}
    presets, ends = arguments.presets, arguments.ends
    with tempfile.TemporaryDirectory() as folder:
        trainings = Trainings(Path(folder))
        for number in range(arguments.runs):
            end = ends[number // len(presets) % len(ends)]
            if (end, number) in done:
                continue
            outcome = asdict(trainings.run(number, presets[number % len(presets)], end))
            outcomes.append(outcome)
            if arguments.results:
                with open(arguments.results, "a", encoding="utf-8") as stream:
                    stream.write(json.dumps(outcome) + "\n")
            print(json.dumps(outcome), flush=True)
    rows: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for outcome in outcomes:
        rows[str(outcome["end"]), str(outcome["preset"])].append(outcome)
    print("\n| end | preset | runs | ends | of these, before the first checkpoint | the same weights |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (end, preset), group in sorted(rows.items()):
        states = [state for outcome in group for state in outcome["states"]]  # pyright: ignore[reportGeneralTypeIssues]
        equal = sum(bool(outcome["equal"]) for outcome in group)
        print(f"| {end} | {preset} | {len(group)} | {len(states)} | {states.count(0)} | {equal} |")
    sys.exit(0 if all(outcome["equal"] for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
