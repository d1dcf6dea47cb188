"""Compare this project with the program of the Keras tutorial and with PyTorch (`make bench`).

Each contestant runs in a separate process. The script splits the first 10,000 pairs of fra-eng by source into training,
validation and test files. It times training of all contestants in alternation, and decoding with the same weights. It
trains the tutorial program and our presets for 30 epochs from several seeds and scores all on the same test file.
Finished parts are not repeated; remove the folder to start over. PyTorch is included if it is installed (pip install
torch, on Linux from the CPU index).
"""

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import speed
from passerelle.data.pair_files import write_pairs
from passerelle.data.pairs import references
from passerelle.data.reading import read_pairs
from passerelle.data.splitting import split_by_source
from passerelle.evaluation.metrics import score
from passerelle.settings import PRESETS

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "fra-eng.zip"
SPLIT_SEED = 2017
HELD_OUT = 0.1
SEEDS = {
    "tutorial program": (0, 1, 2, 3),
    "tutorial": (0, 1, 2, 3),
    **{preset: (1, 2, 3) for preset in PRESETS if preset != "tutorial"},
}
"""Seeds per contestant. The first two have one more, because they differ by less than two seeds of the same program."""

SIZES: dict[str, dict[str, int]] = {
    "1 layer of 256": {"units": 256, "layers": 1},
    "2 layers of 512": {"units": 512, "layers": 2},
}
"""Network sizes for the timing of training. The tutorial program has one layer; the deeper networks are timed on a
sample of their updates."""

PAIRS = (10_000, 40_000, 200_000)
"""Numbers of pairs to read from the file, which is sorted by length; the last number exceeds the size of the file."""


def main() -> None:
    """Run the unfinished parts, then write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument(
        "--rounds", type=int, default=3, help="number of timings of each contestant; default: %(default)s"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    files = split_files(arguments.pairs, arguments.limit, arguments.out)
    tables, values = [], {}
    for part in arguments.parts:
        table, values[part] = PARTS[part](arguments, files)
        tables.append(table)
        print(f"\n{table}", flush=True)
    (arguments.out / "tables.md").write_text("\n".join(tables), encoding="utf-8")
    (arguments.out / "tables.json").write_text(json.dumps(values, indent=1), encoding="utf-8")


def split_files(pairs: Path, limit: int, out: Path) -> dict[str, Path]:
    """Return the files of training, validation and test pairs in `out`; write them if they do not exist."""
    files = {name: out / f"{name}.tsv" for name in ("train", "validation", "test")}
    if not all(path.exists() for path in files.values()):
        if not pairs.exists():
            sys.exit(f"{pairs}: no such file. Download it (passerelle download fra-eng) and pass it with --pairs")
        out.mkdir(parents=True, exist_ok=True)
        rest, test = split_by_source(read_pairs(pairs, limit=limit), HELD_OUT, seed=SPLIT_SEED)
        training, validation = split_by_source(rest, HELD_OUT, seed=SPLIT_SEED + 1)
        for name, part in (("train", training), ("validation", validation), ("test", test)):
            write_pairs(files[name], part)
    return files


def run_once(result: Path, script: str, *words: object, core: int | None = None) -> dict[str, Any] | None:
    """Run one contestant in a separate process, maybe on one core, unless its result exists; None if not installed."""
    if not result.exists():
        print(f"{result}: running", flush=True)
        result.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(HERE / script), *map(str, words)]
        command = command if core is None else ["taskset", "--cpu-list", str(core), *command]
        with open(result.with_suffix(".log"), "w", encoding="utf-8") as log:
            status = subprocess.run(
                command, stdout=log, stderr=log, env=os.environ | {"KERAS_BACKEND": "jax"}
            ).returncode
        if status == speed.NOT_INSTALLED:
            return None
        if status:
            sys.exit(f"{result}: failed with status {status}, see {result.with_suffix('.log')}")
    return json.loads(result.read_text(encoding="utf-8"))


def _training(arguments: argparse.Namespace, files: dict[str, Path]) -> tuple[str, dict[str, Any]]:
    """Time the updates of one epoch for each contestant, in alternation."""
    folder = arguments.out / "training"
    lines, values = [], {}
    limit = run_once(
        folder / "limit.json", "speed.py", "limit", "--pairs", files["train"], "--out", folder / "limit.json"
    )
    rate = limit["operations_per_second"] if limit else float("nan")
    pairs = read_pairs(files["train"])
    source, target = (sum(map(len, side)) for side in (pairs.sources, pairs.targets))
    target += len(pairs)  # END
    columns = len(set("".join(pairs.targets))) + 2
    for size, shape in SIZES.items():
        options = [word for name, value in shape.items() for word in (f"--{name}", value)]
        if shape["layers"] > 1:
            options += ["--updates", 20]
        names = [name for name in speed.CONTESTANTS if name != "limit"]
        if shape["layers"] > 1:
            names = [name for name in names if not name.startswith("program")]
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for number in range(1, arguments.rounds + 1):
            for name in names:
                out = folder / size.replace(" ", "-") / f"{name}-{number}.json"
                words = ("--pairs", files["train"], "--out", out, *options)
                measured = run_once(out, "speed.py", name, *words)
                if measured:
                    runs[name].append(measured)
        needed = speed.operations(source, target, columns=columns, **shape) / rate
        rows = {}
        for name, measured in runs.items():
            if measured:
                seconds = speed.per_token(measured) * (source + target)
                memory = statistics.median(run["peak_memory_mb"] for run in measured)
                rows[name] = {"epoch_seconds": seconds, "to_limit": seconds / needed, "peak_memory_mb": memory}
        slowest = rows.get("program", rows["passerelle"])["epoch_seconds"]
        lines += [
            f"Training, {size}, {source + target:,} tokens per epoch:",
            "",
            "| | seconds per epoch | speed-up | time / limit | peak memory, MB |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| {name} | {row['epoch_seconds']:.2f} | {slowest / row['epoch_seconds']:.2f} | "
                f"{row['to_limit']:.2f} | {row['peak_memory_mb']:.0f} |"
                for name, row in rows.items()
            ),
            f"| limit: only the matrix products, at {rate / 1e9:.0f} billion operations per second | {needed:.2f} | "
            f"{slowest / needed:.2f} | 1.00 | |",
            *(f"| {name} | not installed | | | |" for name in names if name not in rows),
            "",
        ]
        values[size] = rows
    return "\n".join(lines), values


def _scaling(arguments: argparse.Namespace, files: dict[str, Path]) -> tuple[str, dict[str, Any]]:
    """Measure time per token and peak memory for different numbers of pairs, on a random sample of the updates."""
    folder = arguments.out / "scaling"
    runs: dict[int, list[dict[str, Any]]] = {pairs: [] for pairs in PAIRS}
    for number in range(1, arguments.rounds + 1):
        for pairs in PAIRS:
            out = folder / f"{pairs}-{number}.json"
            words = ("--pairs", arguments.pairs, "--limit", pairs, "--updates", 120, "--out", out)
            runs[pairs] += [run_once(out, "speed.py", "passerelle", *words) or {}]
    rows = {
        pairs: {
            "microseconds_a_token": 1e6 * speed.per_token(measured),
            "padding_share": measured[0]["padding_share"],
            "peak_memory_mb": statistics.median(run["peak_memory_mb"] for run in measured),
        }
        for pairs, measured in runs.items()
    }
    lines = [
        "| maximum number of pairs | microseconds per token | padding | peak memory, MB |",
        "| --- | --- | --- | --- |",
        *(
            f"| {pairs:,} | {row['microseconds_a_token']:.2f} | {row['padding_share']:.1%} | "
            f"{row['peak_memory_mb']:.0f} |"
            for pairs, row in rows.items()
        ),
        "",
    ]
    return "\n".join(lines), {str(pairs): row for pairs, row in rows.items()}


def _quality(arguments: argparse.Namespace, files: dict[str, Path]) -> tuple[str, dict[str, Any]]:
    """Score all contestants on the test sources, from several seeds."""
    epochs = ("--epochs", arguments.epochs)
    answers = references(read_pairs(files["test"]))
    reports: dict[str, list[dict[str, Any]]] = {}
    costs: dict[str, list[dict[str, Any]]] = {}
    for name, seeds in SEEDS.items():
        reports[name], costs[name] = [], []
        for seed in seeds:
            folder = arguments.out / f"{name.split()[-1]}-{seed}"
            if name != "tutorial program":
                words = [word for key, path in files.items() for word in (f"--{key}", path)]
                words += epochs if name == "tutorial" else ()  # the other presets have their own number of epochs
                settings = json.dumps({"training": {"seed": seed}})
                result = run_once(
                    folder / "result.json", "contestant.py",
                    "--preset", name, *words, "--settings", settings, "--out", folder,
                )  # fmt: skip
                costs[name].append(result or {})
                reports[name].append((result or {})["report"])
            else:
                words = ("--train", files["train"], "--test", files["test"], "--seed", seed, "--out", folder)
                costs[name].append(run_once(folder / "result.json", "tutorial_program.py", *words, *epochs) or {})
                lines = (folder / "hypotheses.tsv").read_text(encoding="utf-8").split("\n")
                hypotheses = dict(line.split("\t", 1) for line in lines if "\t" in line)
                report = score([hypotheses[source] for source, _ in answers], list(answers.values()))
                reports[name].append(dataclasses.asdict(report))
    columns = {"exact_match": "exact match, %", "character_error_rate": "CER, %", "bleu": "BLEU", "chrf": "chrF"}
    some = reports["tutorial"][0]
    lines = [
        f"After {arguments.epochs} epochs (other presets: their own number of epochs). Means over the seeds (lowest to "
        f"highest) on {len(answers)} unseen test sources. Seconds and memory are the minima over the seeds.",
        "",
        f"| | seeds | seconds per epoch | peak memory, MB | {' | '.join(columns.values())} |",
        f"| --- | --- | --- | --- |{' --- |' * len(columns)}",
        *(
            f"| {name} | {len(rows)} | {min(run['median_epoch_seconds'] for run in costs[name]):.1f} | "
            f"{min(run['peak_memory_mb'] for run in costs[name]):.0f} | "
            f"{' | '.join(spread([row[key] for row in rows]) for key in columns)} |"
            for name, rows in reports.items()
        ),
        "",
        f"BLEU is {some['bleu_signature']}, chrF {some['chrf_signature']}.",
        "",
    ]
    return "\n".join(lines), reports


def spread(values: list[float]) -> str:
    """Return the mean, and the lowest and highest value if there are several."""
    mean = f"{statistics.mean(values):.1f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.1f} to {max(values):.1f})"


def _decoding(arguments: argparse.Namespace, files: dict[str, Path]) -> tuple[str, dict[str, Any]]:
    """Measure characters per second of both decoders, with the weights of the trained tutorial program."""
    seed = SEEDS["tutorial program"][0]
    program = arguments.out / f"program-{seed}"
    words = ("--train", files["train"], "--test", files["test"], "--seed", seed, "--out", program)
    run_once(program / "result.json", "tutorial_program.py", *words, "--epochs", arguments.epochs)
    out = arguments.out / "decoding"
    words = ("--program", program, "--test", files["test"], "--out", out)
    result = run_once(out / "result.json", "decoding.py", *words) or {}
    rates: dict[str, float] = result["characters_per_second"]
    lines = [
        "| decoder, with the program's weights | characters per second | speed-up |",
        "| --- | --- | --- |",
        *(f"| {name} | {rate:,.0f} | {rate / rates['program']:.0f} |" for name, rate in rates.items()),
        "",
        f"Both decoders gave the same text for {result['same_text']} of {result['sources']} sentences.",
        "",
    ]
    return "\n".join(lines), result


PARTS = {"training": _training, "scaling": _scaling, "decoding": _decoding, "quality": _quality}

if __name__ == "__main__":
    main()
