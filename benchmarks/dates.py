"""Normalize written dates to ISO format ("2026-03-05"), with and without the constraint `pattern`.

2,000 generated pairs for training, 500 for development, 500 for testing; no date occurs in two parts. The default
preset is trained for the number of epochs with the best result on the development pairs, and for one and five epochs,
where a pattern has more to correct. Models and scores are stored in `--out`; remove it to start over.
"""

import argparse
import datetime
import itertools
import json
import random
import re
import statistics
import time
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.writing import write_atomically

HERE = Path(__file__).parent
SIZES = {"train": 2000, "dev": 500, "test": 500}
FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
"""Range of the dates: a hundred years, so that a two-digit year is unambiguous."""

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FORMS = (
    "{month} {ordinal}, {year}", "{month} {day}, {year}", "{mon} {day}, {year}", "{mon} {ordinal} {year}",
    "{day} {month} {year}", "{day} {mon} {year}", "{day} {mon} '{yy}", "{ordinal} {month} {year}", "{day}-{mon}-{year}",
    "the {ordinal} of {month} {year}", "the {ordinal} of {month}, {year}",
    "{weekday}, {month} {ordinal}, {year}", "{weekday}, {day} {month} {year}", "{wday} {day} {mon} {year}",
    "{wday}, {mon} {day}, {year}", "{weekday} the {ordinal} of {month} {year}",
    "{day}.{number}.{year}", "{day:02}.{number:02}.{year}", "{number:02}/{day:02}/{year}", "{number}/{day}/{year}",
    "{year}/{number:02}/{day:02}", "{year} {mon} {day}",
)  # fmt: skip
"""Date formats. No text is ambiguous: with full stops the day comes first, with slashes the month or the year."""

PATTERNS = {
    "free": None,
    "digits": r"\d{4}-\d{2}-\d{2}",
    "months and days": r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
}
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SHORT_TRAININGS = (1, 5)
"""Numbers of epochs after which the model still makes many mistakes."""


def main() -> None:
    """Train the missing models, then print the tables and write them to `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--epochs", type=int, nargs="+", default=(5, 10, 15, 20), help="candidates; the dev pairs choose one"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "dates")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    pairs = generate_pairs()
    candidates = {epochs: _scores(arguments, pairs, epochs, 1) for epochs in arguments.epochs}
    best = max(candidates, key=lambda epochs: candidates[epochs]["dev"]["free"]["exact"])
    seeds = range(1, arguments.seeds + 1)
    rows = {
        epochs: [_scores(arguments, pairs, epochs, seed) for seed in seeds]
        for epochs in sorted({*SHORT_TRAININGS, best})
    }
    results = ", ".join(f"{epochs}: {scores['dev']['free']['exact']:.1f}" for epochs, scores in candidates.items())
    table = f"Exact match on dev by epochs, seed 1, %: {results}\n\n{_table(rows)}"
    print(table)
    write_atomically(arguments.out / "dates.md", lambda stream: stream.write(table.encode()))


def generate_pairs(seed: int = 1) -> dict[str, list[tuple[str, str]]]:
    """Generate pairs by part; each date occurs only once."""
    rng = random.Random(seed)
    days = rng.sample(range((LAST - FIRST).days + 1), sum(SIZES.values()))
    dates = [FIRST + datetime.timedelta(day) for day in days]
    pairs = iter([(format_date(date, rng.choice(FORMS)), date.isoformat()) for date in dates])
    return {part: list(itertools.islice(pairs, size)) for part, size in SIZES.items()}


def format_date(date: datetime.date, form: str) -> str:
    """Format a date as in one of `FORMS`."""
    month, weekday = MONTHS[date.month - 1], DAYS[date.weekday()]
    return form.format(
        year=date.year, yy=f"{date.year % 100:02}", number=date.month, month=month, mon=month[:3],
        day=date.day, ordinal=f"{date.day}{ordinal_suffix(date.day)}", weekday=weekday, wday=weekday[:3],
    )  # fmt: skip


def ordinal_suffix(day: int) -> str:
    """Return the suffix of an ordinal number: 1st, 2nd, 3rd, 4th, 11th."""
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def percentages(answers: list[str], targets: list[str]) -> dict[str, float]:
    """Return the percentages of answers: `valid` (in ISO format), `real` (existing dates), `exact` (correct)."""
    count = len(answers)
    return {
        "valid": 100 * sum(ISO_DATE.fullmatch(answer) is not None for answer in answers) / count,
        "real": 100 * sum(_exists(answer) for answer in answers) / count,
        "exact": 100 * sum(answer == target for answer, target in zip(answers, targets, strict=True)) / count,
    }


def _exists(text: str) -> bool:
    try:
        return ISO_DATE.fullmatch(text) is not None and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def _scores(arguments: argparse.Namespace, pairs: dict[str, Any], epochs: int, seed: int) -> dict[str, Any]:
    """Return the scores by part and pattern of a model; train it if they do not exist."""
    path = arguments.out / f"{epochs}-{seed}.json"
    if not path.exists():
        print(f"{path}: training", flush=True)
        started = time.perf_counter()
        translator = passerelle.train(pairs["train"], validation=pairs["dev"], epochs=epochs, seed=seed)
        scores: dict[str, Any] = {"seconds": time.perf_counter() - started}
        translator.save(path.with_suffix(".keras"))
        for part in ("dev", "test"):
            sources, targets = map(list, zip(*pairs[part], strict=True))
            scores[part] = {
                name: percentages(translator.translate(sources, pattern=pattern), targets)
                for name, pattern in PATTERNS.items()
            }
        text = json.dumps(scores, indent=1)
        write_atomically(path, lambda stream: stream.write(text.encode()))
    return json.loads(path.read_text(encoding="utf-8"))


def _table(rows: dict[int, list[dict[str, Any]]]) -> str:
    def spread(values: list[float]) -> str:
        mean = f"{statistics.mean(values):.1f}"
        return mean if min(values) == max(values) else f"{mean} ({min(values):.1f} to {max(values):.1f})"

    lines = [
        "| epochs | pattern | ISO format, % | existing dates, % | exact match, % | seconds per model |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for epochs, seeds in rows.items():
        seconds = statistics.median(scores["seconds"] for scores in seeds)
        for name, pattern in PATTERNS.items():
            columns = [spread([scores["test"][name][key] for scores in seeds]) for key in ("valid", "real", "exact")]
            # An unescaped | would end the cell.
            cell = "none" if pattern is None else f"`{pattern}`".replace("|", "\\|")
            lines.append(f"| {epochs} | {cell} | {' | '.join(columns)} | {seconds:.0f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
