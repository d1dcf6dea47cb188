"""Check whether two checkouts of this project compute the same losses, trained weights and translations.

    python benchmarks/same_numbers.py CHECKOUT_A CHECKOUT_B [--runs compact,deep] [--quick] [--out FOLDER]

A case is a preset or one of ten networks of the tests (CHECKOUT_A's `tests/combinations.py`). Each case runs in a
separate process with this interpreter, once on each checkout's `src`, on the same pairs of the built-in phrasebook and
with the same settings. There is no dropout and no copy masking, and the initial weights have the same seed. If the
checkouts have different names for a setting, `RENAMED` contains both. The results of a case:

updates     first 20 updates, all on one batch: largest relative difference of a loss.
weights     weights after these updates: largest difference of a value.
training    two epochs on 600 pairs, of which a tenth of the sources is held out: largest relative difference of a loss.
validation  the same for the loss on the held-out pairs.
other       50 texts translated after the two epochs, by greedy search, beam search, sampling, and with the constraints
            prefix and pattern: number of translations that differ.
ties        number of further translations that differ, but whose scores differ by less than 0.0001.
scores      largest difference between the scores of equal translations; relative if the score is below -1.
distinct    number of distinct translations, to detect a model that gives the same answer to all texts.

A case passes if each result is within its limit; the limits are printed above the table. The exit status is 1 if a case
fails. Results are stored in `--out` and reused as long as the source of the checkout and the case are unchanged, so an
interrupted run continues. A case takes 20 to 60 seconds per checkout on two idle cores, mostly for compilation. It
takes less with `--quick`, which disables most optimizations of the compiler, as the tests do.
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
"""Renamed settings and arguments of `Translator.search`: old name -> new name; with `=`, a renamed value. This script
uses the old names."""

NEW_MODULE = "passerelle.settings"
"""A module that exists only in checkouts with the new names."""

QUICK = {
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "XLA_FLAGS": "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
}
"""Environment variables for `--quick`, the same as in `tests/conftest.py`."""

LIMITS = {"updates": 1e-6, "weights": 1e-5, "training": 1e-3, "validation": 1e-3, "other": 0, "scores": 1e-2}
"""Largest results with which a case passes."""

TIE = 1e-4
"""Difference of scores below which two translations of a text are equally good."""

PRESETS = ("tutorial", "compact", "attention", "pointer", "monotonic", "repeat", "deep")
COMBINATIONS = 10
UPDATES, EPOCHS, BATCH_SIZE = 20, 2, 32
PAIRS, TEXTS, MAX_CHARACTERS = 600, 50, 24
"""Number of training pairs, number of texts to translate, and maximum number of characters of each text."""

LEVELS: tuple[dict[str, Any], ...] = (
    {"level": "character"},
    {"level": "word", "min_count": 2},
    {"level": "symbol", "separator": " "},
)
"""Tokenizer settings of the networks from the tests, in rotation; presets use characters."""

SEARCHES: dict[str, dict[str, Any]] = {
    "greedy": {},
    "beam": {"beam": 5, "length_power": 0.8},
    "sampled": {"sample": True, "seed": 7, "top_k": 20, "temperature": 0.9, "no_repeat": 3},
    "prefix": {"prefix": "Il"},
    "pattern": {"pattern": "(Je|Il|Elle) .{3,30}[.]"},
}
COVERAGE = 0.2
"""Coverage penalty of beam search if the network has attention."""

Case = dict[str, Any]
Result = dict[str, Any]


def main() -> None:
    """Run the missing cases, print the table and write it to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="*", type=Path, metavar="CHECKOUT", help="two folders that contain src/")
    parser.add_argument("--runs", help="names of cases, separated by commas; default: all")
    parser.add_argument("--quick", action="store_true", help="compile with few optimizations")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "same_numbers")
    parser.add_argument("--worker", nargs="+", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        _work(*arguments.worker)
        return
    if len(arguments.checkouts) != 2:
        parser.error(f"expected two checkouts, received: {len(arguments.checkouts)}")
    for checkout in arguments.checkouts:
        if not (checkout / "src" / "passerelle").is_dir():
            parser.error(f"{checkout} does not contain src/passerelle")
    suffix = "-quick" if arguments.quick else ""
    sides = [
        _Side(checkout.resolve(), arguments.out / f"{name}-{_digest(checkout)}{suffix}", QUICK if suffix else {})
        for name, checkout in zip("ab", arguments.checkouts, strict=True)
    ]
    cases = sides[0].cases()
    selected = arguments.runs.split(",") if arguments.runs else list(cases)
    if unknown := set(selected) - set(cases):
        parser.error(f"unknown case: {', '.join(sorted(unknown))}; choose from: {', '.join(cases)}")

    lines = [f"A: {sides[0].checkout}", f"B: {sides[1].checkout}", ""]
    lines += ["Limits: " + ", ".join(f"{name} {limit:g}" for name, limit in LIMITS.items()), ""]
    lines += ["| case | " + " | ".join((*LIMITS, "ties", "distinct", "")) + " |", "| --- " * (len(LIMITS) + 4) + "|"]
    print("\n".join(lines), flush=True)
    failed = 0
    for name in selected:
        results = [side.result(name, cases[name]) for side in sides]
        line, passed = _compare(name, results)
        failed += not passed
        print(line, flush=True)
        lines.append(line)
    summary = [f"{len(selected) - failed} of {len(selected)} cases pass.", ""]
    descriptions = [f"{name}: {cases[name]['about']}" for name in selected if cases[name]["about"]]
    rest = ["", *descriptions, *([""] if descriptions else []), *summary]
    print("\n".join(rest))
    _write(arguments.out / "same_numbers.md", "\n".join([*lines, *rest]))
    sys.exit(1 if failed else 0)


class _Side:
    """One of the two checkouts, the folder of its results, and additional environment variables."""

    def __init__(self, checkout: Path, folder: Path, environment: dict[str, str]):
        self.checkout = checkout
        self.folder = folder
        self.environment = environment
        folder.mkdir(parents=True, exist_ok=True)

    def cases(self) -> dict[str, Case]:
        """Return all cases by name, from the phrasebook and the test networks of this checkout."""
        path = self.folder / "cases.json"
        if error := self._run(path):
            sys.exit(f"{self.checkout}: cannot create the cases: {error}")
        return json.loads(path.read_text(encoding="utf-8"))

    def result(self, name: str, case: Case) -> Result:
        """Return the stored or new result of a case; only `error` if it failed."""
        case_file, result_file = self.folder / f"{name}.case.json", self.folder / f"{name}.json"
        text = json.dumps(case)
        if not (result_file.exists() and case_file.exists() and case_file.read_text(encoding="utf-8") == text):
            result_file.unlink(missing_ok=True)
            _write(case_file, text)
            if error := self._run(case_file, result_file):
                return {"error": f"{self.checkout}: {error}"}
        with np.load(result_file.with_suffix(".npz")) as arrays:
            weights = [arrays[key] for key in arrays.files]
        return {**json.loads(result_file.read_text(encoding="utf-8")), "weights": weights}

    def _run(self, *paths: Path) -> str:
        """Run a worker process on this checkout; return the last line of its errors, empty if it succeeded."""
        environment = os.environ | self.environment
        environment |= {
            "PYTHONPATH": os.pathsep.join(str(self.checkout / name) for name in ("src", "tests")),
            "JAX_COMPILATION_CACHE_DIR": str((self.folder / "programs").resolve()),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        command = [sys.executable, "-P", str(Path(__file__).resolve()), "--worker", *map(str, paths)]
        process = subprocess.run(command, env=environment, capture_output=True, text=True)
        if not process.returncode:
            return ""
        (self.folder / "error.txt").write_text(process.stderr, encoding="utf-8")
        return (process.stderr.strip().splitlines() or [f"exit status {process.returncode}"])[-1]


def _compare(name: str, results: list[Result]) -> tuple[str, bool]:
    """Return the line of the table for a case, and whether the case passes."""
    if errors := [result["error"] for result in results if "error" in result]:
        return f"| {name} | FAIL: {'; '.join(errors)} |", False
    a, b = results
    figures: dict[str, float] = {
        "updates": _largest_difference(a["updates"], b["updates"]),
        "weights": _largest_weight_difference(a["weights"], b["weights"]),
        "training": _largest_difference(a["training"], b["training"]),
        "validation": _largest_difference(a["validation"], b["validation"]),
        "other": 0,
        "scores": 0.0,
    }
    ties = 0
    for search, translations in a["searches"].items():
        for (text, score), (other, other_score) in zip(translations, b["searches"][search], strict=True):
            difference = 0.0 if score == other_score else abs(score - other_score)
            if text == other:
                relative = difference / max(1.0, abs(score)) if difference < math.inf else difference
                figures["scores"] = max(figures["scores"], relative)
            elif difference < TIE:
                ties += 1
            else:
                figures["other"] += 1
    passed = all(figures[figure] <= limit for figure, limit in LIMITS.items())  # False for NaN
    distinct = len({text for translations in a["searches"].values() for text, _ in translations})
    cells = [f"{value:.1e}" if isinstance(value, float) else str(value) for value in figures.values()]
    return f"| {' | '.join([name, *cells, str(ties), str(distinct), 'PASS' if passed else 'FAIL'])} |", passed


def _largest_difference(values: list[float], others: list[float]) -> float:
    """Return the largest relative difference; infinity if the numbers of values differ."""
    if not values or len(values) != len(others):
        return math.inf
    differences = [abs(value - other) / max(abs(value), 1e-12) for value, other in zip(values, others, strict=True)]
    return math.nan if any(map(math.isnan, differences)) else max(differences)


def _largest_weight_difference(weights: list[np.ndarray], others: list[np.ndarray]) -> float:
    """Return the largest difference of a value; infinity if the shapes differ."""
    # Two networks with the same layers may list them in a different order.
    weights, others = (
        sorted(arrays, key=lambda array: (array.shape, float(np.abs(array).sum()))) for arrays in (weights, others)
    )
    if not weights or [array.shape for array in weights] != [array.shape for array in others]:
        return math.inf
    return float(max(np.abs(array - other).max(initial=0.0) for array, other in zip(weights, others, strict=True)))


def _digest(checkout: Path) -> str:
    """Return a digest of a checkout's source."""
    digest = hashlib.sha256()
    for path in sorted((checkout / "src").rglob("*.py")):
        digest.update(str(path.relative_to(checkout)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _write(path: Path, text: str) -> None:
    """Write a file atomically."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


# The following functions run in a separate process, on the source of one checkout.


def _work(first: Path, out: Path | None = None) -> None:
    """Without `out`, write all cases to `first`; with it, run the case in `first` and write its result to `out`."""
    import passerelle

    source = os.environ["PYTHONPATH"].split(os.pathsep)[0]
    if Path(source) not in Path(str(passerelle.__file__)).resolve().parents:
        sys.exit(f"passerelle was imported from {passerelle.__file__}, not from {source}")
    if out is None:
        _write(first, json.dumps(_all_cases()))
    else:
        result, weights = _run_case(json.loads(first.read_text(encoding="utf-8")))
        np.savez(out.with_suffix(".npz"), *weights)
        _write(out, json.dumps(result))


def _all_cases() -> dict[str, Case]:
    import passerelle
    from combinations import cover

    short = [pair for pair in passerelle.phrasebook() if max(map(len, pair)) <= MAX_CHARACTERS]
    short = random.Random(1).sample(short, len(short))
    pairs = [list(pair) for pair in short[:PAIRS]]
    known = {source for source, _ in pairs}
    texts = list(dict.fromkeys(source for source, _ in short if source not in known))[:TEXTS]
    common = {"about": "", "tagged": False, "updates": UPDATES, "epochs": EPOCHS, "batch_size": BATCH_SIZE}
    common |= {"searches": SEARCHES, "coverage": COVERAGE, "pairs": pairs, "texts": texts}
    no_dropout = {"dropout": 0.0, "recurrent_dropout": 0.0}
    cases = {name: {**common, "preset": name, "settings": {"network": no_dropout}} for name in PRESETS}
    combinations = cover()
    for index, number in enumerate(_select(combinations)):
        combination = combinations[number]
        settings = {side: LEVELS[index % len(LEVELS)] for side in ("source", "target")}
        settings["network"] = combination.settings() | no_dropout | {"embedding_range": 0.5, "products": "float32"}
        if combination.tags:
            settings["features"] = {"place": "apart" if combination.tie == "all" or index % 2 else "beside"}
        about = f"{combination}, {settings['source']['level']}, {settings.get('features', 'no tags')}"
        cases[f"combination-{number:02}"] = {
            **common, "preset": "compact", "settings": settings, "about": about, "tagged": combination.tags
        }  # fmt: skip
    return cases


def _select(combinations: list[Any]) -> list[int]:
    """Select the combinations that are cases: equally spaced, from the first offset that includes all kinds."""
    count = len(combinations)
    for first in range(count):
        numbers = sorted((first + step * count // COMBINATIONS) % count for step in range(COMBINATIONS))
        selected = [combinations[number] for number in numbers]
        kinds = (
            any(one.tags and one.copying for one in selected),
            any(one.tags and one.tie == "all" for one in selected),
            any(one.tags and one.tie != "all" for one in selected),
            any(one.copying and one.tie != "none" for one in selected),
            any(one.attention == "monotonic" for one in selected),
            any(one.attention == "none" for one in selected),
            any(one.input_feeding for one in selected),
        )
        if all(kinds):
            return numbers
    raise ValueError("no selection from tests/combinations.py contains all kinds of networks to compare")


def _run_case(case: Case) -> tuple[Result, list[np.ndarray]]:
    """Return losses and translations, and the weights after the first updates."""
    import passerelle

    rows = [(source, target, *_tags(source, case)) for source, target in case["pairs"]]
    training = {"batch_size": case["batch_size"], "keep": "last", "patience": 0, "hidden": 0.0}

    def train(pairs: list[Any], epochs: int, validation: float) -> Any:
        settings = _renamed({**case["settings"], "training": {**training, "epochs": epochs}})
        return passerelle.train(pairs, preset=case["preset"], settings=settings, validation=validation)

    first = train(rows[: case["batch_size"]], case["updates"], 0)
    weights = first.network.get_weights()
    translator = train(rows, case["epochs"], 0.1)
    tags = {"features": [tag for text in case["texts"] for tag in _tags(text, case)]} if case["tagged"] else {}
    searches = {}
    for name, options in case["searches"].items():
        search_options = {**options, **tags}
        if options.get("beam", 1) > 1 and translator.settings.network.attention != "none":
            search_options["coverage"] = case["coverage"]
        results = translator.search(case["texts"], **_renamed({"search": search_options})["search"])
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
    """Return the tags of a source as a list of one text; an empty list if the case has no tags."""
    if not case["tagged"]:
        return []
    kind = {"?": "question", "!": "exclamation"}.get(source[-1], "statement")
    return [f"{kind};{'long' if len(source) > MAX_CHARACTERS - 6 else 'short'}"]


def _renamed(settings: dict[str, Any]) -> dict[str, Any]:
    """Return nested settings with the names of this process's checkout."""
    is_new = importlib.util.find_spec(NEW_MODULE) is not None
    table = RENAMED if is_new else {new: old for old, new in RENAMED.items()}
    renamed: dict[str, Any] = {}
    for name, value in _flat(settings):
        renamed_value = table.get(f"{name}={value}") if isinstance(value, str) else None
        name, value = renamed_value.split("=") if renamed_value else (table.get(name, name), value)
        *path, last = name.split(".")
        section = renamed
        for step in path:
            section = section.setdefault(step, {})
        section[last] = value
    return renamed


def _flat(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return all values with their dotted names."""
    flat = []
    for name, value in settings.items():
        flat += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) and value else [(prefix + name, value)]
    return flat


if __name__ == "__main__":
    main()
