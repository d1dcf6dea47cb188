"""Train on all of fra-eng within a time limit: compare characters, words and subwords, and a longer run of subwords.

2,000 sources for development and 2,000 for testing are sampled with a fixed seed, with all their translations, and
written to files. Each training has a time limit in minutes, so results depend on the machine. Results are stored in
`--out`, and an interrupted run continues from there; remove the folder to start over.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.pair_files import write_pairs
from passerelle.data.writing import write_atomically
from passerelle.training.callbacks.callback import Callback, Run

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "fra-eng.zip"
PARTS = ("train", "dev", "test")
HELD_OUT = 2_000
SPLIT_SEED = 2017
BEAM = 5
RUNS = (("subword", 30), ("subword", 10), ("word", 10), ("character", 10))
SETTINGS: dict[str, Any] = {
    "network": {"dropout": 0.15},
    "training": {"epochs": 40, "batch_size": 64, "learning_rate": 0.003, "patience": 0, "keep": "last"},
}
"""Changes to the preset: with more pairs it needs less dropout, and the time limit ends the training."""

VOCABULARY_SIZE = {"character": None, "word": 8_000, "subword": 4_000}
"""Maximum vocabulary size per side. All words would be 15,000 and 24,000, and half of them occur once or twice."""


class Log(Callback):
    """Print the results of each epoch."""

    def on_epoch_end(self, run: Run) -> None:
        print(run.state.history[-1], *run.samples[:1], flush=True)


def main() -> None:
    """Run the missing trainings, then print the table and write it to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--preset", default="attention")
    parser.add_argument("--settings", type=json.loads, default=SETTINGS, help="nested settings as JSON")
    parser.add_argument("--runs", nargs="+", default=[f"{level}:{minutes}" for level, minutes in RUNS])
    parser.add_argument("--out", type=Path, default=HERE / "results" / "fra-eng")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # level and minutes: one training, in a child process
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.one:
        _train(arguments, *arguments.one)
        return
    files = {part: arguments.out / f"{part}.tsv" for part in PARTS}
    if not all(path.exists() for path in files.values()):
        _split(arguments.pairs, files)
    rows = []
    for run in arguments.runs:
        level, minutes = run.split(":")
        result = arguments.out / f"{level}-{minutes}" / "result.json"
        if not result.exists():
            print(f"{result}: running", flush=True)
            result.parent.mkdir(exist_ok=True)
            options = ["--preset", arguments.preset, "--settings", json.dumps(arguments.settings)]
            command = [sys.executable, __file__, *options, "--out", str(arguments.out), "--one", level, minutes]
            with open(result.with_suffix(".log"), "w", encoding="utf-8") as log:
                if status := subprocess.run(command, stdout=log, stderr=log).returncode:
                    sys.exit(f"{result}: failed with status {status}, see {result.with_suffix('.log')}")
        rows.append(json.loads(result.read_text(encoding="utf-8")))
    table = _table(rows, arguments.preset)
    print(table)
    write_atomically(arguments.out / "fra-eng.md", lambda stream: stream.write(table.encode()))


def _split(pairs: Path, files: dict[str, Path]) -> None:
    rows = list(passerelle.read_pairs(pairs))
    sources = sorted({source for source, *_ in rows})
    held_out = random.Random(SPLIT_SEED).sample(sources, 2 * HELD_OUT)
    part_of = dict.fromkeys(held_out[:HELD_OUT], "dev") | dict.fromkeys(held_out[HELD_OUT:], "test")
    for part, path in files.items():
        write_pairs(path, [row for row in rows if part_of.get(row[0], "train") == part])


def _train(arguments: argparse.Namespace, level: str, minutes: str) -> None:
    """Train one translator, score it with greedy and beam search on both parts, and write `result.json`."""
    folder = arguments.out / f"{level}-{minutes}"
    translator = passerelle.train(
        passerelle.read_pairs(arguments.out / "train.tsv"),
        validation=arguments.out / "dev.tsv",
        preset=arguments.preset,
        settings=arguments.settings,
        level=level,
        vocabulary_size=VOCABULARY_SIZE[level],
        minutes=float(minutes),
        callbacks=[Log()],
    )
    translator.save(folder / "model.keras")
    scores = {}
    for part in ("dev", "test"):
        pairs = passerelle.read_pairs(arguments.out / f"{part}.tsv")
        for beam in (1, BEAM):
            report = translator.evaluate(pairs, beam=beam)
            scores[f"{part}-{beam}"] = {name: getattr(report, name) for name in ("exact_match", "bleu", "chrf")}
            signature = report.bleu_signature
    result = {
        "level": level,
        "minutes": float(minutes),
        "tokens": [translator.source.vocabulary.size, translator.target.vocabulary.size],
        "parameters": translator.network.count_params(),
        "epochs": translator.record["epochs"],
        "scores": scores,
        "bleu_signature": signature,
    }
    text = json.dumps(result, indent=1).encode()
    write_atomically(folder / "result.json", lambda stream: stream.write(text))


def _table(rows: list[dict[str, Any]], preset: str) -> str:
    lines = [
        f"Preset `{preset}`; 2,000 test sources with all their translations as references",
        "",
        f"| level | minutes | epochs | BLEU on dev | BLEU | chrF | exact, % | BLEU, beam of {BEAM} | chrF, beam |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        dev, test, test_beam = (row["scores"][name] for name in ("dev-1", "test-1", f"test-{BEAM}"))
        lines.append(
            f"| {row['level']} | {row['minutes']:g} | {len(row['epochs'])} | {dev['bleu']:.1f} | {test['bleu']:.1f} | "
            f"{test['chrf']:.1f} | {test['exact_match']:.1f} | {test_beam['bleu']:.1f} | {test_beam['chrf']:.1f} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
