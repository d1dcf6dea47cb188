"""Grapheme-to-phoneme conversion in five languages: the preset `monotonic`, single models and ensembles of five.

SIGMORPHON 2021 task 1, low-resource (../shared/data/g2p): 800 training words, 100 for development, 100 for testing.
Models are stored in `--out`, and an interrupted run continues from there; remove the folder to start over.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.writing import write_atomically

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "g2p"
LANGUAGES = ("gre", "ita", "lav", "rum", "wel_sw")
PUBLISHED = {"gre": 21.0, "ita": 19.0, "lav": 55.0, "rum": 10.0, "wel_sw": 10.0}
"""Word error rates of the shared task's baseline, an ensemble of neural transducers (Ashby et al. 2021)."""

PARTS = ("dev", "test")


def main() -> None:
    """Train the missing models, then print the table and write it to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--preset", default="monotonic")
    parser.add_argument("--settings", type=json.loads, default={}, help="nested settings as JSON")
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, choices=LANGUAGES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "g2p")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = {language: _language(arguments, language) for language in arguments.languages}
    table = _table(rows, arguments)
    print(table)
    values = json.dumps(rows, indent=1)
    write_atomically(arguments.out / "g2p.md", lambda stream: stream.write(table.encode()))
    write_atomically(arguments.out / "g2p.json", lambda stream: stream.write(values.encode()))


def _language(arguments: argparse.Namespace, language: str) -> dict[str, Any]:
    pairs = pairs_of(arguments.data, language)
    translators, seconds = [], []
    for seed in range(1, arguments.seeds + 1):
        path = arguments.out / f"{language}-{seed}.keras"
        translator, cost = trained(path, pairs, arguments.preset, arguments.settings, seed)
        translators.append(translator)
        seconds.append(cost)
    ensemble = translators[0].ensemble_with(translators[1:])
    return {
        "single": {part: [word_error_rate(member, pairs[part]) for member in translators] for part in PARTS},
        "ensemble": {part: word_error_rate(ensemble, pairs[part]) for part in PARTS},
        "seconds": seconds,
    }


def pairs_of(data: Path, language: str) -> dict[str, passerelle.Pairs]:
    """Return the pairs of words and phonemes by part: train, dev, test."""
    return {part: passerelle.read_pairs(data / f"{language}_{part}.tsv") for part in ("train", *PARTS)}


def trained(
    path: Path, pairs: dict[str, passerelle.Pairs], preset: str, settings: dict[str, Any], seed: int
) -> tuple[passerelle.Translator, float]:
    """Return the translator at `path` and the seconds of its training; train it if it does not exist."""
    cost = path.with_suffix(".json")
    if not (path.exists() and cost.exists()):
        print(f"{path}: training", flush=True)
        all_settings = {
            **settings,
            "target": {"level": "pretokenized", "separator": " "},
            "training": {**settings.get("training", {}), "seed": seed},
        }
        started = time.perf_counter()
        translator = passerelle.train(pairs["train"], preset=preset, settings=all_settings, validation=pairs["dev"])
        text = json.dumps({"seconds": time.perf_counter() - started})
        translator.save(path)
        write_atomically(cost, lambda stream: stream.write(text.encode()))
    return passerelle.load(path), json.loads(cost.read_text(encoding="utf-8"))["seconds"]


def word_error_rate(translator: passerelle.Translator, pairs: passerelle.Pairs, **options: Any) -> float:
    """Return the percentage of words whose phonemes are not all correct; `options` are search options."""
    return 100.0 - translator.evaluate(pairs, **options).exact_match


def _table(rows: dict[str, dict[str, Any]], arguments: argparse.Namespace) -> str:
    def mean(values: Any) -> str:
        return f"{statistics.mean(values):.1f}"

    lines = [
        f"Word error rate, %, preset `{arguments.preset}`; single: mean of {arguments.seeds} seeds (lowest to highest)",
        "",
        "| language | dev, single | test, single | dev, ensemble | test, ensemble | published | seconds per model |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for language, row in rows.items():
        single = row["single"]
        spread = {part: f"{mean(single[part])} ({min(single[part]):.0f} to {max(single[part]):.0f})" for part in PARTS}
        lines.append(
            f"| {language} | {spread['dev']} | {spread['test']} | {row['ensemble']['dev']:.0f} | "
            f"{row['ensemble']['test']:.0f} | {PUBLISHED[language]:.0f} | {statistics.median(row['seconds']):.0f} |"
        )
    single = {part: mean(value for row in rows.values() for value in row["single"][part]) for part in PARTS}
    ensemble = {part: mean(row["ensemble"][part] for row in rows.values()) for part in PARTS}
    seconds = statistics.median(value for row in rows.values() for value in row["seconds"])
    lines.append(
        f"| mean | {single['dev']} | {single['test']} | {ensemble['dev']} | {ensemble['test']} | "
        f"{mean(PUBLISHED[name] for name in rows)} | {seconds:.0f} |"
    )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
