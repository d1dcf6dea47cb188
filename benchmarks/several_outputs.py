"""One encoder and three decoders, compared with three models of one output: training time and chrF.

The sources are English sentences of the phrasebook. The outputs are French; German, for the sentences of two patterns
only, from the lexicon below; and the pattern of the sentence in words. No rule computes one output from another. All
models have the same settings and the same number of epochs; the targets are split into words. The scores are chrF on
held-out sentences, whose combinations of words are in no training sentence. The time is that of `passerelle.train`,
compilation included: processor seconds, which other programs disturb less, and seconds.

Finished models are stored in `--out`, and an interrupted run continues from there; remove the folder to start over.
"""

import argparse
import json
import re
import statistics
import time
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.phrasebook import is_held_out, phrasebook
from passerelle.data.phrasebook.grammar import phrases
from passerelle.data.writing import write_atomically

HERE = Path(__file__).resolve().parent
OUTPUTS = ("fr", "de", "pattern")
MODELS = ("three outputs", *OUTPUTS)

SUBJECTS = {
    "my father": "mein Vater", "my mother": "meine Mutter", "my brother": "mein Bruder", "my sister": "meine Schwester",
    "the man": "der Mann", "the woman": "die Frau", "the boy": "der Junge", "the girl": "das Mädchen",
    "the king": "der König", "the queen": "die Königin", "the baby": "das Baby", "the prince": "der Prinz",
    "the princess": "die Prinzessin", "the waiter": "der Kellner", "the waitress": "die Kellnerin", "he": "er",
    "she": "sie",
}  # fmt: skip
NAMES = ("Paul", "Luc", "Adam", "Marc", "Oscar", "Marie", "Anne", "Alice", "Julie", "Emma")
ADJECTIVES = {
    "tall": "groß", "young": "jung", "happy": "glücklich", "sad": "traurig", "tired": "müde", "sick": "krank",
    "strong": "stark", "kind": "nett", "intelligent": "intelligent", "rich": "reich", "polite": "höflich",
    "shy": "schüchtern", "lazy": "faul", "brave": "mutig", "curious": "neugierig", "honest": "ehrlich",
    "patient": "geduldig",
}  # fmt: skip
STATES = {"hungry": ("Hunger", "keinen"), "thirsty": ("Durst", "keinen"), "afraid": ("Angst", "keine")}

ADVERBS = {"not": "nicht", "very": "sehr"}
OFTEN = ("often", "never")

_STATEMENT = re.compile(
    r"(?P<subject>.+?) (?P<verb>is|will be) (?P<adverb>not very|not|very|often|never)? ?(?P<word>\w+)\."
)
_QUESTION = re.compile(r"Is (?P<subject>.+?) (?P<adverb>very)? ?(?P<word>\w+)\?")


def main() -> None:
    """Train the missing models, then print the table and write it to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--sources", type=int, default=8000, help="training sources; default: %(default)s")
    parser.add_argument("--source-level", default="word", choices=("word", "character"), help="default: %(default)s")
    parser.add_argument("--settings", type=json.loads, default={}, help="nested settings as JSON")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "several-outputs")
    arguments = parser.parse_args()
    folder = arguments.out / arguments.source_level
    folder.mkdir(parents=True, exist_ok=True)
    options = {"epochs": arguments.epochs, "source_level": arguments.source_level, "settings": arguments.settings}
    training, test = data(arguments.sources)
    results: dict[str, list[dict[str, Any]]] = {model: [] for model in MODELS}
    for seed in range(1, arguments.seeds + 1):
        for model in MODELS:
            path = folder / f"{model.replace(' ', '-')}-{seed}.json"
            if not path.exists():
                print(f"{model}, seed {seed}: training", flush=True)
                text = json.dumps(run(model, training, test, seed=seed, **options))
                write_atomically(path, lambda stream, text=text: stream.write(text.encode()))
            results[model].append(json.loads(path.read_text(encoding="utf-8")))
    text = table(results)
    (folder / "several-outputs.md").write_text(text, encoding="utf-8")
    print(text)


def run(model: str, training: list[Any], test: list[Any], **options: Any) -> dict[str, Any]:
    """Train one model with options of `train`; return its time, and the chrF of its outputs on held-out sentences."""
    if model in OUTPUTS:
        training, test = ([(s, texts[model]) for s, texts in rows if model in texts] for rows in (training, test))
    began, processor = time.perf_counter(), time.process_time()
    translator = passerelle.train(training, validation=0, preset="compact", target_level="word", **options)
    cost = {"seconds": time.perf_counter() - began, "processor": time.process_time() - processor}
    if model in OUTPUTS:
        return {**cost, "chrf": {model: translator.evaluate(test, beam=1).chrf}}
    report = translator.evaluate_outputs(test, beam=1)
    chrf = {name: each.chrf for name, each in report.outputs.items()}
    return {**cost, "chrf": chrf, "all_right": report.all_right}


def data(sources: int) -> tuple[list[Any], list[Any]]:
    """Return training and held-out rows: (English, {output: text}), with one row for each source.

    All sentences that have a German text are among them, and others of the phrasebook up to the number of `sources`.
    """
    french: dict[str, str] = {}
    for source, target in phrasebook():
        french.setdefault(source, target)
    known = {phrase.source: phrase for phrase in phrases()}
    training, test = [], []
    for source, phrase in known.items():
        texts = {"fr": french[source], "pattern": phrase.pattern.replace("_", " ")}
        if (translation := german(source)) is not None:
            texts["de"] = translation
        (test if is_held_out(phrase) else training).append((source, texts))
    count = sum("de" in texts for _, texts in training)
    left = max(0, sources - count)
    chosen = []
    for source, texts in training:
        if "de" in texts or left > 0:
            left -= "de" not in texts
            chosen.append((source, texts))
    return chosen, test


def german(source: str) -> str | None:
    """Return the German translation of a sentence such as "My brother is not very tall."; None for other sentences."""
    match = _STATEMENT.fullmatch(source) or _QUESTION.fullmatch(source)
    if match is None:
        return None
    asks = source.endswith("?")
    found = match.groupdict()
    subject = found["subject"] if asks else found["subject"][0].lower() + found["subject"][1:]
    subject = found["subject"] if found["subject"] in NAMES else SUBJECTS.get(subject)
    word, adverb, future = found["word"], found["adverb"] or "", found.get("verb") == "will be"
    if subject is None or word not in (*ADJECTIVES, *STATES) or (word in ADJECTIVES and (future or adverb in OFTEN)):
        return None
    if word in ADJECTIVES:
        verb, rest = "ist", " ".join([*(ADVERBS[part] for part in adverb.split()), ADJECTIVES[word]])
    else:
        noun, no = STATES[word]
        parts = {"": noun, "not": f"{no} {noun}", "often": f"oft {noun}", "never": f"nie {noun}"}
        if adverb not in parts:
            return None
        verb, rest = ("wird", f"{parts[adverb]} haben") if future else ("hat", parts[adverb])
    if asks:
        return f"{verb.capitalize()} {subject} {rest}?"
    return f"{subject[0].upper()}{subject[1:]} {verb} {rest}."


def table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Return a Markdown table: the time, and the chrF of each output by its own model and by that of three outputs."""
    several = results["three outputs"]
    lines = ["| output | chrF, own model | chrF, three outputs | difference |", "| --- | --- | --- | --- |"]
    for output in OUTPUTS:
        own = statistics.mean(row["chrf"][output] for row in results[output])
        joint = statistics.mean(row["chrf"][output] for row in several)
        lines.append(f"| {output} | {own:.2f} | {joint:.2f} | {joint - own:+.2f} |")
    costs = []
    for unit in ("processor", "seconds"):
        single = sum(statistics.median(row[unit] for row in results[output]) for output in OUTPUTS)
        joint = statistics.median(row[unit] for row in several)
        costs.append(f"{joint:.0f} for three outputs, {single:.0f} for three models ({100 * joint / single:.0f} %)")
    right = statistics.mean(row["all_right"] for row in several)
    lines += [
        "",
        f"{len(several)} seeds. Processor seconds, medians: {costs[0]}; seconds: {costs[1]}. All outputs right: "
        f"{right:.1f} % of the sources.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
