"""Translate held-out phrasebook sentences with odd spacing, quotes and invisible characters, by a model at level word.

python benchmarks/spacing.py demo/phrasebook.keras demo/held-out.tsv
"""

import argparse
from collections.abc import Callable

import passerelle
from passerelle.data.pairs import references

ODDITIES: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "space before": lambda text: f" {text}",
    "one doubled space": lambda text: text.replace(" ", "  ", 1),
    "all spaces doubled": lambda text: text.replace(" ", "  "),
    "no-break spaces": lambda text: text.replace(" ", "\N{NO-BREAK SPACE}"),
    "thin spaces": lambda text: text.replace(" ", "\N{THIN SPACE}"),
    "tabs": lambda text: text.replace(" ", "\t"),
    "zero-width space before": lambda text: f"\N{ZERO WIDTH SPACE}{text}",
    "byte order mark": lambda text: f"\ufeff{text}",
    "direction marks": lambda text: f"\N{LEFT-TO-RIGHT MARK}{text}\N{RIGHT-TO-LEFT MARK}",
    "straight quotes": lambda text: f'"{text}"',
    "curved quotes": lambda text: f"“{text}”",
    "low quotes": lambda text: f"„{text}“",
    "guillemets": lambda text: f"« {text} »",
    "single quotes": lambda text: f"‘{text}’",
    "parentheses": lambda text: f"({text})",
    "brackets": lambda text: f"[{text}]",
    "dash before": lambda text: f"– {text}",
    "space before the stop": lambda text: f"{text[:-1]} {text[-1]}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("pairs", help="held-out pairs")
    parser.add_argument("--limit", type=int, default=400, help="sentences (default: %(default)s)")
    arguments = parser.parse_args()
    translator = passerelle.load(arguments.model)
    answers = [
        (source, targets) for (source, *_), targets in references(passerelle.read_pairs(arguments.pairs)).items()
    ]
    step = max(1, len(answers) // arguments.limit)
    sample = answers[::step][: arguments.limit]
    texts = [change(source) for change in ODDITIES.values() for source, _ in sample]
    translations = iter(translator.translate(texts))
    print(f"{len(sample)} sentences, exact match in %")
    for name in ODDITIES:
        right = sum(next(translations) in targets for _, targets in sample)
        print(f"{name:<26}{100 * right / len(sample):6.1f}")


if __name__ == "__main__":
    main()
