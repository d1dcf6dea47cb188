"""Compare the preset `auto` with every single preset, on eight files of different kinds, with the same minutes.

Spelling to sound in five languages, inflection in two, and English to Serbian; the rules of `auto` were made on other
files. A training has one core, and two run at the same time. It ends at the minute, from the start of reading to the
trained model, with the choice of the search. The metric is the exact match of words, or chrF of sentences, on the test
file with the stored search. Finished trainings are stored in `--out` and not repeated.
"""

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from passerelle.data.pair_files import write_pairs
from passerelle.data.pairs import Pairs
from passerelle.data.reading import read_pairs
from passerelle.data.splitting import split_by_source
from passerelle.data.writing import write_atomically
from run import HERE, SPLIT_SEED, run_once

DATA = HERE.parent.parent / "shared" / "data"
PHONES = {"target": {"level": "pretokenized", "separator": " "}}
TAGS = {"tags": {"mode": "separate"}}
PRESETS = ("auto", "compact", "attention", "pointer", "monotonic", "transformer")


@dataclass(frozen=True)
class Task:
    """Training, validation and test pairs of one kind.

    Attributes:
        files: paths by part: train, validation, test.
        settings: facts about the files that a user has to state with any preset, as nested settings.
        metric: `exact_match` or `chrf`.
    """

    files: dict[str, Path]
    settings: dict[str, Any]
    metric: str = "exact_match"


def main() -> None:
    """Run the missing trainings, then print the table and write it to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--minutes", type=float, default=2.0, help="default: %(default)s")
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--tasks", nargs="+", help="default: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "presets")
    arguments = parser.parse_args()
    tasks = {
        name: task
        for name, task in all_tasks(arguments.data, arguments.out).items()
        if not arguments.tasks or name in arguments.tasks
    }
    cores: Queue[int] = Queue()
    for core in sorted(os.sched_getaffinity(0))[:2]:
        cores.put(core)

    def train(name: str, preset: str) -> dict[str, Any]:
        core = cores.get()
        try:
            folder = arguments.out / f"{name}-{preset}-{arguments.seed}"
            return trained(tasks[name], preset, arguments.minutes, arguments.seed, folder, core)
        finally:
            cores.put(core)

    with ThreadPoolExecutor(2) as pool:
        jobs = {(name, preset): pool.submit(train, name, preset) for name in tasks for preset in arguments.presets}
        results = {key: job.result() for key, job in jobs.items()}
    text = table(tasks, arguments.presets, results)
    print(text)
    write_atomically(arguments.out / "presets.md", lambda stream: stream.write(text.encode()))


def all_tasks(data: Path, out: Path) -> dict[str, Task]:
    """Return the tasks by name; the file that has no split is split by source, and the parts are written to `out`."""
    tasks = {}
    groups = (("g2p", ("ady", "slv", "lav", "rum", "wel_sw"), PHONES), ("inflection", ("german", "french"), TAGS))
    for folder, languages, settings in groups:
        for language in languages:
            parts = {"train": "train", "validation": "dev", "test": "test"}
            files = {part: data / folder / f"{language}_{name}.tsv" for part, name in parts.items()}
            tasks[language] = Task(files, settings)
    files = {part: out / f"serbian-{part}.tsv" for part in ("train", "validation", "test")}
    if not all(path.exists() for path in files.values()):
        out.mkdir(parents=True, exist_ok=True)
        pairs = read_pairs(data / "tutorial_models" / "english_serbian.txt.gz", format="tsv")
        rest, test = split_by_source(pairs, 0.05, seed=SPLIT_SEED)
        split: tuple[Pairs, ...] = (*split_by_source(rest, 0.05, seed=SPLIT_SEED + 1), test)
        for path, part in zip(files.values(), split, strict=True):
            write_pairs(path, part)
    return tasks | {"serbian": Task(files, {}, "chrf")}


def trained(task: Task, preset: str, minutes: float, seed: int, folder: Path, core: int) -> dict[str, Any]:
    """Train on one core, unless the result exists, and return the result."""
    settings = {**task.settings, "training": {"seed": seed}}
    words = [word for part, path in task.files.items() for word in (f"--{part}", path)]
    words += ["--preset", preset, "--minutes", minutes, "--settings", json.dumps(settings), "--out", folder]
    return run_once(folder / "result.json", "contestant.py", *words, core=core) or {}


def table(tasks: dict[str, Task], presets: tuple[str, ...], results: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Return a Markdown table: a row for each file, with the difference of `auto` to the best single preset."""
    lines = [
        f"| file | metric | {' | '.join(presets)} | auto − best single | auto chose |",
        f"| --- | --- |{' --- |' * (len(presets) + 2)}",
    ]
    for name, task in tasks.items():
        scores = {preset: results[name, preset]["stored_report"][task.metric] for preset in presets}
        difference = scores["auto"] - max(score for preset, score in scores.items() if preset != "auto")
        choice = "; ".join(results[name, "auto"]["choices"])
        cells = " | ".join(f"{score:.1f}" for score in scores.values())
        lines.append(f"| {name} | {task.metric} | {cells} | {difference:+.1f} | {choice} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
