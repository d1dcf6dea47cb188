"""Characters decoded a second, the same weights in the program's decoder and in ours. Called by run.py."""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tutorial_program
from passerelle.data.pairs import read_pairs, references
from passerelle.translator import LongestPair
from transplant import to_translator

RUNS = 5
MANY = 10_000


def main() -> None:
    """Times both decoders on the test sources, warm, END not counted, and checks that they write the same text."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--program", type=Path, required=True, help="folder of the trained program")
    parser.add_argument("--test", required=True)
    parser.add_argument("--sources", type=int, default=100, help="how many the program decodes in one run")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    program = tutorial_program.TutorialProgram.load(arguments.program)
    longest = LongestPair(program.max_source, program.max_target - 2)
    translator = to_translator(
        {name: np.asarray(array) for name, array in program.weights().items()},
        program.source_characters,
        program.target_characters,
        longest,
    )
    limit = program.max_target + 1
    sources = [source for source in references(read_pairs(arguments.test)) if len(source) <= program.max_source]
    few = sources[: arguments.sources]
    # The program reads on through its padding, zero vectors up to its longest source. A symbol that training never
    # saw is a zero vector too, and it is not masked: so padded, a text means the same to the same weights in ours.
    padded = {source: source + "\ufffe" * (program.max_source - len(source)) for source in sources}
    few_padded = [padded[source] for source in few]
    many = (list(padded.values()) * (MANY // len(sources) + 1))[:MANY]

    theirs = [program.decode(source) for source in few]
    ours = translator.translate(few_padded, max_length=limit)
    for source in few_padded:
        translator.translate(source, max_length=limit)
    translator.translate(many, max_length=limit)

    # Interleaved, so that a noisy neighbour disturbs all alike.
    rates: dict[str, list[float]] = {"program": [], "one_at_a_time": [], "many_at_once": []}
    for _ in range(RUNS):
        rates["program"].append(_rate(lambda: [program.decode(source) for source in few]))
        rates["one_at_a_time"].append(_rate(lambda: [translator.translate(s, max_length=limit) for s in few_padded]))
        rates["many_at_once"].append(_rate(lambda: translator.translate(many, max_length=limit)))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    result = {
        "same_text": sum(a == b for a, b in zip(theirs, ours, strict=True)),
        "sources": len(few),
        "many": len(many),
        "characters_per_second": medians,
        "runs": rates,
        "ratio_one_at_a_time": medians["one_at_a_time"] / medians["program"],
        "ratio_many_at_once": medians["many_at_once"] / medians["program"],
    }
    temporary = arguments.out / "result.json.part"
    temporary.write_text(json.dumps(result, indent=1), encoding="utf-8")
    temporary.replace(arguments.out / "result.json")


def _rate(decode: Callable[[], list[str]]) -> float:
    started = time.perf_counter()
    texts = decode()
    return sum(map(len, texts)) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
