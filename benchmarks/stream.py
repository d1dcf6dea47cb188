"""Many lines through `passerelle translate`: peak memory, speed, and a run that is killed half-way and goes on.

    python benchmarks/stream.py MODEL --lines 10000 1000000

Lines are English sentences of the phrasebook in a shuffled order, or those of a file, over and over. For each number
of lines the command runs once; with the largest it runs again, is killed (SIGKILL) at half of the output, goes on
with --resume, and both outputs are compared byte for byte. What is in --folder already is not done again.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import passerelle
from passerelle.data.files import read_lines, write_atomically

COMMAND = [sys.executable, "-c", "from passerelle.cli import main; main()"]


def main() -> None:
    """Runs what is missing, and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--texts", help="a file of lines; by default the phrasebook's sources")
    parser.add_argument("--folder", type=Path, default=Path("stream"))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    print("| lines | seconds | lines a second | peak memory, MB |")
    print("| ---: | ---: | ---: | ---: |")
    for count in sorted(set(arguments.lines)):
        source = _made(arguments.folder, count, arguments.texts)
        found = _measured(arguments.model, source, arguments.folder / f"{count}.out")
        rate = count / found["seconds"]
        print(f"| {count:,} | {found['seconds']:.1f} | {rate:,.0f} | {found['peak'] / 1e6:.0f} |", flush=True)
    same = _killed(arguments.model, source, arguments.folder / f"{count}.out", arguments.folder / f"{count}.killed.out")
    print(f"\nKilled half-way and resumed: {'the same bytes' if same else 'OTHER BYTES'}.")
    raise SystemExit(not same)


def _made(folder: Path, count: int, texts: str | None) -> Path:
    path = folder / f"{count}.txt"
    if not path.exists():
        lines = list(read_lines(texts)) if texts else [source for source, _ in passerelle.phrasebook()]
        random.Random(1).shuffle(lines)
        content = "".join(f"{line}\n" for line in islice(cycle(lines), count)).encode()
        write_atomically(path, lambda stream: stream.write(content))
    return path


def _translate(model: str, source: Path, out: Path, *options: str) -> Any:
    arguments = ["translate", model, "--in", str(source), "--out", str(out), *options]
    return subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.DEVNULL)


def _measured(model: str, source: Path, out: Path) -> dict[str, float]:
    record = out.with_suffix(".json")
    if record.exists():
        return json.loads(record.read_text(encoding="utf-8"))
    out.unlink(missing_ok=True)
    started = time.perf_counter()
    process = _translate(model, source, out)
    _, status, usage = os.wait4(process.pid, 0)  # of this child alone
    if status:
        raise SystemExit(f"translating {source} ended with status {os.waitstatus_to_exitcode(status)}")
    unit = 1 if sys.platform == "darwin" else 1024
    found = {"seconds": time.perf_counter() - started, "peak": usage.ru_maxrss * unit}
    write_atomically(record, lambda stream: stream.write(json.dumps(found).encode()))
    return found


def _killed(model: str, source: Path, whole: Path, out: Path) -> bool:
    """Whether a run that was killed half-way and resumed wrote the same as one that was left alone."""
    out.unlink(missing_ok=True)
    process = _translate(model, source, out)
    while process.poll() is None and not (out.exists() and 2 * out.stat().st_size >= whole.stat().st_size):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise SystemExit("the run ended before it could be killed: give more lines")
    lines = out.read_bytes().count(b"\n")
    print(f"\nKilled with {lines:,} lines written.", flush=True)
    if _translate(model, source, out, "--resume").wait():
        raise SystemExit("the resumed run failed")
    return out.read_bytes() == whole.read_bytes()


if __name__ == "__main__":
    main()
