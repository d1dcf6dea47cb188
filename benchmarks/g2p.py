"""Grapheme-to-phoneme conversion: the preset `monotonic`, single models, ensembles of five, and students of these.

SIGMORPHON 2021 task 1, low-resource (../shared/data/g2p): 800 training words, 100 for development, 100 for testing. The
settings were chosen on five languages; `ady` and `slv` are others. Students (`--students`) are trained by distillation:
the ensemble pronounces words that a character 4-gram model of the training words makes up.
Models are stored in `--out`, and an interrupted run continues from there; remove the folder to start over.
"""

import argparse
import json
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.writing import write_atomically

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "g2p"
LANGUAGES = ("gre", "ita", "lav", "rum", "wel_sw", "ady", "slv")
PUBLISHED = {"gre": 21.0, "ita": 19.0, "lav": 55.0, "rum": 10.0, "wel_sw": 10.0, "ady": 22.0, "slv": 49.0}
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
    parser.add_argument("--students", type=int, default=0, help="seeds of students; default: %(default)s")
    parser.add_argument("--made-up", type=int, default=4000, help="made-up words of students; default: %(default)s")
    parser.add_argument("--student-epochs", type=int, default=12, help="default: %(default)s")
    parser.add_argument("--others", type=Path, help="`--out` of another run, whose models join those of this run")
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
    students = [_student(arguments, language, pairs, translators, seed) for seed in range(1, arguments.students + 1)]
    paths = () if arguments.others is None else sorted(arguments.others.glob(f"{language}-[0-9]*.keras"))
    mixed = ensemble.ensemble_with(map(passerelle.load, paths))
    return {
        "single": {part: [word_error_rate(member, pairs[part]) for member in translators] for part in PARTS},
        "students": {part: [word_error_rate(student, pairs[part]) for student in students] for part in PARTS},
        "ensemble": {part: word_error_rate(ensemble, pairs[part]) for part in PARTS},
        "mixed": {part: word_error_rate(mixed, pairs[part]) for part in PARTS if paths},
        "seconds": seconds,
    }


def _student(
    arguments: argparse.Namespace,
    language: str,
    pairs: dict[str, passerelle.Pairs],
    teachers: list[passerelle.Translator],
    seed: int,
) -> passerelle.Translator:
    """Return the student of an ensemble; train it if its file does not exist."""
    path = arguments.out / f"{language}-student-{seed}.keras"
    if not path.exists():
        print(f"{path}: training", flush=True)
        student = passerelle.distill(
            pairs["train"],
            teachers,
            sources=made_up(pairs["train"].sources, arguments.made_up, seed),
            beam=1,
            validation=pairs["dev"],
            preset=arguments.preset,
            settings=_settings(arguments.settings, seed),
            epochs=arguments.student_epochs,
        )
        student.save(path)
    return passerelle.load(path)


def made_up(words: Sequence[str], count: int, seed: int, order: int = 4) -> list[str]:
    """Return distinct words that a character n-gram model of real words makes up, none of which is one of them."""
    numbers, following = random.Random(seed), defaultdict(list)
    for word in words:
        padded = "\0" * (order - 1) + word + "\0"
        for place in range(order - 1, len(padded)):
            following[padded[place - order + 1 : place]].append(padded[place])
    made, real = dict[str, None](), set(words)
    for _ in range(100 * count):
        word = "\0" * (order - 1)
        while not word.endswith("\0") or len(word) < order:
            word += numbers.choice(following[word[1 - order :]])
        made[word.strip("\0")] = None
        if len(made) >= count + len(words):
            break
    return [word for word in made if word and word not in real][:count]


def _settings(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    return {
        **settings,
        "target": {"level": "pretokenized", "separator": " "},
        "training": {**settings.get("training", {}), "seed": seed},
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
        started = time.perf_counter()
        translator = passerelle.train(
            pairs["train"], preset=preset, settings=_settings(settings, seed), validation=pairs["dev"]
        )
        text = json.dumps({"seconds": time.perf_counter() - started})
        translator.save(path)
        write_atomically(cost, lambda stream: stream.write(text.encode()))
    return passerelle.load(path), json.loads(cost.read_text(encoding="utf-8"))["seconds"]


def word_error_rate(translator: passerelle.Translator, pairs: passerelle.Pairs, **options: Any) -> float:
    """Return the percentage of words whose phonemes are not all correct; `options` are search options."""
    return 100.0 - translator.evaluate(pairs, **options).exact_match


def _table(rows: dict[str, dict[str, Any]], arguments: argparse.Namespace) -> str:
    kinds = ["single", *["students"] * bool(arguments.students)]
    together = ["ensemble", *["mixed"] * bool(arguments.others)]
    head = [f"{part}, {kind}" for kind in [*kinds, *together] for part in PARTS]
    lines = [
        f"Word error rate, %, preset `{arguments.preset}`; single: mean of {arguments.seeds} seeds (lowest to highest)",
        "",
        f"| language | {' | '.join(head)} | published | seconds per model |",
        f"| --- |{' --- |' * (len(head) + 2)}",
    ]
    for language, row in rows.items():
        cells = [_spread(row[kind][part]) for kind in kinds for part in PARTS]
        cells += [f"{row[kind][part]:.0f}" for kind in together for part in PARTS]
        cells += [f"{PUBLISHED[language]:.0f}", f"{statistics.median(row['seconds']):.0f}"]
        lines.append(f"| {language} | {' | '.join(cells)} |")
    cells = [_mean(value for row in rows.values() for value in row[kind][part]) for kind in kinds for part in PARTS]
    cells += [_mean(row[kind][part] for row in rows.values()) for kind in together for part in PARTS]
    cells.append(_mean(PUBLISHED[name] for name in rows))
    cells.append(f"{statistics.median(value for row in rows.values() for value in row['seconds']):.0f}")
    return "\n".join([*lines, f"| mean | {' | '.join(cells)} |", ""])


def _mean(values: Any) -> str:
    return f"{statistics.mean(values):.1f}"


def _spread(values: list[float]) -> str:
    return f"{_mean(values)} ({min(values):.0f} to {max(values):.0f})"


if __name__ == "__main__":
    main()
