"""Whether two checkouts of this project compute the same: losses, trained weights and translations, case by case.

    python benchmarks/same_numbers.py CHECKOUT_A CHECKOUT_B [--runs compact,deep] [--quick] [--out FOLDER]

A case is a preset, or one of ten networks of the tests' table (CHECKOUT_A's `tests/combinations.py`). Each is run in a
process of its own, once on each checkout's `src`, by this interpreter, on the same pairs of the built-in phrasebook and
with the same settings; nothing is dropped and nothing is masked, and the first weights are drawn from the same seed.
Where the checkouts name a setting differently, `RENAMED` says how. A case's figures:

updates     the first 20 updates, all on one batch: largest relative difference of a loss.
weights     the weights after them: largest difference of a value.
training    two epochs on 600 pairs, a tenth of their sources held out: largest relative difference of a loss.
validation  likewise of a loss on the held-out pairs.
other       of 50 texts translated by each search (greedy, beam, sampled, begun with a prefix, matching a pattern) after
            the two epochs, translations that differ.
ties        further ones that differ, but whose scores differ by less than 0.0001: either could have come first.
scores      largest difference of the scores of one translation, relative where scores are below -1.
distinct    how many different translations the searches gave, so that one answer to everything does not pass unseen.

PASS needs each figure within its limit, printed above the table. Exit status 1 if a case fails. Results are kept in
`--out` and used again as long as the checkout's source and the case stay the same, so an interrupted run goes on
where it was. A case takes some 20 to 60 seconds a checkout on two idle cores, most of it to compile; with `--quick`,
which leaves out most of the compiler's optimizations, as the tests do, less.
"""

import argparse
import hashlib
import importlib.util
import json
import math
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent

RENAMED = {
    "features.place": "tags.mode",
    "features.place=beside": "tags.mode=inline",
    "features.place=apart": "tags.mode=separate",
    "features.separator": "tags.separator",
    "source.level=symbol": "source.level=pretokenized",
    "target.level=symbol": "target.level=pretokenized",
    "network.embedding_range": "network.embedding_init_range",
    "network.products": "network.recurrent_dtype",
    "training.hidden": "training.copy_masking",
    "search.features": "search.tags",
    "search.length_power": "search.length_penalty",
    "search.coverage": "search.coverage_penalty",
    "search.no_repeat": "search.no_repeat_ngram_size",
}
"""Settings, and the arguments of `Translator.search`, where checkouts differ: older name -> newer one. With `=`, a
value too. This script uses the older ones."""

NEWER = "passerelle.settings"
"""A module that only checkouts with the newer names have."""

QUICK = {
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "XLA_FLAGS": "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
}
"""What `--quick` adds to the environment: as in the tests' `conftest.py`."""

LIMITS = {"updates": 1e-6, "weights": 1e-5, "training": 1e-3, "validation": 1e-3, "other": 0, "scores": 1e-2}
"""Largest figures that pass."""

TIE = 1e-4
"""Translations of one text whose scores differ by less are as good as each other."""

PRESETS = ("tutorial", "compact", "attention", "pointer", "monotonic", "repeat", "deep")
COMBINATIONS = 10
UPDATES, EPOCHS, BATCH_SIZE = 20, 2, 32
PAIRS, TEXTS, LONGEST = 600, 50, 24
"""Pairs to train on, texts to translate, and characters of the longest text of either kind."""

LEVELS: tuple[dict[str, Any], ...] = (
    {"level": "character"},
    {"level": "word", "min_count": 2},
    {"level": "symbol", "separator": " "},
)
"""What the table's networks read and write, in turn; presets read characters."""

SEARCHES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "beam": {"beam": 5, "length_power": 0.8},
    "sampled": {"sample": True, "seed": 7, "top_k": 20, "temperature": 0.9, "no_repeat": 3},
    "prefix": {"prefix": "Il"},
    "pattern": {"pattern": "(Je|Il|Elle) .{3,30}[.]"},
}
COVERAGE = 0.2
"""Of the beam search, where the network has attention."""

Case = dict[str, Any]
Result = dict[str, Any]


def main() -> None:
    """Runs what is not there yet, prints the table and writes it into `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="*", type=Path, metavar="CHECKOUT", help="two folders that hold src/")
    parser.add_argument("--runs", help="names of cases with commas between them; by default all")
    parser.add_argument("--quick", action="store_true", help="compile with few optimizations")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "same_numbers")
    parser.add_argument("--worker", nargs="+", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        _work(*arguments.worker)
        return
    if len(arguments.checkouts) != 2:
        parser.error("two checkouts are needed")
    for checkout in arguments.checkouts:
        if not (checkout / "src" / "passerelle").is_dir():
            parser.error(f"{checkout} holds no src/passerelle")
    suffix = "-quick" if arguments.quick else ""
    sides = [
        _Side(checkout.resolve(), arguments.out / f"{name}-{_digest(checkout)}{suffix}", QUICK if suffix else {})
        for name, checkout in zip("ab", arguments.checkouts, strict=True)
    ]
    cases = sides[0].cases()
    wanted = arguments.runs.split(",") if arguments.runs else list(cases)
    if unknown := set(wanted) - set(cases):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(cases)}")

    lines = [f"A: {sides[0].checkout}", f"B: {sides[1].checkout}", ""]
    lines += ["Largest figures that pass: " + ", ".join(f"{name} {limit:g}" for name, limit in LIMITS.items()), ""]
    lines += ["| case | " + " | ".join((*LIMITS, "ties", "distinct", "")) + " |", "| --- " * (len(LIMITS) + 4) + "|"]
    print("\n".join(lines), flush=True)
    failed = 0
    for name in wanted:
        results = [side.result(name, cases[name]) for side in sides]
        line, passed = _compare(name, results)
        failed += not passed
        print(line, flush=True)
        lines.append(line)
    end = [f"{len(wanted) - failed} of {len(wanted)} cases pass.", ""]
    chosen = [f"{name}: {cases[name]['about']}" for name in wanted if cases[name]["about"]]
    rest = ["", *chosen, *([""] if chosen else []), *end]
    print("\n".join(rest))
    _write(arguments.out / "same_numbers.md", "\n".join([*lines, *rest]))
    sys.exit(1 if failed else 0)


class _Side:
    """One of the two checkouts, the folder of its results, and what its environment has beside the usual."""

    def __init__(self, checkout: Path, folder: Path, environment: dict[str, str]):
        self.checkout = checkout
        self.folder = folder
        self.environment = environment
        folder.mkdir(parents=True, exist_ok=True)

    def cases(self) -> dict[str, Case]:
        """All cases by name, made from this checkout's phrasebook and its tests' table."""
        path = self.folder / "cases.json"
        if error := self._run(path):
            sys.exit(f"{self.checkout}: the cases cannot be made: {error}")
        return json.loads(path.read_text(encoding="utf-8"))

    def result(self, name: str, case: Case) -> Result:
        """The case's figures, kept or new; `error` alone where it could not be run."""
        asked, found = self.folder / f"{name}.case.json", self.folder / f"{name}.json"
        text = json.dumps(case)
        if not (found.exists() and asked.exists() and asked.read_text(encoding="utf-8") == text):
            found.unlink(missing_ok=True)
            _write(asked, text)
            if error := self._run(asked, found):
                return {"error": f"{self.checkout}: {error}"}
        with np.load(found.with_suffix(".npz")) as arrays:
            weights = [arrays[key] for key in arrays.files]
        return {**json.loads(found.read_text(encoding="utf-8")), "weights": weights}

    def _run(self, *paths: Path) -> str:
        """A worker on this checkout; returns what went wrong, empty where nothing did."""
        environment = os.environ | self.environment
        environment |= {
            "PYTHONPATH": os.pathsep.join(str(self.checkout / name) for name in ("src", "tests")),
            "JAX_COMPILATION_CACHE_DIR": str((self.folder / "programs").resolve()),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        command = [sys.executable, "-P", str(Path(__file__).resolve()), "--worker", *map(str, paths)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True)
        if not ended.returncode:
            return ""
        (self.folder / "error.txt").write_text(ended.stderr, encoding="utf-8")
        return (ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"])[-1]


def _compare(name: str, results: list[Result]) -> tuple[str, bool]:
    """The case's line of the table, and whether it passes."""
    if errors := [result["error"] for result in results if "error" in result]:
        return f"| {name} | FAIL: {'; '.join(errors)} |", False
    a, b = results
    figures: dict[str, float] = {
        "updates": _furthest(a["updates"], b["updates"]),
        "weights": _furthest_weights(a["weights"], b["weights"]),
        "training": _furthest(a["training"], b["training"]),
        "validation": _furthest(a["validation"], b["validation"]),
        "other": 0,
        "scores": 0.0,
    }
    ties = 0
    for search, found in a["searches"].items():
        for (text, score), (other, other_score) in zip(found, b["searches"][search], strict=True):
            apart = 0.0 if score == other_score else abs(score - other_score)
            if text == other:
                figures["scores"] = max(figures["scores"], apart / max(1.0, abs(score)) if apart < math.inf else apart)
            elif apart < TIE:
                ties += 1
            else:
                figures["other"] += 1
    passed = all(figures[figure] <= limit for figure, limit in LIMITS.items())  # a NaN does not
    distinct = len({text for found in a["searches"].values() for text, _ in found})
    shown = [f"{value:.1e}" if isinstance(value, float) else str(value) for value in figures.values()]
    return f"| {' | '.join([name, *shown, str(ties), str(distinct), 'PASS' if passed else 'FAIL'])} |", passed


def _furthest(values: list[float], others: list[float]) -> float:
    """Largest relative difference; infinite where there are not as many."""
    if not values or len(values) != len(others):
        return math.inf
    differences = [abs(value - other) / max(abs(value), 1e-12) for value, other in zip(values, others, strict=True)]
    return math.nan if any(map(math.isnan, differences)) else max(differences)


def _furthest_weights(weights: list[np.ndarray], others: list[np.ndarray]) -> float:
    """Largest difference; infinite where shapes differ or stand in another order."""
    # Two networks of the same layers may list them in another order.
    weights, others = (sorted(own, key=lambda one: (one.shape, float(np.abs(one).sum()))) for own in (weights, others))
    if not weights or [array.shape for array in weights] != [array.shape for array in others]:
        return math.inf
    return float(max(np.abs(array - other).max(initial=0.0) for array, other in zip(weights, others, strict=True)))


def _digest(checkout: Path) -> str:
    """Of a checkout's source."""
    digest = hashlib.sha256()
    for path in sorted((checkout / "src").rglob("*.py")):
        digest.update(str(path.relative_to(checkout)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


# From here on, what runs on a checkout, in a process of its own.


def _work(first: Path, out: Path | None = None) -> None:
    """Writes all cases into `first`, or the result of the case in it into `out`."""
    import passerelle

    source = os.environ["PYTHONPATH"].split(os.pathsep)[0]
    if Path(source) not in Path(str(passerelle.__file__)).resolve().parents:
        sys.exit(f"{passerelle.__file__} is not in {source}")
    if out is None:
        _write(first, json.dumps(_all_cases()))
    else:
        result, weights = _run_case(json.loads(first.read_text(encoding="utf-8")))
        np.savez(out.with_suffix(".npz"), *weights)
        _write(out, json.dumps(result))


def _all_cases() -> dict[str, Case]:
    import passerelle
    from combinations import cover

    short = [pair for pair in passerelle.phrasebook() if max(map(len, pair)) <= LONGEST]
    short = random.Random(1).sample(short, len(short))
    pairs = [list(pair) for pair in short[:PAIRS]]
    known = {source for source, _ in pairs}
    texts = list(dict.fromkeys(source for source, _ in short if source not in known))[:TEXTS]
    common = {"about": "", "tagged": False, "updates": UPDATES, "epochs": EPOCHS, "batch_size": BATCH_SIZE}
    common |= {"searches": SEARCHES, "coverage": COVERAGE, "pairs": pairs, "texts": texts}
    still = {"dropout": 0.0, "recurrent_dropout": 0.0}
    cases = {name: {**common, "preset": name, "settings": {"network": still}} for name in PRESETS}
    table = cover()
    for turn, number in enumerate(_spread(table)):
        made = table[number]
        settings = {side: LEVELS[turn % len(LEVELS)] for side in ("source", "target")}
        settings["network"] = made.settings() | still | {"embedding_range": 0.5, "products": "float32"}
        if made.tags:
            settings["features"] = {"place": "apart" if made.tie == "all" or turn % 2 else "beside"}
        about = f"{made}, {settings['source']['level']}, {settings.get('features', 'no tags')}"
        cases[f"combination-{number:02}"] = {
            **common, "preset": "compact", "settings": settings, "about": about, "tagged": made.tags
        }  # fmt: skip
    return cases


def _spread(table: list[Any]) -> list[int]:
    """Which of the table's networks are cases: at equal distances, from the first that gives some of each kind."""
    for first in range(len(table)):
        numbers = sorted((first + step * len(table) // COMBINATIONS) % len(table) for step in range(COMBINATIONS))
        chosen = [table[number] for number in numbers]
        kinds = (
            any(one.tags and one.copying for one in chosen),
            any(one.tags and one.tie == "all" for one in chosen),
            any(one.tags and one.tie != "all" for one in chosen),
            any(one.copying and one.tie != "none" for one in chosen),
            any(one.attention == "monotonic" for one in chosen),
            any(one.attention == "none" for one in chosen),
            any(one.input_feeding for one in chosen),
        )
        if all(kinds):
            return numbers
    raise ValueError("the tests' table lacks a kind of network that is to be compared")


def _run_case(case: Case) -> tuple[Result, list[np.ndarray]]:
    """Losses and translations, and the weights after the first updates."""
    import passerelle

    rows = [(source, target, *_tags(source, case)) for source, target in case["pairs"]]
    usual = {"batch_size": case["batch_size"], "keep": "last", "patience": 0, "hidden": 0.0}

    def taught(some: list[Any], epochs: int, validation: float) -> Any:
        settings = _named({**case["settings"], "training": {**usual, "epochs": epochs}})
        return passerelle.train(some, preset=case["preset"], settings=settings, validation=validation)

    first = taught(rows[: case["batch_size"]], case["updates"], 0)
    weights = first.network.get_weights()
    translator = taught(rows, case["epochs"], 0.1)
    tags = {"features": [tag for text in case["texts"] for tag in _tags(text, case)]} if case["tagged"] else {}
    searches = {}
    for name, options in case["searches"].items():
        asked = {**options, **tags}
        if options.get("beam", 1) > 1 and translator.settings.network.attention != "none":
            asked["coverage"] = case["coverage"]
        results = translator.search(case["texts"], **_named({"search": asked})["search"])
        searches[name] = [(result.text, result.score) for result in results]
    epochs = translator.record["epochs"]
    result = {
        "updates": [epoch["loss"] for epoch in first.record["epochs"]],
        "training": [epoch["loss"] for epoch in epochs],
        "validation": [epoch["validation_loss"] for epoch in epochs],
        "searches": searches,
    }
    return result, weights


def _tags(source: str, case: Case) -> list[str]:
    """The tags of a source as a list of one text, empty where the case has none."""
    if not case["tagged"]:
        return []
    kind = {"?": "question", "!": "exclamation"}.get(source[-1], "statement")
    return [f"{kind};{'long' if len(source) > LONGEST - 6 else 'short'}"]


def _named(settings: dict[str, Any]) -> dict[str, Any]:
    """Nested settings by the names that this process's checkout knows."""
    newer = importlib.util.find_spec(NEWER) is not None
    table = RENAMED if newer else {new: old for old, new in RENAMED.items()}
    renamed: dict[str, Any] = {}
    for name, value in _flat(settings):
        known = table.get(f"{name}={value}") if isinstance(value, str) else None
        name, value = known.split("=") if known else (table.get(name, name), value)
        *path, last = name.split(".")
        section = renamed
        for step in path:
            section = section.setdefault(step, {})
        section[last] = value
    return renamed


def _flat(settings: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Every value with its dotted name."""
    found = []
    for name, value in settings.items():
        found += _flat(value, f"{before}{name}.") if isinstance(value, dict) and value else [(before + name, value)]
    return found


if __name__ == "__main__":
    main()
