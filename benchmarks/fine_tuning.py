"""Fine-tuning on other topics and on another alphabet, with and without old pairs: what is learned, what is forgotten.

The pairs of fra-eng are split by topics: a sentence belongs to a topic if it contains one of its words. The model is
trained on sentences without the second half of the topics, and tuned on 500 pairs of that half. In a second task, 500
pairs of the first half are written in Cyrillic letters on both sides, which the model does not know. The results are
chrF on 500 held-out pairs of both, with beam search. The model and finished rows are stored in `--out`, and an
interrupted run continues from there; remove the folder to start over.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.writing import write_atomically

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "shared" / "data" / "fra-eng.zip"
SPLIT_SEED = 2017
NEW_PAIRS = TEST_PAIRS = 500
BEAM = 5

TOPICS = {
    "family": "father mother brother sister son daughter wife husband uncle aunt parents children family baby",
    "school": "school teacher student students class book books read study studied lesson homework exam university",
    "travel": "train bus car plane station airport ticket trip travel traveled road drive drove driving hotel",
    "weather": "rain rained raining snow snowed weather cold hot warm wind storm cloudy sun sunny",
    "food": "eat ate eating food dinner lunch breakfast cook cooked bread meat fish cake apple apples hungry",
    "drink": "drink drank drinking water coffee tea milk beer wine juice thirsty glass cup bottle",
    "health": "sick ill doctor hospital medicine pain headache fever cough nurse died dead hurt blood health",
    "money": "money buy bought sell sold pay paid price cheap expensive rich poor cost dollars shop store bank",
}
"""Words of each topic. The model is trained without the last four topics."""

ROWS: dict[str, dict[str, Any]] = {
    "new pairs only": {},
    "half of each epoch old": {"share": 0.5},
    "four fifths of each epoch old": {"share": 0.8},
    "new pairs only, encoder frozen": {"freeze": ("encoder", "source_embedding")},
}

LATIN, CYRILLIC = "abcdefghijklmnopqrstuvwxyzàâçéèêëîïôûùœ", "абцдефгхийклмнопщрстувжчызэюяёєіїґўђљњѕ"
ALPHABET = str.maketrans(LATIN + LATIN.upper(), CYRILLIC + CYRILLIC.upper())


def main() -> None:
    """Train the model and the missing rows, then print the table and write it to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=DATA, help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=20_000, help="pairs of the first half; default: %(default)s")
    parser.add_argument("--preset", default="compact")
    parser.add_argument("--minutes", type=float, default=20.0, help="time for the model; default: %(default)s")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of fine-tuning; default: %(default)s")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "fine-tuning")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    pairs = list(passerelle.read_pairs(arguments.pairs))
    first, second = split_by_topics(pairs, arguments.limit)
    old, old_test = first[TEST_PAIRS:], first[:TEST_PAIRS]
    tasks = {
        "topics": (second[:-TEST_PAIRS][:NEW_PAIRS], second[-TEST_PAIRS:]),
        "alphabet": (in_cyrillic(old[:NEW_PAIRS]), in_cyrillic(old_test)),
    }
    model = _model(arguments, old)
    lines = [
        "| task | fine-tuning | chrF old | chrF new | seconds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for task, (new, new_test) in tasks.items():
        tests = {"old": old_test, "new": new_test}
        rows: dict[str, Callable[[], passerelle.Translator]] = {"none": lambda: passerelle.load(model)}
        for name, options in ROWS.items():
            rows[name] = lambda new=new, options=options: _tuned(arguments, model, new, old, **options)
        for name, make in rows.items():
            row = _row(arguments.out / f"{task}-{name.replace(' ', '-').replace(',', '')}.json", make, tests)
            lines.append(f"| {task} | {name} | {row['old']:.1f} | {row['new']:.1f} | {row['seconds']:.0f} |")
    table = "\n".join([*lines, ""])
    print(table)
    write_atomically(arguments.out / "fine-tuning.md", lambda stream: stream.write(table.encode()))


def split_by_topics(pairs: Iterable[tuple[str, str]], limit: int) -> tuple[list[Any], list[Any]]:
    """Return pairs without the second half of the topics, at most `limit`, and pairs of these topics, shuffled.

    No source is in both, and of pairs with equal sources only the first is used.
    """
    names = list(TOPICS)
    second = {word for name in names[len(names) // 2 :] for word in TOPICS[name].split()}
    halves: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for source, target in pairs:
        words = {word.strip(".,!?\"'") for word in source.lower().split()}
        halves[bool(words & second)].setdefault(source, (source, target))
    shuffled = [list(half.values()) for half in halves]
    for half in shuffled:
        random.Random(SPLIT_SEED).shuffle(half)
    return shuffled[0][: limit + TEST_PAIRS], shuffled[1]


def in_cyrillic(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return pairs with each Latin letter replaced by a Cyrillic one, on both sides."""
    return [(source.translate(ALPHABET), target.translate(ALPHABET)) for source, target in pairs]


def _model(arguments: argparse.Namespace, old: list[Any]) -> Path:
    """Train the model on the old pairs, if it does not exist, and return its path."""
    path = arguments.out / "model.keras"
    if not path.exists():
        run = arguments.out / "model.run"
        if run.exists():
            translator = passerelle.resume(run)
        else:
            translator = passerelle.train(
                old, preset=arguments.preset, level="character", minutes=arguments.minutes, run=run
            )
        translator.save(path)
    return path


def _tuned(
    arguments: argparse.Namespace, model: Path, new: list[Any], old: list[Any], *, share: float = 0.0, freeze: Any = ()
) -> passerelle.Translator:
    mix = (old, share) if share else None
    return passerelle.fine_tune(new, model, mix=mix, freeze=freeze, new_tokens=True, epochs=arguments.epochs)


def _row(result: Path, make: Callable[[], passerelle.Translator], tests: dict[str, Any]) -> dict[str, Any]:
    """Return the scores of a translator, from the file of an earlier run if it exists."""
    if not result.exists():
        began = time.perf_counter()
        translator = make()
        row: dict[str, Any] = {"seconds": time.perf_counter() - began}
        row |= {name: translator.evaluate(pairs, beam=BEAM).chrf for name, pairs in tests.items()}
        row["record"] = translator.record.get("fine_tuning")
        print(result.stem, row, flush=True)
        write_atomically(result, lambda stream: stream.write(json.dumps(row).encode()))
    return json.loads(result.read_text())


if __name__ == "__main__":
    main()
