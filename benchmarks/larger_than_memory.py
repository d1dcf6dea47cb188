"""Train on a file of pairs that is larger than the memory that a training may use, and check its shuffling.

    python benchmarks/larger_than_memory.py                    # 10 million pairs: 850 MB, ten minutes
    python benchmarks/larger_than_memory.py --pairs 1000000

The pairs are made: short sentences of random words, of varying length. Each source begins with the number of its row,
so that the place of a row in the file can be read from its ids. Each measurement is a process of its own, which reads
the pairs, prepares them and trains for some updates:

- all pairs, which are so large that their texts and ids lie in files;
- a small number of pairs, in files and in memory. Their weights must be the same.

Seconds are those of the processor, so that other processes count little. Peak memory is the memory of the process alone
(RssAnon), and with the pages of files that the system can take back at any time (RssFile).
Results in --folder are not measured again, and ids there are used again after an interruption. Requires Linux.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import passerelle
from passerelle.data import collector
from passerelle.data.batches import Batches
from passerelle.data.storage import Storage
from passerelle.data.writing import write_atomically
from passerelle.experiment.prepared_training import train_prepared
from passerelle.preparation import Prepared, prepare
from passerelle.settings import choose_settings

DIGITS = 8
"""Digits of the number of a row, at the beginning of its source."""

EPOCH_BATCHES = 20_000
"""Maximum number of batches of an epoch whose rows are looked at."""

PARTS = (
    ["ka", "lo", "mi", "tu", "re", "sa", "no", "vi", "du", "pe"],
    ["r", "n", "l", "s"],
    ["a", "o", "en", "is", "ut", "el", "am", "ir"],
)
STEPS: tuple[str, ...] = ("reading", "splitting", "building vocabularies", "encoding", "other")


def main() -> None:
    """Run the missing measurements and print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=10_000_000)
    parser.add_argument("--small", type=int, default=200_000, help="pairs of the comparison with memory")
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--level", default="character", choices=["character", "word", "subword"])
    parser.add_argument("--folder", type=Path, default=Path("larger-than-memory"))
    parser.add_argument("--measure", choices=["default", "files"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.measure:
        _measure(arguments)
        return
    results = {
        (count, place): _result(arguments, count, place)
        for count, place in ((arguments.pairs, "default"), (arguments.small, "files"), (arguments.small, "default"))
    }
    print(_table(results))
    shuffled = results[arguments.pairs, "default"]["shuffling"]
    height = shuffled["height"]
    print(
        f"\nShuffling of {arguments.pairs:,} pairs, seen in {shuffled['rows']:,} rows of an epoch: the correlation of "
        f"a row's place in the file and in the epoch is {shuffled['correlation']:+.5f} (by chance within "
        f"{3 / np.sqrt(shuffled['rows']):.5f}); {'no row' if shuffled['once'] else 'A ROW'} occurs twice; the rows of "
        f"a batch of {height} span {100 * shuffled['span']:.2f} % of the file on average (by chance "
        f"{100 * (height - 1) / (height + 1):.2f} %)."
    )
    small = [results[arguments.small, place]["weights"] for place in ("files", "default")]
    equal = "equal" if small[0] == small[1] else "DIFFERENT"
    print(f"\nWeights of {arguments.small:,} pairs in files and in memory: {equal}.")
    raise SystemExit(small[0] != small[1] or not shuffled["once"])


def pairs_file(folder: Path, count: int) -> Path:
    """Return a file of made pairs; write it if it does not exist."""
    path = folder / f"{count}.tsv"
    if not path.exists():
        write_atomically(path, lambda stream: _write_pairs(stream, count))
    return path


def _write_pairs(stream: BinaryIO, count: int) -> None:
    words = [f"{first}{middle}{last}" for first in PARTS[0] for middle in PARTS[1] for last in PARTS[2]]
    generator = random.Random(1)
    for row in range(count):
        text = generator.choices(words, k=2 + min(18, int(generator.expovariate(0.2))))
        stream.write(f"{row:0{DIGITS}} {' '.join(text)}\t{' '.join(reversed(text))}\n".encode())


def _result(arguments: argparse.Namespace, count: int, place: str) -> dict[str, Any]:
    """Return a measurement; make it in a process of its own if it is missing."""
    record = arguments.folder / f"{count}-{arguments.level}-{place}.json"
    if not record.exists():
        pairs_file(arguments.folder, count)
        options = {"pairs": count, "updates": arguments.updates, "level": arguments.level, "folder": arguments.folder}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        subprocess.run([sys.executable, __file__, *words, "--measure", place], check=True)
    return json.loads(record.read_text(encoding="utf-8"))


class _Memory:
    """The memory of this process, in bytes, and its peaks since the last call of `peak`."""

    def __init__(self) -> None:
        self._peaks = self.now()
        threading.Thread(target=self._watch, daemon=True).start()

    @staticmethod
    def now() -> dict[str, int]:
        with open("/proc/self/status", encoding="ascii") as stream:
            values = dict(line.split(":", 1) for line in stream)
        return {name: 1024 * int(values[name].split()[0]) for name in ("RssAnon", "VmRSS")}

    def _watch(self) -> None:
        while True:
            time.sleep(0.02)
            now = self.now()
            self._peaks = {name: max(value, now[name]) for name, value in self._peaks.items()}

    def peak(self) -> dict[str, int]:
        peaks, self._peaks = self._peaks, self.now()
        return peaks


class _Steps:
    """Seconds and peak memory of each step of the preparation."""

    def __init__(self, memory: _Memory):
        self._memory, self._step, self._began = memory, "other", time.process_time()
        self.seconds = dict.fromkeys(STEPS, 0.0)
        self.peaks: dict[str, dict[str, int]] = {}

    def report(self, step: str, done: int, total: int | None) -> None:
        """Receive the progress; see `Storage`."""
        name = step if step in STEPS else "other"
        if name != self._step:
            self.end(name)

    def end(self, name: str = "other") -> None:
        """End the current step, and begin another one."""
        now = time.process_time()
        peak = self._memory.peak()
        before = self.peaks.get(self._step, peak)
        self.peaks[self._step] = {kind: max(value, before[kind]) for kind, value in peak.items()}
        self.seconds[self._step] += now - self._began
        self._step, self._began = name, now


class _StopAfter(passerelle.Callback):
    """Ends training after some updates, and measures their speed without the first half, which compiles programs."""

    def __init__(self, updates: int):
        self._updates = updates
        self.rate = self._began = 0.0

    def on_update_end(self, run: Any) -> None:
        if run.state.updates in (self._updates // 2, self._updates):
            run.state.means()  # wait for all updates
            now = time.process_time()
            self.rate = (self._updates - self._updates // 2) / (now - self._began)
            self._began = now
        if run.state.updates >= self._updates:
            run.stop("benchmark")


def _measure(arguments: argparse.Namespace) -> None:
    """Read, prepare and train in this process, and write the results."""
    if arguments.measure == "files":
        collector.MAX_IN_MEMORY = min(collector.MAX_IN_MEMORY, 2**20)
    memory = _Memory()
    steps = _Steps(memory)
    settings = choose_settings(
        preset="compact", level=arguments.level, settings={"training": {"metric": "loss", "search": "greedy"}}
    )
    name = f"{arguments.pairs}-{arguments.level}-{arguments.measure}"
    folder = arguments.folder / f"{name}.data"
    storage = Storage(folder, kept=True, report=steps.report)
    pairs = passerelle.read_pairs(pairs_file(arguments.folder, arguments.pairs), storage=storage)
    prepared = prepare(pairs, settings)
    prepared.examine()
    steps.end()
    stop = _StopAfter(arguments.updates)
    translator = train_prepared(prepared, [stop])
    result: dict[str, Any] = {
        "place": "memory" if pairs.storage is None else "files",
        "steps": steps.seconds,
        "peaks": {**steps.peaks, "training": memory.peak()},
        "size": sum(path.stat().st_size for path in folder.glob("*")),
        "updates_a_second": stop.rate,
        "weights": _checksum(translator.network.get_weights()),
        "shuffling": _shuffling(prepared) if arguments.level == "character" else {},
    }
    write_atomically(
        arguments.folder / f"{name}.json", lambda stream: stream.write(json.dumps(result, indent=1).encode())
    )
    shutil.rmtree(folder, ignore_errors=True)


def _checksum(weights: list[np.ndarray]) -> str:
    return hashlib.sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()


def _shuffling(prepared: Prepared) -> dict[str, Any]:
    """Read the numbers of the rows of an epoch from its batches, and compare their order with that of the file."""
    code_points = prepared.signature.source.tokenizer.vocabulary.code_points
    places = list(islice(_rows_of(prepared.training_batches, code_points), EPOCH_BATCHES))
    order, height = np.concatenate(places), max(map(len, places))
    spans = [int(rows.max() - rows.min()) for rows in places if len(rows) == height]
    return {
        "rows": len(order),
        "height": height,
        "once": len(np.unique(order)) == len(order),
        "correlation": float(np.corrcoef(order, np.arange(len(order)))[0, 1]),
        "span": float(np.mean(spans) / len(prepared.training)),
    }


def _rows_of(batches: Batches, code_points: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the numbers in the sources of each batch of the second epoch, int (rows,)."""
    powers = 10 ** np.arange(DIGITS - 1, -1, -1)
    for batch in batches.epoch(2):
        ids = next(iter(batch.sources.values()))
        digits = code_points[ids[ids[:, 0] != 0, :DIGITS]].astype(np.int64) - ord("0")
        yield digits @ powers


def _table(results: dict[tuple[int, str], dict[str, Any]]) -> str:
    """Return the table of all measurements."""
    titles = ["pairs", "texts and ids in", *(f"{step}, s" for step in STEPS)]
    titles += ["files, MB", "peak without files, MB", "peak in all, MB", "updates a second"]
    lines = [titles, ["---:", "---", *["---:"] * (len(titles) - 2)]]
    for (count, _), result in results.items():
        peaks = [max(peak[kind] for peak in result["peaks"].values()) / 1e6 for kind in ("RssAnon", "VmRSS")]
        seconds = [f"{result['steps'][step]:.1f}" for step in STEPS]
        numbers = [f"{result['size'] / 1e6:,.0f}", *(f"{peak:,.0f}" for peak in peaks)]
        lines.append([f"{count:,}", result["place"], *seconds, *numbers, f"{result['updates_a_second']:.2f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "jax")
    main()
