"""Copying: made sentences such as "define an integer variable add" -> "int add", names never seen in training.

5,000 pairs to train on, 500 to report on, by word and by character. No test name is in the training pairs; for
characters, some test names hold letters that are not either. Finished rows are kept in `--out`.
"""

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.files import write_atomically

HERE = Path(__file__).parent
TYPES = {"integer": "int", "floating point": "float", "character": "char", "boolean": "bool", "double": "double"}
VERBS = ("define", "declare", "create", "make")
LETTERS, STRANGE = "abcdefghijklmnopqrstuvw", "xyzéß"
LEVELS, PRESETS = ("word", "character"), ("pointer", "attention")


def main() -> None:
    """Trains and evaluates what is not there yet, then prints the table and writes it into `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--levels", nargs="+", default=LEVELS, choices=LEVELS)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "copying")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    lines = [
        "| level | preset | exact match, % | example | seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for level in arguments.levels:
        for preset in arguments.presets:
            row = _row(arguments, level, preset)
            lines.append(
                f"| {level} | `{preset}` | {row['exact_match']:.1f} | {' -> '.join(row['example'])} | "
                f"{row['seconds']:.0f} |"
            )
    table = "\n".join([*lines, ""])
    print(table)
    write_atomically(arguments.out / "copying.md", lambda stream: stream.write(table.encode()))


def made_pairs(level: str, pairs: int, tests: int = 500, seed: int = 1) -> tuple[list[Any], list[Any]]:
    """Training and test pairs; no name of a test pair is a word of the training pairs."""
    draw = random.Random(seed)

    def pair(letters: str) -> tuple[str, str, str]:
        name = "".join(draw.choice(letters) for _ in range(draw.randint(1, 8)))
        words, written = draw.choice(list(TYPES.items()))
        article = "an" if words[0] in "aeiou" else "a"
        source, target = f"{draw.choice(VERBS)} {article} {words} variable {name}", f"{written} {name}"
        if draw.random() < 0.3:
            value = draw.randint(0, 999)
            source, target = f"{source} with value {value}", f"{target} = {value}"
        return source, target, name

    training = [pair(LETTERS) for _ in range(pairs)]
    seen = {word for source, _, _ in training for word in source.split()}
    letters = LETTERS + 4 * STRANGE if level == "character" else LETTERS
    test: list[tuple[str, str, str]] = []
    while len(test) < tests:
        made = pair(letters)
        if made[2] not in seen:
            test.append(made)
    return [made[:2] for made in training], [made[:2] for made in test]


def _row(arguments: argparse.Namespace, level: str, preset: str) -> dict[str, Any]:
    path = arguments.out / f"{level}-{preset}.json"
    if not path.exists():
        print(f"{path}: training", flush=True)
        training, test = made_pairs(level, arguments.pairs)
        started = time.perf_counter()
        translator = passerelle.train(training, preset=preset, level=level, epochs=arguments.epochs)
        seconds = time.perf_counter() - started
        report = translator.evaluate(test)
        text = json.dumps(
            {
                "exact_match": report.exact_match,
                "example": [test[0][0], translator.translate(test[0][0])],
                "seconds": seconds,
            }
        )
        write_atomically(path, lambda stream: stream.write(text.encode()))
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
