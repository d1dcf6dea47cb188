"""Copying of unseen names, on generated sentences such as "define an integer variable add" -> "int add".

5,000 training pairs and 500 test pairs, at level word and at level character. No name in the test pairs occurs in the
training pairs; at level character, some test names contain characters that do not occur there either. Finished rows are
stored in `--out`.
"""

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.writing import write_atomically

HERE = Path(__file__).parent
TYPES = {"integer": "int", "floating point": "float", "character": "char", "boolean": "bool", "double": "double"}
VERBS = ("define", "declare", "create", "make")
TRAINING_CHARACTERS, UNSEEN_CHARACTERS = "abcdefghijklmnopqrstuvw", "xyzéß"
LEVELS, PRESETS = ("word", "character"), ("pointer", "attention")


def main() -> None:
    """Train and evaluate the missing rows, then print the table and write it to `--out`."""
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


def generate_pairs(level: str, pairs: int, tests: int = 500, seed: int = 1) -> tuple[list[Any], list[Any]]:
    """Generate training and test pairs; no name in a test pair is a word of the training pairs."""
    rng = random.Random(seed)

    def pair(characters: str) -> tuple[str, str, str]:
        name = "".join(rng.choice(characters) for _ in range(rng.randint(1, 8)))
        words, keyword = rng.choice(list(TYPES.items()))
        article = "an" if words[0] in "aeiou" else "a"
        source, target = f"{rng.choice(VERBS)} {article} {words} variable {name}", f"{keyword} {name}"
        if rng.random() < 0.3:
            value = rng.randint(0, 999)
            source, target = f"{source} with value {value}", f"{target} = {value}"
        return source, target, name

    training = [pair(TRAINING_CHARACTERS) for _ in range(pairs)]
    seen = {word for source, _, _ in training for word in source.split()}
    characters = TRAINING_CHARACTERS
    if level == "character":
        characters += 4 * UNSEEN_CHARACTERS
    test: list[tuple[str, str, str]] = []
    while len(test) < tests:
        candidate = pair(characters)
        if candidate[2] not in seen:
            test.append(candidate)
    return [row[:2] for row in training], [row[:2] for row in test]


def _row(arguments: argparse.Namespace, level: str, preset: str) -> dict[str, Any]:
    path = arguments.out / f"{level}-{preset}.json"
    if not path.exists():
        print(f"{path}: training", flush=True)
        training, test = generate_pairs(level, arguments.pairs)
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
