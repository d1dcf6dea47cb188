"""Decoding speed of the tutorial program and of this project with the same weights. Called by run.py."""

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
from passerelle.data.lengths import Lengths
from passerelle.data.pairs import references
from passerelle.data.reading import read_pairs
from passerelle.data.writing import write_atomically
from passerelle.models.sequence_to_sequence import SequenceToSequence
from passerelle.translator import Translator
from transplant import to_translator

RUNS = 5
MANY = 10_000


def main() -> None:
    """Time both decoders on the test sources after a warm-up, and count the texts that are the same."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--program", type=Path, required=True, help="folder of the trained program")
    parser.add_argument("--test", required=True)
    parser.add_argument("--sources", type=int, default=100, help="sources that the program decodes in each run")
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
    # The encoder of the program also reads its padding: zero vectors up to the longest source. In our network an
    # unknown token is a zero vector too, and is not masked. So texts padded with one give the same result in both.
    padded = {source: source + "\ufffe" * (program.max_source - len(source)) for source in sources}

    theirs = [program.decode(source) for source in few]
    ours = translator.translate([padded[source] for source in few], max_length=limit)

    # The timings use the texts without this padding; the program adds its own.
    bfloat16 = _with_recurrent_dtype(translator, "bfloat16")
    many = (sources * (MANY // len(sources) + 1))[:MANY]

    def in_calls_of(translator: Translator, count: int) -> Callable[[], list[str]]:
        texts = many[: max(count, 1000)]
        return lambda: [
            text
            for start in range(0, len(texts), count)
            for text in translator.translate(texts[start : start + count], max_length=limit)
        ]

    decoders = {
        "program": lambda: [program.decode(source) for source in few],
        "1 text per call": lambda: [translator.translate(source, max_length=limit) for source in few],
        "64 texts per call": in_calls_of(translator, 64),
        "1,024 texts per call": in_calls_of(translator, 1024),
        f"{MANY:,} texts per call": in_calls_of(translator, MANY),
        f"{MANY:,} texts per call, recurrent_dtype bfloat16": in_calls_of(bfloat16, MANY),
    }
    for decode in decoders.values():
        decode()
    rates: dict[str, list[float]] = {name: [] for name in decoders}
    for _ in range(RUNS):  # alternate, so that noise affects all equally
        for name, decode in decoders.items():
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
    """Return a translator with the same weights and another `recurrent_dtype`."""
    bundle = translator.bundle
    network_settings = bundle.network.settings.model_copy(update={"recurrent_dtype": dtype})
    network = SequenceToSequence(network_settings, **bundle.signature.specs())
    network.set_weights(bundle.network.get_weights())
    settings = bundle.settings.model_copy(update={"network": network_settings})
    return Translator(replace(bundle, network=network, settings=settings))


def _rate(decode: Callable[[], list[str]]) -> float:
    """Return characters per second, END not counted."""
    started = time.perf_counter()
    texts = decode()
    return sum(map(len, texts)) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
