"""Compare beam search of size 5 with greedy search (quality and cost), and with a simple beam search around `predict`.

Two tasks: the first 10,000 pairs of fra-eng by character, preset compact, split as in run.py; grapheme-to-phoneme
conversion in five languages, preset monotonic, as in g2p.py. One seed each. Models are stored in `--out`, where run.py
and g2p.py store theirs, and finished parts in its folder `beam`; remove a file to repeat its part.
"""

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import g2p
import passerelle
import run
from by_hand import beam_by_hand
from passerelle.data.pairs import references
from passerelle.data.reading import read_pairs
from passerelle.data.writing import write_atomically

HERE = Path(__file__).parent
SEED = 1
BEAM = 5
SEARCHES: dict[str, dict[str, Any]] = {"greedy": {}, f"beam of {BEAM}": {"beam": BEAM}}
SOURCE_COUNTS = (1_000, 5_000)
"""Numbers of sources per call for which the cost is measured."""

TIE = 1e-3
"""Score difference in nats below which two translations count as equally good."""


def main() -> None:
    """Run the unfinished parts, then print the tables and write them to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=run.DATA, help="default: %(default)s")
    parser.add_argument("--words", type=Path, default=g2p.DATA, help="data folder of g2p.py; default: %(default)s")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7, help="number of timings of each search; default: %(default)s")
    parser.add_argument("--sentences", type=int, default=20, help="for the simple beam search; default: %(default)s")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    tables = []
    for part in arguments.parts:
        path = arguments.out / "beam" / f"{part}.json"
        measure, table = PARTS[part]
        if not path.exists():
            print(f"{path}: measuring", flush=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(measure(arguments), indent=1)
            write_atomically(path, lambda stream, text=text: stream.write(text.encode()))
        tables.append(table(json.loads(path.read_text(encoding="utf-8"))))
        print(f"\n{tables[-1]}", flush=True)
    written = "\n".join(tables)
    write_atomically(arguments.out / "beam" / "beam.md", lambda stream: stream.write(written.encode()))


def time_alternately(functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Time each function `rounds` times, in alternation, so that noise affects all equally; first one warm-up each."""
    for function in functions.values():
        function()
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def repeated(texts: Sequence[str], count: int) -> list[str]:
    """Return `count` texts, cyclically."""
    return (list(texts) * (count // len(texts) + 1))[:count]


def _sentences(arguments: argparse.Namespace) -> tuple[passerelle.Translator, dict[str, Path]]:
    """Return the translator of fra-eng and the files of its pairs."""
    files = run.split_files(arguments.pairs, arguments.limit, arguments.out)
    folder = arguments.out / f"compact-{SEED}"
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    settings = json.dumps({"training": {"seed": SEED}})
    run.run_once(
        folder / "result.json", "contestant.py",
        "--preset", "compact", *words, "--settings", settings, "--out", folder,
    )  # fmt: skip
    return passerelle.load(folder / "model.keras"), files


def _phonemes(
    arguments: argparse.Namespace, language: str
) -> tuple[passerelle.Translator, dict[str, passerelle.Pairs]]:
    """Return a grapheme-to-phoneme translator and its pairs."""
    folder = arguments.out / "g2p"
    folder.mkdir(parents=True, exist_ok=True)
    pairs = g2p.pairs_of(arguments.words, language)
    return g2p.trained(folder / f"{language}-{SEED}.keras", pairs, "monotonic", {}, SEED)[0], pairs


def _searches(translator: passerelle.Translator, texts: list[str]) -> dict[str, Callable[[], Any]]:
    return {name: lambda options=options: translator.search(texts, **options) for name, options in SEARCHES.items()}


def _quality(arguments: argparse.Namespace) -> dict[str, Any]:
    """Score both searches on the test sources and time them."""
    translator, files = _sentences(arguments)
    pairs = read_pairs(files["test"])
    sentences = {
        "reports": {
            name: dataclasses.asdict(translator.evaluate(pairs, **options)) for name, options in SEARCHES.items()
        },
        "seconds": time_alternately(
            _searches(translator, [source for source, _ in references(pairs)]), arguments.rounds
        ),
    }
    words = {}
    for language in g2p.LANGUAGES:
        translator, parts = _phonemes(arguments, language)
        words[language] = {
            "errors": {
                name: {part: g2p.word_error_rate(translator, parts[part], **options) for part in g2p.PARTS}
                for name, options in SEARCHES.items()
            },
            "seconds": time_alternately(_searches(translator, list(parts["test"].sources)), arguments.rounds),
        }
    return {"sentences": sentences, "words": words}


def _quality_table(results: dict[str, Any]) -> str:
    reports, seconds, words = results["sentences"]["reports"], results["sentences"]["seconds"], results["words"]
    names = list(SEARCHES)
    columns = {"exact_match": "exact match, %", "character_error_rate": "CER, %", "bleu": "BLEU", "chrf": "chrF"}
    some = reports[names[0]]
    lines = [
        f"fra-eng, preset `compact`, {some['sources']} test sources",
        "",
        f"| | {' | '.join(columns.values())} | seconds |",
        f"| --- |{' --- |' * len(columns)} --- |",
        *(
            f"| {name} | {' | '.join(f'{reports[name][key]:.1f}' for key in columns)} | "
            f"{statistics.median(seconds[name]):.2f} |"
            for name in names
        ),
        "",
        "Grapheme to phoneme, preset `monotonic`: word error rate, %, and seconds for the test words",
        "",
        f"| language | {' | '.join(f'{part}, {name}' for part in g2p.PARTS for name in names)} | "
        f"{' | '.join(f'seconds, {name}' for name in names)} |",
        f"| --- |{' --- |' * (len(names) * (len(g2p.PARTS) + 1))}",
    ]
    rows = {
        language: [
            *(row["errors"][name][part] for part in g2p.PARTS for name in names),
            *(statistics.median(row["seconds"][name]) for name in names),
        ]
        for language, row in words.items()
    }
    rows["mean"] = [statistics.mean(column) for column in zip(*rows.values(), strict=True)]
    for language, values in rows.items():
        errors, times = values[: -len(names)], values[-len(names) :]
        shown = [*(f"{value:.1f}" for value in errors), *(f"{value:.3f}" for value in times)]
        lines.append(f"| {language} | {' | '.join(shown)} |")
    lines += ["", f"BLEU is {some['bleu_signature']}, chrF {some['chrf_signature']}.", ""]
    return "\n".join(lines)


def _cost(arguments: argparse.Namespace) -> dict[str, Any]:
    """Time both searches on the same sources, of fra-eng and of the first grapheme-to-phoneme language."""
    translator, files = _sentences(arguments)
    sources = [source for part in ("validation", "test") for source, _ in references(read_pairs(files[part]))]
    language = g2p.LANGUAGES[0]
    phoneme_translator, parts = _phonemes(arguments, language)
    words = [word for part in g2p.PARTS for word in parts[part].sources]
    tasks = {f"fra-eng, {count:,} sources": (translator, repeated(sources, count)) for count in SOURCE_COUNTS}
    tasks |= {f"{language}, {count:,} words": (phoneme_translator, repeated(words, count)) for count in SOURCE_COUNTS}
    return {
        name: time_alternately(_searches(task_translator, texts), arguments.rounds)
        for name, (task_translator, texts) in tasks.items()
    }


def _cost_table(results: dict[str, Any]) -> str:
    greedy, beam = SEARCHES
    lines = [
        f"| texts per call | {greedy}, seconds | {beam}, seconds | "
        f"{beam} / ({BEAM} × {greedy}) (lowest to highest round) |",
        "| --- | --- | --- | --- |",
    ]
    for name, seconds in results.items():
        ratios = [
            beam_seconds / (BEAM * greedy_seconds)
            for greedy_seconds, beam_seconds in zip(seconds[greedy], seconds[beam], strict=True)
        ]
        lines.append(
            f"| {name} | {statistics.median(seconds[greedy]):.2f} | {statistics.median(seconds[beam]):.2f} | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
        )
    return "\n".join([*lines, ""])


def _by_hand(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure characters per second of the same beam search, around `predict` and in this project."""
    translator, files = _sentences(arguments)
    sources = [source for source, _ in references(read_pairs(files["test"]))]
    few = sources[:: max(1, len(sources) // arguments.sentences)][: arguments.sentences]
    many = repeated(sources, SOURCE_COUNTS[0])
    same = 0
    for source, ours in zip(few, translator.search(few, beam=BEAM), strict=True):
        text, score = beam_by_hand(translator, source, BEAM)
        same += text == ours.text
        if abs(score - ours.normalized_score) > TIE:
            sys.exit(
                f"{source!r}: the simple beam search found {text!r} (score {score}), the translator {ours.text!r} "
                f"(score {ours.normalized_score})"
            )
    searches: dict[str, tuple[list[str], Callable[[], Any]]] = {
        "one `predict` per step": (few, lambda: [beam_by_hand(translator, source, BEAM) for source in few]),
        "passerelle, one text per call": (few, lambda: [translator.search([source], beam=BEAM) for source in few]),
        f"passerelle, {len(few)} texts per call": (few, lambda: translator.search(few, beam=BEAM)),
        f"passerelle, {len(many):,} texts per call": (many, lambda: translator.search(many, beam=BEAM)),
    }
    seconds = time_alternately({name: search for name, (_, search) in searches.items()}, arguments.rounds)
    characters = {name: sum(map(len, translator.translate(texts, beam=BEAM))) for name, (texts, _) in searches.items()}
    return {
        "sentences": len(few),
        "same": same,
        "seconds": seconds,
        "rates": {name: [characters[name] / value for value in values] for name, values in seconds.items()},
    }


def _by_hand_table(results: dict[str, Any]) -> str:
    rates = {name: statistics.median(values) for name, values in results["rates"].items()}
    first = next(iter(rates.values()))
    lines = [
        f"| beam of {BEAM} | characters per second | speed-up |",
        "| --- | --- | --- |",
        *(f"| {name} | {rate:,.0f} | {rate / first:.0f} |" for name, rate in rates.items()),
        "",
        f"Both gave the same text for {results['same']} of {results['sentences']} sentences, and equal scores for all.",
        "",
    ]
    return "\n".join(lines)


PARTS = {
    "quality": (_quality, _quality_table),
    "cost": (_cost, _cost_table),
    "by-hand": (_by_hand, _by_hand_table),
}

if __name__ == "__main__":
    main()
