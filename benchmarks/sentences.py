"""Exact match on lines of several sentences: held-out sentences of the phrasebook, joined at random.

The model is that of `passerelle demo`, whose training sources are single sentences. Each line is compared with the
references of its sentences, joined in the same way. Prints one row for each value of `split_sentences` and for each
number of sentences per line; `single` is the exact match of the same sentences, translated separately.
"""

import argparse
import random
import time
from collections.abc import Sequence
from typing import Any

import passerelle
from passerelle.data.checking import check_pairs
from passerelle.data.pairs import references
from passerelle.data.phrasebook import train_and_held_out
from passerelle.text.tokenizer import normalize

MOST = 5
"""Maximum number of sentences in a line."""

BLANKS = (" ", " ", " ", "  ", "\u00a0", "\n")
"""Whitespace between two sentences; mostly one space."""


def main() -> None:
    """Translate the lines in each mode and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model file of passerelle demo")
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    translator = passerelle.load(arguments.model)
    lines = _lines(arguments.lines, random.Random(arguments.seed))
    sentences = [sentence for parts, _ in lines for sentence in parts]
    references_of = {source: {normalize(text) for text in texts} for source, texts in _references().items()}
    right_alone = {
        source: text in references_of[source]
        for source, text in zip(sentences, translator.translate(sentences), strict=True)
    }
    print(f"single sentences: {_percent([right_alone[sentence] for sentence in sentences])} % exact")
    print(f"| split_sentences | {' | '.join(map(str, range(2, MOST + 1)))} | all | lines per second |")
    print("| --- " * (MOST + 2) + "|")
    for mode in ("auto", "always", "never"):
        texts = [_join(parts, blanks) for parts, blanks in lines]
        translator.translate(texts, split_sentences=mode)  # compiles the programs
        started = time.perf_counter()
        found = translator.search(texts, split_sentences=mode)
        speed = len(texts) / (time.perf_counter() - started)
        right = [_is_right(result.text, *line, references_of) for result, line in zip(found, lines, strict=True)]
        by_length = [
            _percent([value for value, (parts, _) in zip(right, lines, strict=True) if len(parts) == length])
            for length in range(2, MOST + 1)
        ]
        print(f"| {mode} | {' | '.join(by_length)} | {_percent(right)} | {speed:.0f} |")


def _references() -> dict[str, Any]:
    held_out = check_pairs(train_and_held_out()[1], name="phrasebook (held out)")
    return {source: targets for (source, _), targets in references(held_out).items()}


def _lines(count: int, generator: random.Random) -> list[tuple[list[str], list[str]]]:
    """Return the sentences of each line, and the whitespace between them."""
    sources = list(_references())
    lengths = [2 + number % (MOST - 1) for number in range(count)]
    return [
        (generator.sample(sources, length), [generator.choice(BLANKS) for _ in range(length - 1)]) for length in lengths
    ]


def _join(sentences: Sequence[str], blanks: Sequence[str]) -> str:
    return sentences[0] + "".join(blank + text for blank, text in zip(blanks, sentences[1:], strict=True))


def _is_right(text: str, sources: Sequence[str], blanks: Sequence[str], references_of: dict[str, set[str]]) -> bool:
    """Return whether a text consists of one reference of each source, joined by the blanks."""
    rests = {text}
    for source, blank in zip(sources, [*blanks, ""], strict=True):
        ends = [reference + blank for reference in references_of[source]]
        rests = {rest[len(end) :] for rest in rests for end in ends if rest.startswith(end)}
    return "" in rests


def _percent(values: Sequence[bool]) -> str:
    return f"{100 * sum(values) / max(1, len(values)):.1f}"


if __name__ == "__main__":
    main()
