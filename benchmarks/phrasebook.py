"""Exact match on the held-out sentences of the phrasebook, by the tokenizer levels of source and target.

Pairs and settings are those of `passerelle demo`, at every level, but with 1.5 times as many epochs, because characters
take longer to train. The search is greedy. Finished trainings are stored in `--out`.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import passerelle
from passerelle.cli.demo import SETTINGS
from passerelle.data.phrasebook import train_and_held_out
from passerelle.data.writing import write_atomically

HERE = Path(__file__).parent
EPOCHS = 9
LEVELS = {
    "character": ("character", "character"),
    "word to character": ("word", "character"),
    "subword": ("subword", "subword"),
    "word": ("word", "word"),
}
"""Levels of source and target, by name."""


def main() -> None:
    """Train and evaluate the missing rows, then print the table and write it to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", nargs="+", default=list(LEVELS), choices=LEVELS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "phrasebook")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = ["| source | target | exact match, % | CER, % | seconds per model |", "| --- | --- | --- | --- | --- |"]
    for name in arguments.levels:
        rows = [_row(arguments, name, seed) for seed in range(1, arguments.seeds + 1)]
        exact = _spread([row["exact_match"] for row in rows])
        errors = _spread([row["character_error_rate"] for row in rows], digits=2)
        seconds = statistics.median(row["seconds"] for row in rows)
        lines.append(f"| {' | '.join(LEVELS[name])} | {exact} | {errors} | {seconds:.0f} |")
    table = "\n".join([*lines, ""])
    print(table)
    write_atomically(arguments.out / "phrasebook.md", lambda stream: stream.write(table.encode()))


def _spread(values: list[float], digits: int = 1) -> str:
    mean, lowest, highest = (f"{value:.{digits}f}" for value in (statistics.mean(values), min(values), max(values)))
    return f"{mean} ({lowest} to {highest})"


def _row(arguments: argparse.Namespace, name: str, seed: int) -> dict[str, Any]:
    path = arguments.out / f"{name.replace(' ', '-')}-{arguments.epochs}-epochs-{seed}.json"
    if not path.exists():
        print(f"{path}: training", flush=True)
        known, unseen = train_and_held_out()
        source, target = LEVELS[name]
        started = time.perf_counter()
        translator = passerelle.train(
            known,
            preset="compact",
            settings=SETTINGS,
            source_level=source,
            target_level=target,
            epochs=arguments.epochs,
            seed=seed,
        )
        seconds = time.perf_counter() - started
        report = translator.evaluate(unseen)
        scores = {"exact_match": report.exact_match, "character_error_rate": report.character_error_rate}
        text = json.dumps({**scores, "seconds": seconds})
        write_atomically(path, lambda stream: stream.write(text.encode()))
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
