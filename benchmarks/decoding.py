"""Characters decoded a second, the same weights in the program's decoder and in ours. Called by run.py."""

import argparse
import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import tutorial_program
from passerelle.data.files import write_atomically
from passerelle.data.lengths import Lengths
from passerelle.data.pairs import read_pairs, references
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.translator import Translator
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
    lengths = Lengths(program.max_source, program.max_target - 2, math.inf)
    translator = to_translator(
        {name: np.asarray(array) for name, array in program.weights().items()},
        program.source_characters,
        program.target_characters,
        lengths,
    )
    limit = program.max_target + 1
    sources = [source for source, _ in references(read_pairs(arguments.test)) if len(source) <= program.max_source]
    few = sources[: arguments.sources]
    # The program reads on through its padding, zero vectors up to its longest source. A token that training never
    # saw is a zero vector too, and it is not masked: so padded, a text means the same to the same weights in ours.
    padded = {source: source + "\ufffe" * (program.max_source - len(source)) for source in sources}

    theirs = [program.decode(source) for source in few]
    ours = translator.translate([padded[source] for source in few], max_length=limit)

    # What is timed are the texts as they are: ours reads them without padding, the program with its own.
    rough = _with_recurrent_dtype(translator, "bfloat16")
    many = (sources * (MANY // len(sources) + 1))[:MANY]

    def at_once(translator: Translator, count: int) -> Callable[[], list[str]]:
        texts = many[: max(count, 1000)]
        return lambda: [
            text
            for start in range(0, len(texts), count)
            for text in translator.translate(texts[start : start + count], max_length=limit)
        ]

    ways = {
        "program": lambda: [program.decode(source) for source in few],
        "one at a time": lambda: [translator.translate(source, max_length=limit) for source in few],
        "64 at once": at_once(translator, 64),
        "1,024 at once": at_once(translator, 1024),
        f"{MANY:,} at once": at_once(translator, MANY),
        f"{MANY:,} at once, bfloat16 products": at_once(rough, MANY),
    }
    for decode in ways.values():
        decode()
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS):  # in turns, so that a noisy neighbour disturbs all alike
        for name, decode in ways.items():
            rates[name].append(_rate(decode))
    result = {
        "same_text": sum(a == b for a, b in zip(theirs, ours, strict=True)),
        "sources": len(few),
        "many": MANY,
        "characters_per_second": {name: statistics.median(values) for name, values in rates.items()},
        "runs": rates,
    }
    write_atomically(arguments.out / "result.json", lambda stream: stream.write(json.dumps(result, indent=1).encode()))


def _with_recurrent_dtype(translator: Translator, dtype: str) -> Translator:
    """The same weights, with states multiplied in another number format."""
    bundle = translator.bundle
    settings = bundle.network.settings.model_copy(update={"recurrent_dtype": dtype})
    twin = SequenceToSequence(settings, **bundle.signature.specs())
    twin.set_weights(bundle.network.get_weights())
    whole = bundle.settings.model_copy(update={"network": settings})
    return Translator(replace(bundle, network=twin, settings=whole))


def _rate(decode: Callable[[], list[str]]) -> float:
    started = time.perf_counter()
    texts = decode()
    return sum(map(len, texts)) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
