"""Dates as people write them -> "2026-03-05", with and without a pattern that every answer must match.

2,000 made pairs to train on, 500 to choose on, 500 to report on; no date is in two parts. The default preset learns
for so many epochs as served best on the dev dates, and for one and five, so that a pattern has something to do. Models
and their scores are kept in `--out`: remove it to begin anew.
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
from passerelle.data.files import write_atomically

HERE = Path(__file__).parent
SIZES = {"train": 2000, "dev": 500, "test": 500}
FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)
"""A hundred years, so that two digits of a year name one."""

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
"""With full stops the day comes first, with slashes the month, or the year: no text means two dates."""

WAYS = {
    "free": None,
    "digits": r"\d{4}-\d{2}-\d{2}",
    "months and days": r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
}
SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SHORT = (1, 5)
"""Epochs after which much is still to be learned."""


def main() -> None:
    """Trains what is not there yet, then prints the tables and writes them into `--out`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, nargs="+", default=(5, 10, 15, 20), help="to choose among on dev")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "dates")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    pairs = made_pairs()
    tried = {epochs: _scores(arguments, pairs, epochs, 1) for epochs in arguments.epochs}
    chosen = max(tried, key=lambda epochs: tried[epochs]["dev"]["free"]["exact"])
    seeds = range(1, arguments.seeds + 1)
    rows = {epochs: [_scores(arguments, pairs, epochs, seed) for seed in seeds] for epochs in sorted({*SHORT, chosen})}
    choice = ", ".join(f"{epochs}: {scores['dev']['free']['exact']:.1f}" for epochs, scores in tried.items())
    table = f"Exact match on dev by epochs, seed 1, %: {choice}\n\n{_table(rows)}"
    print(table)
    write_atomically(arguments.out / "dates.md", lambda stream: stream.write(table.encode()))


def made_pairs(seed: int = 1) -> dict[str, list[tuple[str, str]]]:
    """Pairs by part; each date is in one pair alone."""
    draw = random.Random(seed)
    days = draw.sample(range((LAST - FIRST).days + 1), sum(SIZES.values()))
    dates = [FIRST + datetime.timedelta(day) for day in days]
    made = iter([(written(date, draw.choice(FORMS)), date.isoformat()) for date in dates])
    return {part: list(itertools.islice(made, size)) for part, size in SIZES.items()}


def written(date: datetime.date, form: str) -> str:
    """A date in one of `FORMS`."""
    month, weekday = MONTHS[date.month - 1], DAYS[date.weekday()]
    return form.format(
        year=date.year, yy=f"{date.year % 100:02}", number=date.month, month=month, mon=month[:3],
        day=date.day, ordinal=f"{date.day}{ending(date.day)}", weekday=weekday, wday=weekday[:3],
    )  # fmt: skip


def ending(day: int) -> str:
    """Of an ordinal number: 1st, 2nd, 3rd, 4th, 11th."""
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def shares(answers: list[str], targets: list[str]) -> dict[str, float]:
    """Percent: `valid`, four digits, two and two; `real`, such a day exists; `exact`, it is the right one."""
    count = len(answers)
    return {
        "valid": 100 * sum(SHAPE.fullmatch(answer) is not None for answer in answers) / count,
        "real": 100 * sum(_exists(answer) for answer in answers) / count,
        "exact": 100 * sum(answer == target for answer, target in zip(answers, targets, strict=True)) / count,
    }


def _exists(text: str) -> bool:
    try:
        return SHAPE.fullmatch(text) is not None and bool(datetime.date.fromisoformat(text))
    except ValueError:
        return False


def _scores(arguments: argparse.Namespace, pairs: dict[str, Any], epochs: int, seed: int) -> dict[str, Any]:
    """By part and way, from a model of so many epochs."""
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
                name: shares(translator.translate(sources, pattern=pattern), targets) for name, pattern in WAYS.items()
            }
        text = json.dumps(scores, indent=1)
        write_atomically(path, lambda stream: stream.write(text.encode()))
    return json.loads(path.read_text(encoding="utf-8"))


def _table(rows: dict[int, list[dict[str, Any]]]) -> str:
    def spread(values: list[float]) -> str:
        mean = f"{statistics.mean(values):.1f}"
        return mean if min(values) == max(values) else f"{mean} ({min(values):.1f} to {max(values):.1f})"

    lines = [
        "| epochs | pattern | valid, % | days that exist, % | exact match, % | seconds a model |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for epochs, seeds in rows.items():
        seconds = statistics.median(scores["seconds"] for scores in seeds)
        for name, pattern in WAYS.items():
            columns = [spread([scores["test"][name][key] for scores in seeds]) for key in ("valid", "real", "exact")]
            # A bar would end the cell.
            shown = "none" if pattern is None else f"`{pattern}`".replace("|", "\\|")
            lines.append(f"| {epochs} | {shown} | {' | '.join(columns)} | {seconds:.0f} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
