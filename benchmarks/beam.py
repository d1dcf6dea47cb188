"""A beam of five beside greedy search: what it gains, what it costs, and beside a beam written around `predict`.

Two tasks: the first 10,000 pairs of fra-eng by character, preset compact, split as run.py does; spelling to sound in
five languages, preset monotonic, as in g2p.py. One seed each. Models are kept in `--out`, where run.py and g2p.py keep
theirs, and finished parts in its folder `beam`: remove a file to measure it anew.
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
from passerelle.data.files import write_atomically
from passerelle.data.pairs import read_pairs, references

HERE = Path(__file__).parent
SEED = 1
BEAM = 5
WAYS: dict[str, dict[str, Any]] = {"greedy": {}, f"beam of {BEAM}": {"beam": BEAM}}
MANY = (1_000, 5_000)
"""Sources at once whose cost is measured."""

TIE = 1e-3
"""Nats: two searches that chose differently by less found as good a translation."""


def main() -> None:
    """Measures what is not there yet, then prints the tables and writes them into `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=run.DATA, help="default: %(default)s")
    parser.add_argument("--words", type=Path, default=g2p.DATA, help="folder of g2p; default: %(default)s")
    parser.add_argument("--limit", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7, help="how often each is timed; default: %(default)s")
    parser.add_argument("--sentences", type=int, default=20, help="translated by hand; default: %(default)s")
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


def in_turns(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, warm: one run that is not timed, then `rounds` of all, so that noise meets all alike."""
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def repeated(texts: Sequence[str], count: int) -> list[str]:
    """So many texts, from the first on again once all have come."""
    return (list(texts) * (count // len(texts) + 1))[:count]


def _sentences(arguments: argparse.Namespace) -> tuple[passerelle.Translator, dict[str, Path]]:
    """The translator of fra-eng and the files of its pairs."""
    files = run.split_files(arguments.pairs, arguments.limit, arguments.out)
    folder = arguments.out / f"compact-{SEED}"
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    settings = json.dumps({"training": {"seed": SEED}})
    run.run_once(
        folder / "result.json", "contestant.py",
        "--preset", "compact", *words, "--settings", settings, "--out", folder,
    )  # fmt: skip
    return passerelle.load(folder / "model.keras"), files


def _sounds(arguments: argparse.Namespace, language: str) -> tuple[passerelle.Translator, dict[str, passerelle.Pairs]]:
    """A translator of spelling to sound and its pairs."""
    folder = arguments.out / "g2p"
    folder.mkdir(parents=True, exist_ok=True)
    pairs = g2p.pairs_of(arguments.words, language)
    return g2p.taught(folder / f"{language}-{SEED}.keras", pairs, "monotonic", {}, SEED)[0], pairs


def _searching(translator: passerelle.Translator, texts: list[str]) -> dict[str, Callable[[], Any]]:
    return {name: lambda how=how: translator.search(texts, **how) for name, how in WAYS.items()}


def _quality(arguments: argparse.Namespace) -> dict[str, Any]:
    """Scores of either search, and the seconds that all test sources take it."""
    translator, files = _sentences(arguments)
    pairs = read_pairs(files["test"])
    sentences = {
        "reports": {name: dataclasses.asdict(translator.evaluate(pairs, **how)) for name, how in WAYS.items()},
        "seconds": in_turns(_searching(translator, [source for source, _ in references(pairs)]), arguments.rounds),
    }
    words = {}
    for language in g2p.LANGUAGES:
        translator, parts = _sounds(arguments, language)
        words[language] = {
            "errors": {
                name: {part: g2p.word_error_rate(translator, parts[part], **how) for part in g2p.PARTS}
                for name, how in WAYS.items()
            },
            "seconds": in_turns(_searching(translator, list(parts["test"].sources)), arguments.rounds),
        }
    return {"sentences": sentences, "words": words}


def _quality_table(found: dict[str, Any]) -> str:
    reports, seconds, words = found["sentences"]["reports"], found["sentences"]["seconds"], found["words"]
    names = list(WAYS)
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
        "Spelling to sound, preset `monotonic`: word error rate, %, and seconds of the test words",
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
    """Seconds of either search for the same sources: of fra-eng, and of the first language."""
    translator, files = _sentences(arguments)
    sources = [source for part in ("validation", "test") for source, _ in references(read_pairs(files[part]))]
    language = g2p.LANGUAGES[0]
    speller, parts = _sounds(arguments, language)
    words = [word for part in g2p.PARTS for word in parts[part].sources]
    tasks = {f"fra-eng, {count:,} sources": (translator, repeated(sources, count)) for count in MANY}
    tasks |= {f"{language}, {count:,} words": (speller, repeated(words, count)) for count in MANY}
    return {name: in_turns(_searching(one, texts), arguments.rounds) for name, (one, texts) in tasks.items()}


def _cost_table(found: dict[str, Any]) -> str:
    greedy, beam = WAYS
    lines = [
        f"| at once | {greedy}, seconds | {beam}, seconds | {BEAM} times {greedy} (lowest to highest round) |",
        "| --- | --- | --- | --- |",
    ]
    for name, seconds in found.items():
        ratios = [many / (BEAM * one) for one, many in zip(seconds[greedy], seconds[beam], strict=True)]
        lines.append(
            f"| {name} | {statistics.median(seconds[greedy]):.2f} | {statistics.median(seconds[beam]):.2f} | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
        )
    return "\n".join([*lines, ""])


def _by_hand(arguments: argparse.Namespace) -> dict[str, Any]:
    """Characters a second of the same beam, in a loop of `predict` and in ours."""
    translator, files = _sentences(arguments)
    sources = [source for source, _ in references(read_pairs(files["test"]))]
    few = sources[:: max(1, len(sources) // arguments.sentences)][: arguments.sentences]
    many = repeated(sources, MANY[0])
    same = 0
    for source, ours in zip(few, translator.search(few, beam=BEAM), strict=True):
        text, score = beam_by_hand(translator, source, BEAM)
        same += text == ours.text
        if abs(score - ours.normalized_score) > TIE:
            sys.exit(f"{source!r}: {text!r} at {score} by hand, {ours.text!r} at {ours.normalized_score} by the search")
    ways: dict[str, tuple[list[str], Callable[[], Any]]] = {
        "a `predict` a step": (few, lambda: [beam_by_hand(translator, source, BEAM) for source in few]),
        "passerelle, one at a time": (few, lambda: [translator.search([source], beam=BEAM) for source in few]),
        f"passerelle, {len(few)} at once": (few, lambda: translator.search(few, beam=BEAM)),
        f"passerelle, {len(many):,} at once": (many, lambda: translator.search(many, beam=BEAM)),
    }
    seconds = in_turns({name: way for name, (_, way) in ways.items()}, arguments.rounds)
    written = {name: sum(map(len, translator.translate(texts, beam=BEAM))) for name, (texts, _) in ways.items()}
    return {
        "sentences": len(few),
        "same": same,
        "seconds": seconds,
        "rates": {name: [written[name] / value for value in values] for name, values in seconds.items()},
    }


def _by_hand_table(found: dict[str, Any]) -> str:
    rates = {name: statistics.median(values) for name, values in found["rates"].items()}
    first = next(iter(rates.values()))
    lines = [
        f"| a beam of {BEAM} | characters a second | times as fast |",
        "| --- | --- | --- |",
        *(f"| {name} | {rate:,.0f} | {rate / first:.0f} |" for name, rate in rates.items()),
        "",
        f"Both wrote the same text for {found['same']} of {found['sentences']} sentences, and none scored otherwise.",
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
